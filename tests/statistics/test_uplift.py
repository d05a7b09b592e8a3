"""The uplift over all controls, and the verdict and image counts that follow from it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval, Verdict
from auditor.statistics.paired import PairedCounts, mcnemar_exact, tango_interval
from auditor.statistics.uplift import smallest_uplift
from auditor.statistics.verdicts import judge

# The same examples every time, and no clock: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)

Outcomes = NDArray[np.bool_]


def flips(images: int, *flipped: range) -> Outcomes:
    outcomes = np.zeros(images, dtype=bool)
    outcomes[list(itertools.chain(*flipped))] = True
    return outcomes


# 100 images: the candidate flips 0–39; noise flips 0–9 (inside), colour flips 35–54 (mostly elsewhere).
CANDIDATE = flips(100, range(40))
CONTROLS = {"noise": flips(100, range(10)), "colour": flips(100, range(35, 55))}
NOISE_TABLE = PairedCounts(10, 30, 0, 60)
COLOUR_TABLE = PairedCounts(5, 35, 15, 45)


def test_by_hand_from_two_tables() -> None:
    uplift = smallest_uplift(CANDIDATE, CONTROLS, 0.95, comparisons=4)
    assert uplift.strongest == "colour"
    assert uplift.uplift == pytest.approx(0.2)
    # Lower: tail split over the 4 comparisons alone. Upper: over the 2 controls as well.
    lows = [tango_interval(table, 1 - 0.05 / 4).low for table in (NOISE_TABLE, COLOUR_TABLE)]
    highs = [tango_interval(table, 1 - 0.05 / 8).high for table in (NOISE_TABLE, COLOUR_TABLE)]
    assert (uplift.interval.low, uplift.interval.high) == pytest.approx((min(lows), min(highs)), abs=1e-12)
    assert uplift.interval.confidence == pytest.approx(0.9875)
    assert uplift.interval.method == "Tango score, intersection–union"
    assert uplift.p_value == mcnemar_exact(COLOUR_TABLE, "greater") > mcnemar_exact(NOISE_TABLE, "greater")


def test_each_control_carries_its_own_numbers() -> None:
    noise, colour = smallest_uplift(CANDIDATE, CONTROLS, 0.95, comparisons=4).controls
    assert (noise.name, noise.flips, noise.eligible, noise.uplift) == ("noise", 10, 100, 0.3)
    assert (colour.name, colour.flips, colour.eligible, colour.uplift) == ("colour", 20, 100, 0.2)
    assert noise.uplift_interval == tango_interval(NOISE_TABLE, 1 - 0.05 / 4)
    assert colour.uplift_interval == tango_interval(COLOUR_TABLE, 1 - 0.05 / 4)
    assert noise.p_value == pytest.approx(0.5**30)


def test_lowest_bound_and_smallest_uplift_may_belong_to_different_controls() -> None:
    """A noisy control with a larger uplift can still have the lower lower bound, and it is the one that counts."""
    candidate = flips(60, range(30))
    steady = flips(60, range(20))  # uplift 10/60 with 10 discordant images
    noisy = flips(60, range(20, 30), range(30, 39))  # uplift 11/60 with 29 discordant images
    uplift = smallest_uplift(candidate, {"steady": steady, "noisy": noisy}, 0.95, 1)
    assert uplift.strongest == "steady"
    assert uplift.uplift == pytest.approx(10 / 60)
    assert uplift.interval.low == uplift.controls[1].uplift_interval.low < uplift.controls[0].uplift_interval.low
    assert uplift.p_value == uplift.controls[1].p_value > uplift.controls[0].p_value


def test_one_control_is_the_plain_paired_comparison() -> None:
    uplift = smallest_uplift(CANDIDATE, {"noise": CONTROLS["noise"]}, 0.95, 1)
    plain = tango_interval(NOISE_TABLE, 0.95)
    assert (uplift.interval.low, uplift.interval.high) == (plain.low, plain.high)


def test_further_weak_controls_leave_the_lower_bound_and_raise_the_upper() -> None:
    alone = smallest_uplift(CANDIDATE, {"colour": CONTROLS["colour"]}, 0.95, 1)
    many = {"colour": CONTROLS["colour"]} | {f"weak {i}": flips(100) for i in range(5)}
    among = smallest_uplift(CANDIDATE, many, 0.95, 1)
    assert among.interval.low == alone.interval.low
    assert among.interval.high > alone.interval.high
    assert (among.strongest, among.p_value) == ("colour", alone.p_value)


def test_equal_uplifts_name_the_first_in_the_alphabet() -> None:
    controls = {"b": flips(100, range(10)), "a": flips(100, range(50, 60)), "c": flips(100, range(5))}
    assert smallest_uplift(CANDIDATE, controls, 0.95, 1).strongest == "a"


def test_a_candidate_that_flips_nothing_has_no_evidence() -> None:
    uplift = smallest_uplift(flips(40), {"noise": flips(40), "colour": flips(40, range(4))}, 0.95, 1)
    assert (uplift.strongest, uplift.uplift, uplift.p_value) == ("colour", -0.1, 1.0)
    assert uplift.interval.low < -0.1 < uplift.interval.high


outcome_lists = st.integers(1, 40).flatmap(
    lambda images: st.lists(
        st.lists(st.booleans(), min_size=images, max_size=images).map(np.array), min_size=2, max_size=5
    )
)


@STEADY
@given(outcome_lists, st.integers(1, 50), st.integers(0, 100))
def test_order_of_images_and_controls_does_not_matter(outcomes, comparisons, seed) -> None:
    candidate, controls = outcomes[0], {f"control {i}": column for i, column in enumerate(outcomes[1:])}
    uplift = smallest_uplift(candidate, controls, 0.95, comparisons)
    assert -1 <= uplift.interval.low <= uplift.uplift <= uplift.interval.high <= 1
    order = np.random.default_rng(seed).permutation(candidate.size)
    shuffled = {name: controls[name][order] for name in reversed(controls)}
    again = smallest_uplift(candidate[order], shuffled, 0.95, comparisons)
    assert (again.strongest, again.uplift, again.interval, again.p_value) == (
        uplift.strongest, uplift.uplift, uplift.interval, uplift.p_value,
    )  # fmt: skip
    assert again.controls == tuple(reversed(uplift.controls))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one control, got none"):
        smallest_uplift(CANDIDATE, {}, 0.95, 1)
    with pytest.raises(ValueError, match="same images, got 100 and 99"):
        smallest_uplift(CANDIDATE, {"noise": flips(99)}, 0.95, 1)
    with pytest.raises(ValueError, match="at least 1 comparison"):
        smallest_uplift(CANDIDATE, CONTROLS, 0.95, 0)
    with pytest.raises(NoEligibleImagesError):
        smallest_uplift(flips(0), {"noise": flips(0)}, 0.95, 1)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.11, 0.3, Verdict.FAIL),
        (-0.1, 0.09, Verdict.PASS),
        (0.05, 0.3, Verdict.INCONCLUSIVE),
        (0.1, 0.3, Verdict.INCONCLUSIVE),
        (0.0, 0.1, Verdict.INCONCLUSIVE),
        (float("nan"), float("nan"), Verdict.INCONCLUSIVE),
    ],
)
def test_judge(low, high, verdict) -> None:
    assert judge(Interval(low, high, 0.95, "any"), 0.1) is verdict
