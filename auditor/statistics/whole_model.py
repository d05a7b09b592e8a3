"""A survey's numbers: each pair's uplift with its test, a false discovery rate over pairs, expected flip rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import Tier
from auditor.core.records.whole_model import Measured, SurveyedPair
from auditor.statistics.multiplicity import benjamini_yekutieli
from auditor.statistics.uplift import over_every_control


def measured(crop: str, tier: Tier, flips: NDArray[np.bool_], coverings: Mapping[str, NDArray[np.bool_]]) -> Measured:
    """A crop beside its coverings on the same pictures: uplift over every one, with the exact p-value of no uplift.

    Args:
        flips: (B,) whether each picture is called the target with the crop on it.
        coverings: the same with a covering in its place, one draw each; at least one.

    Raises:
        NoEligibleImagesError: there are no pictures.
    """
    uplift, p_value = over_every_control(flips, coverings)
    strongest = max(coverings, key=lambda name: (int(coverings[name].sum()), name))
    return Measured(
        crop=crop,
        tier=tier,
        flips=int(flips.sum()),
        eligible=len(flips),
        covering=strongest,
        covering_flips=int(coverings[strongest].sum()),
        uplift=uplift,
        p_value=p_value,
    )


def ranked(pairs: Sequence[SurveyedPair]) -> tuple[SurveyedPair, ...]:
    """Pairs with their q-values and expected flip rates, by expected uplift.

    The p-values of pairs of one source share pictures and coverings, and a picture that is called one target is not
    called another, so they are dependent in both directions: the q-values are Benjamini and Yekutieli's, which hold in
    any dependence. What was chosen was chosen on other pictures, so all pairs measured are the family.

    Args:
        pairs: as measured; q-value and expected rate may be anything.
    """
    if not pairs:
        return ()
    q_values = benjamini_yekutieli([pair.measured.p_value for pair in pairs])
    expected = expected_rates([pair.measured.flips for pair in pairs], [pair.measured.eligible for pair in pairs])
    told = [
        replace(pair, q_value=q_value, expected=rate)
        for pair, q_value, rate in zip(pairs, q_values, expected, strict=True)
    ]
    return tuple(sorted(told, key=lambda pair: (-pair.expected_uplift, pair.source, pair.target)))


def expected_rates(flips: Sequence[int], eligible: Sequence[int]) -> list[float]:
    """Flip rates to be expected on further pictures, of many rates of which the largest are looked at.

    The rate measured for the pair that leads is too large on average, since chance helped it to lead. Each is drawn
    towards the mean of all by as much as their spread and its own pictures tell (an empirical Bayes estimate, whose
    mean does not depend on what was chosen by the rates).

    Args:
        flips, eligible: counts, one a pair; eligible at least 1.

    Returns:
        In [0, 1], in the order given.

    Source: Efron 2011, doi:10.1198/jasa.2011.tm11181 (why it undoes selection); the beta prior by moments is
    Kleinman's 1973, doi:10.1080/01621459.1973.10481332.
    """
    first, second = beta_prior(np.asarray(flips, dtype=np.float64), np.asarray(eligible, dtype=np.float64))
    return [(first + hit) / (first + second + count) for hit, count in zip(flips, eligible, strict=True)]


def beta_prior(flips: NDArray[np.float64], eligible: NDArray[np.float64]) -> tuple[float, float]:
    """Parameters of the beta distribution from which the rates seem to be drawn, by the moments of the counts.

    The mean is that of all counts with half a flip and half a picture without one added, so that it is never 0 or 1.
    Where the rates differ no more than counts of one rate would, it weighs as many pictures as all counts together; it
    never weighs less than one, since a pair's own pictures are not all that is known.
    """
    whole, groups = float(eligible.sum()), len(eligible)
    mean = (float(flips.sum()) + 0.5) / (whole + 1.0)
    freedom = float(((eligible - 1) * (1 - eligible / whole)).sum())
    spread = float((eligible * np.square(flips / eligible - mean)).sum()) / (mean * (1 - mean))
    correlation = (spread - (groups - 1)) / freedom if freedom > 0 else 0.0
    strength = 1 / correlation - 1 if correlation > 1 / (whole + 1) else whole
    strength = max(strength, 1.0)
    return mean * strength, (1 - mean) * strength
