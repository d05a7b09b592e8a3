"""The report of a run: its result put together, written in every format, and read back. It loads no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from auditor.core.errors import DamagedFileError, StoreError
from auditor.core.records import (
    NOT_ASKED,
    AuditResult,
    Cell,
    CleanAccuracy,
    Finding,
    HeldLevel,
    ImagePool,
    Removals,
    Review,
    Split,
    SplitCount,
    Verdict,
    WholeFinding,
    WholePictures,
)
from auditor.core.records.explorer import Explored
from auditor.core.records.places import PlaceMap
from auditor.core.records.result import WITHOUT_ATLAS
from auditor.core.records.survival import Survival
from auditor.core.records.trials import Clean, ConfirmedTrials, Trials, eligible_rows
from auditor.core.versions import versions
from auditor.report import FORMATS
from auditor.report.checklist.thumbnails import FOLDER as THUMBNAILS
from auditor.report.checklist.thumbnails import thumbnails
from auditor.report.numbers import how_many
from auditor.run.cell_names import with_cell_names
from auditor.run.checks import IMAGES, check_files_agree
from auditor.run.destinations import destinations
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.planted.stored import planted_of, planted_pictures
from auditor.run.policy import under_policy
from auditor.run.stage import Facts, Run
from auditor.run.tables import cells_from_table, result_from_json, result_to_json
from auditor.statistics.conclusion import conclude
from auditor.statistics.findings import make_findings
from auditor.statistics.fragility import measure_fragility
from auditor.statistics.looks import error_budget
from auditor.statistics.needed import measure_needs
from auditor.statistics.planning import images_that_pass
from auditor.statistics.stopping import last_share

LEFT_OUT = "left_out_of_patches"
"""What the candidates' stage notes of a folder of patches that holds other things, too."""

TRIALS_RUN = "trials_run"
"""What the clean stage notes of the network that the trials ran, for a person; earlier versions knew but one."""

NO_PATCHES = "left out of the folder of patches, since they are no pictures: "
RESULT, CELLS = "result.json", "cells.parquet"
SURVEY = "survey.json"
"""What a survey of the whole model leaves in the place of a result."""
WRITTEN = (RESULT, *(form.file_name for form in FORMATS.values()))
"""What a report consists of; without one of them it is written anew."""

FILES = (*WRITTEN, f"{THUMBNAILS}/*")
EXPLORED, TILES = "explorer/atlases.json", "explorer/{}.webp"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a report is put together from: products of the stages, and people's marks by candidate id."""

    pool: ImagePool
    clean: Clean
    cells: Sequence[Cell]
    trials: Trials
    reviews: Mapping[str, Review]
    accuracy: CleanAccuracy | None
    pasted: tuple[HeldLevel, ...] = ()
    whole: WholePictures | None = None
    removals: Removals = NOT_ASKED
    places: tuple[PlaceMap, ...] = ()
    survivals: tuple[Survival, ...] = ()


def assemble(run: Run, measured: Measured, folder: RunFolder | None = None) -> AuditResult:
    """Put together what the report states; without confirmed trials the audit is inconclusive and says why.

    Args:
        folder: where the report will be; None: the run's own.
    """
    folder = folder or run.folder
    inputs, limits, first = run.inputs, run.inputs.limits, run.config.trials.placements[0]
    outcome, confirmed = measured.trials.outcome, measured.trials.confirmed
    pool, clean = measured.pool, measured.clean
    chosen_from = outcome.looks.chosen_from if outcome.looks else {}
    needs = measure_needs(measured.removals, limits.confidence)
    findings = tuple(
        replace(one, needed=needs.get(one.candidate.id))
        for one in make_findings(confirmed, limits, measured.reviews, chosen_from)
    )
    fragility = measure_fragility(confirmed, limits)
    verdict, reason = conclude(findings, fragility, measured.accuracy, outcome.validity, limits, measured.whole)
    chosen = max((finding.hypotheses for finding in findings), default=1)
    eligible = len(eligible_rows(pool, clean, Split.CONFIRMATION))
    looks = last_share(eligible) if run.config.trials.stop_early else 1.0
    needed = images_that_pass(error_budget(limits.confidence).passing * looks / chosen, limits.uplift)
    begun, by = begun_by(folder)
    if not eligible:
        reason = f"no confirmation image is eligible; at least {needed} are needed for a verdict"
    elif not findings:
        reason = "no discovery or selection image is eligible, so no candidate could be chosen"
    result = AuditResult(
        run=folder.name,
        source=inputs.source,
        target=inputs.target,
        subject=replace(inputs.subject, trials_run=str((run.folder.facts("clean") or {}).get(TRIALS_RUN, ""))),
        class_names=inputs.class_names,
        eligibility=inputs.criterion.describe(),
        limits=limits,
        verdict=verdict,
        verdict_reason=reason,
        splits=tuple(_split_count(pool, clean, split) for split in Split),
        skipped=pool.skipped,
        left_out=pool.left_out,
        hypotheses_tried=outcome.tried + sum(one.placement is not first for one in confirmed),
        hypotheses_confirmed=len(confirmed),
        rungs=outcome.rungs,
        cells=tuple(measured.cells),
        findings=findings,
        survey=outcome.survey,
        fragility=fragility,
        suggestion_validity=outcome.validity,
        examples=outcome.examples,
        notes=tuple(_notes(run, measured, folder, eligible, needed)),
        versions=versions(),
        seed=run.config.seed,
        images_needed=_images_needed(verdict, [*findings, *_unsettled(measured.whole)], eligible, needed),
        looks=outcome.looks,
        times=_times(folder),
        pictures=_pictures(folder),
        explored=_explored(folder),
        destinations=destinations(folder, findings),
        accuracy=measured.accuracy,
        pasted=measured.pasted,
        checks=check_files_agree(folder, findings, outcome.repeat, folder if folder.has(IMAGES) else run.folder),
        begun=begun,
        by=by,
        whole=measured.whole,
        places=measured.places,
        survivals=measured.survivals,
        planted=planted_of(folder, limits.uplift),
    )
    return under_policy(folder, result)


def begun_by(folder: RunFolder) -> tuple[str, str]:
    """When a run was begun and by whom, as its manifest says; "" where it does not."""
    manifest = folder.manifest()
    return str(manifest.get("begun") or ""), str(manifest.get("by") or "")


def _unsettled(whole: WholePictures | None) -> tuple[WholeFinding, ...]:
    return () if whole is None else whole.unsettled


def _images_needed(
    verdict: Verdict, measured: Sequence[Finding | WholeFinding], eligible: int, at_least: int
) -> int | None:
    """Eligible confirmation images that would settle an inconclusive run: all that is open in it, at the rates seen."""
    if verdict is not Verdict.INCONCLUSIVE:
        return None
    needed = max([at_least, *(one.images_needed for one in measured if one.images_needed is not None)])
    return needed if needed > eligible else None


def _notes(run: Run, measured: Measured, folder: RunFolder, eligible: int, needed: int) -> list[str]:
    """What a reader must know: of the numbers, the controls, how the model was loaded, and the patches left out."""
    notes = _notes_of_images(measured.pool, measured.clean, eligible, needed)
    notes += _missing_controls(measured.trials.confirmed, measured.trials.outcome.controls)
    notes += run.inputs.loaded.notes
    if not run.inputs.mapped:
        notes.append(f"{WITHOUT_ATLAS}: {run.inputs.layer_rule}")
    others = (folder.facts("candidates") or {}).get(LEFT_OUT)
    return [*notes, f"{NO_PATCHES}{others}"] if others else notes


def _notes_of_images(pool: ImagePool, clean: Clean, eligible: int, needed: int) -> list[str]:
    """Too few images, or a model that knows none of them."""
    notes = []
    if pool.on_white:
        notes.append(
            f"transparent somewhere: {how_many(pool.on_white, 'picture')}; white shows through there, for the model "
            "and in crops"
        )
    if pool.unlabelled is not None:
        notes.append(pool.unlabelled.words)
    if not len(clean.eligible):
        notes.append(
            f"the clean model calls none of the {len(clean.rows)} source images source; if its accuracy is better "
            "than that, check the class names and the preprocessing"
        )
    if eligible < needed:
        notes.append(
            f"{eligible} eligible confirmation images; a pass takes {needed} where candidates and coverings never "
            "flip, and fewer only where coverings flip more"
        )
    if len(clean.eligible) and not len(eligible_rows(pool, clean, Split.SELECTION)):
        notes.append("no selection image is eligible; the confirmed candidates were chosen by predicted push alone")
    return notes


def _missing_controls(confirmed: Sequence[ConfirmedTrials], controls: Iterable[str]) -> list[str]:
    """What did not run is not a pass: the controls that could not be made."""
    missing = {name: sum(name not in one.controls for one in confirmed) for name in controls}
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


def _times(folder: RunFolder) -> dict[str, float]:
    stages = folder.manifest().get("stages")
    if not isinstance(stages, Mapping):
        return {}
    seconds = {name: facts.get("seconds") for name, facts in stages.items() if isinstance(facts, Mapping)}
    return {name: float(value) for name, value in seconds.items() if isinstance(value, int | float)}


def _pictures(folder: RunFolder) -> dict[str, bytes]:
    """The report's pictures by key, from the files that the stages left: what else lies there was asked for by hand."""
    listed = [
        file
        for stage in ("sheets", "explorer", "candidates", "trials", "whole pictures", "needed", "looks")
        for file in folder.files_of(stage)
    ]
    keys = {file: _picture_key(file) for file in listed}  # the looks' contact sheet, with flips, comes last and stands
    found = {key: folder.read(file) for file, key in keys.items() if key and folder.has(file)}
    return found | planted_pictures(folder)


def _picture_key(file: str) -> str:
    """What a report calls a picture; '' for a file that is none."""
    *above, name = file.split("/")
    if above[:1] == ["atlas"] and above[1:2] and above[1].startswith("layer-"):
        key = _picture_key("/".join(["atlas", *above[2:], name]))
        return f"{above[1]}/{key}" if key else ""
    stem, _, suffix = name.rpartition(".")
    if suffix not in ("png", "webp"):
        return ""
    if above == ["atlas"] and suffix == "webp":
        if stem.startswith("pasted-"):
            return stem
        level, _, colours = stem.partition("-")
        return f"predicted-{level}" if colours else f"atlas-{level}"
    if above == ["explorer"]:
        return f"explorer-{stem}"
    if above == ["atlas", "cells"]:
        return f"cell-{stem.replace('-', ':')}"
    return f"candidate-{stem}" if above == ["candidates"] else stem


def _explored(folder: RunFolder) -> Explored | None:
    """What the explorer draws; None where the stage is not done, as in runs of earlier versions."""
    if EXPLORED not in folder.files_of("explorer") or not folder.has(EXPLORED):
        return None
    try:
        explored = TypeAdapter(Explored).validate_json(folder.read(EXPLORED))
    except ValidationError as error:
        raise DamagedFileError(
            f"{folder.path / EXPLORED} is damaged; 'auditor run --resume {folder.path}' makes it again"
        ) from error
    return with_cell_names(folder, explored)


def write_report(folder: RunFolder, result: AuditResult, beside: Mapping[str, str] | None = None) -> Facts:
    """Write the result in every format. Returns what the manifest notes.

    Args:
        beside: text by file, of what is written together with the result or not at all.
    """
    texts = {**(beside or {}), RESULT: result_to_json(result)}
    texts |= {form.file_name: form.write(result) for form in FORMATS.values()}
    folder.write_together({**{file: text.encode() for file, text in texts.items()}, **thumbnails(result)})
    folder.update_manifest({"ended": datetime.now(UTC).isoformat(timespec="seconds")})
    return {"verdict": str(result.verdict)}


def rewrite_report(folder: RunFolder, result: AuditResult, beside: Mapping[str, str] | None = None) -> Audit:
    """Write a finished run's result anew, and keep what the manifest notes of the first time.

    Args:
        beside: as `write_report`.
    """
    noted = folder.facts("report") or {}
    facts = {**noted, **write_report(folder, result, beside), "files": folder.matching(WRITTEN)}
    folder.mark_done("report", facts, (RESULT,))
    return Audit(result, folder.path)


def stored_result(folder: RunFolder) -> AuditResult:
    """The result of a finished run, without the model or the pictures it was made from.

    Raises:
        StoreError: the run is not finished.
    """
    if not folder.has(RESULT):
        if folder.has(SURVEY):
            raise StoreError(f"{folder.path} holds a survey of the whole model; its audits lie below audits")
        raise StoreError(f"{folder.path} holds no result yet; finish it with 'auditor run --resume {folder.path}'")
    folder.refuse_damaged((RESULT, CELLS))
    cells = cells_from_table(folder.read_table(CELLS)) if folder.has(CELLS) else ()
    try:
        result = result_from_json(folder.read_text(RESULT), cells, _pictures(folder))
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{folder.path / RESULT} is damaged; 'auditor run --resume {folder.path}' makes it again"
        ) from error
    beside = destinations(folder, result.findings)
    planted = planted_of(folder, result.limits.uplift)
    shown = replace(result, explored=_explored(folder), destinations=beside, planted=planted)
    return under_policy(folder, shown)
