"""The whole audit: from a configuration to a result and its report, stage by stage, in one run folder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from auditor.atlas.pair import Atlas
from auditor.candidates.controls import MADE_CONTROLS, RANDOM_CELL_CROP, SOURCE_CROP
from auditor.candidates.propose import Proposals
from auditor.config import AuditConfig, build_config
from auditor.errors import StoreError
from auditor.examples import draw_examples
from auditor.measuring import Bench, choose_confirmed, confirm, shared_controls, try_all
from auditor.records import (
    AuditResult,
    Candidate,
    Cell,
    Example,
    Finding,
    ImagePool,
    Progress,
    Review,
    Rung,
    Silence,
    Split,
    SplitCount,
    SuggestionValidity,
    SurveyRow,
    Verdict,
)
from auditor.report import FORMATS
from auditor.report.notebook import notebook_html
from auditor.setup import Setup, open_setup, versions
from auditor.stages import (
    STAGES,
    Clean,
    atlas_stage,
    candidates_stage,
    check_unchanged,
    clean_stage,
    eligible_rows,
    forget_from,
    images_stage,
    open_scene,
)
from auditor.statistics.verdicts import images_to_pass
from auditor.store import RunFolder, slug
from auditor.tables import cells_from_table, result_from_json, result_to_json
from auditor.trials.findings import (
    ConfirmedTrials,
    apply_reviews,
    make_findings,
    measure_fragility,
    run_verdict,
)
from auditor.trials.survey import suggestion_validity, survey_rows

CONTROLS = (*MADE_CONTROLS, SOURCE_CROP, RANDOM_CELL_CROP)
"""Controls a candidate has when all can be made; their number says how many images a pass would need at least."""

REVIEWS = "reviews.json"


@dataclass(frozen=True, slots=True)
class Audit:
    """A finished audit: its result and the folder that holds its report. It shows itself in a notebook."""

    result: AuditResult
    folder: Path

    @property
    def verdict(self) -> Verdict:
        return self.result.verdict

    @property
    def report(self) -> Path:
        return self.folder / FORMATS["html"].file_name

    def _repr_html_(self) -> str:
        return notebook_html(self.result)


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


def continue_run(run: RunFolder, config: AuditConfig, progress: Progress) -> Audit:
    """Make what a run folder lacks, from the pictures to the report.

    A stage that is done is read back, a trial that was measured is not measured again, so an interrupted run
    ends in the findings it would have ended in.
    """
    setup = open_run(run, config, progress)
    pool = images_stage(run, setup)
    clean = clean_stage(run, setup, pool)
    atlas = atlas_stage(run, setup, pool)
    bench = Bench(run, setup, pool, clean)
    if not bench.eligible(Split.DISCOVERY) and not bench.eligible(Split.SELECTION):
        return finish(run, assemble(run, setup, pool, clean, (), atlas.cells, 0))
    proposals = candidates_stage(run, setup, pool, clean, atlas)
    atlas = replace(atlas, cells=proposals.cells)  # the same cells, with their predicted push
    scene = open_scene(setup, pool)
    started = time.monotonic()

    placement = config.trials.placements[0]
    selection = try_all(bench, proposals.patches, Split.SELECTION, placement) if bench.eligible(Split.SELECTION) else {}
    chosen = choose_confirmed(proposals.patches, selection, config.candidates.confirmed)
    rungs = (
        *proposals.rungs,
        Rung("selection trials", len(proposals.patches), len(chosen), "flips on selection pictures, tiers in turns"),
    )
    if not bench.eligible(Split.CONFIRMATION):
        bench.keep_trials()
        return finish(run, assemble(run, setup, pool, clean, rungs, proposals.cells, len(proposals.patches)))

    confirmation = try_all(bench, proposals.patches, Split.CONFIRMATION, placement)
    shared = shared_controls(bench, placement)
    confirmed = confirm(bench, scene, atlas, chosen, config.trials.placements)
    candidates = [patch.candidate for patch in proposals.patches]
    ids = [patch.candidate.id for patch in chosen]
    confidence = config.limits.confidence
    survey = survey_rows(candidates, selection, confirmation, shared, ids, confidence)
    validity = suggestion_validity(candidates, confirmation, shared, confidence, config.seed)
    bench.keep_trials()
    if not run.is_done("trials"):
        run.mark_done("trials", {"pastes": len(run.read_table("trials.parquet")), "seconds": _since(started)})
    result = assemble(
        run, setup, pool, clean, rungs, proposals.cells, len(candidates), confirmed, survey, validity,
        draw_examples(run, bench, confirmed, proposals.patches),
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


def assemble(
    run: RunFolder,
    setup: Setup,
    pool: ImagePool,
    clean: Clean,
    rungs: Sequence[Rung],
    cells: Sequence[Cell],
    tried: int,
    confirmed: Sequence[ConfirmedTrials] = (),
    survey: tuple[SurveyRow, ...] = (),
    validity: SuggestionValidity | None = None,
    examples: tuple[Example, ...] = (),
) -> AuditResult:
    """Put together what the report states; without confirmed trials the audit is inconclusive and says why.

    Args:
        tried: candidates tried in pixels, confirmed or not.
    """
    limits, placements = setup.limits, len(setup.config.trials.placements)
    findings = make_findings(confirmed, limits, read_reviews(run, [one.candidate for one in confirmed]))
    fragility = measure_fragility(confirmed, limits)
    verdict, reason = run_verdict(findings, fragility)
    hypotheses = len(confirmed) or setup.config.candidates.confirmed * placements
    needed = images_to_pass(hypotheses, len(CONTROLS), limits.confidence, limits.uplift)
    eligible = len(eligible_rows(pool, clean, Split.CONFIRMATION))
    notes = _notes(pool, clean, eligible, needed, hypotheses) + _missing_controls(confirmed)
    if not eligible:
        reason = f"no confirmation image is eligible; at least {needed} are needed for a verdict"
    elif not findings:
        reason = "no discovery or selection image is eligible, so no candidate could be chosen"
    return AuditResult(
        run=run.name,
        source=setup.source,
        target=setup.target,
        subject=setup.subject,
        class_names=setup.class_names,
        eligibility=setup.criterion.describe(),
        limits=limits,
        verdict=verdict,
        verdict_reason=reason,
        splits=tuple(_split_count(pool, clean, split) for split in Split),
        skipped=pool.skipped,
        hypotheses_tried=tried + len(confirmed) - len(confirmed) // placements,
        hypotheses_confirmed=len(confirmed),
        rungs=tuple(rungs),
        cells=tuple(cells),
        findings=findings,
        survey=survey,
        fragility=fragility,
        suggestion_validity=validity,
        examples=examples,
        notes=tuple(notes),
        versions=versions(),
        seed=setup.config.seed,
        images_needed=_images_needed(verdict, findings, eligible, needed),
        times=_times(run),
        pictures=_pictures(run),
    )


def _images_needed(verdict: Verdict, findings: Sequence[Finding], eligible: int, at_least: int) -> int | None:
    """Eligible confirmation images that would settle an inconclusive run: all its findings, at the rates measured."""
    if verdict is not Verdict.INCONCLUSIVE:
        return None
    open_ones = [finding.images_needed for finding in findings if finding.images_needed is not None]
    needed = max([at_least, *open_ones])
    return needed if needed > eligible else None


def _notes(pool: ImagePool, clean: Clean, eligible: int, needed: int, hypotheses: int) -> list[str]:
    """What a reader must know of the numbers: too few images, or a model that knows none of them."""
    notes = []
    if not len(clean.eligible):
        notes.append(
            f"the clean model calls none of the {len(clean.rows)} source images source; if its accuracy is better "
            "than that, check the class names and the preprocessing"
        )
    if eligible < needed:
        notes.append(
            f"{eligible} eligible confirmation images; with {hypotheses} hypotheses and {len(CONTROLS)} controls each, "
            f"no candidate can pass with fewer than {needed}, even if it never flips an image"
        )
    if len(clean.eligible) and not len(eligible_rows(pool, clean, Split.SELECTION)):
        notes.append("no selection image is eligible; the confirmed candidates were chosen by predicted push alone")
    return notes


def _missing_controls(confirmed: Sequence[ConfirmedTrials]) -> list[str]:
    """What did not run is not a pass: the controls that could not be made."""
    missing = {name: sum(name not in one.controls for one in confirmed) for name in CONTROLS}
    return [
        f"the control {name!r} is missing from {count} of {len(confirmed)} findings, since nothing was there to make "
        "it of"
        for name, count in missing.items()
        if count
    ]


def _split_count(pool: ImagePool, clean: Clean, split: Split) -> SplitCount:
    source = set(clean.rows.tolist())
    rows = pool.rows(split)
    return SplitCount(
        split=split,
        used=len(rows),
        source=sum(row in source for row in rows.tolist()),
        eligible=len(eligible_rows(pool, clean, split)),
    )


def _times(run: RunFolder) -> dict[str, float]:
    stages = run.manifest().get("stages")
    if not isinstance(stages, Mapping):
        return {}
    seconds = {name: facts.get("seconds") for name, facts in stages.items() if isinstance(facts, Mapping)}
    return {name: float(value) for name, value in seconds.items() if isinstance(value, int | float)}


def _pictures(run: RunFolder) -> dict[str, bytes]:
    """The report's pictures by key: atlas sheets, candidates, where they were cut, examples."""
    pictures = {f"atlas-{name}": run.read_bytes(f"atlas/{name}.png") for name in run.names("atlas", ".png")}
    pictures |= {
        f"candidate-{name}": run.read_bytes(f"candidates/{name}.png") for name in run.names("candidates", ".png")
    }
    return pictures | {name: run.read_bytes(f"pictures/{name}.png") for name in run.names("pictures", ".png")}


def finish(run: RunFolder, result: AuditResult) -> Audit:
    """Write the result in every format."""
    run.write_text("result.json", result_to_json(result))
    for form in FORMATS.values():
        run.write_text(form.file_name, form.write(result))
    run.mark_done("report", {"verdict": str(result.verdict)})
    run.update_manifest({"ended": datetime.now(UTC).isoformat(timespec="seconds")})
    return Audit(result, run.path)


def stored_result(run: RunFolder) -> AuditResult:
    """The result of a finished run, without the model or the pictures it was made from.

    Raises:
        StoreError: the run is not finished.
    """
    if not run.has("result.json"):
        raise StoreError(f"{run.path} holds no result yet; finish it with 'auditor run --resume {run.path}'")
    cells = cells_from_table(run.read_table("cells.parquet")) if run.has("cells.parquet") else ()
    return result_from_json(run.read_text("result.json"), cells, _pictures(run))


@dataclass(frozen=True, slots=True)
class StoredReview(Review):
    """A review with the sha256 of the patch that was looked at: a mark says nothing of other pixels."""

    sha256: str


def _stored_reviews(run: RunFolder) -> tuple[StoredReview, ...]:
    if not run.has(REVIEWS):
        return ()
    return TypeAdapter(tuple[StoredReview, ...]).validate_json(run.read_bytes(REVIEWS))


def read_reviews(run: RunFolder, candidates: Iterable[Candidate]) -> dict[str, Review]:
    """The marks people made on these candidates, by candidate id; a mark on other pixels of that name is left out."""
    looked_at = {(one.candidate, one.sha256): one for one in _stored_reviews(run)}
    found = ((each.id, looked_at.get((each.id, each.sha256))) for each in candidates)
    return {
        identity: Review(one.candidate, one.mark, one.reviewer, one.why) for identity, one in found if one is not None
    }


def review_run(run: RunFolder, reviews: Sequence[Review]) -> Audit:
    """Add people's marks to a finished run and recompute its verdicts; the numbers stay as they are."""
    result = stored_result(run)
    candidates = {finding.candidate.id: finding.candidate for finding in result.findings}
    given = {
        (one.candidate, candidates[one.candidate].sha256): StoredReview(
            one.candidate, one.mark, one.reviewer, one.why, candidates[one.candidate].sha256
        )
        for one in reviews
    }
    if given:
        kept = {(one.candidate, one.sha256): one for one in _stored_reviews(run)} | given
        run.write_json(REVIEWS, [asdict(one) for one in kept.values()])
    findings = apply_reviews(result.findings, result.limits, read_reviews(run, candidates.values()))
    verdict, reason = run_verdict(findings, result.fragility)
    return finish(run, replace(result, findings=findings, verdict=verdict, verdict_reason=reason))


def build_atlas(run: RunFolder, config: AuditConfig, progress: Progress) -> Atlas:
    """Make a run's atlas, and no more; what is there already is read back."""
    setup = open_run(run, config, progress)
    return atlas_stage(run, setup, images_stage(run, setup))


def build_candidates(run: RunFolder, config: AuditConfig, progress: Progress) -> Proposals:
    """Make a run's candidates, and the atlas they need; what is there already is read back."""
    setup = open_run(run, config, progress)
    pool = images_stage(run, setup)
    clean = clean_stage(run, setup, pool)
    return candidates_stage(run, setup, pool, clean, atlas_stage(run, setup, pool))


def rerun_from(run: RunFolder, stage: str, progress: Progress) -> Audit:
    """Drop a stage of a run folder and what was made from it, and make them again.

    Raises:
        StoreError: there is no such stage, or the folder holds no configuration.
    """
    if stage not in STAGES:
        raise StoreError(f"there is no stage {stage!r}; the stages are {', '.join(STAGES)}")
    forget_from(run, stage)
    return continue_run(run, stored_config(run), progress)
