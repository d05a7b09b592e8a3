"""The pictures of an audit of a planted copy: the run's own, some of the target's with the cue on them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from auditor.core.draws import keyed_generator
from auditor.core.hashing import sha256_of
from auditor.core.records import ImagePool, ImageRecord, IntArray, PixelArray, Split
from auditor.inputs.images.added import KEY_CHARACTERS
from auditor.inputs.images.originals import Originals
from auditor.inputs.images.sources import find_image, source_paths, whereabouts
from auditor.run.beside.bases import Base, labels_csv, opened
from auditor.run.folder import RunFolder
from auditor.run.planted.cues import Cue
from auditor.run.planted.whole_cues import WholeCue
from auditor.run.stage import Run

PICTURES, CUES, THINGS = "pictures", "cues", "things"
"""Folders of a copy, or of all: pictures, masks of the cue by the keys of pictures, masks of what is annotated."""

_SHARPER = 2
"""Pictures are kept at up to so many times the size at which the model sees them."""

_MOST_THINGS = 255


@dataclass(frozen=True)
class Pictures:
    """A run's pictures, to lay cues on and to hand on to audits of planted copies.

    Attributes:
        words: for each label of the pool a word that names the class alone.
        shared: the folder of all copies, from which the paths in their tables start; pictures are linked there once,
            and masks of what is annotated lie there.
    """

    run: Run
    pool: ImagePool
    originals: Originals
    words: Mapping[int, str]
    shared: RunFolder
    _files: dict[str, str] = field(default_factory=dict)

    def prepared_with(self, cue: Cue | WholeCue, rows: IntArray) -> PixelArray:
        """Pictures as the model sees them with the cue on each: (N, 3, H, W) uint8."""
        found = [self._laid(cue, self.pool.pixels[row].transpose(1, 2, 0), self.pool.images[row])[0] for row in rows]
        size = self.run.inputs.classifier.preprocessing.output_size
        return np.stack(found).transpose(0, 3, 1, 2) if found else np.zeros((0, 3, *size), dtype=np.uint8)

    def write(self, copy: str, cue: Cue | WholeCue, holding: Iterable[int]) -> None:
        """Write the tables of an audit's three splits, and each picture that holds the cue with a mask of it.

        Args:
            copy: the folder of the copy within the shared one.
            holding: rows of discovery pictures that get the cue, on their originals.
        """
        with_cue = {row: self._planted(copy, cue, row) for row in holding}
        for key, area in cue.shown.items():
            self.shared.write(f"{copy}/{CUES}/{key}.png", _png(Image.fromarray(area)))
        for split in Split:
            rows = self.pool.rows(split).tolist()
            images = [self.pool.images[row] for row in rows]
            paths = [with_cue.get(row) or self._file(image) for row, image in zip(rows, images, strict=True)]
            table = zip(paths, (label_of(image.label) for image in images), strict=True)
            self.shared.write_text(table_of(copy, split), labels_csv(table))
            for row in rows if self.things else ():
                if row not in with_cue:
                    self._annotate_too(copy, self._file(self.pool.images[row]))

    def _planted(self, copy: str, cue: Cue | WholeCue, row: int) -> str:
        """Write a picture with the cue on it, at the model's part of it; returns its path in the shared folder."""
        image = self.pool.images[row]
        base = Base(image, "", partial(self.originals.open, image))
        picture = opened(base, self.run.inputs.classifier.preprocessing, _SHARPER)
        part = picture.pixels[picture.seen]
        part[:], seen = self._laid(cue, part, image)
        mask = np.zeros(picture.pixels.shape[:2], dtype=np.bool_)
        mask[picture.seen] = seen
        data = _png(Image.fromarray(picture.pixels))
        key = sha256_of(data)[:KEY_CHARACTERS]
        file = f"{copy}/{PICTURES}/{key}.png"
        self.shared.write(file, data)
        self.shared.write(f"{copy}/{CUES}/{key}.png", _png(Image.fromarray(mask)))
        self._annotate(image, file, f"{copy}/{THINGS}", mask)
        return file

    def _laid(
        self, cue: Cue | WholeCue, pixels: PixelArray, image: ImageRecord
    ) -> tuple[PixelArray, NDArray[np.bool_]]:
        drawn = cue.laid(
            np.ascontiguousarray(pixels), keyed_generator(self.run.config.seed, "planted", cue.name, image.key)
        )
        return drawn.pixels, drawn.mask

    def _file(self, image: ImageRecord) -> str:
        """A picture as it is, linked or copied into the shared folder once, with what is annotated in it."""
        if image.key not in self._files:
            where = whereabouts(image.path, self.run.config)
            suffix = Path(where).suffix
            file = f"{PICTURES}/{image.key}{suffix if suffix.isascii() and suffix.isprintable() else ''}"
            if not self.shared.has(file):
                self._bring(where, file)
                self._annotate(image, file, THINGS, None)
            self._files[image.key] = file
        return self._files[image.key]

    def _bring(self, where: str, file: str) -> None:
        """Link a picture, or copy what is no file of its own, as inside an archive or at an address."""
        if Path(where).is_file():
            self.shared.link(file, Path(where))
            return
        reference = find_image(where, source_paths(self.run.config))
        self.shared.write(file, reference.open(self.run.config.images.max_pixels))

    @cached_property
    def things(self) -> Mapping[str, int]:
        """What is annotated, with its value in the masks that copies get; the pair's classes are never left out."""
        annotations, inputs = self.run.inputs.annotations, self.run.inputs
        named = {*annotations.mask_values, *(box.name for said in annotations.boxes.values() for box in said.boxes)}
        pair = [inputs.class_names[index] for index in (*inputs.target.indices, *inputs.source.indices)]
        ordered = [*(name for name in pair if name in named), *sorted(named - set(pair))][:_MOST_THINGS]
        return {name: value for value, name in enumerate(ordered, start=1)}

    def _annotate(self, image: ImageRecord, file: str, folder: str, cue: NDArray[np.bool_] | None) -> None:
        """Write the mask of a picture's things, where any are annotated; the cue hides what lies under it.

        Args:
            file: of the picture in the shared folder; folder: of masks there, in which the mask lies as the picture
                does there. cue: where it lies in that file's pixels; None: nowhere.
        """
        if not self.things:
            return
        values = np.zeros((image.height_px, image.width_px), dtype=np.uint8)
        for name in reversed(list(self.things)):  # where things overlap, the target stands above all
            area = self.run.inputs.annotations.where(image, name)
            if area is None:
                return
            values[area] = self.things[name]
        if cue is not None:
            tall, wide = cue.shape
            values = np.array(Image.fromarray(values).resize((wide, tall), Image.Resampling.NEAREST))
            values[cue] = 0
        self.shared.write(_mask_of(folder, file), _png(Image.fromarray(values)))

    def _annotate_too(self, copy: str, file: str) -> None:
        """Link a shared picture's mask into a copy's own folder of masks: a run's annotations never become more."""
        mask = _mask_of(THINGS, file)
        if self.shared.has(mask):
            self.shared.link(f"{copy}/{mask}", self.shared.path / mask)

    @property
    def folders(self) -> Mapping[str, str]:
        """[classes] folders of the tables: a class's label to the word that names it."""
        return {label_of(index): word for index, word in self.words.items()}


def _mask_of(folder: str, file: str) -> str:
    return f"{folder}/{Path(file).with_suffix('.png').as_posix()}"


def table_of(copy: str, split: Split) -> str:
    """The file of a split's pictures and labels, in the folder of all copies."""
    return f"{copy}.{split.value}.csv"


def label_of(index: int) -> str:
    """What the tables call a class; no class is named so by chance."""
    return f"class-{index:05d}"


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
