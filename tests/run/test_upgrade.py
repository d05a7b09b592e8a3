"""A run folder that an earlier version made is reported, reviewed and resumed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

from auditor.candidates.controls import CONTROLS
from auditor.report.findings_json import schema
from auditor.run.folder import RunFolder
from auditor.run.pipeline import STAGES
from auditor.run.upgrade import open_folder
from auditor.trials.sweep import Sweep
from tests.tiny_world import World

MADE_BEFORE = Path(__file__).with_name("run_of_version_0.zip")
"""A finished run of the tiny world, without its report.html; its world lay in /audits/world."""


@pytest.fixture
def old(own_world: World, tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    with zipfile.ZipFile(MADE_BEFORE) as archive:
        archive.extractall(folder)
    for file in ("manifest.json", "result.json"):
        text = (folder / file).read_text()
        (folder / file).write_text(text.replace("/audits/world", str(own_world.folder)))
    return folder


def findings_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "findings.json").read_text())


def counted(folder: Path) -> list[tuple[object, ...]]:
    """What was counted of each finding: how it is judged may change from version to version, this may not."""
    found = findings_of(folder)["findings"]
    names = ("candidate", "tier", "placement", "flips", "eligible", "probability_before", "probability_after", "shows")
    return sorted(tuple(str(one[name]) for name in names) for one in found)  # type: ignore[attr-defined,index]


def controls_of(folder: Path) -> dict[tuple[str, str], int]:
    found = findings_of(folder)["findings"]
    return {(one["candidate"], control["name"]): control["flips"] for one in found for control in one["controls"]}  # type: ignore[attr-defined,index]


def test_it_is_reported(old: Path, invoke) -> None:
    before, counts, controls = findings_of(old), counted(old), controls_of(old)
    assert invoke("report", old).exit_code == 3
    assert (counted(old), controls_of(old)) == (counts, controls)
    after = findings_of(old)
    jsonschema.validate(after, schema(), jsonschema.Draft202012Validator)
    # what an earlier version judged stays judged so: it kept no paired counts to test again
    for one, then in zip(after["findings"], before["findings"], strict=True):  # type: ignore[arg-type,call-overload]
        assert (one["uplift_interval"], one["p_value"]) == (then["uplift_interval"], then["p_value"])
        assert one["p_below"] is None
        assert one["verdict"] == (then["verdict"] if one["held"] else "not held")
    assert {**before["fragility"], "images": 0, "coverings": [], "any_class": None} == after["fragility"]  # type: ignore[dict-item]
    html = (old / "report.html").read_text()
    candidates = {finding["candidate"] for finding in before["findings"]}  # type: ignore[attr-defined,index]
    assert all(candidate in html for candidate in candidates)
    assert html.count("<img") > 20  # the sheets and strips of its atlas, candidates and examples
    assert invoke("report", old, "--format", "json").stdout == (old / "findings.json").read_text()
    assert json.loads((old / "findings.json").read_text())["clean_accuracy"] is None
    assert "Not measured: this run was made by an earlier version." in html
    assert "- [ ] The model knows its own classes: not measured" in (old / "checklist.md").read_text()


def test_it_is_reviewed(old: Path, invoke) -> None:
    waiting = [
        one for one in json.loads((old / "findings.json").read_text())["findings"] if one["tier"] == "target_image"
    ]
    mark = f"{waiting[0]['candidate']}=object"
    assert invoke("review", old, "--mark", mark, "--by", "Ann", "--why", "a wok").exit_code in (0, 3)
    (settled,) = [
        one
        for one in json.loads((old / "findings.json").read_text())["findings"]
        if one["candidate"] == waiting[0]["candidate"]
    ]
    assert settled["tier"] == "target_object"


def test_it_is_resumed_without_measuring_anything(old: Path, invoke, monkeypatch) -> None:
    before, controls = counted(old), controls_of(old)
    monkeypatch.setattr(Sweep, "run", None)
    monkeypatch.setattr("auditor.run.stages.atlas.build_pair_atlases", None)
    monkeypatch.setattr("auditor.run.stages.candidates.propose", None)
    result = invoke("run", "--resume", old)
    assert result.exit_code == 3, result.output
    assert "an earlier version of auditor began this run and noted no fingerprints" in result.stderr
    assert (counted(old), controls_of(old)) == (before, controls)
    assert (old / "report.html").exists()
    folder = RunFolder.open(old)
    assert all(folder.is_done(stage.name) for stage in STAGES)


def test_its_pictures_are_read_again_without_being_noted(old: Path, invoke) -> None:
    """Half of what decides its numbers would look like all of it."""
    (old / "cache" / "pixels.npy").unlink()
    for _ in range(2):
        result = invoke("run", "--resume", old)
        assert result.exit_code == 3, result.output
        assert "noted no fingerprints" in result.stderr
    assert "inputs" not in RunFolder.open(old).manifest()


def test_its_trials_are_run_anew(old: Path, invoke) -> None:
    before = counted(old)
    assert invoke("trial", old).exit_code == 3
    assert counted(old) == before
    assert {name for _, name in controls_of(old)} == set(CONTROLS)
    # which is more than its first report knew
    assert json.loads((old / "findings.json").read_text())["clean_accuracy"]["target"]["pictures"] == 24


def test_one_that_was_interrupted_before_its_report_goes_on(old: Path, invoke) -> None:
    """Without a result nobody knows how its trials ended. Its blocks hold controls that were drawn once: made anew."""
    before, blocks = counted(old), set((old / "cache" / "trials").iterdir())
    assert blocks
    for file in ("result.json", "findings.json", "checklist.md", "junit.xml"):
        (old / file).unlink()
    folder = RunFolder.open(old)
    folder.forget(["report"], [])
    assert invoke("run", "--resume", old).exit_code == 3
    assert set((old / "cache" / "trials").iterdir()) > blocks
    assert (pd.read_parquet(old / "trials.parquet")["target_rank"] > 0).all()
    assert counted(old) == before
    assert {name for _, name in controls_of(old)} == set(CONTROLS)


def test_cells_and_pushes_go_apart(old: Path) -> None:
    together = pd.read_parquet(old / "cells.parquet")
    open_folder(old)
    cells = pd.read_parquet(old / "cache" / "cells.parquet")
    pushes = pd.read_parquet(old / "cache" / "pushes.parquet")
    assert cells.predicted_push.isna().all()
    assert list(pushes.cell) == list(together.name) == list(cells.name)
    pd.testing.assert_series_equal(pushes.predicted_push, together.predicted_push)
