"""Audits whose trials run the network with its batch norms folded find what they find without, and say which ran."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.tiny_world import World

FACTORY = """
import torch
from network import Areas
from safetensors.torch import load_file
from torch import nn


def normed():
    built = Areas(6)
    built.load_state_dict(load_file(WEIGHTS))
    first, relu, second, last = built.features
    norm = nn.BatchNorm2d(8)
    norm.running_mean.fill_(0.15)
    norm.running_var.fill_(0.25 - norm.eps)  # so that it doubles what is above 0.15
    with torch.no_grad():
        first.weight.div_(2)
        first.bias.div_(2).add_(0.15)
    built.features = nn.Sequential(first, norm, relu, second, last)
    return built
"""


@pytest.fixture(scope="module")
def runs(world: World, invoke, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    (world.folder / "normed.py").write_text(FACTORY.replace("WEIGHTS", repr(str(world.folder / "weights.safetensors"))))
    own = [
        ("network.py:network", "normed.py:normed"),
        ('weights = "weights.safetensors"\n', ""),
        ("features.3", "features.4"),
    ]
    folders = {}
    for name, more in (
        ("folded", []),
        ("as-it-is", [("confidence = 0.8", "confidence = 0.8\n\n[compute]\nfold_batch_norms = false")]),
    ):
        folders[name] = tmp_path_factory.mktemp(name) / "run"
        result = invoke("run", world.edited(f"{name}.toml", *own, *more), "--out", folders[name])
        assert result.exit_code in (0, 1, 3), result.output
    return folders


def findings(folder: Path) -> dict[str, object]:
    return json.loads((folder / "findings.json").read_text())


def noted(folder: Path) -> dict[str, object]:
    return json.loads((folder / "manifest.json").read_text())["stages"]["clean"]


def test_findings_are_those_of_the_network_as_it_is(runs: dict[str, Path]) -> None:
    folded, plain = (findings(runs[name]) for name in ("folded", "as-it-is"))
    told = folded["subject"].pop("trials_run"), plain["subject"].pop("trials_run")
    assert told[0].startswith("with its batch norm folded into the convolutions before; on the 44 clean pictures")
    assert told[1] == "the network as it is: compute.fold_batch_norms is off"
    counted = [
        [(one["candidate"], one["flips"], one["verdict"]) for one in each["findings"]] for each in (folded, plain)
    ]
    assert counted[0] == counted[1]
    assert len(counted[0]) == 4
    tables = [pd.read_parquet(runs[name] / "trials.parquet") for name in ("folded", "as-it-is")]
    assert (tables[0]["flip"] == tables[1]["flip"]).all()


def test_the_manifest_and_the_report_say_which_ran(runs: dict[str, Path]) -> None:
    folded, plain = noted(runs["folded"]), noted(runs["as-it-is"])
    assert (folded["folded"], plain["folded"]) == (1, 0)
    assert 0 <= folded["largest_change"] < 1e-4
    assert "with its batch norm folded" in (runs["folded"] / "report.html").read_text()
    assert "compute.fold_batch_norms is off" in (runs["as-it-is"] / "report.html").read_text()


def test_a_resumed_run_keeps_its_network(runs: dict[str, Path], invoke) -> None:
    """The clean predictions are lost and made again; what was decided with the first ones stands."""
    run = runs["folded"]
    manifest, before = json.loads((run / "manifest.json").read_text()), (run / "findings.json").read_bytes()
    for change in ({"folded": 0, "trials_run": "as decided"}, {}):
        clean = {**manifest["stages"]["clean"], **change}
        (run / "manifest.json").write_text(json.dumps({**manifest, "stages": {**manifest["stages"], "clean": clean}}))
        (run / "cache" / "clean.safetensors").unlink()
        assert invoke("run", "--resume", run).exit_code in (0, 1, 3)
        assert {name: noted(run)[name] for name in ("folded", "trials_run")} == {
            name: clean[name] for name in ("folded", "trials_run")
        }
    assert (run / "findings.json").read_bytes() == before
