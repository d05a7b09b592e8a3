"""Pictures without labels, which give crops as well: chosen, read once, held apart from all that is audited."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Progress
from auditor.core.records import ImagePool, ImageRecord, PixelArray, SkippedImage, Split
from auditor.core.records.images import NO_LABEL, Unlabelled, tally
from auditor.inputs.images.added import KEY_CHARACTERS, not_known
from auditor.inputs.images.pool import in_order
from auditor.inputs.images.reading import decode_image
from auditor.inputs.images.room import check_room
from auditor.inputs.images.sources import chosen_unlabelled, shown
from auditor.inputs.images.sources.listing import Reference

_Found = tuple[ImageRecord, PixelArray]


def read_unlabelled(
    config: AuditConfig,
    prepare: Callable[[Image.Image], PixelArray],
    output_size: tuple[int, int],
    known: ImagePool,
    progress: Progress,
    threads: int | None = None,
) -> Unlabelled | None:
    """Read the pictures of `images.pool`, at most `images.pool_pictures` of them; None where no pool is given.

    Which of more are read is decided by their names and the seed, before one is opened. A picture that is the same
    file as one of the audit's, or nearly the same as one, both as the model receives them, is left out, whatever its
    split: a crop of a confirmation picture would be measured on itself. Of pictures of the pool that are nearly the
    same one is kept.

    Args:
        prepare: from an upright RGB picture to the model's input before normalising; called from several threads.
        output_size: (H, W) of what it returns. known: every picture of the audit.
        threads: readers at once; None: one a CPU. The result does not depend on it.
    Raises:
        ImageError: the pool cannot be listed, or none of its pictures can be used.
        DeviceMemoryError: memory does not hold so many pictures of that size.
    """
    if config.images.pool is None:
        return None
    chosen, listed = chosen_unlabelled(config)
    check_room(len(known.images) + len(chosen), output_size)

    def read(one: Reference) -> _Found | SkippedImage:
        path = shown(one.where, config)
        try:
            data = one.open(config.images.max_pixels)
            picture = decode_image(data, config.images.max_pixels)
        except UnreadableImageError as problem:
            return SkippedImage(path, problem.reason, problem.detail)
        sha256 = sha256_of(data)
        record = ImageRecord(
            sha256[:KEY_CHARACTERS], sha256, path, NO_LABEL, Split.DISCOVERY, picture.width, picture.height
        )
        return record, prepare(picture)

    progress.start("reading pictures of the pool", len(chosen))
    found: list[_Found] = []
    skipped: list[SkippedImage] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for outcome in in_order(read, chosen, threads or os.cpu_count() or 1):
            if isinstance(outcome, SkippedImage):
                skipped.append(outcome)
            else:
                found.append(outcome)
            progress.advance()
    kept, like = _told_apart(found, known)
    skipped += like
    if not kept:
        raise ImageError(
            f"images.pool ({config.images.pool}) holds no picture that can be used: {tally(skipped)}; give pictures "
            "that the audit does not have yet, or leave it out"
        )
    order = sorted(skipped, key=lambda skip: (skip.path, skip.reason))
    records, pixels = tuple(record for record, _ in kept), np.stack([one for _, one in kept])
    unlabelled = Unlabelled(records, tuple(order), pixels, listed)
    progress.say(unlabelled.words)
    return unlabelled


def _told_apart(found: Sequence[_Found], known: ImagePool) -> tuple[list[_Found], list[SkippedImage]]:
    """One of identical files, the first by path; of the others those like no known picture; in order of content."""
    first: dict[str, _Found] = {}
    copies: list[SkippedImage] = []
    for record, pixels in sorted(found, key=lambda one: one[0].path):
        if record.sha256 in first:
            copies.append(SkippedImage(record.path, "duplicate", f"same bytes as {first[record.sha256][0].path}"))
        else:
            first[record.sha256] = record, pixels
    kept, like = not_known([first[sha256] for sha256 in sorted(first)], known)
    return kept, copies + like
