"""A finished audit's tables, and one that was made before, opened without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

import auditor
from auditor.core.errors import StoreError


def test_its_tables_are_data_frames(finished: tuple[Path, Result]) -> None:
    done = auditor.open_run(finished[0])
    assert done.report == finished[0] / "report.html"
    for table, file in (
        (done.images, "images.parquet"),
        (done.cells, "cells.parquet"),
        (done.candidates, "candidates.parquet"),
        (done.trials, "trials.parquet"),
    ):
        pd.testing.assert_frame_equal(table, pd.read_parquet(finished[0] / file))
    written = json.loads((finished[0] / "findings.json").read_text())["findings"]
    findings = done.findings.set_index("candidate")
    assert list(findings.index) == [one["candidate"] for one in written]
    for one in written:
        row = findings.loc[one["candidate"]]
        assert (row.flips, row.eligible, row.verdict) == (one["flips"], one["eligible"], one["verdict"])
        assert row.uplift == pytest.approx(one["uplift"])
        assert (row.uplift_low, row.uplift_high) == pytest.approx(
            (one["uplift_interval"]["low"], one["uplift_interval"]["high"])
        )
    counted = (
        done.trials.query("split == 'confirmation' and control == ''").groupby(["candidate", "placement"]).flip.sum()
    )
    assert [counted[one["candidate"], one["placement"]] for one in written] == [one["flips"] for one in written]


def test_it_is_told_in_a_line(finished: tuple[Path, Result]) -> None:
    assert repr(auditor.open_run(finished[0])) == f"Audit(folder={finished[0]!r})"


def test_a_run_that_is_not_finished_is_said(tmp_path: Path, finished: tuple[Path, Result], own_run: Path) -> None:
    (own_run / "trials.parquet").unlink()
    with pytest.raises(StoreError, match=r"holds no trials\.parquet"):
        len(auditor.open_run(own_run).trials)
    (own_run / "result.json").unlink()
    with pytest.raises(StoreError, match="holds no result yet; finish it with 'auditor run --resume"):
        auditor.open_run(own_run)
    with pytest.raises(StoreError, match="there is no run folder"):
        auditor.open_run(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "module", ["auditor.run.review", "auditor.run.stages.report", "auditor.report", "auditor.statistics.findings"]
)
def test_what_measures_nothing_loads_no_network(module: str) -> None:
    script = f"import sys, {module}\nassert 'torch' not in sys.modules\nassert 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_reporting_loads_no_network(finished: tuple[Path, Result]) -> None:
    """The command itself, of a run that this version made."""
    script = (
        "import sys\nfrom auditor.cli import app\n"
        "try:\n    app(sys.argv[1:], prog_name='auditor')\nexcept SystemExit:\n    pass\n"
        "assert 'torch' not in sys.modules, 'torch is loaded'"
    )
    command = [sys.executable, "-c", script, "report", str(finished[0]), "--format", "junit"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (finished[0] / "junit.xml").read_text()
