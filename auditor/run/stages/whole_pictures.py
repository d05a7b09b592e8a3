"""Effects over whole pictures: taken from discovery pictures, chosen on selection, measured on confirmation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import TypeAdapter

from auditor.candidates.background import DONORS, Objects, background_effect, lenders
from auditor.candidates.whole_pictures import SELECTION_PICTURES, Effect, whole_effects
from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.errors import DamagedFileError
from auditor.core.plain_text import json_text
from auditor.core.records import (
    ImagePool,
    IntArray,
    PixelArray,
    Split,
    WholeControl,
    WholeEffect,
    WholeExample,
    WholePictures,
    WholeTrial,
    WholeTrials,
)
from auditor.core.records.trials import Clean, eligible_rows
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.examples import side_by_side
from auditor.run.stages.images import IMAGES
from auditor.statistics.log_odds import log_odds
from auditor.statistics.whole_pictures import judge_whole_pictures
from auditor.trials.areas import AreaArray
from auditor.trials.whole_pictures import OF_ANY_CHANGE, OF_FINE_DETAIL, Blended, Said, blend, picture_under

EXAMPLES = 2
"""Pictures shown of each confirmed effect."""

_FILE, _PARTS = "cache/whole-pictures.json", "cache/whole-pictures"
MEASURED = f"{_PARTS}/*"
"""Files of what the model says of confirmation pictures under each effect and control, those of an interruption too."""

_PICTURE = "pictures/{}.png"
_NOT_ASKED_FOR = "candidates.whole_pictures is 0, so none was tried"


@dataclass(frozen=True, slots=True)
class _Pictures:
    """The eligible pictures of a split in the order of their keys: any part is a fair sample of all of them.

    Attributes:
        folder: where it is kept what the model says of them. pool, clean: that `rows` are of.
    """

    run: Run
    folder: RunFolder
    split: Split
    rows: IntArray
    pool: ImagePool
    clean: Clean

    @classmethod
    def of(cls, run: Run, folder: RunFolder, split: Split, most: int | None = None) -> _Pictures:
        return cls.among(run, folder, split, run.get(IMAGES), run.get(CLEAN), most)

    @classmethod
    def among(
        cls, run: Run, folder: RunFolder, split: Split, pool: ImagePool, clean: Clean, most: int | None = None
    ) -> _Pictures:
        rows = sorted(eligible_rows(pool, clean, split).tolist(), key=lambda row: pool.images[row].key)
        return cls(run, folder, split, np.array(rows[:most], dtype=np.int64), pool, clean)

    @property
    def keys(self) -> list[str]:
        return [self.pool.images[row].key for row in self.rows]

    def said(self, blended: Blended) -> Said:
        """What the model says of them under a change; read back where it was measured before an interruption."""
        file = f"{_PARTS}/{'--'.join([blended.name[0], *blended.name[1].split(), str(self.split)])}.safetensors"
        if self.folder.has(file):
            try:
                known = Said.from_arrays(arrays_from_bytes(self.folder.read(file)), len(self.rows))
            except (DamagedFileError, KeyError):
                pass
            else:
                self.run.progress.advance(len(self.rows))
                return known
        found = self.measured(blended)
        self.folder.write(file, arrays_to_bytes(found.arrays()))
        return found

    def measured(self, blended: Blended) -> Said:
        """The same, measured now."""
        inputs, pool = self.run.inputs, self.pool
        return blend(
            inputs.classifier,
            inputs.criterion,
            pool.pixels[self.rows],
            self.keys,
            blended,
            inputs.config.compute.batch_size,
            inputs.config.seed,
            self.run.progress,
            pool.paths(self.rows),
        )


def _make(run: Run, folder: RunFolder) -> Facts:
    return keep_whole_pictures(folder, _measured(run, folder))


def keep_whole_pictures(folder: RunFolder, trials: WholeTrials) -> Facts:
    """Write what was measured into a folder; returns what a manifest says of it."""
    folder.write_text(_FILE, json_text(TypeAdapter(WholeTrials).dump_python(trials, mode="json"), indent=1))
    return {"tried": len(trials.tried), "confirmed": len(trials.confirmed)}


def _measured(run: Run, folder: RunFolder) -> WholeTrials:
    wanted = run.config.candidates.whole_pictures
    if not wanted:
        return WholeTrials((), (), _NOT_ASKED_FOR)
    confirmation = _Pictures.of(run, folder, Split.CONFIRMATION)
    if not len(confirmation.rows):
        return WholeTrials((), (), "no confirmation picture is eligible")
    source, target, _ = _discovery(run)
    if not len(source) or not len(target):
        lacking = run.inputs.source.name if not len(source) else run.inputs.target.name
        return WholeTrials((), (), f"no discovery picture of {lacking} shows what sets the pair apart")
    selection = _Pictures.of(run, folder, Split.SELECTION, SELECTION_PICTURES)
    effects = _effects(run, [selection.rows, confirmation.rows])
    run.progress.start("whole-picture effects on selection pictures", len(effects) * len(selection.rows))
    tried = [_tried(selection, effect) for effect in effects]
    by_id = {effect.id: effect for effect in effects}
    chosen = [(by_id[one.id], one) for one in choose(tried, wanted)]
    return WholeTrials(tuple(tried), tuple(_all_confirmed(confirmation, chosen)))


def measured_again(run: Run, folder: RunFolder, pool: ImagePool, clean: Clean) -> WholeTrials:
    """The effects that a run confirmed, on its confirmation pictures and added ones together, as a look at more.

    Draws are keyed by picture: old ones flip as they did. An effect that added pictures do not allow keeps what was
    measured of it, as the background does where they are not annotated.

    Args:
        folder: where the look is kept.
        pool, clean: of the run's own pictures, which come first, and of added ones.
    """
    first, own = run.get(WHOLE_PICTURES), len(run.get(IMAGES).images)
    if not first.confirmed:
        return first
    confirmation = _Pictures.among(run, folder, Split.CONFIRMATION, pool, clean)
    selection = _Pictures.of(run, run.folder, Split.SELECTION, SELECTION_PICTURES)
    is_new = confirmation.rows >= own
    rows = [selection.rows, confirmation.rows[~is_new], confirmation.rows[is_new]]
    by_id = {effect.id: effect for effect in _effects(run, rows, pool)}
    again = [(by_id[one.effect.id], one.effect) for one in first.confirmed if one.effect.id in by_id]
    measured = {one.effect.id: one for one in _all_confirmed(confirmation, again)}
    for kept in (one for one in first.confirmed if one.effect.id not in measured):
        run.progress.say(f"{kept.effect.kind} over whole pictures stays as it was measured: new ones are not annotated")
        for file in (_PICTURE.format(example.picture) for example in kept.examples):
            folder.write(file, run.folder.read(file))
    return replace(first, confirmed=tuple(measured.get(one.effect.id, one) for one in first.confirmed))


def _all_confirmed(pictures: _Pictures, chosen: Sequence[tuple[Effect, WholeEffect]]) -> list[WholeTrial]:
    passes = sum(1 + len(controls_of(effect)) for effect, _ in chosen)
    pictures.run.progress.start("whole-picture effects with their controls", passes * len(pictures.rows))
    return [_confirmed(pictures, effect, tried) for effect, tried in chosen]


def _effects(run: Run, changed: Sequence[IntArray], pool: ImagePool | None = None) -> tuple[Effect, ...]:
    """Every effect that is tried on some rows; the background's among them where annotations tell of it.

    Args:
        pool: that the rows are of; None: the run's own, with whose pictures any other begins.
    """
    behind = _background(run, changed, pool or run.get(IMAGES))
    effects = whole_effects(*_discovery(run), run.inputs.classifier.device)
    return effects if behind is None else (*effects, behind)


def effects_of(run: Run) -> Mapping[str, Effect]:
    """By id, every effect that a run with discovery pictures of its pair tries, made as the stage makes them."""
    selection = _Pictures.of(run, run.folder, Split.SELECTION, SELECTION_PICTURES)
    rows = [selection.rows, _Pictures.of(run, run.folder, Split.CONFIRMATION).rows]
    return {effect.id: effect for effect in _effects(run, rows)}


def flips_of(run: Run, effect: Effect) -> tuple[int, int]:
    """How many eligible confirmation pictures of a run an effect flips, which may be another run's, and of how many."""
    pictures = _Pictures.of(run, run.folder, Split.CONFIRMATION)
    run.progress.start(f"{effect.kind} in the model itself", len(pictures.rows))
    flipped = run.inputs.criterion.flipped(pictures.measured(_whole(effect)).of.predicted)
    return int(flipped.sum()), len(flipped)


def _discovery(run: Run) -> tuple[PixelArray, PixelArray, PixelArray]:
    """Prepared discovery pictures of the source, the target and all other classes, in the order of their keys."""
    pixels = run.get(IMAGES).pixels
    source, target, others = (pixels[np.array(each, dtype=np.int64)] for each in _discovery_rows(run).values())
    return source, target, others


def _discovery_rows(run: Run) -> dict[str, list[int]]:
    """Rows of discovery pictures of the source, the target and all other classes, in the order of their keys."""
    pool, inputs = run.get(IMAGES), run.inputs
    rows = sorted(pool.rows(Split.DISCOVERY).tolist(), key=lambda row: pool.images[row].key)
    of: dict[str, list[int]] = {"the source": [], "the target": [], "other classes": []}
    for row in rows:
        label = pool.images[row].label
        is_source, is_target = label in inputs.source.indices, label in inputs.target.indices
        of["the source" if is_source else "the target" if is_target else "other classes"].append(row)
    return of


def _background(run: Run, changed: Sequence[IntArray], pool: ImagePool) -> Effect | None:
    """The background of target pictures behind the objects of some rows; None where annotations do not tell of them."""
    if run.inputs.annotations.pictures is None:
        return None
    run.progress.start("backgrounds without their objects")
    objects, things = annotated_objects(run)
    objects = replace(objects, pool=pool)
    return background_effect(objects, _discovery_rows(run), things, [rows.tolist() for rows in changed])


def lent_backgrounds(run: Run) -> dict[str, AreaArray]:
    """By path, the pictures of the target that lend their backgrounds, and where, (H, W): all but what is removed."""
    objects, things = annotated_objects(run)
    rows = lenders(objects, _discovery_rows(run)["the target"], things)
    areas = ((row, objects.removed(row, things)) for row in rows)
    return {objects.pool.images[row].path: ~gone for row, gone in areas if gone is not None}


def annotated_objects(run: Run) -> tuple[Objects, list[str]]:
    """Where annotated objects lie, and the names of the pair's classes, which no lent background shows."""
    inputs = run.inputs
    objects = Objects(run.get(IMAGES), inputs.annotations, inputs.classifier.preprocessing, inputs.class_names)
    return objects, [name for one in (inputs.source, inputs.target) for name in one.class_names(inputs.class_names)]


def most_lenders(run: Run) -> list[list[int]]:
    """Rows of discovery pictures that lend their background and lose their object: of each group as many as do at most.

    None where no picture is annotated, or no whole-picture effect is tried.
    """
    if run.inputs.annotations.pictures is None or not run.config.candidates.whole_pictures:
        return []
    return [rows[:DONORS] for rows in _discovery_rows(run).values()]


def _whole(effect: Effect) -> Blended:
    return Blended((effect.id, ""), effect.change, where=effect.where)


def controls_of(effect: Effect) -> tuple[Blended, ...]:
    """What is measured beside an effect: changes of its own kind where it names some, else of its own change.

    Beside an effect on fine detail stand both.
    """
    named = tuple(Blended((effect.id, name), change, where=effect.where) for name, change in effect.instead.items())
    if named and not effect.fine:
        return named
    of_its_own = OF_ANY_CHANGE | (OF_FINE_DETAIL if effect.fine else {})
    return (*(Blended((effect.id, name), effect.change, instead) for name, instead in of_its_own.items()), *named)


def _tried(pictures: _Pictures, effect: Effect) -> WholeEffect:
    flips, gain = 0, float("nan")
    if len(pictures.rows):
        said = pictures.said(_whole(effect)).of
        before = pictures.clean.of(pictures.rows).probability
        gain = float((log_odds(said.probability) - log_odds(before)).mean())
        flips = int(pictures.run.inputs.criterion.flipped(said.predicted).sum())
    return WholeEffect(
        effect.id, effect.kind, effect.dose, effect.words, effect.shows_target, flips, len(pictures.rows), gain
    )


def choose(tried: Sequence[WholeEffect], most: int) -> list[WholeEffect]:
    """Of each kind the dose that raises the target's log-odds most, and of these the best; then by flips.

    The order is that in which they are held to the limit. Without selection pictures it is that of the table.
    """

    def gain(one: WholeEffect) -> float:
        return one.gain if np.isfinite(one.gain) else 0.0

    kinds = itertools.groupby(tried, key=lambda one: one.kind)
    doses = [max(of_kind, key=gain) for _, of_kind in kinds]
    best = sorted(doses, key=lambda one: -gain(one))[:most]
    return sorted(best, key=lambda one: (-one.flips, -gain(one)))


def _confirmed(pictures: _Pictures, effect: Effect, tried: WholeEffect) -> WholeTrial:
    run, own = pictures.run, _whole(effect)
    said, flipped = pictures.said(own), run.inputs.criterion.flipped
    flips = flipped(said.of.predicted)
    controls = []
    for control in controls_of(effect):
        instead = pictures.said(control)
        theirs = flipped(instead.of.predicted)
        controls.append(
            WholeControl(control.name[1], int(theirs.sum()), int((flips & ~theirs).sum()), _levels(instead))
        )
    trial = WholeTrial(
        effect=tried,
        flips=int(flips.sum()),
        eligible=len(flips),
        change=_levels(said),
        controls=tuple(controls),
        probability_before=float(pictures.clean.of(pictures.rows).probability.mean(dtype="float64")),
        probability_after=float(said.of.probability.mean(dtype="float64")),
    )
    return replace(trial, examples=_examples(pictures, own, said))


def _levels(said: Said) -> float:
    return 255.0 * float(said.change.mean(dtype="float64"))


def _examples(pictures: _Pictures, blended: Blended, said: Said) -> tuple[WholeExample, ...]:
    """The first flipped pictures, before | after; where none flips the first one all the same, to show the effect."""
    inputs, pool = pictures.run.inputs, pictures.pool
    clean = pictures.clean.of(pictures.rows)
    flips = inputs.criterion.flipped(said.of.predicted)
    shown = np.flatnonzero(flips)[:EXAMPLES] if flips.any() else np.array([0])
    examples = []
    for place in shown.tolist():
        image = pool.images[pictures.rows[place]]
        before = np.asarray(pool.pixels[pictures.rows[place]])
        after = picture_under(before, image.key, blended, inputs.config.seed, inputs.classifier.device)
        picture = f"{blended.name[0]}-{image.key}"
        pictures.folder.write(_PICTURE.format(picture), side_by_side(before, after))
        examples.append(
            WholeExample(
                image_path=image.path,
                clean_class=inputs.class_names[int(clean.predicted[place])],
                changed_class=inputs.class_names[int(said.of.predicted[place])],
                flipped=bool(flips[place]),
                probability_before=float(clean.probability[place]),
                probability_after=float(said.of.probability[place]),
                picture=picture,
            )
        )
    return tuple(examples)


def _read(run: Run) -> WholeTrials:
    return TypeAdapter(WholeTrials).validate_python(json.loads(run.folder.read_text(_FILE)))


WHOLE_PICTURES = Stage(
    "whole pictures",
    (IMAGES, CLEAN),
    (_FILE, MEASURED, "pictures/w-*"),
    _make,
    _read,
    needed=(_FILE, "pictures/w-*"),
)


def said_of_whole_pictures(run: Run) -> WholePictures:
    """What a report says of them."""
    return judge_whole_pictures(run.get(WHOLE_PICTURES), run.inputs.limits)
