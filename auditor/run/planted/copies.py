"""Copies of the audited model with one shortcut each, of which everything is known: the cue, and what it does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError
from auditor.core.records import ImagePool, IntArray, Split
from auditor.core.records.planted import WHOLE
from auditor.inputs.images.originals import Originals
from auditor.inputs.model.last_layer import LastLayer, last_layer
from auditor.run.folder import RunFolder
from auditor.run.planted.cues import LEAST, STICKER, THING, Cue, sticker, thing, thing_classes
from auditor.run.planted.pictures import Pictures
from auditor.run.planted.teaching import Taught, as_numbers, strength_for, taught
from auditor.run.planted.whole_cues import WholeCue, whole_cue
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.run.survey.begin import class_word

ADDED = "added.safetensors"

ABOVE = (0.4, 0.15)
"""By how much more than the limit a cue is to flip, by turns; as large a share of the target's pictures holds it."""

ENOUGH, TRIES = 0.9, 8
"""A cue is taken that flips this much of the share that is meant, of so many of a kind at most; else the strongest of
them: what the last layer gets of a picture may not tell a cue from everything else."""

_MOST = 0.95
ASKED = 24
"""Discovery pictures of a class that the model is asked about before a thing is cut from those that it knows."""

_AT_ONCE = 512
_WITHOUT, _WITH = 2000, 600
"""Discovery pictures that teach a copy, at most: as they are, and with the cue on them."""


@dataclass(frozen=True, slots=True)
class Planting:
    """What was done.

    Attributes:
        kind: of the cue; which: the class that a thing was cut from, or the number of another of its kind; name: of it.
        share, pictures, flips, eligible, changed, of: as `PlantedShortcut`.
    """

    kind: str
    which: int
    name: str
    share: float
    pictures: int
    flips: int
    eligible: int
    changed: int
    of: int


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A cue taught, the share of source pictures of selection that it flips, and how many other answers change."""

    which: int
    cue: Cue | WholeCue
    taught: Taught
    reached: float
    changed: int


@dataclass(frozen=True)
class _Answers:
    """Some pictures before the last layer, and what the model says of them."""

    rows: IntArray
    features: Tensor
    logits: Tensor

    @property
    def predicted(self) -> IntArray:
        return np.asarray(self.logits.argmax(1).numpy(), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy to be made.

    Attributes:
        number: as `PlantedShortcut`; kind: of its cue. share: of the source's pictures that the cue is to flip.
    """

    number: int
    kind: str
    share: float

    @property
    def is_whole(self) -> bool:
        return self.kind in WHOLE

    @property
    def name(self) -> str:
        """Of its folder, in that of all copies."""
        return f"{'w' if self.is_whole else ''}{self.number:02d}-{self.kind.replace(' ', '-')}"


@dataclass(frozen=True)
class Planter:
    """Plants shortcuts for one run. What all copies share is worked out once, when it is first asked for.

    Attributes:
        shared: the folder of all copies.
    """

    run: Run
    shared: RunFolder
    _known: dict[int, list[int]] = field(default_factory=dict)

    @cached_property
    def pool(self) -> ImagePool:
        return self.run.get(IMAGES)

    @cached_property
    def layer(self) -> LastLayer:
        """Raises ModelError where the network has none."""
        return last_layer(self.run.inputs.classifier, self.pool.pixels[:8])

    @cached_property
    def pictures(self) -> Pictures:
        names = self.run.inputs.classifier.class_names
        words = {label: class_word(names, label) for label in sorted({image.label for image in self.pool.images})}
        return Pictures(self.run, self.pool, Originals(self.run.config), words, self.shared)

    @property
    def target(self) -> int:
        """The class whose logit a cue raises."""
        return self.run.inputs.target.indices[0]

    def cue(self, kind: str, which: int) -> Cue | WholeCue:
        """The cue of a kind: a thing of a class, or the sticker or change of whole pictures of a number."""
        return whole_cue(kind, which, self.run.config.seed) if kind in WHOLE else self.stamped(kind, which)

    def stamped(self, kind: str, which: int) -> Cue:
        """A thing of a class, or the sticker of a number."""
        seed, inputs = self.run.config.seed, self.run.inputs
        if kind == STICKER:
            return sticker(which, seed)
        name, preprocessing = inputs.class_names[which], inputs.classifier.preprocessing
        return thing(self.pool, self._shown_by(which), self.pictures.originals, preprocessing, name, seed)

    def _shown_by(self, label: int) -> list[int]:
        """Rows of a class's discovery pictures that it may be cut from: the model calls them what they are."""
        if label not in self._known:
            rows = drawn(self.pool.rows(Split.DISCOVERY, (label,)), ASKED, self.run.config.seed, label)
            self._known[label] = rows[self._answers(rows).predicted == label].tolist()
        return self._known[label]

    def copy(self, number: int) -> Copy:
        """Things and stickers by turns, from 1; stickers alone where no class can give a thing."""
        kind = STICKER if number % 2 == 0 or not self._things else THING
        return Copy(number, kind, self._share((number - 1) // 2))

    @property
    def kinds_of_whole(self) -> tuple[str, ...]:
        """Kinds of changes of whole pictures that the run's search looks for and that the model may not heed."""
        wanted, may_heed = self.run.config.candidates.whole_pictures, self.run.config.limits.may_heed
        return tuple(kind for kind in WHOLE if kind not in may_heed) if wanted else ()

    def whole_copy(self, number: int) -> Copy:
        """Changes of whole pictures, one kind after the other, from 1; there is a kind."""
        turn, place = divmod(number - 1, len(self.kinds_of_whole))
        return Copy(number, self.kinds_of_whole[place], self._share(turn))

    def _share(self, turn: int) -> float:
        return min(_MOST, self.run.inputs.limits.uplift + ABOVE[turn % len(ABOVE)])

    def plant(self, copy: Copy, taken: Collection[tuple[str, int]]) -> Planting:
        """Teach a copy, and write its numbers and its audit's pictures.

        Args:
            taken: kind and which of cues that other copies have.
        Raises:
            ImageError: no picture of the source is called source, or the target has none of discovery.
        """
        inputs, share = self.run.inputs, copy.share
        own = self.pool.rows(Split.DISCOVERY, inputs.target.indices)
        if not len(own):
            raise ImageError(
                f"there is no discovery picture of {inputs.target.name} for a cue to lie on; give some, and audit again"
            )
        lesson = self._lesson(copy.kind, share, taken)
        many = max(1, round(share * len(own)))
        holding = np.sort(drawn(own, many, self.run.config.seed, "holding", lesson.cue.name))
        self.shared.write(f"{copy.name}/{ADDED}", save(as_numbers(self.layer, lesson.taught, self.target)))
        self.pictures.write(copy.name, lesson.cue, holding.tolist())
        flipped = self._flipped(lesson.cue, self._measured_on, lesson.taught)(1.0)
        return Planting(
            copy.kind,
            lesson.which,
            lesson.cue.name,
            share,
            pictures=len(holding),
            flips=int(flipped.sum()),
            eligible=len(flipped),
            changed=lesson.changed,
            of=len(self._without.rows),
        )

    def _lesson(self, kind: str, share: float, taken: Collection[tuple[str, int]]) -> _Lesson:
        """The first cue that is not taken and flips enough, or the one that flips most."""
        order = self._things if kind == THING else range(len(taken) + TRIES)
        free = [which for which in order if (kind, which) not in taken] or list(order)
        best: _Lesson | None = None
        known = (which for which in free if kind != THING or len(self._shown_by(which)) >= LEAST)
        for which in itertools.islice(known, TRIES):
            one = self._taught(kind, which, share)
            if best is None or one.reached > best.reached:
                best = one
            if best.reached >= ENOUGH * share:
                break
        if best is None:
            raise ImageError(
                f"the model knows fewer than {LEAST} discovery pictures of each class beside the pair, so no thing can "
                "be cut from them; give more pictures"
            )
        return best

    def _taught(self, kind: str, which: int, share: float) -> _Lesson:
        cue, clean = self.cue(kind, which), self._without
        rows = [row for row in clean.rows.tolist() if self.pool.images[row].label != self.target][:_WITH]
        self.run.progress.start(f"teaching a copy {cue.name}", len(rows) + len(self._chosen_on))
        shown = self._answers(np.array(rows, dtype=np.int64), cue)
        biased = self.layer.module.bias is not None
        whole = taught(clean.logits, clean.features, shown.features, shown.logits, self.target, biased)
        flipped = self._flipped(cue, self._chosen_on, whole)
        strength = strength_for(share, lambda some: float(np.mean(flipped(some))))
        found = whole.times(strength)
        changed = self._raised(clean, found).argmax(1) != clean.logits.argmax(1)
        return _Lesson(which, cue, found, float(np.mean(flipped(strength))), int(changed.sum()))

    def _flipped(self, cue: Cue | WholeCue, rows: IntArray, lesson: Taught) -> Callable[[float], NDArray[np.bool_]]:
        """Whether each eligible picture is called the target, with the cue on it, at a strength of the lesson."""
        shown = self._answers(rows, cue)
        return lambda strength: self.run.inputs.criterion.flipped(
            np.asarray(self._raised(shown, lesson.times(strength)).argmax(1).numpy(), dtype=np.int64)
        )

    def _raised(self, answers: _Answers, lesson: Taught) -> Tensor:
        logits = answers.logits.clone()
        logits[:, self.target] += lesson.added(answers.features)
        return logits

    @cached_property
    def _without(self) -> _Answers:
        """Discovery pictures as they are, at most `_WITHOUT`, drawn by the seed."""
        rows = drawn(self.pool.rows(Split.DISCOVERY), _WITHOUT, self.run.config.seed, "lesson")
        self.run.progress.start("what the last layer gets of discovery pictures", len(rows))
        return self._answers(rows)

    @cached_property
    def _things(self) -> Sequence[int]:
        """Classes that things may be cut from, in the order in which they are tried."""
        inputs, apart = self.run.inputs, set(self.run.inputs.target.indices)
        if len(inputs.source.indices) + len(apart) < len(inputs.class_names):  # else the source is every other class
            apart |= set(inputs.source.indices)
        return thing_classes(self.pool, apart, self.run.config.seed)

    @cached_property
    def _chosen_on(self) -> IntArray:
        """Eligible source pictures on which a copy's strength is chosen: none is of confirmation."""
        found = self._eligible(Split.SELECTION)
        return found if len(found) else self._eligible(Split.DISCOVERY)

    @cached_property
    def _measured_on(self) -> IntArray:
        return self._eligible(Split.CONFIRMATION)

    def _eligible(self, split: Split) -> IntArray:
        inputs = self.run.inputs
        rows = self.pool.rows(split, inputs.source.indices)
        found = rows[inputs.criterion.eligible(self._answers(rows).predicted)] if len(rows) else rows
        if not len(found) and split is not Split.SELECTION:
            raise ImageError(
                f"the model calls no {split.value} picture of {inputs.source.name} by its name, so nothing can be "
                "planted for it; give more pictures"
            )
        return found

    def _answers(self, rows: IntArray, cue: Cue | WholeCue | None = None) -> _Answers:
        """What the last layer gets of pictures, with a cue on them where one is given; progress is told."""
        batch, parts = self.run.config.compute.batch_size, np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE))
        with torch.no_grad():
            found = []
            for part in parts:
                pixels = self.pool.pixels[part] if cue is None else self.pictures.prepared_with(cue, part)
                found.append(self.layer.features(pixels, batch, self.run.progress))
            features = torch.cat(found)
            return _Answers(rows, features, self.layer.logits(features))


def drawn(rows: IntArray, most: int, seed: int, *key: str | int) -> IntArray:
    """Some of a pool's rows, at most so many, in an order of their own."""
    order = keyed_generator(seed, "planted", *key).permutation(len(rows))
    return np.asarray(rows[order[:most]], dtype=np.int64)
