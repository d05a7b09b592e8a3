"""The whole audit: from a configuration to a result and its report, stage by stage, in one run folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from auditor.atlas.kinds import Atlas
from auditor.candidates.confirmation import confirm, shared_controls, try_all
from auditor.candidates.propose import Proposals
from auditor.candidates.selection import narrowing, select
from auditor.core.config import AuditConfig, build_config, read_config, with_atlas
from auditor.core.errors import ConfigError, StoreError
from auditor.core.progress import Progress, Silence
from auditor.core.records import ImagePool, PixelArray, Split
from auditor.core.versions import versions
from auditor.inputs.opening import Setup, open_setup
from auditor.run.folder import RunFolder, slug
from auditor.run.stages.examples import draw_examples, draw_looks
from auditor.run.stages.old_atlases import atlas_stage, draw_atlas, icons_stage, sheets_stage
from auditor.run.stages.old_results import Audit, assemble, finish
from auditor.run.stages.old_stages import (
    candidates_stage,
    check_unchanged,
    clean_stage,
    forget_from,
    images_stage,
    open_scene,
    write_contact_sheet,
)
from auditor.statistics.survey import suggestion_validity, survey_rows
from auditor.trials.bench import Bench


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

    def short(spec: str | tuple[str, ...]) -> str:
        named = "any" if spec == "*" else spec if isinstance(spec, str) else "-".join(spec)
        return slug(named)[:40]

    return Path("reports") / f"{short(config.source)}-to-{short(config.target)}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def new_run(config: AuditConfig, folder: Path) -> RunFolder:
    """Make the run folder and note the configuration in its manifest."""
    return RunFolder.create(
        folder,
        {
            "schema_version": "1.0",
            "run": folder.resolve().name,
            "begun": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": config.model_dump(mode="json"),
            "base": str(config.base.resolve()),
            "seed": config.seed,
            "versions": versions(),
        },
    )


def stored_config(run: RunFolder) -> AuditConfig:
    """The configuration a run folder was begun with."""
    manifest = run.manifest()
    config, base = manifest.get("config"), manifest.get("base")
    if not isinstance(config, Mapping) or not isinstance(base, str):
        raise StoreError(f"{run.path}'s manifest holds no configuration; start a new run")
    return build_config(dict(config), Path(base), f"{run.path}'s manifest")


def begin(
    config_or_run: Path, stage: str | None, folder: Path | None, atlas: Mapping[str, object] | None = None
) -> tuple[RunFolder, AuditConfig]:
    """A new run for a TOML file; for a run folder its own settings, with `stage` and what follows dropped.

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
    run = RunFolder.open(config_or_run)
    if stage is not None:
        forget_from(run, stage)
    return run, stored_config(run)


def continue_run(run: RunFolder, config: AuditConfig, progress: Progress) -> Audit:
    """Make what a run folder lacks, from the pictures to the report.

    A stage that is done is read back, a trial that was measured is not measured again, so an interrupted run
    ends in the findings it would have ended in.
    """
    setup = open_run(run, config, progress)
    pool = images_stage(run, setup)
    clean = clean_stage(run, setup, pool)
    atlas = atlas_stage(run, setup, pool)
    icons = icons_stage(run, setup, atlas)
    bench = Bench(run, setup, pool, clean)
    if not bench.eligible(Split.DISCOVERY) and not bench.eligible(Split.SELECTION):
        sheets_stage(run, setup, pool, atlas, icons, ())
        return finish(run, assemble(run, setup, pool, clean, (), atlas.cells, 0))
    proposals = candidates_stage(run, setup, pool, clean, atlas)
    atlas = _draw_with_candidates(run, setup, pool, atlas, icons, proposals)
    scene = open_scene(setup, pool)
    started = time.monotonic()

    placement = config.trials.placements[0]
    selection = select(bench, proposals.patches, placement)
    chosen = selection.chosen
    if not bench.eligible(Split.CONFIRMATION):
        bench.keep_trials()
        rungs = narrowing(proposals.rungs, selection, {})
        return finish(run, assemble(run, setup, pool, clean, rungs, proposals.cells, len(proposals.patches)))

    confirmation = try_all(bench, proposals.patches, Split.CONFIRMATION, placement)
    shared = shared_controls(bench, placement)
    confirmed = confirm(bench, scene, atlas, chosen, config.trials.placements)
    candidates = [patch.candidate for patch in proposals.patches]
    ids = [patch.candidate.id for patch in chosen]
    confidence = config.limits.confidence
    survey = survey_rows(candidates, selection.blocks, confirmation, shared, ids, confidence)
    validity = suggestion_validity(candidates, confirmation, shared, confidence, config.seed)
    bench.keep_trials()
    flips = {name: (int(block.outcomes.sum()), len(block.outcomes)) for name, block in confirmation.items()}
    write_contact_sheet(run, setup, proposals.patches, flips)
    if not run.is_done("trials"):
        run.mark_done("trials", {"pastes": len(run.read_table("trials.parquet")), "seconds": _since(started)})
    draw_looks(run, bench, confirmed, proposals.patches, atlas.samples.vectors)
    result = assemble(
        run, setup, pool, clean, narrowing(proposals.rungs, selection, confirmation), proposals.cells,
        len(candidates), confirmed, survey, validity, draw_examples(run, bench, confirmed, proposals.patches),
    )  # fmt: skip
    return finish(run, result)


def open_run(run: RunFolder, config: AuditConfig, progress: Progress) -> Setup:
    """Open the classifier for a run folder and note what it is."""
    setup = open_setup(config, progress)
    check_unchanged(run, setup)
    if not run.is_done("images"):  # a layer that cannot be mapped is refused before any picture is read
        channels, height, width = setup.cut.feature_shape
        progress.say(f"the layer's grid: {height} × {width} positions of {channels} channels")
    run.update_manifest(
        {
            "device": setup.subject.device,
            "weights": setup.subject.weights,
            "weights_sha256": setup.subject.weights_sha256,
            "layer": setup.layer,
        }
    )
    return setup


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def build_atlas(run: RunFolder, config: AuditConfig, progress: Progress) -> Atlas:
    """Make a run's atlas and its pictures, and no more; what is there already is read back."""
    setup = open_run(run, config, progress)
    pool = images_stage(run, setup)
    atlas = atlas_stage(run, setup, pool)
    draw_atlas(run, setup, pool, atlas, icons_stage(run, setup, atlas))
    return atlas


def build_candidates(run: RunFolder, config: AuditConfig, progress: Progress) -> Proposals:
    """Make a run's atlas, its candidates, and the sheets that mark their cells; what is there already is read back."""
    setup = open_run(run, config, progress)
    pool = images_stage(run, setup)
    clean = clean_stage(run, setup, pool)
    atlas = atlas_stage(run, setup, pool)
    icons = icons_stage(run, setup, atlas)
    proposals = candidates_stage(run, setup, pool, clean, atlas)
    _draw_with_candidates(run, setup, pool, atlas, icons, proposals)
    return proposals


def _draw_with_candidates(
    run: RunFolder, setup: Setup, pool: ImagePool, atlas: Atlas, icons: Mapping[str, PixelArray], proposals: Proposals
) -> Atlas:
    """Draw the atlas' sheets, the cells that gave candidates marked; returns it with its cells' predicted push."""
    atlas = replace(atlas, cells=proposals.cells)
    gave = {patch.candidate.cell for patch in proposals.patches if patch.candidate.suggested}
    sheets_stage(run, setup, pool, atlas, icons, gave)
    return atlas
