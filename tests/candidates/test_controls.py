"""Which controls there are, what they are made of, and that one drawing's luck decides no verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from auditor.candidates.controls import (
    CONTROLS,
    OWN_CONTROLS,
    Making,
    check_visible,
    make_controls,
    own_controls,
    steps,
)
from auditor.candidates.scene import Scene
from auditor.core.config import TrialsConfig
from auditor.core.errors import PatchError
from auditor.core.progress import Silence
from auditor.core.records import Candidate, ClassGroup, Limits, Origin, Placement, Split, Step, Tier
from auditor.core.records.trials import ConfirmedTrials, Predictions
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.statistics.findings import make_findings
from auditor.trials.patch import Patch
from auditor.trials.placements import variants_of
from auditor.trials.stand_ins import Control, CutFromPictures
from auditor.trials.sweep import Sweep


def test_every_control_has_its_name_and_its_step_of_the_ladder() -> None:
    order = list(Step)
    assert list(steps()) == list(CONTROLS)
    assert [order.index(step) for step in steps().values()] == sorted(order.index(step) for step in steps().values())
    assert set(steps().values()) == set(Step)
    assert set(OWN_CONTROLS) < set(CONTROLS)
    assert [control.name for control in own_controls()] == list(OWN_CONTROLS)


def test_those_that_can_be_made_are_made(scene: Scene) -> None:
    """Of the six pictures the first and the fourth are of the source, and no atlas is there."""
    made = {control.name: control.stand_in for control in make_controls(Making(scene))}
    assert list(made) == [name for name in CONTROLS if name != "quiet crop"]
    cut = made["source crop"]
    assert isinstance(cut, CutFromPictures)
    assert cut.rows.tolist() == [0, 3]
    assert cut.centres is None
    moved = tuple(replace(image, split=Split.CONFIRMATION) for image in scene.pool.images)
    without = replace(scene, pool=replace(scene.pool, images=moved))
    assert "source crop" not in {control.name for control in make_controls(Making(without))}


def test_a_patch_of_which_nothing_is_left_has_no_control() -> None:
    rgba = np.zeros((4, 60, 60), dtype=np.uint8)
    rgba[3, 0, 0] = 1
    speck = Patch(Candidate("u-speck", "speck", Origin.USER, Tier.USER, "0" * 64), rgba)
    check_visible(speck, 60)
    with pytest.raises(PatchError, match="patch u-speck is transparent everywhere once it is shrunk to 6 px"):
        check_visible(speck, 6)


RED, GREEN = ClassGroup("red", (0,)), ClassGroup("green", (1,))


def sweep_at_a_threshold(colour_classifier: Callable[..., Classifier], pictures: int) -> Sweep:
    """Red is ahead of green by so little that noise in a corner decides: half of all drawings flip a picture."""
    pixels = np.empty((pictures, 3, 24, 24), dtype=np.uint8)
    pixels[:] = np.array([101, 100, 0])[None, :, None, None]
    keys = [f"k{number}" for number in range(pictures)]
    clean = Predictions.of_none(pictures)
    return Sweep(
        colour_classifier((24, 24)), TargetCalled(RED, GREEN), pixels, keys, clean, TrialsConfig(size=0.5), 3,
    )  # fmt: skip


def test_five_names_one_verdict(colour_classifier: Callable[..., Classifier]) -> None:
    """One drawing pasted on all pictures flips all of them or none; drawn for each, every name says the same."""
    sweep = sweep_at_a_threshold(colour_classifier, 120)
    rgba = np.zeros((4, 12, 12), dtype=np.uint8)
    rgba[1], rgba[3] = 255, 255  # green: it flips every picture
    variants = variants_of(Placement.FIXED, TrialsConfig(size=0.5))
    noise = Control("noise", OWN_CONTROLS["noise"])
    flips, verdicts, of_one_drawing = [], [], []
    for number in range(1, 6):
        identity = f"c-00{number}"
        own = sweep.run(rgba, variants, identity, Silence())
        control = sweep.run(rgba, variants, identity, Silence(), noise)
        flips.append(int(control.outcomes.sum()))
        candidate = Candidate(identity, "green", Origin.CROP, Tier.THIRD_CLASS, "0" * 64)
        trials = [ConfirmedTrials(candidate, Placement.FIXED, own, {"noise": control}, steps())]
        (finding,) = make_findings(trials, Limits(0.3, 0.9, 0.95), {})
        verdicts.append(finding.verdict)
        drawn_once = np.random.default_rng(number).integers(0, 256, size=(4, 12, 12), dtype=np.uint8)
        drawn_once[3] = 255
        of_one_drawing.append(int(sweep.run(drawn_once, variants, identity, Silence()).outcomes.sum()))
    assert set(of_one_drawing) == {0, 120}
    assert min(flips) > 30
    assert max(flips) < 90
    assert max(flips) - min(flips) < 30
    assert set(verdicts) == {verdicts[0]}
