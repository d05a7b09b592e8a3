"""The runs below a folder: what each asked, how far it came, and what it concluded. It changes none of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.core.errors import AuditorError, StoreError
from auditor.core.records import Interval, Verdict
from auditor.run.folder import Json, RunFolder
from auditor.run.review import reviewed_result
from auditor.run.stages.report import RESULT

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Strongest:
    """The finding of highest uplift of those that are held to the limit; the uplift is a fraction."""

    candidate: str
    name: str
    flips: int
    eligible: int
    uplift: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run folder.

    Attributes:
        begun: when, ISO 8601 in UTC; "" where it is not known. source, target, model: as its settings name them.
        stage: the last stage that is done, "" of none. verdict: None where it has not concluded.
        strongest: None where nothing that is held to the limit was confirmed.
        problem: why it cannot be read, or "".
    """

    path: Path
    begun: str = ""
    source: str = ""
    target: str = ""
    model: str = ""
    weights_sha256: str = ""
    stage: str = ""
    verdict: Verdict | None = None
    strongest: Strongest | None = None
    problem: str = ""


def runs_below(folder: Path) -> list[RunEntry]:
    """All runs below a folder, or that it is itself, the newest first.

    Raises:
        StoreError: there is no such folder.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder} is no folder; name the one that holds your runs, such as reports")
    found = []
    for above, folders, files in os.walk(folder):
        if MANIFEST in files and _is_survey(Path(above) / MANIFEST):
            folders[:] = [name for name in folders if name == SURVEYED]  # it is no audit, and holds some
        elif MANIFEST in files and _is_run(Path(above) / MANIFEST):
            found.append(entry_of(Path(above)))
            folders.clear()  # a run's own folders hold no other run
        folders.sort()
    return sorted(found, key=lambda run: (run.begun, str(run.path)), reverse=True)


SURVEYED = "audits"
"""The folder of a survey in which audits lie."""


def _is_survey(manifest: Path) -> bool:
    """Whether a manifest is a survey's: it asks for every class to every class."""
    try:
        config = json.loads(manifest.read_bytes())["config"]
        return bool(config["source"] == config["target"] == "*")
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return False


def _is_run(manifest: Path) -> bool:
    """Whether a manifest is a run's: other tools call theirs so too."""
    try:
        values = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return True  # told with its problem rather than passed over
    return isinstance(values, dict) and "schema_version" in values and "config" in values


def entry_of(path: Path) -> RunEntry:
    """One run folder as a list tells of it; one that cannot be read says why."""
    entry = RunEntry(path)
    try:
        folder = RunFolder.open(path)
        manifest = folder.manifest()
        entry = _begun(entry, manifest)
        if not folder.has(RESULT):
            return entry
        result = reviewed_result(folder)
    except AuditorError as error:
        return replace(entry, problem=str(error))
    held = [finding for finding in result.findings if finding.held_to_limit]
    best = max(held, key=lambda finding: finding.uplift, default=None)
    strongest = (
        None
        if best is None
        else Strongest(
            best.candidate.id, best.candidate.name, best.flips, best.eligible, best.uplift, best.uplift_interval
        )
    )
    return replace(entry, verdict=result.verdict, strongest=strongest)


def _begun(entry: RunEntry, manifest: Mapping[str, Json]) -> RunEntry:
    config, stages = manifest.get("config"), manifest.get("stages")
    settings = config if isinstance(config, dict) else {}
    model = settings.get("model")
    done = [str(name) for name in stages] if isinstance(stages, dict) else []
    return replace(
        entry,
        begun=str(manifest.get("begun") or ""),
        source=str(settings.get("source") or ""),
        target=str(settings.get("target") or ""),
        model=str(model.get("name") or "") if isinstance(model, dict) else "",
        weights_sha256=str(manifest.get("weights_sha256") or ""),
        stage=done[-1] if done else "",
    )


def by_pair(runs: Sequence[RunEntry]) -> list[tuple[tuple[str, str], list[RunEntry]]]:
    """The finished runs of each source and target, the oldest first; pairs by name."""
    pairs: dict[tuple[str, str], list[RunEntry]] = {}
    for run in sorted(runs, key=lambda one: (one.begun, str(one.path))):
        if run.verdict is not None:
            pairs.setdefault((run.source, run.target), []).append(run)
    return sorted(pairs.items())
