"""Whether a feature is needed: paired losses by hand, corrected for all that was asked about, under every fill."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.records import Asked, Removals, Removed
from auditor.statistics.needed import fill_effect, measure_needs
from auditor.statistics.paired import PairedCounts, mcnemar_exact, tango_interval

ASKED = Asked(pictures=120, recognised=100, of=100, held_out=True)


def outcomes(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    lost = np.repeat([True, True, False, False], [both, first, second, neither])
    elsewhere = np.repeat([True, False, True, False], [both, first, second, neither])
    return lost, elsewhere


def removed(identity: str, **fills: tuple[int, int, int, int]) -> Removed:
    pairs = {name: outcomes(*counts) for name, counts in fills.items()}
    images = len(next(iter(pairs.values()))[0])
    return Removed(
        identity,
        "activations",
        keys=tuple(f"k{number}" for number in range(images)),
        shares=(0.1,) * images,
        lost={name: tuple(pair[0].tolist()) for name, pair in pairs.items()},
        lost_elsewhere={name: tuple(pair[1].tolist()) for name, pair in pairs.items()},
    )


def test_the_example_of_the_documentation() -> None:
    """41 of 93 lost with the noodles, 7 with as much beside them, 3 of these with either."""
    one = fill_effect("inpainted", *outcomes(3, 38, 4, 48), findings=1, confidence=0.95)
    assert (one.lost, one.lost_elsewhere, one.alone) == (41, 7, 38)
    assert one.difference == pytest.approx(34 / 93)
    assert (one.interval.low, one.interval.high) == pytest.approx((0.2473, 0.4779), abs=1e-4)
    assert one.needed


def test_interval_and_p_are_corrected_for_all_that_were_asked_about() -> None:
    one = fill_effect("inpainted", *outcomes(3, 38, 4, 48), findings=8, confidence=0.95)
    counts = PairedCounts(3, 38, 4, 48)
    expected = tango_interval(counts, 1 - 0.05 / 8)
    assert (one.interval.low, one.interval.high) == (expected.low, expected.high)
    assert one.p_value == mcnemar_exact(counts)
    assert one.p_adjusted == pytest.approx(8 * one.p_value)
    # alone it would be told apart from none, among eight it is not
    lone = fill_effect("inpainted", *outcomes(0, 8, 1, 41), findings=1, confidence=0.95)
    among = fill_effect("inpainted", *outcomes(0, 8, 1, 41), findings=8, confidence=0.95)
    assert (lone.needed, among.needed) == (True, False)


def test_only_what_was_removed_counts_as_asked_about() -> None:
    nothing = Removed("c-003", why_not="no layer is mapped")
    needs = measure_needs(Removals(ASKED, (removed("c-001", inpainted=(3, 38, 4, 48)), nothing)), 0.95)
    assert needs["c-001"].findings == 1
    assert needs["c-001"].headline is not None
    assert needs["c-001"].headline.interval.confidence == pytest.approx(0.95)
    assert (needs["c-003"].is_needed, needs["c-003"].headline) == (None, None)
    assert needs["c-003"].why_not == "no layer is mapped"


def test_the_fill_that_costs_least_counts_and_all_have_to_agree() -> None:
    agreed = removed("a", inpainted=(3, 38, 4, 48), blurred=(0, 20, 1, 72))
    split = removed("b", inpainted=(3, 38, 4, 48), blurred=(0, 5, 4, 84))
    needs = measure_needs(Removals(ASKED, (agreed, split)), 0.95)
    assert needs["a"].headline is not None
    assert (needs["a"].is_needed, needs["a"].headline.fill) == (True, "blurred")
    assert needs["b"].headline is not None
    assert (needs["b"].is_needed, needs["b"].headline.fill) == (False, "blurred")


def test_where_it_was_not_asked_there_is_nothing() -> None:
    assert measure_needs(Removals(), 0.95) == {}
