"""What covering alone does: averages over draws, intervals that know pictures apart from draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Placement, Step, Verdict
from auditor.core.records.trials import ConfirmedTrials
from auditor.statistics.fragility import (
    ALL_COVERINGS,
    CoveringRate,
    clustered_interval,
    covering_rates,
    measure_fragility,
)


def draw(images: int, *flipped: int) -> np.ndarray:
    outcomes = np.zeros(images, dtype=bool)
    outcomes[list(flipped)] = True
    return outcomes


def test_rates_by_hand() -> None:
    """Ten pictures; noise is drawn for two candidates and flips 1 and 3 of them, grey for one and flips none."""
    outcomes = {"noise": [draw(10, 4), draw(10, 4, 5, 6)], "grey": [draw(10)]}
    everything, noise, grey = covering_rates(outcomes, 0.025, 0.05)
    assert (everything.covering, everything.flips, everything.trials, everything.images) == (ALL_COVERINGS, 4, 30, 10)
    assert everything.rate == pytest.approx(4 / 30)
    assert (noise.covering, noise.flips, noise.trials, noise.rate) == ("noise", 4, 20, 0.2)
    assert (grey.covering, grey.flips, grey.trials, grey.rate) == ("grey", 0, 10, 0.0)
    assert everything.interval.confidence == pytest.approx(0.925)
    assert everything.interval.method == "Korn–Graubard, by picture"


def test_the_rate_of_many_draws_is_their_average_and_not_their_maximum() -> None:
    """48 draws at 5% each: their largest is 8%, their mean is 5%."""
    generator = np.random.default_rng(1)
    draws = [generator.random(200) < 0.05 for _ in range(48)]
    (everything, _) = covering_rates({"noise": draws}, 0.025, 0.025)
    assert max(one.mean() for one in draws) >= 0.08
    assert everything.rate == pytest.approx(0.05, abs=0.005)
    assert everything.interval.high < 0.06


def test_pictures_that_flip_under_anything_are_one_picture_each() -> None:
    """Ten draws that flip the same 5 of 40 pictures say no more than one draw."""
    same = [draw(40, *range(5))] * 10
    everything, one = covering_rates({"noise": same}, 0.025, 0.025)
    assert everything.interval == one.interval
    shrunk = (stats.norm.isf(0.025) / stats.t.isf(0.025, 39)) ** 2
    variance = 5 / 40 * 35 / 40 / 39
    draws = 5 / 40 * 35 / 40 / variance * shrunk  # 39 pictures, less what a t quantile costs
    assert draws == pytest.approx(39 * shrunk)
    low = stats.beta.ppf(0.025, draws * 5 / 40, draws * 35 / 40 + 1)
    high = stats.beta.isf(0.025, draws * 5 / 40 + 1, draws * 35 / 40)
    assert (everything.interval.low, everything.interval.high) == pytest.approx((low, high), rel=1e-9)


def test_independent_draws_count_nearly_each() -> None:
    generator = np.random.default_rng(2)
    draws = [generator.random(300) < 0.3 for _ in range(20)]
    everything, _ = covering_rates({"noise": draws}, 0.025, 0.025)
    low, high = proportion_confint(everything.flips, everything.trials, 0.05, method="beta")
    assert (everything.interval.low, everything.interval.high) == pytest.approx((low, high), abs=0.002)


@pytest.mark.parametrize("images", [1, 2, 40])
def test_no_flip_and_nothing_but_flips(images: int) -> None:
    never = clustered_interval(np.zeros(images), 0.05, 0.05)
    always = clustered_interval(np.ones(images), 0.05, 0.05)
    assert (never.low, always.high) == (0.0, 1.0)
    assert always.low == pytest.approx(1 - never.high, abs=1e-12)
    if images == 40:
        draws = 40 * (stats.norm.isf(0.05) / stats.t.isf(0.05, 39)) ** 2
        assert never.high == pytest.approx(1 - 0.05 ** (1 / draws), rel=1e-9)


@pytest.mark.parametrize(("rate", "spread"), [(0.25, 0.5), (0.25, 0.05), (0.1, 0.3)])
def test_bounds_hold_in_simulated_pictures(rate: float, spread: float) -> None:
    """2000 audits of 60 pictures with 12 draws each; how often a picture flips differs from picture to picture."""
    generator = np.random.default_rng(3)
    scale = (1 - spread) / spread
    chances = generator.beta(rate * scale, (1 - rate) * scale, size=(2000, 60))
    shares = generator.binomial(12, chances) / 12
    intervals = [clustered_interval(one, 0.05, 0.05) for one in shares]
    above = np.mean([one.low > rate for one in intervals])
    below = np.mean([one.high < rate for one in intervals])
    assert 0.01 < above < 0.06
    assert 0.01 < below < 0.06


def test_bad_input_is_named() -> None:
    with pytest.raises(NoEligibleImagesError, match="at least one eligible image"):
        covering_rates({"noise": [draw(0)]}, 0.05, 0.05)
    with pytest.raises(ValueError, match="'all coverings' needs at least one draw"):
        covering_rates({}, 0.05, 0.05)
    with pytest.raises(ValueError, match="all draws on the same pictures"):
        covering_rates({"noise": [draw(5), draw(6)]}, 0.05, 0.05)
    with pytest.raises(ValueError, match="'grey' needs at least one draw"):
        covering_rates({"noise": [draw(5)], "grey": []}, 0.05, 0.05)
    with pytest.raises(ValueError, match=r"between 0 and 0\.5"):
        clustered_interval(np.zeros(4), 0.95, 0.05)
    assert isinstance(covering_rates({"noise": [draw(5)]}, 0.05, 0.05)[0], CoveringRate)


def test_fragility_averages_over_draws_and_takes_the_worst_placement(candidate, block, limits) -> None:
    steps = {"noise": Step.COVERING, "grey": Step.COVERING, "shuffled": Step.COLOUR}

    def confirmed(name, placement, *rows) -> ConfirmedTrials:
        controls = dict(zip(steps, (block(flips(row)) for row in rows), strict=True))
        return ConfirmedTrials(candidate(name), placement, block(flips([])), controls, steps)

    everything = list(range(40))
    fixed = [
        confirmed("a", Placement.FIXED, [0, 1], [], everything),
        confirmed("b", Placement.FIXED, [0, 2], [5], everything),
    ]
    fragility = measure_fragility(fixed, limits)
    assert fragility is not None
    # content is no covering: "shuffled" flips everything and does not count
    assert (fragility.flips, fragility.eligible, fragility.images, fragility.compared) == (5, 160, 40, 4)
    assert (fragility.placement, fragility.verdict) == ("fixed", Verdict.PASS)
    assert [(one.covering, one.flips, one.trials) for one in fragility.coverings] == [("noise", 4, 80), ("grey", 1, 80)]
    assert fragility.any_class is not None
    assert fragility.any_class.flips == 5
    worse = confirmed("a", Placement.BEST, list(range(24)), list(range(24)), [])
    both = measure_fragility([*fixed, worse], limits)
    assert both is not None
    assert (both.placement, both.rate, both.verdict) == ("best", 0.6, Verdict.FAIL)
    assert measure_fragility([replace(one, controls={}) for one in fixed], limits) is None
    # `best` has a limit of its own, and that of the fixed place does not follow it
    own = replace(limits, fragility=0.5, fragility_best=0.9)
    allowed = measure_fragility([*fixed, worse], own)
    assert allowed is not None
    assert (allowed.placement, allowed.limit, allowed.verdict) == ("best", 0.9, Verdict.PASS)
    at_the_corner = measure_fragility([replace(worse, placement=Placement.FIXED)], own)
    assert at_the_corner is not None
    assert (at_the_corner.limit, at_the_corner.verdict) == (0.5, Verdict.INCONCLUSIVE)


def flips(rows: list[int]) -> np.ndarray:
    return np.isin(np.arange(40), rows)
