"""Uplift in log-odds: by hand, against scipy's paired t-test, and bounds that agree with the p-values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Moments
from auditor.statistics.log_odds import (
    log_odds,
    log_odds_uplift,
    moments_of,
    p_log_odds_at_least,
    p_log_odds_at_most,
)
from auditor.statistics.multiplicity import simes


@pytest.fixture
def gains() -> dict[str, np.ndarray]:
    """Paired differences to two coverings, of probabilities through `log_odds`."""
    generator = np.random.default_rng(4)
    noise, grey = generator.normal(-4, 1, 60), generator.normal(-3.6, 1, 60)
    patched = generator.normal(-2, 1.5, 60)
    logistic = lambda logits: 1 / (1 + np.exp(-logits))  # noqa: E731
    return {
        name: log_odds(logistic(patched)) - log_odds(logistic(one)) for name, one in (("noise", noise), ("grey", grey))
    }


def test_log_odds_by_hand_and_at_the_ends() -> None:
    assert log_odds(np.array([0.5, 0.75, 0.2])) == pytest.approx([0.0, np.log(3), -np.log(4)])
    assert log_odds(np.array([0.0, 1.0], dtype=np.float32)) == pytest.approx([-13.8155, 13.8155], abs=1e-3)


def of(differences: dict[str, np.ndarray]) -> dict[str, Moments]:
    return {name: moments_of(each) for name, each in differences.items()}


def test_moments_by_hand() -> None:
    assert moments_of(np.array([1.0, 2.0, 6.0])) == Moments(
        3.0, pytest.approx(7**0.5), pytest.approx(stats.skew([1, 2, 6])), 3
    )


def symmetric(count: int, mean: float, scale: float) -> np.ndarray:
    half = np.random.default_rng(6).normal(0, scale, count // 2)
    return np.concatenate([mean + half, mean - half])


def test_without_skewness_p_values_are_those_of_paired_t_tests() -> None:
    differences = {"noise": symmetric(60, 1.4, 1.0), "grey": symmetric(60, 1.5, 2.0)}
    above = [stats.ttest_1samp(each, 1.0, alternative="greater").pvalue for each in differences.values()]
    below = [stats.ttest_1samp(each, 2.0, alternative="less").pvalue for each in differences.values()]
    assert p_log_odds_at_most(of(differences), 1.0) == pytest.approx(max(above), rel=1e-9)
    assert p_log_odds_at_least(of(differences), 2.0) == pytest.approx(simes(below), rel=1e-9)


def test_skewness_moves_the_p_value_by_halls_formula() -> None:
    gains = np.array([0.0, 0.1, -0.2, 0.3, 6.0, 0.2, 0.0, -0.1, 0.4, 0.1])
    away, skew = (gains.mean() - 0.2) / gains.std(ddof=1), stats.skew(gains)
    straight = away + skew * away**2 / 3 + skew**2 * away**3 / 27 + skew / 60
    expected = stats.t.sf(np.sqrt(10) * straight, 9)
    assert p_log_odds_at_most(of({"noise": gains}), 0.2) == pytest.approx(expected, rel=1e-9)
    assert p_log_odds_at_least(of({"noise": gains}), 0.2) == pytest.approx(1 - expected, rel=1e-9)


@pytest.mark.parametrize("images", [80, 200])
def test_bounds_err_as_often_as_they_say_where_few_pictures_gain_much(images: int) -> None:
    """2000 audits in which one picture in ten gains 6 more: each bound errs about 4.5% of the time, plain t more."""
    generator = np.random.default_rng(7)
    gains = generator.normal(0.5, 1.0, (2000, images)) + 6 * (generator.random((2000, images)) < 0.1)
    bounds = [log_odds_uplift(of({"noise": each}), 0.045, 0.045).interval for each in gains]
    assert 0.025 < np.mean([bound.low > 1.1 for bound in bounds]) < 0.06
    assert 0.025 < np.mean([bound.high < 1.1 for bound in bounds]) < 0.06
    plain = gains.mean(1) + stats.t.isf(0.045, images - 1) * gains.std(1, ddof=1) / images**0.5
    assert np.mean(plain < 1.1) > 0.055


def test_the_uplift_is_over_the_strongest_covering(gains) -> None:
    uplift = log_odds_uplift(of(gains), 0.05, 0.05)
    assert uplift.covering == "grey"
    assert uplift.uplift == pytest.approx(gains["grey"].mean())
    assert uplift.interval.low < uplift.uplift < uplift.interval.high
    assert uplift.interval.confidence == pytest.approx(0.9)


def test_one_covering_without_skewness_is_the_plain_t_interval() -> None:
    differences = {"noise": symmetric(60, 1.4, 1.0)}
    bounds = stats.ttest_1samp(differences["noise"], 0).confidence_interval(0.9)
    uplift = log_odds_uplift(of(differences), 0.05, 0.05)
    assert (uplift.interval.low, uplift.interval.high) == pytest.approx((bounds.low, bounds.high))


@pytest.mark.parametrize(("level_below", "level_above"), [(0.05, 0.05), (0.004, 0.02)])
def test_bounds_are_where_the_p_values_reach_the_level(gains, level_below, level_above) -> None:
    differences = of({**gains, "source crop": gains["noise"] * 1.1})
    interval = log_odds_uplift(differences, level_below, level_above).interval
    assert p_log_odds_at_most(differences, interval.low) == pytest.approx(level_below, rel=1e-6)
    assert p_log_odds_at_least(differences, interval.high) == pytest.approx(level_above, rel=1e-6)


def test_pictures_that_all_differ_alike_have_no_width() -> None:
    same = of({"noise": np.full(5, 0.7)})
    uplift = log_odds_uplift(same, 0.05, 0.05)
    assert (uplift.interval.low, uplift.interval.high) == pytest.approx((0.7, 0.7))
    assert (p_log_odds_at_most(same, 0.5), p_log_odds_at_least(same, 0.5)) == (0.0, 1.0)
    assert (p_log_odds_at_most(same, 1.0), p_log_odds_at_least(same, 1.0)) == (1.0, 0.0)


def test_bad_input_is_named() -> None:
    with pytest.raises(NoEligibleImagesError, match="at least 2 eligible images, got 1"):
        moments_of(np.zeros(1))
    with pytest.raises(ValueError, match="at least one covering"):
        log_odds_uplift({}, 0.05, 0.05)
    with pytest.raises(ValueError, match="at least one covering"):
        p_log_odds_at_most({}, 0.05)
    with pytest.raises(ValueError, match=r"between 0 and 0\.5"):
        log_odds_uplift(of({"noise": np.arange(4.0)}), 0.95, 0.05)
