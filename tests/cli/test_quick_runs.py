"""Patches measured with a bfloat16 copy going first: what counts is float32's, and the run says which ran."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tests.tiny_world import World


def test_trials_in_bfloat16_flip_what_float32_flips(world: World, invoke, tmp_path: Path) -> None:
    tables, said = {}, {}
    for name in ("float32", "bfloat16"):
        more = ("confidence = 0.8", f'confidence = 0.8\n\n[compute]\nprecision = "{name}"')
        folder = tmp_path / name
        typed = ("--patches", world.folder / "stickers", "--placements", "random")
        result = invoke("trial", world.edited(f"{name}.toml", more), *typed, "--out", folder)
        assert result.exit_code in (0, 1, 3), result.output
        tables[name] = pd.read_parquet(folder / "patch-trials" / "stickers" / "trials.parquet")
        said[name] = json.loads((folder / "patch-trials" / "stickers" / "findings.json").read_text())
        clean = json.loads((folder / "manifest.json").read_text())["stages"]["clean"]
        assert clean.get("quick", False) == (name == "bfloat16")
    assert (tables["bfloat16"]["flip"] == tables["float32"]["flip"]).all()
    flipped = tables["bfloat16"]["flip"]
    assert flipped.any()
    after = {name: table["target_after"] for name, table in tables.items()}
    assert (after["bfloat16"][flipped] - after["float32"][flipped]).abs().max() < 1e-6
    assert (after["bfloat16"] != after["float32"]).any()
    assert (after["bfloat16"] - after["float32"]).abs().max() < 0.05
    assert (
        "in bfloat16 first: so it answers 0 of 44 clean pictures otherwise" in said["bfloat16"]["subject"]["trials_run"]
    )
    verdicts = {name: [one["verdict"] for one in each["findings"]] for name, each in said.items()}
    assert verdicts["bfloat16"] == verdicts["float32"]
    # the clean predictions are lost and made again; what was decided with the first ones stands
    (folder / "cache" / "clean.safetensors").unlink()
    assert invoke("trial", folder, *typed, "--dry-run").exit_code == 0
    again = json.loads((folder / "manifest.json").read_text())["stages"]["clean"]
    assert {**again, "seconds": 0} == {**clean, "seconds": 0}


def test_without_a_compiler_nothing_begins(world: World, invoke, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    audit = world.edited("compiled.toml", ("confidence = 0.8", "confidence = 0.8\n\n[compute]\ncompile = true"))
    for typed in (("check", audit), ("run", audit, "--out", tmp_path / "run")):
        result = invoke(*typed)
        assert result.exit_code == 2
        assert "compute.compile needs a C++ compiler, and there is no 'no-such-compiler'" in result.stderr
    assert not (tmp_path / "run" / "cache").exists()
