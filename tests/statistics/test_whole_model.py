"""A survey's tests, its false discovery rate and its order of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.records import Tier
from auditor.core.records.whole_model import SurveyedPair
from auditor.statistics.foretold import Foretold
from auditor.statistics.multiplicity import benjamini_hochberg, benjamini_yekutieli
from auditor.statistics.whole_model import NearCrops, measured, ranked


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


def near(log_odds: list[float], flips: list[int], eligible: list[int]) -> NearCrops:
    covering = np.full(len(flips), 0.05)
    return NearCrops(np.array(log_odds, dtype=np.float32), np.array(flips), np.array(eligible), covering)


def pair(source: str, hits: int, pictures: int) -> SurveyedPair:
    flips = np.arange(pictures) < hits
    one = measured("w-00000", Tier.THIRD_CLASS, flips, {"grey": np.zeros(pictures, dtype=bool)})
    return SurveyedPair(source, "z", 0, 4, one, 1.0, 0.0, 0, 0.0, 0.05)


def test_pairs_are_ranked_by_what_is_expected_of_their_nearest_crops() -> None:
    given = [pair("b", 20, 40), pair("c", 1, 1), pair("d", 20, 40), *(pair(f"z{one:02d}", 0, 40) for one in range(20))]
    # b's other two crops come nowhere near; d's second, which was not pasted, comes as near as the first
    crops = [
        near([0.0, -6.0, -6.0], [20, 0, 1], [40, 0, 40]),
        near([-3.0], [1], [1]),
        near([0.0, -0.1, -6.0], [20, 0, 0], [40, 0, 0]),
        *(near([-4.0, -4.0], [0, 0], [40, 0]) for _ in range(20)),
    ]
    found = {one.source: one for one in ranked(given, crops)}
    assert list(found)[:2] == ["d", "b"]
    assert found["c"].expected < 0.5  # one picture of one says little
    assert [one.q_value for _, one in sorted(found.items())] == pytest.approx(
        benjamini_yekutieli([one.measured.p_value for one in given])
    )
    foretold = Foretold.fit([one.log_odds[0] for one in crops], [20, 1, 20, *[0] * 20], [40, 1, 40, *[40] * 20])
    b = foretold.with_counts([0.0, -6.0, -6.0], [20, 0, 1], [40, 0, 40])
    assert found["b"].expected == pytest.approx(b[0])
    assert found["b"].nearest == 3
    assert found["b"].nearest_expected == pytest.approx(b.mean())
    assert found["b"].expected_uplift == pytest.approx(b.mean() - 0.05)
    assert found["b"].nearest_covering == pytest.approx(0.05)
    assert ranked([], []) == ()


def test_crops_at_other_places_stand_against_what_covers_there() -> None:
    """Two pairs with the same crops: what covering does at the second one's places is held against it."""
    covering = {"b": [0.0, 0.0], "c": [0.3, 0.1]}
    crops = [
        NearCrops(np.zeros(2, dtype=np.float32), np.array([20, 0]), np.array([40, 0]), np.array(covering[name]))
        for name in ("c", "b")
    ]
    first, second = ranked([pair("c", 20, 40), pair("b", 20, 40)], crops)
    assert (first.source, second.source, second.nearest_covering) == ("b", "c", pytest.approx(0.2))
    assert first.expected_uplift - second.expected_uplift == pytest.approx(0.2)
