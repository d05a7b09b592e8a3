"""Audits with pictures that nobody labelled: what they add, what is noticed, and what is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.tiny_world import World, draw

WITH_POOL = ('all = "photos"', 'all = "photos"\npool = "others"')


@pytest.fixture
def config(own_world: World) -> Path:
    """An audit with twelve pictures beside: woks with spots and kettles, and a copy of a source picture."""
    generator = np.random.default_rng(77)
    (own_world.folder / "others" / "more").mkdir(parents=True)
    for number in range(6):
        draw("blue wok", generator).save(own_world.folder / "others" / f"w{number}.png")
        draw("green kettle", generator).save(own_world.folder / "others" / "more" / f"k{number}.png")
    shutil.copy(own_world.folder / "photos" / "red pan" / "03.png", own_world.folder / "others" / "copy.png")
    (own_world.folder / "others" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return own_world.edited("pool.toml", WITH_POOL)


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_pool_is_searched_counted_fingerprinted_and_resumed_to_the_same_bytes(
    config: Path, own_world: World, invoke: Callable, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    code = invoke("run", config, "--out", whole).exit_code
    assert code in (0, 1, 3)
    table = pd.read_parquet(whole / "candidates.parquet")
    ours = table[table.tier == "unlabelled"]
    assert set(ours.role) == {"suggested", "random"}
    assert ours.image_path.str.startswith("others/").all()
    from_woks = ours.image_path.str.contains("/w") & (ours.parts.str.len() == 0)
    assert (ours.called_target[from_woks] == ours.name[from_woks].str.contains("called blue wok")).all()
    result = json.loads((whole / "findings.json").read_text())
    (note,) = [note for note in result["notes"] if note.startswith("images.pool")]
    assert note == (
        "images.pool: 12 of 14 pictures without labels give crops as well; left out: 1 duplicate, 1 truncated"
    )
    manifest = json.loads((whole / "manifest.json").read_text())
    assert len(manifest["pool"]) == 12
    assert len(manifest["inputs"]["files"]["pictures of the pool"]) == 14
    for finding in result["findings"]:
        if finding["tier"] == "unlabelled" and (finding["read_as_target"] or finding["called_target"]):
            assert finding["verdict"] != "fail"

    parts = tmp_path / "parts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.stages.candidates.mark_read_as_target", stop)
        assert invoke("run", config, "--out", parts).exit_code == 2
    assert invoke("run", "--resume", parts).exit_code == code
    assert (parts / "candidates.parquet").read_bytes() == (whole / "candidates.parquet").read_bytes()
    one, other = (json.loads((folder / "findings.json").read_text()) for folder in (whole, parts))
    assert {**one, "run": ""} == {**other, "run": ""}

    (own_world.folder / "others" / "w3.png").unlink()
    refused = invoke("run", "--resume", whole)
    assert refused.exit_code == 2
    assert "pictures of the pool: others/w3.png gone" in refused.stderr


def test_a_pool_that_is_missing_or_empty_is_told_before_anything_is_loaded(
    own_world: World, invoke: Callable, tmp_path: Path
) -> None:
    config = own_world.edited("pool.toml", WITH_POOL)
    refused = invoke("run", config, "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert "there is no folder" in refused.stderr
    assert "others" in refused.stderr
    (own_world.folder / "others").mkdir()
    refused = invoke("check", config)
    assert refused.exit_code == 2
    assert "holds no picture at any depth" in refused.stderr
    Image.new("RGB", (8, 8)).save(own_world.folder / "others" / "black.png")
    assert "no folder" not in invoke("check", config).stderr
