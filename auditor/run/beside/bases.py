"""The pictures that counterexamples are made of, how they take turns, what is made of one, and their table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.core.draws import keyed_generator
from auditor.core.records import ImageRecord, PixelArray
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.folder import Json


@dataclass(frozen=True, slots=True)
class Base:
    """A picture to paste on: its record, the label that its source gives it, and how it is opened."""

    record: ImageRecord
    label: str
    original: Callable[[], Image.Image]


class InTurn:
    """Pictures that take turns: first their labels, then the pictures of each label in an order that the seed draws."""

    def __init__(self, bases: Sequence[Base], seed: int) -> None:
        """
        Args:
            bases: at least one.
        """
        by_label: dict[str, list[Base]] = {}
        for base in sorted(bases, key=lambda one: (one.label, one.record.key)):
            by_label.setdefault(base.label, []).append(base)
        self._by_label = [
            [own[index] for index in keyed_generator(seed, "counterexamples", label).permutation(len(own))]
            for label, own in by_label.items()
        ]

    def at(self, turn: int) -> tuple[Base, int]:
        """The picture of a turn, and a number that goes on by one from picture to picture and from round to round."""
        again, place = divmod(turn, len(self._by_label))
        own = self._by_label[place]
        rounds, index = divmod(again, len(own))
        return own[index], rounds + index + place


@dataclass(frozen=True, slots=True)
class Made:
    """A counterexample: the picture it was made of, its pixels, (H, W, 3) uint8, a name, and what the manifest says."""

    base: Base
    pixels: PixelArray
    name: str
    said: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture's pixels, (H, W, 3) uint8 and writable, and the part of them that the model sees."""

    pixels: PixelArray
    seen: tuple[slice, slice]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the part that the model sees, in pixels."""
        rows, columns = self.seen
        return rows.stop - rows.start, columns.stop - columns.start


def opened(base: Base, preprocessing: Preprocessing, times: int) -> Opened:
    """A picture no larger than it takes for the model's part of it to be so many times what the model sees."""
    picture = base.original()
    left, top, right, bottom = _seen(picture, preprocessing)
    height, width = preprocessing.output_size
    shrink = max(times * height / (bottom - top), times * width / (right - left))
    if shrink < 1.0:
        size = (max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
        left, top, right, bottom = _seen(picture, preprocessing)
    return Opened(np.array(picture, dtype=np.uint8), (slice(top, bottom), slice(left, right)))


def _seen(picture: Image.Image, preprocessing: Preprocessing) -> tuple[int, int, int, int]:
    """The part of a picture that the model sees: left, top, right, bottom."""
    height, width = preprocessing.output_size
    return preprocessing.original_box(0, 0, width, height, picture.width, picture.height)


def labels_csv(rows: Iterable[tuple[str, str]]) -> str:
    """A table of `path,label`, as a source of pictures reads it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("path", "label"))
    table.writerows(rows)
    return text.getvalue()
