"""What a score is made of: which crops show the cue, the paste beside the auditor's own, and the stated probability."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from auditor.candidates.controls import OWN_CONTROLS
from auditor.core.config import TrialsConfig
from auditor.core.errors import StoreError
from auditor.core.progress import Silence
from auditor.core.records import Candidate, Interval, Origin, Placement, Tier
from auditor.inputs.world.planted import CLASS_NAMES, WORLDS
from auditor.inputs.world.planted_bundle import AUDIT_SEED, file_of
from auditor.inputs.world.planted_pictures import base_picture, planted, with_cue
from auditor.run.worlds.hits import CueFinder, first, ranked
from auditor.run.worlds.options import Examiner, _around
from auditor.run.worlds.pasting import Standing, pasted
from auditor.run.worlds.score import ROW_VERSION, Row, Scorer, p_shortcut
from auditor.trials.pasting import Sticker, paste, paste_at
from auditor.trials.placements import draw, variants_of
from auditor.trials.spots import Spots
from auditor.trials.stand_ins import Control, CutFromPictures
from auditor.trials.stand_ins import Draw as StandInDraw

NOODLES = WORLDS["noodles"]


def a_cued_picture() -> tuple[str, np.ndarray]:
    """The file of a bowl beside noodles, and where they are."""
    bowl = CLASS_NAMES.index("bowl")
    for index in range(20):
        base = base_picture(bowl, AUDIT_SEED, index)
        picture = planted(NOODLES, base, twin=False, poison=True)
        if picture.cue.any():
            return f"discovery/{file_of(base, picture)}", picture.cue
    raise AssertionError("no bowl of twenty has noodles")


def test_a_crop_shows_the_cue_where_the_renderer_drew_it() -> None:
    file, mask = a_cued_picture()
    rows, columns = np.nonzero(mask)
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    finder = CueFinder(NOODLES, twin=False)
    assert finder.in_box(file, box)
    assert finder.in_box(file, (0, 0, 64, 64))  # little of the crop, all of the cue
    empty = next(
        (x, y, x + 12, y + 12)
        for y in range(0, 52, 4)
        for x in range(0, 52, 4)
        if not mask[y : y + 12, x : x + 12].any()
    )
    assert not finder.in_box(file, empty)


def test_what_is_made_of_a_crop_shows_what_the_crop_shows() -> None:
    file, _ = a_cued_picture()
    crop = Candidate("c-001", "crop", Origin.CROP, Tier.TARGET_CONTEXT, image_path=file, box=(0, 0, 64, 64))
    shape = replace(crop, id="s-001", box=None, image_path="", parts=("c-001",))
    finder, known = CueFinder(NOODLES, twin=False), {"c-001": crop}
    assert finder.shown_by(crop, known)
    assert finder.shown_by(shape, known)
    assert not finder.shown_by(replace(shape, parts=("c-002",)), known)


def finding(uplift: float, low: float, high: float, held: bool = True) -> SimpleNamespace:
    return SimpleNamespace(uplift=uplift, uplift_interval=Interval(low, high, 0.95, "x"), held_to_limit=held)


def test_the_stated_probability() -> None:
    assert p_shortcut([], 0.1) == 0.02
    assert p_shortcut([finding(0.1, 0.0, 0.2)], 0.1) == pytest.approx(0.5)  # type: ignore[list-item]
    assert p_shortcut([finding(0.9, 0.8, 1.0), finding(0.0, -0.1, 0.1)], 0.1) == 0.98  # type: ignore[list-item]
    # one standard error above the limit
    assert p_shortcut([finding(0.2, 0.2 - 0.196, 0.2 + 0.196)], 0.1) == pytest.approx(0.8413, abs=1e-4)  # type: ignore[list-item]


def test_what_is_not_held_has_no_rank() -> None:
    order = ranked([finding(0.1, 0, 0), finding(0.9, 0, 0, held=False), finding(0.3, 0, 0)])  # type: ignore[list-item]
    assert [one.uplift for one in order] == [0.3, 0.1]
    assert first([False, False, True, True]) == 3
    assert first([False]) is None


def test_a_row_of_an_earlier_version_without_its_audit_is_a_sentence(tmp_path: Path) -> None:
    row = Row("noodles", "planted", 0, "fail", 0.98, 1, 5, 50, 100, None, {}, 1000, 10.0)
    file = tmp_path / "rows" / "noodles-planted-0.json"
    file.parent.mkdir()
    file.write_text(json.dumps(asdict(row)))
    with pytest.raises(StoreError, match="is an earlier version's row, and its audit cannot be read") as told:
        Scorer(tmp_path, tmp_path, Silence())._row(NOODLES, "planted", 0)
    assert "delete the row and score again" in str(told.value)
    # what was completed is read back, whatever became of its audit
    full = replace(row, named=7, largest=0.4, version=ROW_VERSION)
    file.write_text(json.dumps(asdict(full)))
    assert Scorer(tmp_path, tmp_path, Silence())._row(NOODLES, "planted", 0) == full


def test_the_paste_is_the_auditors_to_one_step_of_a_byte() -> None:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (3, 3, 64, 64), dtype=np.uint8)
    rgba = rng.integers(0, 256, (4, 19, 15), dtype=np.uint8)
    config = TrialsConfig()
    (variant,) = variants_of(Placement.FIXED, config)
    images = torch.from_numpy(pixels).float() / 255.0
    sticker = Sticker(rgba, torch.device("cpu"))
    draws = draw(variant, config, ["a", "b", "c"], "x", sticker.aspect, (64, 64), 0)
    paste(images, sticker, draws, 22.0)
    difference = np.abs(images.numpy() * 255.0 - pasted(pixels, rgba))
    assert difference.max() < 1.01


@pytest.mark.parametrize("name", ["noise", "grey", "pixel shuffled", "source crop"])
def test_a_control_on_fresh_pictures_is_the_trials_own(name: str) -> None:
    """As the sweep pastes it: the same draws, to one step of a byte."""
    rng = np.random.default_rng(6)
    pixels = rng.integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)
    rgba = rng.integers(0, 256, (4, 22, 16), dtype=np.uint8)
    cut = CutFromPictures(np.array([0, 1]))
    control = Control(name, cut if name == "source crop" else OWN_CONTROLS[name])
    keys, of = ["a", "b"], StandInDraw(7, "c-001", name)
    found = pasted(pixels, rgba, instead=Standing(control, "c-001", keys, 7, pixels))

    config, sticker, device = TrialsConfig(), Sticker(rgba, torch.device("cpu")), torch.device("cpu")
    (variant,) = variants_of(Placement.FIXED, config)
    source = sticker.at(22.0)
    spots = Spots.of(draw(variant, config, keys, "c-001", sticker.aspect, (64, 64), 7), (22, 16), (64, 64), device)
    images = torch.from_numpy(pixels).float() / 255.0
    if name == "source crop":
        paste_at(images, cut.cut(of, keys, pixels, source[3], device), spots)
    else:
        stand_in = OWN_CONTROLS[name]
        numbers = stand_in.numbers(of, keys, (22, 16), device)
        patch = source.expand(2, -1, -1, -1)
        changed = torch.cat([stand_in.change(patch[:, :3], patch[:, 3:], numbers), patch[:, 3:]], dim=1)
        paste_at(images, changed, spots)
    assert np.abs(images.numpy() * 255.0 - found).max() < 1.01
    assert not np.array_equal(found, pasted(pixels, rgba))


def test_the_examiner_knows_most_cues_when_it_sees_them() -> None:
    """Pictures of cues that it was not shown; chance is one in eight."""
    examiner, right = Examiner(), 0
    names = ["noodles", "sticker", "mark", "frame", "spot", "emblem", "trigger", "tag"]
    for place, name in enumerate(names):
        cued = with_cue(WORLDS[name], base_picture(place, 999, place))
        square = _around(cued.pixels, cued.cue).transpose(2, 0, 1)
        rgba = np.concatenate([square, np.full_like(square[:1], 255)])
        right += examiner.answer(WORLDS[name], rgba) == name
    assert right >= 5
