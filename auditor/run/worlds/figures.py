"""Figures of a scoreboard with their intervals, from rows: shares, differences, and a stated probability's worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression

from auditor.core.draws import keyed_generator
from auditor.run.worlds.cache import PLANTED
from auditor.run.worlds.score import Row
from auditor.statistics.fragility import clustered_interval
from auditor.statistics.intervals import wilson_interval

_DRAWS, _ROUNDING, _NEVER = 2000, 1e-9, 1e-9


def share(count: int, of: int) -> str:
    """`3/4 (30–95%)`; a dash where there are none."""
    if not of:
        return "—"
    found = wilson_interval(count, of)
    return f"{count}/{of} ({100 * found.low:.0f}–{100 * found.high:.0f}%)"


def share_of(rows: Sequence[Row], hit: Callable[[Row], bool]) -> str:
    """As `share`; the seeds of a network are not independent: of several the interval is by network (Korn–Graubard)."""
    hits: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        hits.setdefault((row.world, row.side), []).append(hit(row))
    count = sum(sum(of_network) for of_network in hits.values())
    if len(rows) == len(hits):
        return share(count, len(rows))
    of_networks = np.array([np.mean(of_network) for of_network in hits.values()])
    found = clustered_interval(of_networks, 0.025, 0.025)
    return f"{count}/{len(rows)} ({100 * found.low:.0f}–{100 * found.high:.0f}%)"


def difference(
    rows: Sequence[Row], first: Callable[[Row], bool], second: Callable[[Row], bool]
) -> tuple[float, float, float]:
    """How much more often the first of two things is so of rows than the second, and its 95% percentile interval.

    Returns:
        A mean over worlds, each with all its seeds, in [-1, 1], and its bounds, over worlds drawn with replacement.
    """
    worlds: dict[str, list[int]] = {}
    for row in rows:
        worlds.setdefault(row.world, []).append(int(first(row)) - int(second(row)))
    means = np.array([np.mean(each) for each in worlds.values()])
    drawn = keyed_generator(0, "difference").integers(len(means), size=(_DRAWS, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), (0.025, 0.975))
    return float(means.mean()), float(low), float(high)


def chance_to_cover(rate: float, eligible: int, fresh: int) -> float:
    """Chance that a 95% interval (Wilson's) of a rate holds what is counted of it on other pictures.

    It is below 95%, since the other pictures have an error of their own.

    Args:
        rate: the true one, in [0, 1]. eligible: pictures that the interval is of; fresh: the others, both at least 1.
    """
    chances = stats.binom.pmf(np.arange(eligible + 1), eligible, rate)
    counts = np.flatnonzero(chances > _NEVER)
    bounds = np.array([_wilson_bounds(count, eligible) for count in counts.tolist()])
    least, most = np.ceil(bounds[:, 0] * fresh - _ROUNDING), np.floor(bounds[:, 1] * fresh + _ROUNDING)
    held = stats.binom.cdf(most, fresh, rate) - stats.binom.cdf(least - 1, fresh, rate)
    return float(chances[counts] @ held)


@cache
def _wilson_bounds(count: int, eligible: int) -> tuple[float, float]:
    found = wilson_interval(count, eligible)
    return found.low, found.high


def points(found: float, low: float, high: float) -> str:
    """`+37 points (+10 to +60)` of a difference and its bounds."""
    return f"{100 * found:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """How often a planted network's P(shortcut) is above a twin's, ties half; NaN where either is missing."""
    if not positive or not negative:
        return math.nan
    over = np.subtract.outer(np.asarray(positive), np.asarray(negative))
    return float(((over > 0) + 0.5 * (over == 0)).mean())


def cross_entropy(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Mean of −ln of the probability that was given to what is so, at even odds: either side counts half.

    Of one side alone where the other is missing; NaN where both are.
    """
    sides = [-np.log(side).mean() for side in (positive, [1.0 - one for one in negative]) if side]
    return float(np.mean(sides)) if sides else math.nan


LEAST_UPLIFT = 0.01
"""An uplift is never taken as nearer to 0 or 1 than this where its log-odds are."""


def stated(row: Row) -> float:
    """P(shortcut) as an audit states it, by the limit alone."""
    return row.p_shortcut


def largest_uplift(row: Row) -> float:
    """The largest uplift of an audit, between 0 and 1: of a pair that is none, something natural may pass a limit."""
    return float(np.clip(row.largest, LEAST_UPLIFT, 1.0 - LEAST_UPLIFT))


def calibrated(
    planted: Sequence[Row], twins: Sequence[Row], of: Callable[[Row], float] = stated
) -> tuple[list[Row], list[Row]]:
    """The same rows with P(shortcut) as the other worlds teach it: none is told of its own world.

    A logistic regression on log-odds (Platt 1999), fitted without the world in question.

    Args:
        of: whose log-odds, above 0 and below 1.
    """
    rows = [*planted, *twins]
    known = np.array([of(row) for row in rows])
    odds = np.log(known / (1.0 - known))[:, None]
    truth = np.array([row.side == PLANTED for row in rows])
    worlds, told = np.array([row.world for row in rows]), known.copy()
    for name in np.unique(worlds).tolist():
        own = worlds == name
        if len(np.unique(truth[~own])) == 2:
            told[own] = LogisticRegression().fit(odds[~own], truth[~own]).predict_proba(odds[own])[:, 1]
    taught = [replace(row, p_shortcut=one) for row, one in zip(rows, told.tolist(), strict=True)]
    return taught[: len(planted)], taught[len(planted) :]


def interval_over_worlds(
    planted: Sequence[Row], twins: Sequence[Row], figure: Callable[[Sequence[float], Sequence[float]], float]
) -> tuple[float, float]:
    """95% percentile interval of a figure over worlds drawn with replacement, each with all of its rows.

    Args:
        planted, twins: rows of either side; what puts them on it may be something else.
    """
    names = sorted({row.world for row in (*planted, *twins)})
    if not names:
        return math.nan, math.nan
    of_planted = {name: [row.p_shortcut for row in planted if row.world == name] for name in names}
    of_twins = {name: [row.p_shortcut for row in twins if row.world == name] for name in names}
    rng, found = keyed_generator(0, "scoreboard"), []
    for _ in range(_DRAWS):
        drawn = [names[place] for place in rng.integers(len(names), size=len(names))]
        positive = [one for name in drawn for one in of_planted[name]]
        found.append(figure(positive, [one for name in drawn for one in of_twins[name]]))
    known = np.array(found)[~np.isnan(found)]  # a draw without a row of one side tells nothing
    if not len(known):
        return math.nan, math.nan
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)
