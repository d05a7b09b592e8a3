"""A candidate beside its controls, by hand; and the verdict that an interval gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Interval, Step, Verdict
from auditor.statistics.paired import PairedCounts, mcnemar_exact, tango_interval
from auditor.statistics.uplift import over_control, over_every_control
from auditor.statistics.verdicts import judge


def flips(images: int, *flipped: range) -> NDArray[np.bool_]:
    outcomes = np.zeros(images, dtype=bool)
    outcomes[list(itertools.chain(*flipped))] = True
    return outcomes


# 100 images: the candidate flips 0–39; noise flips 0–9 (inside), colour flips 35–54 (mostly elsewhere).
CANDIDATE = flips(100, range(40))
CONTROLS = {"noise": flips(100, range(10)), "colour": flips(100, range(35, 55))}
NOISE_TABLE = PairedCounts(10, 30, 0, 60)
COLOUR_TABLE = PairedCounts(5, 35, 15, 45)


def test_each_control_carries_its_own_numbers() -> None:
    colour = over_control("colour", COLOUR_TABLE, 0.9, Step.COLOUR)
    assert (colour.name, colour.flips, colour.eligible, colour.uplift) == ("colour", 20, 100, 0.2)
    assert (colour.alone, colour.step) == (35, Step.COLOUR)
    assert colour.uplift_interval == tango_interval(COLOUR_TABLE, 0.9)
    assert over_control("noise", NOISE_TABLE, 0.9).p_value == pytest.approx(0.5**30)


def test_over_every_control_the_smallest_uplift_and_the_largest_p_value_count() -> None:
    uplift, p_value = over_every_control(CANDIDATE, CONTROLS)
    assert uplift == pytest.approx(0.2)
    assert p_value == mcnemar_exact(COLOUR_TABLE, "greater") > mcnemar_exact(NOISE_TABLE, "greater")
    assert over_every_control(CANDIDATE, dict(reversed(CONTROLS.items()))) == (uplift, p_value)


def test_they_may_belong_to_different_controls() -> None:
    """A control with a larger uplift can be the less sure one: it differs on more images, in both directions."""
    candidate = flips(60, range(30))
    steady = flips(60, range(20))  # uplift 10/60 with 10 discordant images
    noisy = flips(60, range(20, 30), range(30, 39))  # uplift 11/60 with 29 discordant images
    uplift, p_value = over_every_control(candidate, {"steady": steady, "noisy": noisy})
    assert uplift == pytest.approx(10 / 60)
    assert p_value == mcnemar_exact(PairedCounts(10, 20, 9, 21), "greater") > 0.5**10


def test_a_candidate_that_flips_nothing_has_no_evidence() -> None:
    assert over_every_control(flips(40), {"noise": flips(40), "colour": flips(40, range(4))}) == (-0.1, 1.0)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one control, got none"):
        over_every_control(CANDIDATE, {})
    with pytest.raises(ValueError, match="same images, got 100 and 99"):
        over_every_control(CANDIDATE, {"noise": flips(99)})
    with pytest.raises(NoEligibleImagesError):
        over_every_control(flips(0), {"noise": flips(0)})


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
