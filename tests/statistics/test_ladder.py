"""The ladder of effects on outcomes that are known: which step does it, and against what."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.records import Step
from auditor.statistics.ladder import ladder_of_effects, what_does_it
from auditor.statistics.paired import paired_counts, tango_interval

STEPS = {
    "noise": Step.COVERING,
    "grey": Step.COVERING,
    "mean colour": Step.COLOUR,
    "pixel shuffled": Step.COLOUR,
    "phase scrambled": Step.TEXTURE,
}


def flips(count: int, first: int = 0, images: int = 100) -> np.ndarray:
    outcomes = np.zeros(images, dtype=bool)
    outcomes[first : first + count] = True
    return outcomes


def ladder(candidate: int, **by_control: int):
    controls = {name: flips(by_control.get(name.replace(" ", "_"), 0)) for name in STEPS}
    return ladder_of_effects(flips(candidate), controls, STEPS, 0.95)


def test_each_step_is_its_strongest_control_over_the_strongest_covering() -> None:
    effects = ladder(60, noise=2, grey=5, mean_colour=50, pixel_shuffled=55, phase_scrambled=57)
    assert [(effect.step, effect.control, effect.flips) for effect in effects] == [
        (Step.COVERING, "grey", 5),
        (Step.COLOUR, "pixel shuffled", 55),
        (Step.TEXTURE, "phase scrambled", 57),
        (None, "", 60),
    ]
    assert [effect.over_covering for effect in effects] == pytest.approx([0.0, 0.50, 0.52, 0.55])
    wanted = tango_interval(paired_counts(flips(55), flips(5)), 0.95)
    assert effects[1].interval == wanted
    assert {effect.eligible for effect in effects} == {100}


def test_a_colour_shortcut_says_colour_and_a_texture_says_texture() -> None:
    assert what_does_it(ladder(60, grey=2, mean_colour=55, phase_scrambled=58)) is Step.COLOUR
    assert what_does_it(ladder(60, grey=2, mean_colour=20, phase_scrambled=50)) is Step.TEXTURE
    assert what_does_it(ladder(60, grey=2, mean_colour=20, phase_scrambled=20)) is None


def test_what_cannot_be_told_from_covering_does_nothing() -> None:
    # half of a small uplift, whose interval holds 0
    assert what_does_it(ladder(6, grey=2, mean_colour=4)) is None
    assert what_does_it(ladder(2, grey=5, mean_colour=5)) is None
    assert what_does_it(()) is None


def test_steps_that_were_not_measured_are_left_out() -> None:
    controls = {"noise": flips(1), "phase scrambled": flips(9)}
    assert [effect.step for effect in ladder_of_effects(flips(9), controls, STEPS, 0.9)] == [
        Step.COVERING,
        Step.TEXTURE,
        None,
    ]
    assert ladder_of_effects(flips(9), {"mean colour": flips(3)}, STEPS, 0.9) == ()
