"""Source pictures that are added to a run's confirmation pictures: read, and held apart from all that it knows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Progress
from auditor.core.records import ImagePool, ImageRecord, PixelArray, SkippedImage, Split
from auditor.inputs.images.duplicates import near_duplicate_groups, thumbnail
from auditor.inputs.images.mapping import Names, map_labels
from auditor.inputs.images.reading import decode_image
from auditor.inputs.images.sources import list_images, shown

KEY_CHARACTERS = 16


def added_pictures(
    config: AuditConfig,
    folder: Path,
    names: Names,
    prepare: Callable[[Image.Image], PixelArray],
    source_labels: tuple[int, ...],
    known: ImagePool,
    progress: Progress,
) -> ImagePool:
    """Read the source pictures of a folder of class folders, or of a CSV, that a run does not know yet.

    A picture is known that is the same file as one of the run's, or nearly the same as one, both as the model receives
    them. Of new pictures that are nearly the same one is kept. All others are among the skipped, with their reason.

    Args:
        known: every picture of the run, whatever its split, and those without labels.

    Returns:
        The new pictures, all of them for confirmation, in the order of their content hashes.

    Raises:
        ImageError: the folder cannot be listed or mapped, or holds no new picture of the source.
    """
    listing = list_images(folder, config.classes.ignore)
    labels = map_labels({image.label for image in listing.images}, names, config.classes.folders)
    wanted = [image for image in listing.images if labels[image.label] in source_labels]
    skipped = [SkippedImage(shown(image.where, config), "missing file") for image in listing.missing]
    found: dict[str, tuple[ImageRecord, PixelArray]] = {}
    progress.start("reading new pictures", len(wanted))
    for image in wanted:
        path = shown(image.where, config)
        try:
            data = image.open(config.images.max_pixels)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module=r"PIL\.")
                picture = decode_image(data, config.images.max_pixels)
        except UnreadableImageError as problem:
            skipped.append(SkippedImage(path, problem.reason, problem.detail))
        else:
            sha256, label = sha256_of(data), labels[image.label]
            record = ImageRecord(
                sha256[:KEY_CHARACTERS], sha256, path, label, Split.CONFIRMATION, picture.width, picture.height
            )
            if sha256 in found:
                skipped.append(SkippedImage(path, "duplicate", f"same bytes as {found[sha256][0].path}"))
            else:
                found[sha256] = record, prepare(picture)
        progress.advance()
    new, like = not_known([found[sha256] for sha256 in sorted(found)], known)
    skipped += like
    if not new:
        raise ImageError(
            f"{folder} holds no new picture of the source ({len(wanted)} of its class, {len(skipped)} known or "
            "unusable); add source pictures that the run has not seen"
        )
    order = sorted(skipped, key=lambda skip: (skip.path, skip.reason))
    pixels = np.stack([prepared for _, prepared in new])
    return ImagePool(tuple(record for record, _ in new), tuple(order), pixels, left_out=listing.left_out)


def not_known(
    found: Sequence[tuple[ImageRecord, PixelArray]], known: ImagePool
) -> tuple[list[tuple[ImageRecord, PixelArray]], list[SkippedImage]]:
    """Pictures like none of the known ones, one of each group; and the others, with what they are like.

    Args:
        found: records of pictures with their (3, H, W) uint8 pixels, as the model receives them; no file twice.
    """
    # those without labels too: a new picture that gave a crop would be measured on itself
    records = [*known.images, *(known.unlabelled.images if known.unlabelled else ())]
    pixels = [*map(known.prepared, range(len(records))), *(prepared for _, prepared in found)]
    thumbnails = [thumbnail(Image.fromarray(np.ascontiguousarray(one.transpose(1, 2, 0)))) for one in pixels]
    groups = near_duplicate_groups(np.stack(thumbnails)).tolist()
    first: dict[int, ImageRecord] = {}
    for record, group in zip(records, groups, strict=False):
        first.setdefault(group, record)
    seen = {image.sha256: image for image in records}
    new, skipped = [], []
    for (record, prepared), group in zip(found, groups[len(records) :], strict=True):
        like = seen.get(record.sha256) or first.get(group)
        if like is None:
            first[group] = record
            new.append((record, prepared))
        else:
            same = like.sha256 == record.sha256
            reason, detail = ("duplicate", "same bytes as") if same else ("near-duplicate", "like")
            skipped.append(SkippedImage(record.path, reason, f"{detail} {like.path}"))
    return new, skipped
