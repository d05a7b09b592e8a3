"""What a run's own files are found to hold, and what is done with them that were changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import Result

from auditor.run.checks import check_files_agree
from auditor.run.folder import RunFolder
from auditor.run.review import report_anew
from auditor.run.stages.report import stored_result


def test_a_run_shares_no_picture_counts_right_and_repeats(finished: tuple[Path, Result]) -> None:
    folder = RunFolder.open(finished[0])
    result = stored_result(folder)
    checks = result.checks
    assert checks is not None
    assert checks.pictures == len(json.loads((finished[0] / "manifest.json").read_text())["images"])
    assert (checks.shared, checks.differing) == ((), ())
    assert checks.counted == len(result.findings) > 0
    assert checks.repeat is not None
    assert checks.repeat.same == checks.repeat.pictures > 0
    assert checks.repeat.apart < 1e-5
    text = (finished[0] / "checklist.md").read_text()
    assert "- [x] Splits share no picture" in text
    assert "- [x] Reproducible: " in text


def test_a_picture_in_two_splits_is_found_by_its_content(own_run: Path) -> None:
    table = pq.read_table(own_run / "images.parquet")
    rows = table.to_pylist()
    one = next(row for row in rows if row["split"] == "discovery")
    other = next(row for row in rows if row["split"] == "confirmation")
    other["sha256"] = one["sha256"]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), own_run / "images.parquet")
    checks = report_anew(RunFolder.open(own_run)).result.checks
    assert checks is not None
    assert checks.shared == (one["sha256"],)
    assert "- [ ] Splits share no picture" in (own_run / "checklist.md").read_text()
    assert "1 picture in more than one of them" in (own_run / "report.html").read_text()


def test_flips_that_the_trials_do_not_hold_are_found(own_run: Path) -> None:
    folder = RunFolder.open(own_run)
    findings = stored_result(folder).findings
    told = (replace(findings[0], flips=findings[0].flips + 1), *findings[1:])
    assert check_files_agree(folder, told).differing == (findings[0].candidate.id,)
    missing = (replace(findings[0], eligible=findings[0].eligible - 1), *findings[1:])
    assert check_files_agree(folder, missing).differing == (findings[0].candidate.id,)


def test_what_cannot_be_looked_at_again_keeps_what_was_found(own_run: Path) -> None:
    folder = RunFolder.open(own_run)
    before = stored_result(folder).checks
    for file in ("images.parquet", "trials.parquet"):
        (own_run / file).unlink()
    assert check_files_agree(folder, stored_result(folder).findings).pictures is None
    assert report_anew(folder).result.checks == before
