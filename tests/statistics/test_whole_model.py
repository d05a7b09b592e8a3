"""A survey's tests, its false discovery rate and the rates to be expected of pairs that lead."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.records import Tier
from auditor.core.records.whole_model import SurveyedPair
from auditor.statistics.multiplicity import benjamini_hochberg, benjamini_yekutieli
from auditor.statistics.whole_model import beta_prior, expected_rates, measured, ranked


def test_benjamini_yekutieli_is_benjamini_hochberg_times_the_harmonic_sum() -> None:
    values = [0.001, 0.2, 0.01, 0.04]
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    wanted = [min(1.0, one * harmonic) for one in benjamini_hochberg(values)]
    assert benjamini_yekutieli(values) == pytest.approx(wanted)
    assert benjamini_yekutieli([]) == []
    with pytest.raises(ValueError, match="p-values must lie"):
        benjamini_yekutieli([1.5])


def test_a_crop_is_held_against_every_covering() -> None:
    flips = np.array([True] * 6 + [False] * 2)
    noise, grey = np.array([True, True] + [False] * 6), np.zeros(8, dtype=bool)
    one = measured("w-00001", Tier.THIRD_CLASS, flips, {"noise": noise, "grey": grey})
    assert (one.flips, one.eligible, one.covering, one.covering_flips) == (6, 8, "noise", 2)
    assert one.uplift == pytest.approx(0.5)
    assert one.p_value == pytest.approx(0.5**4)  # four pictures that it alone flips


def test_rates_that_differ_as_chance_would_are_drawn_to_their_mean() -> None:
    generator = np.random.default_rng(1)
    flips = generator.binomial(50, 0.2, size=400)
    rates = expected_rates(flips.tolist(), [50] * 400)
    assert max(rates) - min(rates) < 0.08 < flips.max() / 50 - flips.min() / 50


def test_the_expected_rates_of_the_pairs_that_lead_come_true_on_average() -> None:
    """Rates drawn from a beta: of the twenty largest measured, what is expected is what they are, and not what was
    measured."""
    generator = np.random.default_rng(2)
    off_expected, off_measured = [], []
    for _ in range(200):
        true = generator.beta(0.3, 3.0, size=500)
        flips = generator.binomial(30, true)
        expected = np.array(expected_rates(flips.tolist(), [30] * 500))
        first = np.argsort(-flips, kind="stable")[:20]
        off_expected.append((expected[first] - true[first]).mean())
        off_measured.append((flips[first] / 30 - true[first]).mean())
    assert np.mean(off_measured) > 0.03
    assert abs(np.mean(off_expected)) < 0.01


def test_the_prior_is_the_one_that_the_rates_were_drawn_from() -> None:
    generator = np.random.default_rng(5)
    eligible = generator.integers(20, 80, size=20_000).astype(np.float64)
    flips = generator.binomial(eligible.astype(int), generator.beta(1.0, 4.0, size=20_000)).astype(np.float64)
    assert beta_prior(flips, eligible) == pytest.approx((1.0, 4.0), rel=0.1)


@pytest.mark.parametrize("flips", [[0, 0, 0], [9, 9, 9], [0, 9, 0], [4]])
def test_odd_counts_have_expected_rates_inside(flips: list[int]) -> None:
    rates = expected_rates(flips, [9] * len(flips))
    assert all(0.0 < rate < 1.0 for rate in rates)


def test_pairs_are_ranked_by_what_is_expected_of_them() -> None:
    def pair(source: str, hits: int, pictures: int) -> SurveyedPair:
        flips = np.arange(pictures) < hits
        one = measured("w-00000", Tier.THIRD_CLASS, flips, {"grey": np.zeros(pictures, dtype=bool)})
        return SurveyedPair(source, "z", 0, 4, one, 1.0, 0.0, 0.05)

    given = [pair("b", 20, 40), pair("c", 1, 1), pair("d", 4, 40), *(pair(f"z{one:02d}", 0, 40) for one in range(20))]
    found = ranked(given)
    assert found[0].source == "b"
    assert [one.source for one in found].index("c") > 0  # one picture of one says little
    assert [one.q_value for one in sorted(found, key=lambda one: one.source)] == pytest.approx(
        benjamini_yekutieli([one.measured.p_value for one in given])
    )
    assert found[0].expected_uplift == pytest.approx(found[0].expected - 0.05)
    assert ranked([]) == ()
