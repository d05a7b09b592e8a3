"""Whole audits of a network saved as ONNX: turned into torch and mapped; what runs it is said and stays the same."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import Result

from auditor.inputs.model.sources.factory import build_from_factory
from tests.tiny_world import World, weights

FROM_FACTORY = 'name = "network.py:network"\nweights = "weights.safetensors"\nlayer = "features.3"\n'


@pytest.fixture(scope="module")
def converted(world: World, invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    network = build_from_factory("network.py:network", 6, world.folder).eval()
    network.load_state_dict(weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.rand(2, 3, 32, 32),), world.folder / "model.onnx", dynamo=False,
            input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
        )  # fmt: skip
    fewer = (("icons = 6", "icons = 0"), ("dreams = 1", "dreams = 0"), ("trained = 3", "trained = 0"))
    audit = world.edited("onnx.toml", (FROM_FACTORY, 'name = "model.onnx"\n'), *fewer)
    folder = tmp_path_factory.mktemp("onnx") / "run"
    return folder, invoke("run", audit, "--out", folder)


def test_it_is_mapped_and_what_runs_it_is_said(converted: tuple[Path, Result]) -> None:
    folder, result = converted
    assert result.exit_code in (0, 1, 3), result.output
    told = "model.onnx is turned into torch by onnx2pytorch"
    assert told in result.stderr
    manifest, findings = (json.loads((folder / name).read_text()) for name in ("manifest.json", "findings.json"))
    assert manifest["run_by"] == "torch"
    assert manifest["model_notes"][0].startswith(told)
    assert manifest["model_notes"][0] in findings["notes"]
    assert findings["subject"]["layer"] == manifest["layer"] != ""
    for report in ("report.html", "checklist.md"):
        assert told in (folder / report).read_text()
    assert list((folder / "atlas").glob("*.webp"))


def test_the_same_patch_flips_the_same_pictures_as_in_the_network_it_was_made_of(
    world: World, converted: tuple[Path, Result], finished: tuple[Path, Result], invoke, tmp_path: Path
) -> None:
    flips = []
    for number, run in enumerate((converted[0], finished[0])):
        own = tmp_path / f"run-{number}"
        shutil.copytree(run, own)
        assert invoke("trial", own, "--patches", world.folder / "stickers").exit_code in (0, 1, 3)
        trials = pd.read_parquet(own / "patch-trials" / "stickers" / "trials.parquet")
        kept = trials[trials.control.isin(["", "noise", "grey"])]
        flips.append(kept.groupby(["candidate", "control", "image"])["flip"].sum())
    pd.testing.assert_series_equal(*flips)


def test_a_run_is_not_continued_by_another_that_runs_the_network(
    converted: tuple[Path, Result], invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "run"
    shutil.copytree(converted[0], own)
    before = (own / "findings.json").read_bytes()
    monkeypatch.setitem(sys.modules, "onnx2pytorch", None)
    result = invoke("trial", own)
    assert result.exit_code == 2
    told = " ".join(result.output.split())
    assert "model.onnx was run by torch when" in told
    assert "and onnxruntime would run it now; bring back the packages of then" in told
    assert (own / "findings.json").read_bytes() == before


def test_a_run_of_before_was_run_by_onnxruntime(converted: tuple[Path, Result], invoke, tmp_path: Path) -> None:
    """Its manifest says nothing of it."""
    own = tmp_path / "run"
    shutil.copytree(converted[0], own)
    manifest = json.loads((own / "manifest.json").read_text())
    del manifest["run_by"]
    (own / "manifest.json").write_text(json.dumps(manifest))
    result = invoke("trial", own)
    assert result.exit_code == 2
    assert "was run by onnxruntime when" in " ".join(result.output.split())
