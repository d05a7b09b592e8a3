"""The whole auditor run blind on a planted network, and what it found held against what was planted."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from auditor.core.config import AuditConfig, build_config, read_config
from auditor.core.progress import Silence
from auditor.core.records import (
    AuditResult,
    Candidate,
    Finding,
    Role,
    SurveyRow,
    Verdict,
)
from auditor.report.first_screen import telling, telling_effect, waiting_beside
from auditor.run.audit import audit, continue_run, stored_config
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.planted.audits import looked_at
from auditor.run.tables import candidates_from_table
from auditor.run.worlds.budget import CONFIRMED, REDUCED
from auditor.run.worlds.hits import first, in_mask, ranked, shown_by
from auditor.run.worlds.score import of_whole_pictures, p_shortcut
from benchmarks.worlds.fine_tuned import CONFIG, CUES, PICTURES
from benchmarks.worlds.plants import NATURAL, Plant

BASELINES: Mapping[str, Role] = {"random crops": Role.RANDOM, "ranked by contrast": Role.STRONGEST_CONTRAST}
WITHOUT_DECORATION = {
    "atlas": {"icons": 0, "repeats": 0, "looks": 0},
    "candidates": {"icons": 0, "dreams": 0, "trained": 0},
    "trials": {"placements": ("fixed",)},
    "needed": {"pictures": 0},
    "places": {"findings": 0},
}
"""What is left out decides no verdict, or is made of the network's own gradients, which is never held to the limit; and
one placement, at which cues and baselines are compared."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding that is held to the limit: what it is, its flips on unseen photographs, whether it shows the cue."""

    candidate: str
    name: str
    tier: str
    verdict: str
    flips: int
    eligible: int
    uplift: float
    shows: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One audit of one network, held against what was planted.

    Attributes:
        verdict: of the run as it ends, when nobody has looked at crops of the target's pictures.
        looked: the verdict after a look by somebody who knows what the cue looks like and nothing else: a crop that
            shows it is context, any other crop of the target's pictures the target itself.
        p_shortcut: the stated probability of a shortcut above the limit, over what keeps a run from passing; p_looked:
            after that look.
        rank: of the first finding that shows the cue, of those held to the limit; by_pixels: the same, where a crop of
            the object's own photographs does not count; rank_looked: after the look.
        baselines: the same rank by method.
        found: the findings held to the limit, the largest uplift first; their patches lie beside the row.
        whole: kinds of effects over whole pictures that are above the limit.
        seconds: of the audit; of one that was interrupted, of its last part.
        on_screen: whether the first screen of the report, as the run ends, shows the cue: the finding that tells most,
            or a crop that waits for a look beside it. None in rows of before there were such crops on it.
    """

    plant: str
    side: str
    seed: int
    quick: bool
    verdict: str
    looked: str
    p_shortcut: float
    p_looked: float
    rank: int | None
    by_pixels: int | None
    rank_looked: int | None
    baselines: dict[str, int | None]
    found: tuple[Found, ...]
    whole: tuple[str, ...]
    seconds: float
    on_screen: bool | None = None


@dataclass(slots=True)
class CueSeen:
    """Whether a candidate shows a plant's cue, by the masks that its planter wrote beside the pictures.

    Attributes:
        own_photographs: whether a crop of a photograph of the object's own class counts: it shows the planted object.
    """

    plant: Plant
    folder: Path
    own_photographs: bool = True

    def shown_by(self, candidate: Candidate, known: Mapping[str, Candidate]) -> bool:
        """Whether it, or any crop that it was made from, shows the cue."""
        return shown_by(candidate, known, self._own)

    def _own(self, candidate: Candidate) -> bool:
        if candidate.box is None or not candidate.image_path:
            return False
        file = Path(candidate.image_path)
        if file.parent.name == PICTURES and in_mask(self._mask(file.name), candidate.box):
            return True
        return self.own_photographs and self.plant.kind == NATURAL and candidate.image_label == self.plant.stamp

    def _mask(self, name: str) -> NDArray[np.bool_]:
        with Image.open(self.folder / CUES / name) as mask:
            return np.asarray(mask) > 0


def scored(plant: Plant, side: str, folder: Path, seed: int, quick: bool, device: str) -> Row:
    """The row of one audit; an audit or a row that is there is gone on with.

    Args:
        folder: of the built network; the audit goes to `seed-N` below it, and its row beside.
    Raises:
        AuditorError: the audit could not be made.
    """
    shelf, file = RunFolder(folder), f"seed-{seed}{'-quick' if quick else ''}/row.json"
    if shelf.has(file):
        try:
            return TypeAdapter(Row).validate_json(shelf.read(file))
        except ValidationError as error:
            raise SystemExit(f"{folder / file} is no row of this benchmark; delete it and start again") from error
    beside, started = (folder / file).parent, time.monotonic()
    finished = _audited(folder, beside / "run", seed, quick, device)
    row = _row(plant, side, folder, finished, seed, quick, time.monotonic() - started)
    for place, one in enumerate(row.found, start=1):
        shutil.copyfile(beside / "run" / "candidates" / f"{one.candidate}.png", beside / f"finding-{place:02d}.png")
    shelf.write_text(file, json.dumps(asdict(row), indent=1) + "\n")
    return row


def _audited(folder: Path, run: Path, seed: int, quick: bool, device: str) -> Audit:
    if (run / "manifest.json").is_file():
        there = RunFolder.open(run)
        return continue_run(there, stored_config(there), Silence())
    return audit(configured(read_config(folder / CONFIG), seed, quick, device), run, Silence())


def configured(config: AuditConfig, seed: int, quick: bool, device: str) -> AuditConfig:
    """The ordinary audit without its decoration, or with the budget of the rendered worlds."""
    whole = config.model_dump(exclude={"base"})
    changed: Mapping[str, Any] = REDUCED if quick else WITHOUT_DECORATION
    smaller = {section: {**whole[section], **values} for section, values in changed.items()}
    return build_config({**whole, **smaller, "seed": seed, "device": device}, config.base, "a scored audit")


def _row(plant: Plant, side: str, folder: Path, finished: Audit, seed: int, quick: bool, seconds: float) -> Row:
    result, run = finished.result, finished.folder
    known = {one.id: one for one in candidates_from_table(RunFolder(run).read_table("candidates.parquet"))}
    seen, in_pixels = CueSeen(plant, folder), CueSeen(plant, folder, own_photographs=False)
    after = looked_at(result, lambda one: seen.shown_by(one, known))
    held, later = ranked(result.findings), ranked(after.findings)
    whole, limit = of_whole_pictures(finished), result.limits.uplift
    return Row(
        plant=plant.name,
        side=side,
        seed=seed,
        quick=quick,
        verdict=str(result.verdict),
        looked=str(after.verdict),
        p_shortcut=p_shortcut([*held, *whole], limit),
        p_looked=p_shortcut([*later, *whole], limit),
        rank=_first_that_shows(held, seen, known),
        by_pixels=_first_that_shows(held, in_pixels, known),
        rank_looked=_first_that_shows(later, seen, known),
        baselines={
            name: first([seen.shown_by(one.candidate, known) for one in of_role(result.survey, role)])
            for name, role in BASELINES.items()
        },
        found=tuple(_found(one, seen, known) for one in held),
        whole=tuple(one.effect.kind for one in whole if one.verdict is Verdict.FAIL),
        seconds=seconds,
        on_screen=any(seen.shown_by(one.candidate, known) for one in on_first_screen(result)),
    )


def on_first_screen(result: AuditResult) -> tuple[Finding, ...]:
    """The findings whose pictures a report's first screen shows."""
    told, waiting = telling(result), waiting_beside(result)
    first = () if told is None or telling_effect(result) is not None else (told.finding,)
    return (*first, *(waiting.findings if waiting is not None else ()))


def of_role(survey: Sequence[SurveyRow], role: Role) -> list[SurveyRow]:
    """As many crops of a role as an audit confirms, by their flips on selection pictures; of equals the first by id."""
    those = sorted((row for row in survey if row.candidate.role is role), key=lambda row: row.candidate.id)[:CONFIRMED]
    return sorted(those, key=lambda row: -row.selection_flips)


def _found(finding: Finding, seen: CueSeen, known: Mapping[str, Candidate]) -> Found:
    one = finding.candidate
    return Found(
        candidate=one.id,
        name=one.name if one.spot is None else f"{one.name} {one.spot.words}",
        tier=str(one.tier),
        verdict=str(finding.verdict),
        flips=finding.flips,
        eligible=finding.eligible,
        uplift=finding.uplift,
        shows=seen.shown_by(one, known),
    )


def _first_that_shows(findings: Sequence[Finding], seen: CueSeen, known: Mapping[str, Candidate]) -> int | None:
    return first([seen.shown_by(one.candidate, known) for one in findings])
