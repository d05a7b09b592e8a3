"""Runs that end too early although their first report stands, or much was measured: nothing is made twice."""

from __future__ import annotations

import pandas as pd
import pytest

from auditor.run import pipeline
from auditor.trials.sweep import Sweep
from tests.cli.plain.test_interrupted_runs import at_sweep


def test_a_run_cut_off_before_its_last_report_is_written_again(world, invoke, finished, tmp_path, monkeypatch) -> None:
    folder, write, written = tmp_path / "run", pipeline.write_report, []

    def once(*arguments):
        if written:
            raise KeyboardInterrupt
        written.append(1)
        return write(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "write_report", once)
        assert invoke("run", world.config, "--out", folder).exit_code == 2
    # the first report stands, without what is measured behind it
    assert (folder / "findings.json").read_bytes() != (finished[0] / "findings.json").read_bytes()
    assert invoke("run", "--resume", folder).exit_code == finished[1].exit_code
    assert (folder / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()
    monkeypatch.setattr(pipeline, "write_report", None)  # and there is nothing to write once more
    assert invoke("run", "--resume", folder).exit_code == finished[1].exit_code


def test_what_was_measured_is_not_measured_again(world, invoke, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        at_sweep(31)(patch)
        assert invoke("run", world.config, "--out", folder).exit_code == 2
    run, swept = Sweep.run, []
    monkeypatch.setattr(Sweep, "run", lambda *arguments: swept.append(1) or run(*arguments))
    assert invoke("run", "--resume", folder).exit_code == 3
    trials = pd.read_parquet(folder / "trials.parquet")
    blocks = trials.groupby(["split", "candidate", "control", "placement"]).ngroups
    behind = sum(len(list((folder / "cache" / name).iterdir())) for name in ("places", "survival"))
    # of the thirty that were done twelve had told what was ahead; one is made once more, to compare it
    assert len(swept) == blocks + behind + 1 - 18
