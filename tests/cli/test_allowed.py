"""Whole runs with masks of where a sticker may go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from auditor.core.config import read_config
from auditor.core.hashing import sha256_of
from auditor.core.progress import Silence
from auditor.inputs.opening import open_inputs
from auditor.run.stages.grounds import deciding
from tests.tiny_world import World


def write_mask(path: Path, white: tuple[slice, slice], side: int = 32) -> None:
    values = np.zeros((side, side), dtype=np.uint8)
    values[white] = 255
    Image.fromarray(values).save(path)


def test_random_places_keep_to_the_mask_and_a_changed_mask_is_another_audit(
    own_world: World, invoke, tmp_path: Path
) -> None:
    write_mask(own_world.folder / "places.png", (slice(0, 32), slice(14, 32)))
    config = own_world.edited(
        "allowed.toml",
        ('all = "photos"', 'all = "photos"\nplaces = "places.png"'),
        ('placements = ["fixed"]', 'placements = ["random"]\nsize = 0.25'),
        ("findings = 1", "findings = 0"),
    )
    folder = tmp_path / "run"
    assert invoke("run", config, "--out", folder).exit_code in (0, 1, 3)
    trials = pd.read_parquet(folder / "trials.parquet")
    drawn = trials[trials.placement == "random"]
    assert len(drawn) > 100
    # turned by up to 45 degrees and up to a fifth larger
    assert drawn.centre_x.min() >= 14 + 0.8 * 4
    assert drawn.centre_x.nunique() > 8
    reach = drawn.side_px / 2 * (np.abs(np.cos(drawn.rotation)) + np.abs(np.sin(drawn.rotation)))
    assert (drawn.centre_x - reach)[drawn.control == ""].min() > 12.5  # tilted by a tenth, it reaches a little further
    looks = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text().splitlines()]
    settings, inputs = read_config(config), open_inputs(read_config(config), Silence())
    assert {one["settings"] for one in looks} == {sha256_of(deciding(inputs, settings.trials).encode())}
    write_mask(own_world.folder / "places.png", (slice(0, 32), slice(13, 32)))
    changed = invoke("run", "--resume", folder)
    assert changed.exit_code == 2
    assert "masks of images.places: " in changed.stderr
    assert looks[0]["settings"] != sha256_of(deciding(inputs, settings.trials).encode())


def test_masks_that_cannot_serve_are_told_ahead(own_world: World, invoke, tmp_path: Path) -> None:
    config = own_world.edited("refused.toml", ('all = "photos"', 'all = "photos"\nplaces = "places.png"'))
    missing = invoke("run", config, "--out", tmp_path / "run")
    assert (missing.exit_code, missing.stderr.count("there is no mask and no folder of masks")) == (2, 1)
    write_mask(own_world.folder / "places.png", (slice(0, 0), slice(0, 0)))
    assert "allows no place" in invoke("check", config).stderr
    (own_world.folder / "masks" / "red pan").mkdir(parents=True)
    config.write_text(config.read_text().replace("places.png", "masks"))
    result = invoke("run", config, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "masks has no mask for" in result.stderr
    assert "Traceback" not in result.stderr
