"""A finished run logged to MLflow: its settings, numbers, verdict and reports. It computes nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.core.errors import ConfigError, StoreError, first_line
from auditor.core.plain_text import plain
from auditor.core.records import AuditResult, Finding, Interval
from auditor.report import FORMATS
from auditor.report.checklist.signatures import report_sha256
from auditor.report.gate import checklist_of
from auditor.report.summary import eligible, verdict_sentence
from auditor.report.text import shown_path
from auditor.report.words import GATES
from auditor.run.folder import RunFolder
from auditor.run.review import reviewed_result

if TYPE_CHECKING:  # an optional package
    from mlflow.tracking import MlflowClient

EXPERIMENT = "auditor"
_LONGEST_PARAM, _LONGEST_TAG, _MOST_METRICS = 500, 5000, 1000
"""What every MLflow server takes: characters of a value, and metrics in one request."""

_REFUSED = re.compile(r"[^A-Za-z0-9. -]")


@dataclass(frozen=True, slots=True)
class Logged:
    """What was logged: by name, values cut to what a server takes."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tracked:
    """Where it went: the tracking server or folder, the experiment and the run."""

    server: str
    experiment: str
    run_id: str


def logged_of(result: AuditResult) -> Logged:
    """What MLflow is told of a result. Rates, uplifts and bounds are fractions; what was not measured is left out."""
    limits, subject = result.limits, result.subject
    checklist = checklist_of(result) if result.policy is not None else None
    params = {
        "source": result.source.name,
        "target": result.target.name,
        "model": shown_path(subject.model),
        "layer": ", ".join(subject.layers),
        "limit.uplift": f"{limits.uplift:g}",
        "limit.fragility": f"{limits.fragility:g}",
        "limit.confidence": f"{limits.confidence:g}",
        "seed": str(result.seed),
        "eligible": str(eligible(result)),
        "patches_tried": str(result.hypotheses_tried),
        "patches_confirmed": str(result.hypotheses_confirmed),
    }
    tags = {
        "auditor.verdict": result.verdict.value,
        "auditor.sentence": verdict_sentence(result),
        "auditor.model_sha256": subject.weights_sha256,
        "auditor.report_sha256": report_sha256(result),
        "auditor.version": result.versions.get("auditor", ""),
        "auditor.begun": result.begun,
        "auditor.by": result.by,
        "auditor.gate": "" if checklist is None else GATES[checklist.gate],
        "auditor.policy_sha256": "" if checklist is None else checklist.policy.sha256,
    }
    return Logged(
        {name: plain(value)[:_LONGEST_PARAM] for name, value in params.items()},
        {name: value for name, value in _metrics(result).items() if math.isfinite(value)},
        {name: plain(value)[:_LONGEST_TAG] for name, value in tags.items() if value},
    )


def _metrics(result: AuditResult) -> dict[str, float]:
    words = [finding.word.value for finding in result.findings]
    counted = {f"findings {word}": float(words.count(word)) for word in ("fail", "inconclusive", "pass", "not held")}
    found = {name.replace(" ", "_"): count for name, count in counted.items()}
    for finding in result.findings:
        name = _name(finding)
        found |= _bounded(f"flip_rate/{name}", finding.rate, finding.interval)
        found |= _bounded(f"uplift/{name}", finding.uplift, finding.uplift_interval)
    if result.fragility is not None:
        found |= _bounded("fragility", result.fragility.rate, result.fragility.interval)
    return found


def _bounded(name: str, value: float, interval: Interval) -> dict[str, float]:
    return {name: float(value), f"{name}.low": float(interval.low), f"{name}.high": float(interval.high)}


def _name(finding: Finding) -> str:
    """A finding's name of characters that MLflow takes, other characters by their code, so that none collide."""
    name = _REFUSED.sub(lambda found: f"_{ord(found.group()):x}", finding.candidate.id)
    return f"{name}/{finding.placement.value}"


def log_run(folder: RunFolder, server: str | None = None, experiment: str | None = None) -> Tracked:
    """Log a finished run as one MLflow run of its own, with its reports as artifacts.

    Args:
        server: a tracking URI, such as `http://host:5000` or `file:///runs`; None: as MLFLOW_TRACKING_URI says.
        experiment: which is made where it is not there; None: as MLFLOW_EXPERIMENT_NAME says, or `EXPERIMENT`.
    Raises:
        ConfigError: MLflow is not installed.
        StoreError: the run is not finished, lacks a report, or the server takes nothing; a run that was begun there is
            marked as failed.
    """
    result = reviewed_result(folder)
    files = [folder.path / form.file_name for form in FORMATS.values()]
    if missing := [file.name for file in files if not file.is_file()]:
        raise StoreError(f"{folder.path} lacks {', '.join(missing)}; 'auditor report {folder.path}' writes them")
    try:
        from mlflow.environment_variables import MLFLOW_EXPERIMENT_NAME
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise ConfigError(
            'logging to MLflow needs mlflow, which is not installed; pip install "auditor[mlflow]"'
        ) from error
    named = experiment or MLFLOW_EXPERIMENT_NAME.get() or EXPERIMENT
    try:
        client = MlflowClient(tracking_uri=server)
        run_id = _sent(client, named, plain(result.run), logged_of(result), files)
        return Tracked(plain(str(client.tracking_uri)), named, run_id)
    except (MlflowException, OSError) as error:
        raise StoreError(f"MLflow did not take the run: {first_line(error)}") from error


def _sent(client: MlflowClient, experiment: str, name: str, logged: Logged, files: list[Path]) -> str:
    """The id of the new run; whatever ends this before everything is there leaves it marked as failed."""
    from mlflow.entities import Metric, Param, RunTag

    known = client.get_experiment_by_name(experiment)
    where = client.create_experiment(experiment) if known is None else known.experiment_id
    begun = client.create_run(where, run_name=name)
    run_id, now = str(begun.info.run_id), int(begun.info.start_time)
    status = "FAILED"
    try:
        metrics = [Metric(key, value, now, 0) for key, value in logged.metrics.items()]
        params = [Param(key, value) for key, value in logged.params.items()]
        tags = [RunTag(key, value) for key, value in logged.tags.items()]
        client.log_batch(run_id, params=params, tags=tags)
        for first in range(0, len(metrics), _MOST_METRICS):
            client.log_batch(run_id, metrics=metrics[first : first + _MOST_METRICS])
        for file in files:
            client.log_artifact(run_id, str(file))
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)
    return run_id
