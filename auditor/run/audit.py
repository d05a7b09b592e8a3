"""An audit from nothing to a report, or from where it was left: runs begun, continued, and made in part."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.atlas.kinds import Atlas
from auditor.candidates.propose import Proposals
from auditor.core.config import AuditConfig, build_config, read_config, with_atlas
from auditor.core.errors import ConfigError, ImageError, StoreError
from auditor.core.plain_text import utf8
from auditor.core.progress import Progress, Silence
from auditor.core.shelf import slug
from auditor.core.versions import versions
from auditor.inputs.model.loading import with_found_weights
from auditor.run.ahead import refuse_mistakes
from auditor.run.engines import engine_of
from auditor.run.estimate import estimate
from auditor.run.estimate_words import estimate_lines
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.pipeline import REPORT, SHOWS, STAGES, forget, leading_to, shown
from auditor.run.policy import checked_policy, keep_policy
from auditor.run.review import REVIEWS, reviewed_result
from auditor.run.stage import Opened, Run, Stage
from auditor.run.stages.accuracy import ACCURACY
from auditor.run.stages.atlas import ATLAS, atlases_of
from auditor.run.stages.candidates import CANDIDATES, screening_rows
from auditor.run.stages.icons import ICONS
from auditor.run.stages.images import IMAGES
from auditor.run.stages.looks import LOOKS
from auditor.run.stages.needed import NEEDED
from auditor.run.stages.places import PLACES
from auditor.run.stages.report import rewrite_report
from auditor.run.stages.sheets import SHEETS, draw_atlases
from auditor.run.stages.survival import SURVIVAL
from auditor.run.stages.whole_pictures import WHOLE_PICTURES, said_of_whole_pictures
from auditor.run.unchanged import check_files, check_network
from auditor.run.upgrade import open_folder


def audit(config: AuditConfig, folder: Path | str | None = None, progress: Progress | None = None) -> Audit:
    """Audit a classifier from nothing to a report.

    Args:
        config: what to audit; `AuditConfig(...)` in Python, or `read_config(path)`.
        folder: the run folder, new or empty; left out: `reports/<source>-to-<target>-<time>`.
        progress: who is told how far it is; nobody by default.
    Returns:
        The result and its folder.
    Raises:
        AuditorError: the audit could not be made; its message says what to do.
    """
    run = new_run(config, Path(folder) if folder is not None else default_folder(config))
    return continue_run(run, config, progress or Silence())


def default_folder(config: AuditConfig) -> Path:
    """`reports/<source>-to-<target>-<UTC time>` below the current folder."""

    pair = f"{short_name(config.source)}-to-{short_name(config.target)}"
    return Path("reports") / f"{pair}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def short_name(spec: str | tuple[str, ...]) -> str:
    """A class or classes of a configuration as a part of a folder's name."""
    named = "any" if spec == "*" else spec if isinstance(spec, str) else "-".join(spec)
    return slug(named)[:40]


def new_run(config: AuditConfig, folder: Path) -> RunFolder:
    """Make the run folder, note the configuration in its manifest, and keep the policy that it names.

    Raises:
        ConfigError: the policy is none; no folder is made.
    """
    policy = None if config.policy is None else checked_policy(config.path(config.policy))
    made = RunFolder.create(
        folder,
        {
            "schema_version": "1.0",
            "run": utf8(folder.resolve().name),
            "begun": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": utf8(_whoever()),
            "config": config.model_dump(mode="json"),
            "base": str(config.base.resolve()),
            "seed": config.seed,
            "versions": versions(),
        },
    )
    if policy is not None:
        keep_policy(made, policy)
    return made


def _whoever() -> str:
    """The name under which this process runs; "" where there is none, as for an unknown user in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def stored_config(folder: RunFolder) -> AuditConfig:
    """The configuration a run folder was begun with."""
    manifest = folder.manifest()
    config, base = manifest.get("config"), manifest.get("base")
    if not isinstance(config, Mapping) or not isinstance(base, str):
        raise StoreError(f"{folder.path}'s manifest holds no configuration; start a new run")
    stored = build_config(dict(config), Path(base), f"{folder.path}'s manifest")
    return with_found_weights(stored, str(manifest.get("weights_sha256") or ""))


def begin(
    config_or_run: Path, folder: Path | None, atlas: Mapping[str, object] | None = None
) -> tuple[RunFolder, AuditConfig]:
    """A new run for a TOML file; for a run folder its own settings.

    Args:
        folder: where a new run goes; None: `default_folder`.
        atlas: settings of the atlas that overrule the file's.
    Raises:
        ConfigError: a place or settings were given for a run that has them; StoreError: the folder is no run, or is
            taken.
    """
    if not config_or_run.is_dir():
        config = with_atlas(read_config(config_or_run), atlas or {})
        return new_run(config, folder or default_folder(config)), config
    if folder is not None:
        raise ConfigError("--out is for a new run; a run folder keeps its place")
    if atlas:
        raise ConfigError(
            f"a run's candidates come from its atlas, whose settings stay as they are ({', '.join(sorted(atlas))} "
            "given); begin a new run from the TOML file, or make a full atlas or a class's with --kind"
        )
    run = open_folder(config_or_run)
    return run, stored_config(run)


def with_compute(config: AuditConfig, values: Mapping[str, object]) -> AuditConfig:
    """The same configuration with some settings of [compute] overruled, which decide no number.

    Args:
        values: key of `ComputeConfig` to value.
    Raises:
        ConfigError: as `read_config`.
    """
    if not values:
        return config
    whole = config.model_dump(exclude={"base"})
    return build_config({**whole, "compute": {**whole["compute"], **values}}, config.base, "the command line")


def continue_run(
    folder: RunFolder,
    config: AuditConfig,
    progress: Progress,
    anew: Stage[Any] | None = None,
    opened: Opened | None = None,
) -> Audit:
    """Make what a run folder lacks, from the pictures to the report.

    A stage that is done is read back, a trial that was measured is not measured again, so an interrupted run
    ends in the findings it would have ended in. Verdict and report come first, and then what decorates them.

    Args:
        anew: made anew with all that follows from it, although it is there.
        opened: where other runs of the same model share it.
    """
    with engine_of(config, progress) as engine, at_work(folder, config, progress, anew, opened) as run:
        run.engine = engine
        run.plan(STAGES)
        if not isinstance(progress, Silence):
            _say_what_is_ahead(run)
        older = run.folder.is_done(REPORT.name) and not run.folder.is_done(WHOLE_PICTURES.name)
        asked = run.ensure(NEEDED)
        written = run.ensure(REPORT)
        decorated = any([run.ensure(PLACES), run.ensure(SURVIVAL), run.ensure(LOOKS)])
        # of a report that was there, marks may have been made, or taken back, since it was written; one of an earlier
        # version was written before anybody asked what is needed
        if decorated or _lacks(folder) or (not written and (asked or folder.has(REVIEWS))):
            run.make(REPORT)
        elif older and not written:
            _tell_of_whole_pictures(run)
        return run.get(REPORT)


def _lacks(folder: RunFolder) -> bool:
    """Whether the report was written before something that it shows, and cut off before it was written again."""
    noted = (folder.facts(REPORT.name) or {}).get(SHOWS)
    return noted is not None and noted != shown(folder)


def _tell_of_whole_pictures(run: Run) -> None:
    """Add to an earlier version's report what it did not measure; what that version judged stays as it is."""
    rewrite_report(run.folder, replace(reviewed_result(run.folder), whole=said_of_whole_pictures(run)))


def _say_what_is_ahead(run: Run) -> None:
    """Measure and say what a run will take, after the clean predictions, unless it is under way."""
    if run.folder.is_done(ATLAS.name):
        return
    run.ensure(ACCURACY)
    for line in estimate_lines(estimate(run)):
        run.progress.say(line)


@contextmanager
def at_work(
    folder: RunFolder,
    config: AuditConfig,
    progress: Progress,
    anew: Stage[Any] | None = None,
    opened: Opened | None = None,
) -> Iterator[Run]:
    """A run folder opened as by `open_run`, and kept from every other process as long as the body lasts.

    Raises:
        StoreError: another process is at work there.
    """
    with folder.alone():
        yield open_run(folder, config, progress, anew, opened)


def open_run(
    folder: RunFolder,
    config: AuditConfig,
    progress: Progress,
    anew: Stage[Any] | None = None,
    opened: Opened | None = None,
) -> Run:
    """Open the classifier for a run folder, make sure that nothing changed since it was begun, and note what it is.

    Before the network of a new run is fetched or built, everything is looked at that can be without (`run.ahead`).

    Args:
        anew: a stage that is dropped, with all that follows from it, once everything else is found in order.
        opened: as `continue_run`.
    Raises:
        StoreError: a file that decides a number changed, or the weights did (`run.unchanged`).
        AuditorError: a setting, a source of pictures, the annotations or the patches are not what they should be.
    """
    if config.whole:
        raise ConfigError(
            "every class to every class is a survey and no audit: 'auditor survey audit.toml' makes one, and "
            f"'auditor survey {folder.path}' goes on with one that was begun there"
        )
    run = open_checked(folder, config, progress, opened=opened)
    if anew is not None:
        forget(folder, anew)
    return run


def open_checked(
    folder: RunFolder, config: AuditConfig, progress: Progress, whole: bool = False, opened: Opened | None = None
) -> Run:
    """What audits and surveys begin with: the files are looked at, then the network is opened and noted.

    Args:
        whole: a survey, which asks for no pair and has one layer.
        opened: as `continue_run`.
    Raises:
        AuditorError: as `open_run`.
    """
    check_files(folder, config, progress)
    if not folder.is_done(IMAGES.name):
        refuse_mistakes(config, whole)
    run = Run(folder, config, progress, opened=opened)
    inputs = run.inputs
    check_network(folder, inputs)
    subject = inputs.subject
    folder.update_manifest(
        {
            "device": subject.device,
            "weights": subject.weights,
            "weights_sha256": subject.weights_sha256,
            "layer": inputs.layer,
            **({} if whole else {"further_layers": list(inputs.further)}),
            "run_by": inputs.loaded.run_by,
            "model_notes": list(inputs.loaded.notes),
        }
    )
    return run


def build_atlas(
    folder: RunFolder, config: AuditConfig, progress: Progress, anew: Stage[Any] | None = None
) -> tuple[Atlas, ...]:
    """Make a run's atlas in each of its layers, and the pictures, and no more; what is there already is read back.

    Args:
        anew: as `continue_run`.
    """
    with at_work(folder, config, progress, anew) as run:
        run.plan(leading_to(ICONS))
        atlases = atlases_of(run)
        draw_atlases(run, folder.only(SHEETS.files), atlases)
        return atlases


def build_candidates(
    folder: RunFolder, config: AuditConfig, progress: Progress, anew: Stage[Any] | None = None
) -> Proposals:
    """Make a run's atlas, its candidates, and the sheets that mark their cells; what is there already is read back.

    Args:
        anew: as `continue_run`.
    Raises:
        ImageError: the clean model calls no source picture of discovery or selection source.
    """
    with at_work(folder, config, progress, anew) as run:
        run.plan(leading_to(SHEETS))
        if not len(screening_rows(run)):
            raise ImageError(
                "no source picture of discovery or selection is called source by the clean model, so no candidate can "
                "be chosen; check class names and preprocessing (is the model's accuracy what you expect?), or add "
                "pictures"
            )
        run.ensure(SHEETS)
        return run.get(CANDIDATES)
