"""Whether the target needs what was confirmed, in whole runs: told, switched off, interrupted, of older versions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from auditor.candidates.removal import Remover
from auditor.run.folder import RunFolder
from auditor.run.pipeline import stage_named
from auditor.run.unchanged import settings_sha256


def findings_of(run: Path) -> list[dict]:
    return json.loads((run / "findings.json").read_text())["findings"]


def without_the_stage(run: Path) -> None:
    """A run folder as an earlier version left it: the stage is not there, and its report knows nothing of it."""
    folder = RunFolder.open(run)
    folder.forget(["needed"], stage_named("needed").files)
    resettle(run, lambda config: config.pop("needed"))
    result = json.loads((run / "result.json").read_text())
    for finding in result["findings"]:
        del finding["needed"]
    (run / "result.json").write_text(json.dumps(result))
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["checksums"].pop("result.json", None)
    (run / "manifest.json").write_text(json.dumps(manifest))


def resettle(run: Path, change: Callable[[dict], object]) -> None:
    """Other settings in a manifest, as if the run had been begun with them."""
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest["config"])
    (run / "manifest.json").write_text(json.dumps(manifest))
    manifest["inputs"]["settings"] = settings_sha256(RunFolder.open(run))
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_every_format_tells(finished: tuple[Path, Result]) -> None:
    run, said = finished
    found = findings_of(run)
    assert {finding["needed"]["recognised"] > 0 for finding in found} == {True}
    for need in (finding["needed"] for finding in found):
        left_out = sum(need["left_out"].values())
        assert need["pictures"] + left_out == need["asked"]
        assert [one["fill"] for one in need["fills"]] == ["inpainted", "mean colour", "blurred", "from elsewhere"]
    html, checklist = (run / "report.html").read_text(), (run / "checklist.md").read_text()
    assert "when as much is removed beside it" in html
    assert "It decides no verdict." in html
    assert "Whether the target needs what was confirmed: of" in checklist
    assert "needed: of" in said.stdout


def test_an_earlier_versions_run_is_reported_as_it_is_and_resumed_with_what_it_lacks(
    invoke, finished: tuple[Path, Result], own_run: Path
) -> None:
    without_the_stage(own_run)
    assert invoke("report", own_run).exit_code == finished[1].exit_code
    assert [finding["needed"] for finding in findings_of(own_run)] == [None] * len(findings_of(finished[0]))
    assert "needs what was confirmed: not asked" in (own_run / "checklist.md").read_text()
    resumed = invoke("run", "--resume", own_run)
    assert resumed.exit_code == finished[1].exit_code, resumed.output
    # its settings know nothing of how many pictures are asked, so that it asks as many as are asked by default
    told, expected = findings_of(own_run), findings_of(finished[0])
    for one, other in zip(told, expected, strict=True):
        assert one.pop("needed")["asked"] > other.pop("needed")["asked"]
    assert told == expected


def test_an_interruption_costs_one_candidate(
    invoke, finished: tuple[Path, Result], own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFolder.open(own_run).forget(["needed", "report"], ("cache/needed.json", "findings.json"))
    shards = sorted((own_run / "cache" / "needed").glob("*.json"))
    assert len(shards) == len({finding["candidate"] for finding in findings_of(finished[0])})
    shards[0].unlink()
    shards[1].write_text("{")
    removed = []
    remove = Remover.remove
    monkeypatch.setattr(Remover, "remove", lambda self, one: removed.append(one.candidate.id) or remove(self, one))
    assert invoke("run", "--resume", own_run).exit_code == finished[1].exit_code
    assert sorted(removed) == sorted(shard.stem for shard in shards[:2])
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_it_can_be_switched_off_and_made_smaller(
    invoke, finished: tuple[Path, Result], own_run: Path, tmp_path
) -> None:
    for most in (0, 5):
        run = tmp_path / f"{most}"
        shutil.copytree(own_run, run)
        resettle(run, lambda config, most=most: config["needed"].update(pictures=most))
        RunFolder.open(run).forget(["needed", "report"], (*stage_named("needed").files, *stage_named("report").files))
        assert invoke("run", "--resume", run).exit_code == finished[1].exit_code
        needs = [finding["needed"] for finding in findings_of(run)]
        assert {None if need is None else need["asked"] for need in needs} == {5 if most else None}
        own = [{**finding, "needed": None} for finding in findings_of(finished[0])]
        assert [{**finding, "needed": None} for finding in findings_of(run)] == own  # no verdict hangs on it
