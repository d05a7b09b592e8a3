"""Atlases laid out by TorchDR, from the command line: what a run records of it, and that it is refused in time."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from tests.tiny_world import World


def test_a_run_records_its_layout_and_the_librarys_version(world: World, invoke, tmp_path: Path) -> None:
    audit = world.edited("laid-out.toml", ("levels = [4, 6]", 'levels = [4, 6]\nlayout = "torchdr"'))
    assert invoke("atlas", audit, "--out", tmp_path / "run").exit_code == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["config"]["atlas"]["layout"] == "torchdr"
    assert manifest["versions"]["torchdr"].startswith("0.5")


def test_without_the_library_nothing_begins(world: World, invoke, tmp_path: Path, monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "torchdr" else found(name, *of))
    audit = world.edited("torchdr.toml", ("levels = [4, 6]", 'levels = [4, 6]\nlayout = "torchdr"'))
    for typed in (("check", audit), ("run", audit, "--out", tmp_path / "run")):
        result = invoke(*typed)
        assert result.exit_code == 2
        needed = 'atlas.layout = "torchdr" needs torchdr, not installed here; pip install "auditor[torchdr]"'
        assert needed in result.stderr
    assert not (tmp_path / "run" / "cache").exists()
