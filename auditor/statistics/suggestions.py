"""Did the suggestions help? Suggested against random crops of the same tiers, as for other crops and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import Candidate, GroupMean, Tier, TierComparison
from auditor.core.records.trials import TrialBlock
from auditor.statistics.resampling import two_way_difference_interval, two_way_mean_interval


def compare_with_chance(
    candidates: Sequence[Candidate], trials: Mapping[str, TrialBlock], confidence: float, seed: int
) -> tuple[TierComparison, ...]:
    """Suggested against random plain crops: first third class, the headline; then the other tiers; last all together.

    All together, each tier's difference counts by its share of the suggestions, so that a search which suggests more
    target objects than chance does gains nothing by that. Tiers that lack either group are left out of it.

    Args:
        candidates: everything tried; other shapes of crops, pairs and what no photograph showed are left out.
        trials: by candidate id, on the same pictures in one order.
        confidence: two-sided, in (0, 1).
        seed: of the resampling.

    Returns:
        One comparison a tier that has a crop of either kind, and that of all of them; empty where there is no crop.
    """
    crops = [one for one in candidates if one.is_plain_crop and (one.suggested or one.is_random_crop)]
    outcomes = {one.id: trials[one.id].outcomes.astype(np.float64) for one in crops}
    tiers = [Tier.THIRD_CLASS, *(tier for tier in Tier if tier is not Tier.THIRD_CLASS)]
    found = []
    groups = []
    for tier in tiers:
        suggested = _stack([outcomes[one.id] for one in crops if one.tier is tier and one.suggested])
        random = _stack([outcomes[one.id] for one in crops if one.tier is tier and one.is_random_crop])
        if len(suggested) or len(random):
            found.append(_comparison(tier, [(suggested, random)], confidence, seed))
            groups.append((suggested, random))
    if not found:
        return ()
    both = [pair for pair in groups if len(pair[0]) and len(pair[1])]
    return (*found, _comparison(None, both or groups, confidence, seed))


def _comparison(
    tier: Tier | None,
    pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    confidence: float,
    seed: int,
) -> TierComparison:
    suggested = [pair[0] for pair in pairs if len(pair[0])]
    random = [pair[1] for pair in pairs if len(pair[1])]
    difference, interval = math.nan, None
    if pairs and all(len(first) and len(second) for first, second in pairs):
        weights = [float(len(first)) for first, _ in pairs]
        gaps = [float(first.mean() - second.mean()) for first, second in pairs]
        difference = float(np.average(gaps, weights=weights))
        if min(min(len(first), len(second), first.shape[1]) for first, second in pairs) >= 2:
            interval = two_way_difference_interval(pairs, weights, confidence, seed)
    return TierComparison(
        tier, group_mean(suggested, confidence, seed), group_mean(random, confidence, seed), difference, interval
    )


def group_mean(parts: Sequence[NDArray[np.float64]], confidence: float, seed: int) -> GroupMean:
    """Mean flip rate over stacks of (candidates, pictures) outcomes, as for other candidates and pictures."""
    if not parts:
        return GroupMean(0, 0, 0, math.nan, None)
    outcomes = np.concatenate(parts)
    enough = min(outcomes.shape) >= 2
    return GroupMean(
        candidates=len(outcomes),
        flips=int(outcomes.sum()),
        trials=int(outcomes.size),
        rate=float(outcomes.mean()),
        interval=two_way_mean_interval(outcomes, confidence, seed) if enough else None,
    )


def _stack(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.stack(rows) if rows else np.zeros((0, 0))
