"""A run's result: put together, written in every format, read back, reviewed by people. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from auditor.core.errors import StoreError
from auditor.core.records import (
    AuditResult,
    Candidate,
    Cell,
    Example,
    Finding,
    ImagePool,
    Review,
    Rung,
    Split,
    SplitCount,
    SuggestionValidity,
    SurveyRow,
    Verdict,
)
from auditor.core.records.findings import CONTROL_NAMES
from auditor.core.records.trials import Clean, ConfirmedTrials, eligible_rows
from auditor.core.versions import versions
from auditor.inputs.opening import Setup
from auditor.report import FORMATS
from auditor.report.notebook import notebook_html
from auditor.run.folder import RunFolder
from auditor.run.stages.old_stages import CONTACT_SHEET
from auditor.run.tables import cells_from_table, result_from_json, result_to_json
from auditor.statistics.findings import make_findings, measure_fragility, run_verdict
from auditor.statistics.verdicts import images_to_pass


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
    needed = images_to_pass(hypotheses, len(CONTROL_NAMES), limits.confidence, limits.uplift)
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
            f"{eligible} eligible confirmation images; with {hypotheses} hypotheses and {len(CONTROL_NAMES)} controls "
            f"each, a pass takes {needed} where candidate and controls never flip, and fewer only where controls flip "
            "more"
        )
    if len(clean.eligible) and not len(eligible_rows(pool, clean, Split.SELECTION)):
        notes.append("no selection image is eligible; the confirmed candidates were chosen by predicted push alone")
    return notes


def _missing_controls(confirmed: Sequence[ConfirmedTrials]) -> list[str]:
    """What did not run is not a pass: the controls that could not be made."""
    missing = {name: sum(name not in one.controls for one in confirmed) for name in CONTROL_NAMES}
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
    pictures = {_sheet_key(name): run.read_bytes(f"atlas/{name}.webp") for name in run.names("atlas", ".webp")}
    pictures |= {name: run.read_bytes(f"atlas/{name}.png") for name in run.names("atlas", ".png")}
    pictures |= {
        f"cell-{name.replace('-', ':')}": run.read_bytes(f"atlas/cells/{name}.webp")
        for name in run.names("atlas/cells", ".webp")
    }
    if run.has(CONTACT_SHEET):
        pictures["contact-sheet"] = run.read_bytes(CONTACT_SHEET)
    pictures |= {
        f"candidate-{name}": run.read_bytes(f"candidates/{name}.png") for name in run.names("candidates", ".png")
    }
    return pictures | {name: run.read_bytes(f"pictures/{name}.png") for name in run.names("pictures", ".png")}


def _sheet_key(name: str) -> str:
    level, _, colours = name.partition("-")
    return f"predicted-{level}" if colours else f"atlas-{level}"


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


REVIEWS = "reviews.json"


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
