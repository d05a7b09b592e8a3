"""What covering alone does: rates averaged over draws, with pictures as the clusters, against their limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import CoveringRate, Fragility, Interval, Limits, Placement, Verdict
from auditor.core.records.trials import ConfirmedTrials, TrialBlock
from auditor.statistics.looks import error_budget
from auditor.statistics.verdicts import judge

CLUSTERED_METHOD = "Korn–Graubard, by picture"

ALL_COVERINGS = "all coverings"

_BADNESS = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)


def measure_fragility(trials: Sequence[ConfirmedTrials], limits: Limits) -> Fragility | None:
    """What covering does under each placement, against that placement's limit; of several placements the worst.

    Args:
        trials: everything confirmed, each with its own draws of the coverings.

    Returns:
        None where no covering was measured, or only at candidates' own places, which are no sample of any.
    """
    measured = fragility_by_placement(trials, limits)
    return max(measured, key=lambda one: (_BADNESS.index(one.verdict), one.rate - one.limit), default=None)


def fragility_by_placement(trials: Sequence[ConfirmedTrials], limits: Limits) -> tuple[Fragility, ...]:
    """What covering does under each placement, in the order in which they were confirmed.

    Each placement that could fail has its share of what fragility may spend; a pass needs all to pass, and so no
    correction. Where candidates ended at different looks, it is measured at the first of these, on pictures that all
    were pasted on.
    """
    by_placement: dict[Placement, list[ConfirmedTrials]] = {}
    for one in trials:
        if one.candidate.spot is None and one.covering:  # a spot is where the search found that this crop moves it
            by_placement.setdefault(one.placement, []).append(one)
    return tuple(_of_placement(place, there, limits, len(by_placement)) for place, there in by_placement.items())


def _of_placement(
    placement: Placement, trials: Sequence[ConfirmedTrials], limits: Limits, placements: int
) -> Fragility:
    budget, limit = error_budget(limits.confidence), limits.fragility_at(placement)
    first = min(trials, key=lambda one: len(one.block.image_keys))
    below, above = budget.fragility * first.share / placements, budget.passing * first.share
    pictures = len(first.block.image_keys)  # of whoever saw more, they are the first ones
    blocks: dict[str, list[TrialBlock]] = {}
    for one in trials:
        for name, block in one.covering.items():
            blocks.setdefault(name, []).append(block)
    to_target = {name: [block.outcomes[:pictures] for block in draws] for name, draws in blocks.items()}
    overall, *each = covering_rates(to_target, below, above)
    to_any = {
        name: [(block.patched != block.clean).any(axis=0)[:pictures] for block in draws]
        for name, draws in blocks.items()
    }
    return Fragility(
        control=ALL_COVERINGS,
        candidate="",
        placement=str(placement),
        flips=overall.flips,
        eligible=overall.trials,
        rate=overall.rate,
        interval=overall.interval,
        compared=sum(len(draws) for draws in blocks.values()),
        limit=limit,
        verdict=judge(overall.interval, limit),
        images=overall.images,
        coverings=tuple(each),
        any_class=covering_rates(to_any, below, above)[0],
    )


def covering_rates(
    outcomes: Mapping[str, Sequence[NDArray[np.bool_]]], level_below: float, level_above: float
) -> tuple[CoveringRate, ...]:
    """The rate of each covering, and first that of all of them together, each draw counting alike.

    An average over draws: the largest of many draws of one rate lies well above that rate.

    Args:
        outcomes: by covering, one (B,) boolean a draw (one for each candidate, say), of the same pictures in one order.
        level_below, level_above: chances to err of the lower and of the upper bound, each in (0, 0.5).

    Raises:
        NoEligibleImagesError: there are no pictures.
        ValueError: no covering, a covering without a draw, draws of different pictures, or a level out of range.
    """
    everything = [draw for draws in outcomes.values() for draw in draws]
    named = {ALL_COVERINGS: everything, **outcomes}
    return tuple(_rate(name, draws, level_below, level_above) for name, draws in named.items())


def _rate(name: str, draws: Sequence[NDArray[np.bool_]], level_below: float, level_above: float) -> CoveringRate:
    if not draws or len({draw.shape for draw in draws}) != 1 or draws[0].ndim != 1:
        raise ValueError(f"the rate of {name!r} needs at least one draw, and all draws on the same pictures")
    changed = np.stack(draws)
    interval = clustered_interval(changed.mean(axis=0), level_below, level_above)
    flips = int(np.count_nonzero(changed))
    return CoveringRate(name, flips, changed.size, changed.shape[1], flips / changed.size, interval)


def clustered_interval(shares: NDArray[np.float64], level_below: float, level_above: float) -> Interval:
    """Bound a mean of pictures' shares by Clopper and Pearson's interval at the effective number of draws.

    Draws that share a picture agree more than draws of two pictures; the effective number is that of independent draws
    whose mean would vary as much, lowered for being estimated. Where no draw or every draw flips it is the number of
    pictures.

    Args:
        shares: (B,) of each picture's draws that flip, in [0, 1].
        level_below, level_above: chances to err of the lower and of the upper bound, each in (0, 0.5).

    Returns:
        Bounds in [0, 1]; the confidence is what both leave.

    Raises:
        NoEligibleImagesError: there are no pictures.
        ValueError: a level is out of range.

    Source: Korn and Graubard 1998, Survey Methodology 24, 193–201.
    """
    if shares.size == 0:
        raise NoEligibleImagesError(
            "what covering does needs at least one eligible image, got 0; "
            "add source images that the model classifies rightly"
        )
    if not (0 < level_below < 0.5 and 0 < level_above < 0.5):
        raise ValueError(f"the level of one bound lies between 0 and 0.5, got {level_below:g} and {level_above:g}")
    rate = float(shares.mean())
    low = _clopper_pearson(rate, _effective_draws(shares, rate, level_below), level_below)
    high = 1 - _clopper_pearson(1 - rate, _effective_draws(shares, rate, level_above), level_above)
    return Interval(low, high, 1 - level_below - level_above, CLUSTERED_METHOD)


def _effective_draws(shares: NDArray[np.float64], rate: float, level: float) -> float:
    """Independent draws whose mean would be as sure, for a bound at the given level."""
    images = shares.size
    if images == 1:
        return 1.0
    variance = float(shares.var(ddof=1)) / images
    draws = rate * (1 - rate) / variance if variance > 0 else float(images)
    # a variance estimated from few pictures: normal quantiles are too short by this
    return draws * float(stats.norm.isf(level) / stats.t.isf(level, images - 1)) ** 2


def _clopper_pearson(rate: float, draws: float, level: float) -> float:
    """Lower bound of a rate seen on a number of draws that need not be whole."""
    flips = rate * draws
    return float(stats.beta.ppf(level, flips, draws - flips + 1)) if flips > 0 else 0.0
