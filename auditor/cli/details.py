"""What --verbose tells beside the rest: settings that are not the defaults, what is done, and what was skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from auditor.core.config import AuditConfig
from auditor.core.settings_text import toml_value
from auditor.report.numbers import seconds
from auditor.run.finished import Audit
from auditor.run.folder import MANIFEST, RunFolder


def run_lines(folder: RunFolder, settings: AuditConfig) -> Iterator[str]:
    """Before a run goes on: its settings other than the defaults, and the stages that are done."""
    chosen = settings.model_dump(mode="json", exclude={"base"}, exclude_defaults=True)
    for key, value in _flat(chosen):
        yield f"setting: {key} = {toml_value(value)}"
    if done := list(_stages(folder)):
        yield f"done before: {', '.join(done)}"


def result_lines(finished: Audit) -> Iterator[str]:
    """After a run: each picture that was skipped, with why, and what each stage took."""
    result = finished.result
    for one in result.skipped:
        yield f"skipped: {one.path}: {one.reason}{f' ({one.detail})' if one.detail else ''}"
    for name, facts in _stages(RunFolder(finished.folder)).items():
        took = facts.get("seconds") if isinstance(facts, Mapping) else None
        if isinstance(took, (int, float)):
            yield f"stage {name} took {seconds(took)}"


def _stages(folder: RunFolder) -> Mapping[str, object]:
    stages = folder.manifest().get("stages") if folder.has(MANIFEST) else None
    return stages if isinstance(stages, Mapping) else {}


def _flat(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
