"""The audit of a planted copy, blind to what was planted, and its findings held against the cue's masks."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from auditor.core.config import AuditConfig, build_config
from auditor.core.progress import Progress
from auditor.core.records import (
    AuditResult,
    Candidate,
    Finding,
    Review,
    ReviewMark,
    Split,
    Tier,
    Verdict,
    WholeFinding,
    strongest_first,
)
from auditor.core.records.planted import PlantedFinding
from auditor.run.audit import at_work, continue_run, new_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.planted.copies import ADDED
from auditor.run.planted.model_itself import ModelItself
from auditor.run.planted.pictures import CUES, THINGS, Pictures, table_of
from auditor.run.stage import Run
from auditor.run.stages.whole_pictures import WHOLE_PICTURES, effects_of, flips_of, said_of_whole_pictures
from auditor.run.tables import candidates_from_table
from auditor.run.upgrade import open_folder
from auditor.run.worlds.hits import in_mask, ranked, shown_by
from auditor.statistics.conclusion import concluded
from auditor.statistics.findings import apply_reviews
from auditor.statistics.whole_pictures import with_whole_pictures
from auditor.trials.patch import read_patch

AUDIT = "run"

HALF = 0.5
"""A crop shows the cue where it holds half of it, or half of its own pixels are the cue. A tenth, which tells in the
small pictures of planted worlds, would count crops that have the cue's edge at theirs."""

UNASKED: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "atlas": {"icons": 0, "repeats": 0, "looks": 0},
        "candidates": {"icons": 0, "dreams": 0, "trained": 0},
        "needed": {"pictures": 0},
        "places": {"findings": 0},
        "survival": {"findings": 0},
        "compute": {"engine": "local"},
    }
)
"""What is left out of a copy's audit: it decides no verdict, or is made of the network's gradients and never held."""


def config_of_copy(config: AuditConfig, copy: str, pictures: Pictures) -> AuditConfig:
    """The run's own settings, for a copy: its numbers, its pictures, and nothing that decides no verdict.

    A team's policy stays behind, since it is for the model itself, and so do masks of places for each picture.

    Args:
        copy: its folder, within that of all copies.
    """
    values = config.model_dump(exclude={"base"})
    values |= {section: {**values[section], **given} for section, given in UNASKED.items()}
    shared = pictures.shared.path.resolve()
    values["model"] |= {"added": str(shared / copy / ADDED)}
    values["classes"] |= {"folders": dict(pictures.folders), "ignore": ()}
    values["images"] |= {
        "all": None,
        **{split.value: str(shared / table_of(copy, split)) for split in Split},
        "max_per_class": None,
        "boxes": None,
        "masks": str(shared / copy / THINGS) if pictures.things else None,
        "mask_values": dict(pictures.things),
        "places": config.images.places if _one_mask(config) else None,
    }
    return build_config({**values, "policy": None}, config.base, "the run's settings")


def _one_mask(config: AuditConfig) -> bool:
    places = config.images.places
    return places is not None and config.path(places).is_file()


def audited(folder: RunFolder, config: AuditConfig, progress: Progress) -> RunFolder:
    """Audit a copy in its folder, or go on with what is there of it; returns the audit's folder."""
    run, config = _begun(folder, config)
    continue_run(run, config, progress)
    return run


def _begun(folder: RunFolder, config: AuditConfig) -> tuple[RunFolder, AuditConfig]:
    path = folder.path / AUDIT
    if not path.exists():
        return new_run(config, path), config
    run = open_folder(path)
    return run, stored_config(run)


@dataclass(frozen=True)
class Judged:
    """What a copy's audit found, under a look by somebody who knows the cue and nothing else.

    Attributes:
        verdict: of the copy then. held: how many of its findings are held to the limit.
        rank: of the first of these, by uplift, that shows what was planted; caught: whether one that shows it fails;
            noticed: whether any fails that flips more than in the model itself, by more than the limit.
        found: that first one; instead: the first of all, where that is another.
    """

    verdict: Verdict
    held: int
    rank: int | None
    caught: bool
    noticed: bool
    found: PlantedFinding | None
    instead: PlantedFinding | None


def judged(folder: RunFolder, run: RunFolder, result: AuditResult, label: str, model_itself: ModelItself) -> Judged:
    """Hold a copy's findings against what was planted.

    A finding shows what was planted where its patch shows the cue, and flips more than in the model itself, by more
    than the limit: a crop of the target with the cue beside it may flip as much without what was planted.

    Args:
        folder: of the copy; run: of its audit; result: the audit's. label: of the pictures that a thing was cut from;
            "" for a sticker. model_itself: on which its patches are tried too.
    """
    candidates = candidates_from_table(run.read_table("candidates.parquet"))
    seen = CueSeen(folder, {one.id: one for one in candidates}, label)
    looked = looked_at(result, seen.shown_by)
    held = ranked(looked.findings)

    def told(place: int) -> PlantedFinding:
        patch = read_patch(run.path / "candidates" / f"{held[place].candidate.id}.png")
        return _told(held[place], *model_itself.flips(held[place], patch))

    failing = [place for place, one in enumerate(held) if one.word is Verdict.FAIL]
    showing = [place for place, one in enumerate(held) if seen.shown_by(one.candidate)]
    all_told = {place: told(place) for place in sorted({*failing, *showing, *range(min(1, len(held)))})}
    grown = {place for place, one in all_told.items() if one.grown(result.limits.uplift)}
    first = min(grown & set(showing), default=None)
    return Judged(
        looked.verdict,
        len(held),
        rank=None if first is None else first + 1,
        caught=bool(grown & set(showing) & set(failing)),
        noticed=bool(grown & set(failing)),
        found=None if first is None else all_told[first],
        instead=all_told[0] if held and first != 0 else None,
    )


def whole_judged(folder: RunFolder, config: AuditConfig, progress: Progress, kind: str, model: Run) -> Judged:
    """What a copy's audit says of effects over whole pictures, which share nothing with its search for patches.

    That search is left out, so that a copy takes seconds. An effect is what was planted where it is of its kind, and
    flips more than in the model itself, by more than the limit. Of several above the limit the strongest is the first.

    Args:
        folder: of the copy. kind: of the change that was planted. model: the run of the model itself.
    """
    begun, config = _begun(folder, config)
    with at_work(begun, config, progress) as run:
        run.plan([WHOLE_PICTURES])
        whole, limits = said_of_whole_pictures(run), run.inputs.limits
        above = whole.in_the_way
        shown = [*(above or strongest_first(whole.heeded)[:1])]
        effects = effects_of(run) if shown else {}
    all_told = [_told_of_whole(one, *flips_of(model, effects[one.effect.id])) for one in shown]
    grown = [place for place in range(len(above)) if all_told[place].grown(limits.uplift)]
    first = next((place for place in grown if above[place].effect.kind == kind), None)
    return Judged(
        with_whole_pictures(Verdict.PASS, "", whole, limits)[0],
        len(above),
        rank=None if first is None else first + 1,
        caught=first is not None,
        noticed=bool(grown),
        found=None if first is None else all_told[first],
        instead=all_told[0] if all_told and first != 0 else None,
    )


def looked_at(result: AuditResult, shows: Callable[[Candidate], bool]) -> AuditResult:
    """The result under the marks of somebody who knows what the cue looks like and nothing else.

    Args:
        shows: whether a candidate shows the cue. Of crops of the target's pictures those that do are context, all
            others the target itself.
    """
    marks = {
        one.candidate.id: Review(
            one.candidate.id,
            ReviewMark.CONTEXT if shows(one.candidate) else ReviewMark.OBJECT,
            "the masks of what was planted",
            "",
        )
        for one in result.findings
        if one.tier is Tier.TARGET_IMAGE
    }
    return concluded(replace(result, findings=apply_reviews(result.findings, result.limits, marks)))


@dataclass(frozen=True)
class CueSeen:
    """Whether candidates show what was planted, by the masks in a copy's folder and the keys of its pictures.

    Attributes:
        known: the run's candidates by id. label: of the class that a thing was cut from, any picture of which shows
            such a thing; "" for a sticker.
    """

    folder: RunFolder
    known: Mapping[str, Candidate]
    label: str

    def shown_by(self, candidate: Candidate) -> bool:
        """Whether a candidate, or any crop that it was made from, shows the cue."""
        return shown_by(candidate, self.known, self._own)

    def _own(self, candidate: Candidate) -> bool:
        if candidate.image_label and candidate.image_label == self.label:
            return True
        mask = f"{CUES}/{candidate.image_key}.png"
        if candidate.box is None or not candidate.image_key or not self.folder.has(mask):
            return False
        return in_mask(self._mask(mask), candidate.box, HALF)

    def _mask(self, file: str) -> NDArray[np.bool_]:
        with Image.open(io.BytesIO(self.folder.read(file))) as mask:
            return np.asarray(mask) > 0


def _told_of_whole(finding: WholeFinding, before: int, of: int) -> PlantedFinding:
    effect = finding.effect
    return PlantedFinding(effect.id, effect.words, finding.flips, finding.eligible, finding.uplift, before, of)


def _told(finding: Finding, before: int, of: int) -> PlantedFinding:
    one = finding.candidate
    name = one.name if one.spot is None else f"{one.name} {one.spot.words}"
    return PlantedFinding(one.id, name, finding.flips, finding.eligible, finding.uplift, before, of)
