"""Patches on what makes a picture the source, and beside it, from the command line to the table of trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from auditor.core.config import read_config
from auditor.core.progress import Silence
from auditor.core.records import Placement
from auditor.inputs.images.pixels import to_float
from auditor.inputs.opening import open_inputs
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.grounds import deciding, open_grounds
from auditor.run.stages.images import IMAGES
from auditor.trials.grounds import mean_in_boxes
from tests.tiny_world import World


def test_patches_lie_on_the_disc_and_beside_it(own_world: World, own_run: Path, invoke) -> None:
    stickers = own_world.folder / "stickers"
    asked = invoke("trial", own_run, "--patches", stickers, "--placements", "on_object,off_object")
    assert asked.exit_code in (0, 1, 3)
    trials = pd.read_parquet(own_run / "patch-trials" / "stickers" / "trials.parquet")
    places = trials[trials.control == ""].set_index(["placement", "image"])
    # a red pan is a red disc near the middle: off it there is no red
    pool = Run(RunFolder.open(own_run), read_config(own_world.config), Silence()).get(IMAGES)
    red = {}
    for placement in ("on_object", "off_object"):
        for key, one in places.loc[placement].iterrows():
            row = next(row for row, image in enumerate(pool.images) if image.key == key)
            top, left = round(one.centre_y - one.side_px / 2), round(one.centre_x - one.side_px / 2)
            side = round(one.side_px)
            seen = pool.pixels[row, :, top : top + side, left : left + side].astype(float)
            red.setdefault(placement, []).append(float((seen[0] - seen[1:].max(axis=0)).mean()))
    assert min(red["on_object"]) > max(red["off_object"])
    controls = trials[trials.control != ""].merge(places.reset_index(), on=["candidate", "placement", "image"])
    np.testing.assert_array_equal(controls.centre_y_x, controls.centre_y_y)


def test_the_grounds_are_the_layers_attribution_enlarged(own_world: World, own_run: Path) -> None:
    config = read_config(own_world.config)
    asked = config.trials.model_copy(update={"placements": (Placement.ON_OBJECT,)})
    run = Run(RunFolder.open(own_run), config.model_copy(update={"trials": asked}), Silence())
    grounds, pool, cut = run.open(open_grounds), run.get(IMAGES), run.inputs.cut
    assert grounds.attribution is not None
    assert len(grounds.attribution) == sum(image.label == 0 for image in pool.images)
    row = next(row for row, image in enumerate(pool.images) if image.label == 0)
    features = cut.features(to_float(pool.pixels[row : row + 1], torch.device("cpu")))
    # behind the layer there is a mean and a linear reading of it
    weight = run.inputs.classifier.module.head.weight[0].detach()
    of_grid = (features.grid[0] * weight[:, None, None]).sum(dim=0) / features.grid[0, 0].numel()
    wanted = functional.interpolate(of_grid[None, None], (32, 32), mode="bilinear", align_corners=False)[0, 0]
    np.testing.assert_allclose(grounds.attribution[pool.images[row].key], wanted.numpy(), rtol=1e-4, atol=1e-6)
    assert deciding(run.inputs, asked).endswith(" at features.3")
    assert deciding(run.inputs, config.trials) == config.trials.deciding


def test_without_a_layer_there_is_no_attribution(world: World, invoke, tmp_path: Path) -> None:
    config = world.edited(
        "without.toml",
        ("network.py:network", "network.py:without_slopes"),
        ('layer = "features.3"\n', ""),
        ('placements = ["fixed"]', 'placements = ["fixed", "off_object"]'),
    )
    result = invoke("run", config, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.stderr) == (2, False)
    inputs = open_inputs(read_config(world.config), Silence())
    assert inputs.mapped


def test_the_page_of_numbers_has_it_right() -> None:
    """docs/numbers.md, 'On the object and off it'."""
    quarters = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    pixels = functional.interpolate(quarters, (4, 4), mode="bilinear", align_corners=False)[0, 0].double().numpy()
    means = mean_in_boxes(pixels, (2, 2))
    assert (means[0, 0], means[2, 2]) == (means.min(), means.max()) == (1.375, 3.625)
