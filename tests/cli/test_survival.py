"""Flips seen again: counted again from the table, resumed, switched off, and of older runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from click.testing import Result

from auditor.core.progress import Silence
from auditor.run.audit import stored_config
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.survival import BLOCKS, RESULT, SURVIVAL, TABLE


def seen_again(folder: Path) -> list[dict[str, object]]:
    return [one for one in json.loads((folder / "findings.json").read_text())["findings"] if one["survival"]]


def test_every_count_can_be_counted_again(finished: tuple[Path, Result]) -> None:
    folder, result = finished
    findings = seen_again(folder)
    assert findings
    table, trials = pd.read_parquet(folder / TABLE), pd.read_parquet(folder / "trials.parquet")
    pastes = 0
    for finding in findings:
        found, name = finding["survival"], (finding["candidate"], finding["placement"])
        own = trials[(trials.split == "confirmation") & (trials.control == "") & trials.flip]
        own = own[(own.candidate == name[0]) & (own.placement == name[1])]
        again = table[(table.candidate == name[0]) & (table.placement == name[1])]
        assert set(again.image) == set(own.image)
        assert found["flips"] == found["again"] == finding["flips"] == own.image.nunique()
        kinds = {
            "shifted": again[again.saved_quality.isna()],
            "saved": again[again.saved_quality.notna() & (again.shift_down == 0) & (again.shift_across == 0)],
            "both": again[again.saved_quality.notna() & ((again.shift_down != 0) | (again.shift_across != 0))],
        }
        for kind, rows in kinds.items():
            assert len(rows) == (1 if kind == "saved" else 4) * found["flips"]
            assert found[kind]["count"] == rows.groupby("image").flip.all().sum()
        assert set(kinds["both"].saved_quality) == {85.0}
        # the pastes are those of the confirmation, draw by draw
        for column in ("centre_y", "centre_x", "side_px", "rotation"):
            joined = again.merge(own, on="image", suffixes=("", "_confirmed"))
            assert (joined[column] == joined[f"{column}_confirmed"]).all()
        pastes += 9 * found["flips"]
    assert len(table) == RunFolder.open(folder).facts("survival")["pastes"] == pastes
    assert f"survival: {findings[0]['candidate']}" in result.stdout


def test_the_report_tells_of_each(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    assert (folder / "report.html").read_text().count("survive a shift of 2 pixels") == len(seen_again(folder))


def test_what_is_missing_alone_is_measured_and_none_where_none_is_asked_for(own_run: Path) -> None:
    folder = RunFolder.open(own_run)
    before, blocks = folder.read(RESULT), sorted((own_run / BLOCKS).iterdir())
    blocks[0].unlink()
    kept = [block.stat().st_mtime_ns for block in blocks[1:]]
    config = stored_config(folder)
    Run(folder, config, Silence()).make(SURVIVAL)
    assert folder.read(RESULT) == before
    assert [block.stat().st_mtime_ns for block in blocks[1:]] == kept
    few = config.model_copy(update={"survival": config.survival.model_copy(update={"findings": 1, "pictures": 2})})
    folder.forget(["survival"], list(SURVIVAL.files))
    (one,) = Run(folder, few, Silence()).get(SURVIVAL)
    assert (one.again, one.flips > 2) == (2, True)
    none = config.model_copy(update={"survival": config.survival.model_copy(update={"findings": 0})})
    folder.forget(["survival"], list(SURVIVAL.files))
    assert Run(folder, none, Silence()).get(SURVIVAL) == ()
    assert folder.facts("survival")["pastes"] == 0


def test_a_finished_run_of_an_earlier_version_gets_them_when_it_goes_on(own_run: Path, invoke) -> None:
    expected = (own_run / "findings.json").read_bytes()
    folder = RunFolder.open(own_run)
    folder.forget(["survival"], list(SURVIVAL.files))
    result = json.loads((own_run / "result.json").read_text())
    del result["survivals"]
    (own_run / "result.json").write_text(json.dumps(result))
    folder.mark_done("report", folder.facts("report"), ("result.json",))
    assert invoke("report", own_run).exit_code == 3
    assert seen_again(own_run) == []
    assert invoke("run", "--resume", own_run).exit_code == 3
    assert (own_run / "findings.json").read_bytes() == expected
