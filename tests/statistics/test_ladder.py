"""The ladder of effects: each rung's gain counted by hand, and planted worlds that name what does it."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.statistics.ladder import RUNG_OF, Rung, coverings_of, ladder, what_does_it
from auditor.statistics.paired import PairedCounts, tango_interval


def flips(images: int, *flipped: range) -> np.ndarray:
    outcomes = np.zeros(images, dtype=bool)
    for part in flipped:
        outcomes[part] = True
    return outcomes


CANDIDATE = flips(100, range(50))
CONTROLS = {
    "noise": flips(100, range(2)),
    "source crop": flips(100, range(46, 52)),
    "mean colour": flips(100, range(10)),
    "pixel shuffled": flips(100, range(5)),
    "phase scrambled": flips(100, range(8), range(60, 64)),
}


def test_every_rung_against_the_one_below_by_hand() -> None:
    covering, colour, texture, structure = ladder(CANDIDATE, CONTROLS, 0.95)
    assert (covering.rung, covering.name, covering.flips, covering.eligible) == (Rung.COVERING, "source crop", 6, 100)
    assert (covering.gain, covering.interval) == (0.06, None)
    # mean colour alone flips 0–9, the source crop alone 46–51
    assert (colour.rung, colour.name, colour.flips, colour.gain) == (Rung.COLOUR, "mean colour", 10, 0.04)
    assert colour.interval == tango_interval(PairedCounts(0, 10, 6, 84))
    # scrambled and mean colour share 0–7
    assert (texture.name, texture.flips, texture.gain) == ("phase scrambled", 12, 0.02)
    assert texture.interval == tango_interval(PairedCounts(8, 4, 2, 86))
    assert (structure.rung, structure.name, structure.flips) == (Rung.STRUCTURE, "structure", 50)
    assert structure.interval == tango_interval(PairedCounts(8, 42, 4, 46))
    assert structure.gain == pytest.approx(0.38)


def test_a_missing_rung_is_left_out_and_strange_controls_too() -> None:
    steps = ladder(CANDIDATE, {"grey": flips(100), "a control of old": CANDIDATE}, 0.95)
    assert [(step.rung, step.gain) for step in steps] == [(Rung.COVERING, 0.0), (Rung.STRUCTURE, 0.5)]
    alone = ladder(CANDIDATE, {}, 0.95)
    assert [(step.rung, step.gain, step.interval) for step in alone] == [(Rung.STRUCTURE, 0.5, None)]


def test_coverings_are_the_lowest_rung() -> None:
    assert list(coverings_of(CONTROLS)) == ["noise", "source crop"]
    assert {name for name, rung in RUNG_OF.items() if rung is Rung.COVERING} == {
        "noise", "grey", "source crop", "quiet crop", "random cell crop",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("colour", "texture", "said"),
    [
        (range(50), range(50), Rung.COLOUR),  # an orange patch, whatever its shape
        (range(10), range(50), Rung.TEXTURE),
        (range(10), range(12), Rung.STRUCTURE),
    ],
)
def test_a_planted_world_is_named(colour: range, texture: range, said: Rung) -> None:
    controls = {
        "noise": flips(100, range(2)),
        "grey": flips(100, range(3)),
        "mean colour": flips(100, range(5)),
        "pixel shuffled": flips(100, colour),
        "phase scrambled": flips(100, texture),
    }
    assert what_does_it(CANDIDATE, controls, 0.1, 0.05) is said
    assert what_does_it(flips(100, range(12)), controls, 0.1, 0.05) is None


def test_without_a_covering_nothing_is_said() -> None:
    assert what_does_it(CANDIDATE, {"mean colour": flips(100)}, 0.1, 0.05) is None
