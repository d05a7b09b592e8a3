"""Both directions of a pair, A → B and B → A: two audits below one folder, one after the other, on one opened model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, StoreError
from auditor.core.progress import Progress
from auditor.report.directions import directions_html
from auditor.run.audit import continue_run, new_run, short_name, stored_config, with_compute
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.ledger import DIRECTIONS
from auditor.run.stage import Opened
from auditor.run.upgrade import open_folder

INDEX = "index.html"

Announce = Callable[[RunFolder, AuditConfig, bool], None]
"""Told of each run folder before work in it begins, with its settings, and whether it is new."""


def other_direction(config: AuditConfig) -> AuditConfig:
    """The same audit with source and target changed over.

    Raises:
        ConfigError: the source is every class but the target, which no target can be.
    """
    if config.source == "*":
        raise ConfigError(
            "both directions need a source that is a class or a list of classes; '*' is every class but the target, "
            "and no target can be that"
        )
    return config.model_copy(update={"source": config.target, "target": config.source})


def directions_folder(config: AuditConfig) -> Path:
    """`reports/<source>-and-<target>-<UTC time>` below the current folder."""
    pair = f"{short_name(config.source)}-and-{short_name(config.target)}"
    return Path("reports") / f"{pair}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def begin_directions(config: AuditConfig, folder: Path) -> None:
    """Make the folder of both directions; it holds their names, and no run yet.

    Raises:
        ConfigError: as `other_direction`. StoreError: the folder holds something else, or cannot be written.
    """
    other_direction(config)
    first, second = (f"{short_name(one)}-to-{short_name(to)}" for one, to in _pairs(config))
    names = [first, second if second != first else f"{second}-back"]
    if folder.exists() and (not folder.is_dir() or {one.name for one in folder.iterdir()} - {DIRECTIONS}):
        raise StoreError(
            f"{folder} already exists and is not empty; choose another folder with --out, or continue it with "
            f"'auditor run --resume {folder} --both-directions'"
        )
    RunFolder(folder).write_json(DIRECTIONS, {"schema_version": "1.0", "runs": names})


def _pairs(config: AuditConfig) -> tuple[tuple[str | tuple[str, ...], str | tuple[str, ...]], ...]:
    return (config.source, config.target), (config.target, config.source)


def audit_directions(
    folder: Path,
    config: AuditConfig | None,
    watched: Callable[[], AbstractContextManager[Progress]],
    announce: Announce = lambda _folder, _config, _new: None,
    sharing: Mapping[str, object] = MappingProxyType({}),
) -> tuple[Audit, ...]:
    """Audit both directions, or go on with what there is of them; their page is written after each.

    What is shared is the opened model. Pictures, atlas and candidates are each direction's own: which pictures are held
    out, and which activations are kept, hang on source and target.

    Args:
        folder: of `begin_directions`.
        config: the first direction's; None: that which it was begun with.
        watched: who is told how far a direction is, as long as it takes.
        sharing: settings of [compute], in the place of the run's own.
    Raises:
        StoreError: the folder is none of both directions, or the first was never begun. AuditorError: as `audit`.
    """
    names, opened, finished = _names(folder), Opened(), []
    for number, name in enumerate(names):
        path = folder / name
        new = not (path / "manifest.json").is_file()
        if new and config is None:
            raise StoreError(f"{path} was never begun; begin both directions anew from the TOML file")
        if new and config is not None:
            run, settings = new_run(config, path), config
        else:
            run = open_folder(path)
            settings = with_compute(stored_config(run), sharing)
        announce(run, settings, new)
        with watched() as progress:
            finished.append(continue_run(run, settings, progress, opened=opened))
        RunFolder(folder).write_text(INDEX, directions_html([(one.folder.name, one.result) for one in finished]))
        if number == 0:
            config = other_direction(settings)
    return tuple(finished)


def _names(folder: Path) -> list[str]:
    try:
        names = json.loads((folder / DIRECTIONS).read_bytes())["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder} holds no {DIRECTIONS} that can be read, so it is no folder of both directions; a single run is "
            "continued without --both-directions"
        ) from error
    return [str(name) for name in names]
