"""How much error a run may spend, on what, and at which look at its pictures. Stops at the levels."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.statistics.intervals import require_confidence

FIRST_LOOK = 0.9
"""Of the error of all looks, what the first spends; a run that settles nothing may be looked at again with the rest."""

FRAGILITY_SHARE = 0.05
"""Of the error of a false fail, what fragility may spend; the findings have the rest."""


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Chances to err that one look may spend.

    Attributes:
        alpha: 1 − confidence, of a false fail over all looks, and of a false pass likewise.
        fail: of failing a finding that is within the limit, over all findings of this look.
        fragility: of failing the limit of fragility, at this look.
        passing: of passing what is at or above its limit, at this look.
    """

    alpha: float
    fail: float
    fragility: float
    passing: float


def error_budget(confidence: float, look: int = 1) -> ErrorBudget:
    """What the given look at the confirmation pictures may spend, whatever the looks before it brought.

    Args:
        confidence: of a run's fail, and of its pass, over all its looks; in (0, 1).
        look: 1 for a run's first verdict, 2 after its first `--more`, and so on.

    Raises:
        ValueError: confidence is not in (0, 1), or look is below 1.
    """
    require_confidence(confidence)
    alpha = 1 - confidence
    now = spending(alpha, look)
    return ErrorBudget(alpha, (1 - FRAGILITY_SHARE) * now, FRAGILITY_SHARE * now, now)


def spending(alpha: float, look: int) -> float:
    """Part of α that one look may spend: nine tenths at the first, the rest falling as 1 / (look·(look − 1)).

    All looks together spend α, however many there are and whether they share pictures, so a look may count old
    pictures with the new ones, or the new ones alone.

    Source: the spending of an error over looks by Lan and DeMets 1983, doi:10.1093/biomet/70.3.659; without a number of
    looks settled before, as a sum that any dependence keeps, Tian and Ramdas 2021, doi:10.1177/0962280220983381.
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1, got {look}")
    return FIRST_LOOK * alpha if look == 1 else (1 - FIRST_LOOK) * alpha / (look * (look - 1))


def error_spent(confidence: float, look: int) -> float:
    """The chance of a wrong fail (or of a wrong pass) in any of the looks up to this one, at most.

    Args, Raises:
        As `error_budget`.
    """
    require_confidence(confidence)
    alpha = 1 - confidence
    return spending(alpha, look) + sum(spending(alpha, one) for one in range(1, look))


def confidence_at_look(confidence: float, look: int) -> float:
    """The confidence of a first look that spends what the given look may: `confidence` itself for the first.

    Args, Raises:
        As `error_budget`.
    """
    require_confidence(confidence)
    return confidence if look == 1 else 1 - spending(1 - confidence, look) / FIRST_LOOK
