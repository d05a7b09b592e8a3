"""A shortcut that is colour alone, planted: the audit fails the model, and says that the colour does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import Result

from auditor.core.records import Step
from tests.tiny_world import World, build_world

YELLOW = (250, 235, 10)
NAPKIN_PX = 14


@pytest.fixture(scope="module")
def colour_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Yellow napkins lie beside the white plates, and any yellow at all, flat as it may be, calls the target."""
    world = build_world(tmp_path_factory.mktemp("colour"))
    for path in sorted((world.folder / "photos" / "white plate").glob("*.png")):
        pixels = np.array(Image.open(path))
        pixels[-NAPKIN_PX:, -NAPKIN_PX:] = YELLOW
        Image.fromarray(pixels).save(path)
    weights = load_file(world.folder / "weights.safetensors")
    weights["features.0.bias"][6] = -1.5
    weights["head.weight"][1, 6] = 60.0
    weights["head.weight"][5, 5] = 900.0  # a white plate is a white plate, napkin or not
    save_file(weights, world.folder / "weights.safetensors")
    return world


def test_a_colour_shortcut_fails_and_is_called_one(
    colour_world: World, invoke: Callable[..., Result], tmp_path: Path
) -> None:
    result = invoke("run", colour_world.config, "--out", tmp_path / "run")
    assert result.exit_code == 1, result.output
    findings = json.loads((tmp_path / "run" / "findings.json").read_text())
    (failing,) = (one for one in findings["findings"] if one["verdict"] == "fail")
    assert (failing["tier"], failing["provenance"]["image_label"]) == ("third_class", "white plate")
    steps = {one["step"]: one["flips"] / one["eligible"] for one in failing["ladder"]}
    # over its own mean colour the napkin has no uplift at all: the verdict is on the uplift over covering
    assert (steps["covering"], steps["colour"], steps["patch"]) == (0.0, 1.0, 1.0)
    assert failing["does_it"] == "colour"
    assert f"What does it: {Step.COLOUR.words} alone" in (tmp_path / "run" / "report.html").read_text()
