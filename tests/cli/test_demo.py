"""The demo's exit codes, with audits that are finished already in the place of the two that take their time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.core.records import Verdict
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result


@pytest.mark.parametrize(
    ("shortcut", "clean", "plain", "checked"),
    [
        (Verdict.FAIL, Verdict.PASS, 1, 0),
        (Verdict.PASS, Verdict.PASS, 0, 1),
        (Verdict.INCONCLUSIVE, Verdict.PASS, 3, 1),
        (Verdict.FAIL, Verdict.INCONCLUSIVE, 1, 1),
    ],
)
def test_exit_codes(shortcut, clean, plain, checked, invoke, finished, tmp_path: Path, monkeypatch) -> None:
    verdicts = {"shortcut": shortcut, "clean": clean}

    def audited(world: str, folder: Path, progress: object) -> Audit:
        result = stored_result(RunFolder.open(finished[0]))
        return Audit(replace(result, verdict=verdicts[world]), folder / world)

    monkeypatch.setattr("auditor.run.demo.run_demo", audited)
    result = invoke("demo", "--out", tmp_path)
    assert result.exit_code == plain
    assert f"report: {tmp_path / 'shortcut' / 'report.html'}" in result.stdout
    assert f"report: {tmp_path / 'clean' / 'report.html'}" in result.stdout
    assert invoke("demo", "--out", tmp_path, "--check").exit_code == checked
    alone = invoke("demo", "--out", tmp_path, "--world", "clean")
    assert alone.exit_code == {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 3}[clean]
    assert "shortcut" not in alone.stdout


def test_an_interrupted_demo_says_how_to_go_on(invoke, finished, tmp_path: Path, monkeypatch) -> None:
    def interrupted(world: str, folder: Path, progress: object) -> Audit:
        RunFolder.create(folder / world)
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.run.demo.run_demo", interrupted)
    result = invoke("demo", "--out", tmp_path)
    assert result.exit_code == 2
    assert f"auditor run --resume {tmp_path / 'shortcut'}" in result.stderr


def test_a_demo_folder_is_not_overwritten(invoke, tmp_path: Path) -> None:
    (tmp_path / "shortcut-world").mkdir()
    (tmp_path / "shortcut-world" / "kept").write_text("mine")
    result = invoke("demo", "--out", tmp_path)
    assert result.exit_code == 2
    assert "already exists and is not empty" in result.stderr
