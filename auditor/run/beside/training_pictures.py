"""A user's own training pictures, of every class, held apart from the pictures on which a run chooses and measures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from auditor.core.draws import keyed_generator
from auditor.core.errors import UnreadableImageError
from auditor.core.hashing import sha256_of
from auditor.core.records import ImagePool, ImageRecord, PixelArray, Split
from auditor.inputs.images.added import KEY_CHARACTERS, not_known
from auditor.inputs.images.mapping import map_labels
from auditor.inputs.images.reading import decode_image
from auditor.inputs.images.sources import list_images, shown
from auditor.inputs.images.sources.listing import Reference
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.folder import Json
from auditor.run.stage import Run


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


def training_pictures(run: Run, path: Path, pool: ImagePool, most: int, seed: int) -> list[Base]:
    """Pictures of a source, at most `most` a label, drawn by the seed and their place in the source.

    Those that are the same file as a picture of the run's selection or confirmation, or nearly the same, are left out,
    and so are those that cannot be read; how many is said.

    Raises:
        ImageError: nothing can be listed, or a label is no class.
    """
    listing = list_images(path, run.config.classes.ignore)
    labels = map_labels(
        {image.label for image in listing.images}, run.inputs.classifier.class_names, run.config.classes.folders
    )
    by_label: dict[str, list[Reference]] = {}
    for image in listing.images:
        by_label.setdefault(image.label, []).append(image)
    chosen = [
        own[index]
        for label, own in sorted(by_label.items())
        for index in keyed_generator(seed, "training pictures", label).permutation(len(own))[:most].tolist()
    ]
    run.progress.start("reading training pictures", len(chosen))
    read: dict[str, tuple[Base, PixelArray]] = {}
    for image in chosen:
        found = _read(run, image, labels[image.label])
        if found is not None:
            read.setdefault(found[0].record.sha256, found)
        run.progress.advance()
    new, _ = not_known([(base.record, prepared) for base, prepared in read.values()], _measured_on(pool))
    run.progress.say(f"training pictures: {len(new)}; left aside: {len(chosen) - len(new)}")
    return [read[record.sha256][0] for record, _ in new]


def _read(run: Run, image: Reference, label: int) -> tuple[Base, PixelArray] | None:
    try:
        data = image.open(run.config.images.max_pixels)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            picture = decode_image(data, run.config.images.max_pixels)
        prepared = run.inputs.classifier.preprocessing.prepare(picture)
    except UnreadableImageError:
        return None
    sha256 = sha256_of(data)
    record = ImageRecord(
        sha256[:KEY_CHARACTERS], sha256, shown(image.where, run.config), label, Split.DISCOVERY, *picture.size
    )
    return Base(record, image.label, partial(_open, image, run.config.images.max_pixels)), prepared


def _open(image: Reference, max_pixels: int) -> Image.Image:
    return decode_image(image.open(max_pixels), max_pixels)


def _measured_on(pool: ImagePool) -> ImagePool:
    """The pictures of selection and confirmation alone."""
    rows = np.concatenate([pool.rows(Split.SELECTION), pool.rows(Split.CONFIRMATION)])
    return ImagePool(tuple(pool.images[row] for row in rows.tolist()), (), pool.pixels[rows])
