"""A survey's numbers: each pair's uplift with its test, a false discovery rate over pairs, expected flip rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import IntArray, Spot, Tier
from auditor.core.records.whole_model import Measured, SurveyedPair
from auditor.statistics.foretold import Foretold
from auditor.statistics.multiplicity import benjamini_yekutieli
from auditor.statistics.uplift import over_every_control


def measured(
    crop: str,
    tier: Tier,
    flips: NDArray[np.bool_],
    coverings: Mapping[str, NDArray[np.bool_]],
    spot: Spot | None = None,
) -> Measured:
    """A crop beside its coverings on the same pictures: uplift over every one, with the exact p-value of no uplift.

    Args:
        flips: (B,) whether each picture is called the target with the crop on it.
        coverings: the same with a covering in its place, one draw each; at least one.
        spot: where all are pasted; None: in the corner.

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
        spot=spot,
    )


@dataclass(frozen=True, slots=True)
class NearCrops:
    """The crops of a pair that come nearest to the target on selection pictures, the nearest first.

    Attributes:
        log_odds: (C,) means there, logits; C at least 1.
        flips, eligible: (C,) counts on confirmation pictures; eligible 0: it was not pasted there. The first was.
        covering: (C,) rate of the strongest covering at each one's place; of one that was not pasted there, where
            nobody knows it, in the corner.
    """

    log_odds: NDArray[np.float32]
    flips: IntArray
    eligible: IntArray
    covering: NDArray[np.float64]


def ranked(pairs: Sequence[SurveyedPair], near: Sequence[NearCrops]) -> tuple[SurveyedPair, ...]:
    """Pairs with their q-values and expected flip rates, by what is expected of their nearest crops over covering.

    The p-values of pairs of one source share pictures and coverings, and a picture that is called one target is not
    called another, so they are dependent in both directions: the q-values are Benjamini and Yekutieli's, which hold in
    any dependence. What was chosen was chosen on other pictures, so all pairs measured are the family.

    Which crop of a pair was chosen is partly luck, and another search finds another one. So pairs are ranked by several
    crops, of which those that were not pasted on confirmation pictures count as their log-odds foretell.

    Args:
        pairs: as measured; q-value and expected rates may be anything.
        near: of each pair; the first is the crop that was measured.
    """
    if not pairs:
        return ()
    q_values = benjamini_yekutieli([pair.measured.p_value for pair in pairs])
    foretold = Foretold.fit(
        [float(one.log_odds[0]) for one in near],
        [pair.measured.flips for pair in pairs],
        [pair.measured.eligible for pair in pairs],
    )
    told = []
    for pair, q_value, crops in zip(pairs, q_values, near, strict=True):
        rates = foretold.with_counts(crops.log_odds, crops.flips, crops.eligible)
        told.append(
            replace(
                pair,
                q_value=q_value,
                expected=float(rates[0]),
                nearest=len(rates),
                nearest_expected=float(rates.mean()),
                nearest_covering=float(crops.covering.mean()),
            )
        )
    return tuple(sorted(told, key=lambda pair: (-pair.expected_uplift, pair.source, pair.target)))
