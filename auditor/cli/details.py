"""What --verbose tells beside the rest: settings that are not the defaults, what is done, and what was skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from auditor.core.config import AuditConfig
from auditor.core.records import SkippedImage
from auditor.core.settings_text import toml_value
from auditor.report.numbers import seconds
from auditor.run.finished import Audit
from auditor.run.folder import MANIFEST, RunFolder


def setting_lines(settings: AuditConfig) -> Iterator[str]:
    """The settings other than the defaults."""
    chosen = settings.model_dump(mode="json", exclude={"base"}, exclude_defaults=True)
    for key, value in _flat(chosen):
        yield f"setting: {key} = {toml_value(value)}"


def run_lines(folder: RunFolder, settings: AuditConfig) -> Iterator[str]:
    """Before a run goes on: its settings other than the defaults, and the stages that are done."""
    yield from setting_lines(settings)
    if done := list(_stages(folder)):
        yield f"done before: {', '.join(done)}"


def result_lines(finished: Audit) -> Iterator[str]:
    """After an audit: each picture that was skipped, with why, and what each stage took."""
    yield from _skipped_lines(finished.result.skipped)
    yield from _stage_lines(RunFolder(finished.folder))


def work_lines(folder: RunFolder) -> Iterator[str]:
    """As `result_lines`, after work in a run folder that ends before there is a result."""
    from auditor.run.stages.images import IMAGES, read_skipped

    if folder.is_done(IMAGES.name):
        yield from _skipped_lines(read_skipped(folder))
    yield from _stage_lines(folder)


def _skipped_lines(skipped: Iterable[SkippedImage]) -> Iterator[str]:
    for one in skipped:
        yield f"skipped: {one.path}: {one.reason}{f' ({one.detail})' if one.detail else ''}"


def _stage_lines(folder: RunFolder) -> Iterator[str]:
    for name, facts in _stages(folder).items():
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
