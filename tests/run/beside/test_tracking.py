"""Runs logged to MLflow: what it is told, by a store in a folder; and what is said where it cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from auditor.report import FORMATS
from auditor.run.beside.tracking import log_run, logged_of
from auditor.run.folder import RunFolder
from auditor.run.review import reviewed_result

Invoke = Callable[..., Result]


def test_what_is_told_is_what_was_measured(finished: tuple[Path, Result]) -> None:
    result = reviewed_result(RunFolder.open(finished[0]))
    logged = logged_of(result)
    assert logged.params["source"] == "red pan"
    assert logged.params["limit.uplift"] == "0.35"
    assert logged.tags["auditor.verdict"] == result.verdict.value
    assert logged.tags["auditor.model_sha256"] == result.subject.weights_sha256
    assert "auditor.gate" not in logged.tags
    for finding in result.findings:
        name = f"{finding.candidate.id}/{finding.placement.value}"
        assert logged.metrics[f"flip_rate/{name}"] == finding.rate
        assert logged.metrics[f"uplift/{name}.low"] == finding.uplift_interval.low
        assert logged.metrics[f"uplift/{name}.high"] == finding.uplift_interval.high
    counted = sum(logged.metrics[f"findings_{word}"] for word in ("fail", "inconclusive", "pass", "not_held"))
    assert counted == len(result.findings)


def test_names_and_numbers_are_such_as_a_server_takes(finished: tuple[Path, Result]) -> None:
    result = reviewed_result(RunFolder.open(finished[0]))
    first, *others = result.findings
    ids = ("../a", "a:b", "é\u202e", "a_3ab")
    evil = [replace(first, candidate=replace(first.candidate, id=one), uplift=float("nan")) for one in ids]
    source = replace(result.source, name="x\x1b" * 9000)
    logged = logged_of(replace(result, source=source, findings=(*evil, *others)))
    named = {name.split("/")[1] for name in logged.metrics if name.startswith("flip_rate/")}
    assert named >= {".._2fa", "a_3ab", "_e9_202e", "a_5f3ab"}
    assert not any(name.startswith("uplift/.._2fa") and not name.endswith(("low", "high")) for name in logged.metrics)
    assert max(map(len, logged.params.values())) <= 500
    assert "\x1b" not in logged.params["source"]


def test_without_mlflow_it_is_said_what_to_install(
    finished: tuple[Path, Result], invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mlflow", "mlflow.environment_variables"):
        monkeypatch.setitem(sys.modules, name, None)
    result = invoke("export", finished[0], "--to", "mlflow")
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'needs mlflow, which is not installed; pip install "auditor[mlflow]"' in " ".join(result.stderr.split())


def test_what_cannot_be_logged_is_refused(own_run: Path, invoke: Invoke) -> None:
    assert "--to takes mlflow, got 'paper'" in invoke("export", own_run, "--to", "paper").stderr
    (own_run / "report.html").unlink()
    refused = invoke("export", own_run, "--to", "mlflow")
    assert refused.exit_code == 2
    assert "lacks report.html" in " ".join(refused.stderr.split())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tracking store in a folder."""
    pytest.importorskip("mlflow", reason="mlflow is an extra of its own")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return (tmp_path / "store").as_uri()


def test_a_run_is_logged_whole(finished: tuple[Path, Result], store: str) -> None:
    from mlflow.tracking import MlflowClient

    folder = RunFolder.open(finished[0])
    tracked = [log_run(folder, store), log_run(folder, store)]
    assert tracked[0].run_id != tracked[1].run_id
    client, logged = MlflowClient(store), logged_of(reviewed_result(folder))
    found = client.get_run(tracked[0].run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == dict(logged.params)
    assert found.data.metrics == pytest.approx(dict(logged.metrics))
    assert logged.tags.items() <= found.data.tags.items()
    names = {one.path for one in client.list_artifacts(tracked[0].run_id)}
    assert names == {form.file_name for form in FORMATS.values()}
    assert client.get_experiment(found.info.experiment_id).name == "auditor"


def test_a_run_that_is_taken_in_part_is_marked_as_failed(
    finished: tuple[Path, Result], store: str, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    def full(*_: object, **__: object) -> None:
        raise MlflowException("no room left\nsecond line")

    monkeypatch.setattr(MlflowClient, "log_artifact", full)
    result = invoke("export", finished[0], "--to", "mlflow", "--tracking", store, "--experiment", "e 1")
    assert result.exit_code == 2
    assert "MLflow did not take the run: no room left" in " ".join(result.stderr.split())
    client = MlflowClient(store)
    (run,) = client.search_runs([client.get_experiment_by_name("e 1").experiment_id])
    assert run.info.status == "FAILED"
