"""The verdict procedure on thousands of audits at once, and the one before it; checked against auditor.statistics."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from auditor.core.records import Verdict
from auditor.statistics.covering import p_uplift_at_least, p_uplift_at_most
from auditor.statistics.exact import fewest_first_only, signed_root, tail_probabilities
from auditor.statistics.looks import error_budget
from auditor.statistics.multiplicity import falling_shares
from auditor.statistics.paired import PairedCounts
from auditor.statistics.procedure import decide
from benchmarks.statistics.simulated_audits import FINDINGS, LIMIT, Audits

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

ROOTS = np.linspace(0.5, 4.5, 801)


@cache
def _p_of_roots(images: int, difference: float) -> Floats:
    """The exact p-value at each of `ROOTS`: it depends on a table by its root alone."""
    shares = max(0.0, -difference) + np.linspace(0, np.sqrt((1 - abs(difference)) / 2), 30 + 6 * int(images**0.5)) ** 2
    shares = np.minimum(shares, (1 - difference) / 2)
    return np.array(
        [
            tail_probabilities(images, difference, fewest_first_only(images, difference, root), shares).max()
            for root in ROOTS
        ]
    )


def exact_p(first: NDArray[np.int64], second: NDArray[np.int64], images: int, difference: float) -> Floats:
    """p-values of "at most the difference", rounded up to the next of `ROOTS`."""
    roots = signed_root(first.astype(np.float64), second.astype(np.float64), images, difference)
    place = np.searchsorted(ROOTS, roots + 1e-12, side="right") - 1
    return np.where(place < 0, 1.0, _p_of_roots(images, difference)[np.maximum(place, 0)])


def p_values(audits: Audits, images: int) -> tuple[Floats, Floats]:
    """(A, findings) each, of "uplift at most the limit" and "at least the limit"."""
    above = exact_p(audits.first_only, audits.second_only, images, LIMIT).max(-1)
    below = np.sort(exact_p(audits.second_only, audits.first_only, images, -LIMIT), axis=-1)
    coverings = below.shape[-1]
    return above, (below * coverings / np.arange(1, coverings + 1)).min(-1)


def fails(above: Floats, level: float, shares: list[float] | None = None) -> Bools:
    """Fallback in the order of the columns."""
    inherited = np.zeros(len(above))
    rejected = np.zeros(above.shape, dtype=bool)
    for place, share in enumerate(shares or falling_shares(above.shape[1])):
        now = share * level + inherited
        rejected[:, place] = above[:, place] < now
        inherited = np.where(rejected[:, place], now, 0.0)
    return rejected


def holm_fails(above: Floats, level: float) -> Bools:
    order = np.argsort(above, axis=1)
    steps = np.maximum.accumulate(np.take_along_axis(above, order, 1) * np.arange(above.shape[1], 0, -1), axis=1)
    rejected = np.zeros(above.shape, dtype=bool)
    np.put_along_axis(rejected, order, steps < level, axis=1)
    return rejected


def passes(below: Floats, level: float) -> Bools:
    """Hochberg over the candidates."""
    order = np.argsort(-below, axis=1)
    steps = np.minimum.accumulate(np.take_along_axis(below, order, 1) * np.arange(1, below.shape[1] + 1), axis=1)
    passed = np.zeros(below.shape, dtype=bool)
    np.put_along_axis(passed, order, steps < level, axis=1)
    return passed


def before(audits: Audits, images: int, confidence: float = 0.95) -> tuple[Bools, Bools]:
    """(A, findings) fails and passes by Tango's bounds with Bonferroni over findings, and over coverings for a pass."""
    coverings = audits.first_only.shape[-1]
    high = stats.norm.isf((1 - confidence) / 2 / FINDINGS)
    low = stats.norm.isf((1 - confidence) / 2 / FINDINGS / coverings)
    score = _tango(audits.first_only, audits.second_only, images, LIMIT)
    mirrored = _tango(audits.second_only, audits.first_only, images, -LIMIT)
    return (score > high).all(-1), (mirrored > low).any(-1)


def _tango(first: NDArray[np.int64], second: NDArray[np.int64], images: int, difference: float) -> Floats:
    """Tango's score statistic: above z exactly where the lower bound lies above the difference."""
    if difference < 0:
        return -_tango(second, first, images, -difference)
    b, c = first / images, second / images
    linear = (2 - b + c) * difference - b - c
    constant = -c * difference * (1 - difference)
    root = np.sqrt(np.maximum(0.0, linear * linear - 8 * constant))
    smaller = np.where(linear > 0, -2 * constant / np.where(linear + root > 0, linear + root, 1), (root - linear) / 4)
    return np.asarray((b - c - difference) / np.sqrt((2 * smaller + difference * (1 - difference)) / images))


def fragility_bounds(covered: Floats, draws_level_below: float, level_above: float) -> tuple[Floats, Floats]:
    """(A,) bounds as `auditor.statistics.fragility.clustered_interval` gives them."""
    images = covered.shape[1]
    rate, variance = covered.mean(1), covered.var(1, ddof=1) / images
    draws = np.where(variance > 0, rate * (1 - rate) / np.where(variance > 0, variance, 1), images)
    bounds = []
    for level, mean in ((draws_level_below, rate), (level_above, 1 - rate)):
        effective = draws * (stats.norm.isf(level) / stats.t.isf(level, images - 1)) ** 2
        flips = mean * effective
        bounds.append(np.where(flips > 0, stats.beta.ppf(level, np.maximum(flips, 1e-9), effective - flips + 1), 0.0))
    return bounds[0], 1 - bounds[1]


def check(audits: Audits, images: int, count: int) -> int:
    """Candidates of the first audits on which the tables above and auditor.statistics say the same; raises if not."""
    budget = error_budget(0.95)
    above, below = p_values(audits, images)
    ours = np.where(fails(above, budget.fail), "fail", np.where(passes(below, budget.passing), "pass", "inconclusive"))
    for number in range(count):
        tables = [
            [
                PairedCounts(0, int(b), int(c), images - int(b) - int(c))
                for b, c in zip(audits.first_only[number, place], audits.second_only[number, place], strict=True)
            ]
            for place in range(FINDINGS)
        ]
        decisions = decide(
            [p_uplift_at_most(one, LIMIT) for one in tables], [p_uplift_at_least(one, LIMIT) for one in tables], budget
        )
        said = [Verdict(str(one)) for one in ours[number]]
        if [one.verdict for one in decisions] != said:
            raise ValueError(
                f"audit {number}: {[str(one.verdict) for one in decisions]} is not {ours[number].tolist()}"
            )
    return count * FINDINGS
