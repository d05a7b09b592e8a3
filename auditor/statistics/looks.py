"""How much error each look at growing data may spend, whatever the number of looks. It counts no looks itself."""

from __future__ import annotations

from auditor.statistics.intervals import require_confidence


def error_spent(confidence: float, look: int) -> float:
    """The chance of a wrong fail (or of a wrong pass) in any of the first looks, at most.

    The spending function is (1 − confidence) · (1 − 2^−look): the first look spends one tail of its two-sided interval,
    each further one half of what the one before it spent, and any number of them less than 1 − confidence. It needs no
    planned number of looks and no knowledge of how they depend on each other, since the looks' errors are added up.

    Args:
        confidence: of the first look's two-sided intervals, in (0, 1); look: from 1.

    Raises:
        ValueError: confidence is not in (0, 1), or look is below 1.

    Source: Lan and DeMets 1983, doi:10.1093/biomet/70.3.659 (spending functions); added up by Bonferroni.
    """
    require_confidence(confidence)
    if look < 1:
        raise ValueError(f"looks are counted from 1, got {look}")
    return (1 - confidence) * (1 - 0.5**look)


def confidence_at_look(confidence: float, look: int) -> float:
    """Confidence of a look's two-sided intervals, each tail of which is what this look spends.

    Args, Raises:
        As `error_spent`.

    Returns:
        1 − (1 − confidence) / 2^(look − 1), which is `confidence` at the first look.
    """
    if look == 1:
        require_confidence(confidence)
        return confidence
    return 1 - 2 * (error_spent(confidence, look) - error_spent(confidence, look - 1))
