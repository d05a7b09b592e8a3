"""`auditor run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.commands.check import tell
from auditor.cli.completing import run_folders, settings_files
from auditor.cli.edge import (
    FailOnOption,
    OutOption,
    announce,
    app,
    edge,
    go_on_with,
    show,
    show_directions,
    watched,
)
from auditor.cli.flags import SHARING, FlagValue, flag_values, takes_settings
from auditor.cli.terminal import shell_word
from auditor.core.errors import ConfigError

if TYPE_CHECKING:
    from auditor.core.config import AuditConfig
    from auditor.run.finished import Audit
    from auditor.run.folder import RunFolder

POLICY = ("policy",)
IMAGES = ("images", "all")


@app.command()
@edge
@takes_settings
def run(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="audit.toml; may be left out if the flags say enough",
            show_default=False,
            autocompletion=settings_files,
        ),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="continue the run in this folder", autocompletion=run_folders)
    ] = None,
    more: Annotated[
        Path | None,
        typer.Option(
            help="confirm this run's candidates on more pictures, those of --images", autocompletion=run_folders
        ),
    ] = None,
    both_directions: Annotated[
        bool, typer.Option("--both-directions", help="audit target → source as well, in a folder beside; one exit code")
    ] = False,
    out: OutOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="tell all mistakes and what the run will take, and stop; as auditor check")
    ] = False,
    fail_on: FailOnOption = None,
    **flags: FlagValue,
) -> None:
    """Audit a model from nothing to a report; continue an interrupted run with --resume; or confirm on --more."""
    from auditor.cli.gate import checked_fail_on
    from auditor.cli.options import configured
    from auditor.run.audit import continue_run, default_folder, new_run
    from auditor.run.review import report_anew

    values, policy = flag_values(flags), None
    checked_fail_on(fail_on)
    if more is not None:
        if config is not None or resume is not None or out is not None or both_directions or set(values) != {IMAGES}:
            raise ConfigError(
                "--more confirms a finished run's candidates with the settings it was begun with: give --images with "
                "the new pictures, and nothing else"
            )
        show(_confirmed_on_more(more, Path(str(values[IMAGES]))), fail_on)
        return
    if both_directions:
        if both := _both_directions(config, resume, out, values, dry_run):
            show_directions(both, fail_on)
        return
    if resume is not None:
        folder, settings, policy = _resumed(resume, values, config is not None or out is not None or dry_run)
    else:
        settings = configured(config, values)
        if dry_run:
            tell(settings)
            return
        folder = new_run(settings, out or default_folder(settings))
    announce(folder, settings, new=resume is None)
    with watched() as progress:
        finished = continue_run(folder, settings, progress)
    show(finished if policy is None else report_anew(folder, policy), fail_on)


def _resumed(
    run_folder: Path, values: dict[tuple[str, ...], object], others: bool
) -> tuple[RunFolder, AuditConfig, bytes | None]:
    """The folder of a run that goes on, its settings, and the policy that is given.

    Args:
        others: whether something that is no setting is given that does not go with it.
    """
    from auditor.run.audit import stored_config, with_compute
    from auditor.run.policy import checked_policy
    from auditor.run.upgrade import open_folder

    sharing = {keys[-1]: values.pop(keys) for keys in SHARING if keys in values}
    given = values.pop(POLICY, None)
    if values or others:
        raise ConfigError(
            "--resume continues a run with the settings it was begun with; give no others beside it but --workers, "
            "--engine, --address and --policy, which decide no number"
        )
    policy = None if given is None else checked_policy(Path(str(given)))
    folder = open_folder(run_folder)
    return folder, with_compute(stored_config(folder), sharing), policy


def _confirmed_on_more(run_folder: Path, pictures: Path) -> Audit:
    from auditor.run.audit import stored_config
    from auditor.run.beside.more import confirm_on_more, looks_so_far
    from auditor.run.upgrade import open_folder

    folder = open_folder(run_folder)
    looks_so_far(folder)  # what is refused is not to be told how to go on
    go_on_with(folder.path, False, f"run --more {{}} --images {shell_word(str(pictures))}")
    with watched() as progress:
        return confirm_on_more(folder, stored_config(folder), pictures, progress)


def _both_directions(
    config: Path | None, resume: Path | None, out: Path | None, values: dict[tuple[str, ...], object], dry_run: bool
) -> Sequence[Audit]:
    """The audits of both directions; none where nothing but what they will take was asked for."""
    from auditor.cli.options import configured
    from auditor.run.directions import INDEX, audit_directions, begin_directions, directions_folder, other_direction

    settings, sharing = None, {}
    if resume is not None:
        sharing = {keys[-1]: values.pop(keys) for keys in SHARING if keys in values}
        if config is not None or values or out is not None or dry_run:
            raise ConfigError(
                "--resume continues both directions with the settings they were begun with; give no others beside it "
                "but --workers, --engine and --address, which decide no number"
            )
        folder = resume
    else:
        settings = configured(config, values)
        folder = out or directions_folder(settings)
        if dry_run:
            tell(settings, other_direction(settings))
            return ()
        begin_directions(settings, folder)

    def begins(run: RunFolder, direction: AuditConfig, new: bool) -> None:
        nothing_yet = new and not (folder / INDEX).is_file()  # once one direction is finished, the other goes on
        announce(run, direction, nothing_yet)
        go_on_with(run.path, nothing_yet, f"run --resume {shell_word(str(folder))} --both-directions")

    return audit_directions(folder, settings, watched, begins, sharing)
