"""A copy's patches in the model itself: pasted on the same pictures at the same places as its own audit pasted them."""

from __future__ import annotations

from auditor.core.progress import Silence
from auditor.run.audit import stored_config
from auditor.run.folder import RunFolder
from auditor.run.planted.model_itself import ModelItself
from auditor.run.review import reviewed_result
from auditor.run.stage import Run
from auditor.trials.patch import read_patch


def test_a_runs_own_findings_flip_as_many_as_it_says(finished) -> None:
    folder = RunFolder.open(finished[0])
    model_itself = ModelItself(Run(folder, stored_config(folder), Silence()))
    findings = reviewed_result(folder).findings
    assert len(findings) > 2
    for one in findings:
        rgba = read_patch(folder.path / "candidates" / f"{one.candidate.id}.png")
        assert model_itself.flips(one, rgba) == (one.flips, one.eligible), one.candidate.id
    assert sum(one.flips for one in findings) > 0
