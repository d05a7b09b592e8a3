"""A user's own training pictures, of every class, held apart from the pictures on which a run chooses and measures."""

from __future__ import annotations

import warnings
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
from auditor.run.beside.bases import Base
from auditor.run.stage import Run


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
