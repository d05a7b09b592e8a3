"""From the configuration's sources to the pool of usable pictures: list, read once, drop copies, split, order."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

import numpy as np
from PIL import Image

from auditor.core.config import AuditConfig, ImagesConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.plain_text import utf8
from auditor.core.progress import Progress
from auditor.core.records import (
    ImagePool,
    ImageRecord,
    PixelArray,
    SkippedImage,
    Split,
)
from auditor.inputs.images.duplicates import near_duplicate_groups, thumbnail
from auditor.inputs.images.mapping import Names, map_labels
from auditor.inputs.images.reading import decode
from auditor.inputs.images.room import check_room
from auditor.inputs.images.sources import given_sources, list_images, shown
from auditor.inputs.images.sources.listing import Reference
from auditor.inputs.images.splitting import Shares, assign_splits, keep_smallest, stand_for

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Prepare = Callable[[Image.Image], PixelArray]

_KEY_CHARACTERS = 16
_SPLIT_ORDER = {Split.DISCOVERY: 0, Split.SELECTION: 1, Split.CONFIRMATION: 2}
_NOT_OF_THE_SOURCE = "pictures of other classes, where pictures of the source are held out"
_BEYOND_THE_MOST = "pictures beyond images.max_per_class"
# Pictures in flight for each thread: enough to keep every thread busy while the results are taken in order.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A listed picture that should be read: `given` is its split, None where its content hash decides.

    `shown` is where it is as people read it; `folder` names its class folder, '' where its source has none.
    """

    reference: Reference
    shown: str
    label: int
    folder: str
    order: Split
    given: Split | None


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture that was read; its pixels are (3, H, W) uint8 as the model receives them."""

    wanted: _Wanted
    sha256: str
    thumbnail: PixelArray
    pixels: PixelArray
    size: tuple[int, int]
    on_white: bool


def build_pool(
    config: AuditConfig,
    names: Names,
    prepare: Prepare,
    output_size: tuple[int, int],
    source_labels: tuple[int, ...],
    target_labels: tuple[int, ...],
    progress: Progress,
    threads: int | None = None,
) -> ImagePool:
    """Read every picture of an audit once and split them; what cannot be used is counted with its reason.

    Source pictures are split; pictures of all other classes go to discovery. No near-duplicate group straddles two
    splits, and of one that is held out a single picture is kept: copies are no further trials. The pool's order depends
    on the pictures' content, labels and splits alone.

    Args:
        config: sources, shares, limits and seed.
        names: the model's class names.
        prepare: from an upright RGB picture to the model's input before normalising, (3, H, W) uint8; called from
            several threads at once.
        output_size: (H, W) of what `prepare` returns.
        source_labels: classes of the source; target_labels: classes of the target.
        threads: readers at once; None: one a CPU. The result does not depend on it.
    Raises:
        ImageError: a source that cannot be listed or mapped, a class folder without one readable picture, or no
            usable picture of the source (in all, and in each folder given for held-out pictures) or of the target.
        DeviceMemoryError: memory does not hold so many pictures of that size.
    """
    source = frozenset(source_labels)
    wanted, skipped, left_out = _list_wanted(config, names, source, progress)
    check_room(len(wanted), output_size)
    pictures, unreadable = _read_all(wanted, prepare, output_size, config.images.max_pixels, progress, threads)
    _refuse_dead_folders(wanted, unreadable)
    skipped += [skip for _, skip in unreadable]
    pictures, copies = _drop_copies(pictures)
    pictures, splits, held_out_copies = _split(pictures, config, progress)
    skipped += copies + held_out_copies
    usable = len(pictures)
    pictures, splits = _limit(pictures, splits, config, progress)
    left_out.update({_BEYOND_THE_MOST: usable - len(pictures)})
    ordered = _in_pool_order(pictures, splits)
    images = tuple(_record(picture, split) for picture, split in ordered)
    _require_usable(images, config.images, names, source, frozenset(target_labels), skipped)
    on_white = sum(picture.on_white for picture, _ in ordered)
    if on_white:
        progress.say(f"pictures that are transparent somewhere, where white shows through: {on_white}")
    parts = [picture.pixels for picture, _ in ordered]
    del pictures, ordered  # so that stacking can let go of each part
    pixels = _stack(parts, output_size)
    skipped.sort(key=lambda skip: (skip.path, skip.reason))
    return ImagePool(
        images, tuple(skipped), pixels, on_white, left_out={why: left_out[why] for why in sorted(+left_out)}
    )


def _list_wanted(
    config: AuditConfig, names: Names, source: frozenset[int], progress: Progress
) -> tuple[list[_Wanted], list[SkippedImage], Counter[str]]:
    """The pictures to read, those that cannot be, and how many files are left out unopened, by why."""
    images, classes = config.images, config.classes
    splits_by_hash = images.selection is None
    wanted: list[_Wanted] = []
    skipped: list[SkippedImage] = []
    left_out: Counter[str] = Counter()
    for place in given_sources(config):
        written, split = place.written, place.split
        listing = list_images(place.path, classes.ignore)
        labels = map_labels({image.label for image in listing.images}, names, classes.folders)
        held_out = split != Split.DISCOVERY
        for image in listing.images:
            label = labels[image.label]
            if held_out and label not in source:
                continue
            given = None if splits_by_hash and not held_out and label in source else split
            class_folder = listing.class_folders.get(image.label, "")
            wanted.append(_Wanted(image, shown(image.where, config), label, class_folder, split, given))
        aside = sum(labels[image.label] not in source for image in listing.images) if held_out else 0
        if aside:
            progress.say(f"{written}: pictures left aside, since {split} needs source pictures only: {aside}")
        for why, count in listing.left_out.items():
            progress.say(f"{written}: left out: {why}: {count}")
        left_out.update({**listing.left_out, _NOT_OF_THE_SOURCE: aside})
        skipped += [SkippedImage(shown(image.where, config), "missing file") for image in listing.missing]
    return wanted, skipped, left_out


def _read_all(
    wanted: Sequence[_Wanted],
    prepare: Prepare,
    output_size: tuple[int, int],
    max_pixels: int,
    progress: Progress,
    threads: int | None,
) -> tuple[list[_Picture], list[tuple[_Wanted, SkippedImage]]]:
    def read(one: _Wanted) -> _Picture | UnreadableImageError:
        try:
            return _read(one, prepare, output_size, max_pixels)
        except UnreadableImageError as problem:
            return problem

    pictures: list[_Picture] = []
    unreadable: list[tuple[_Wanted, SkippedImage]] = []
    progress.start("reading pictures", len(wanted))
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and large pictures; what matters is refused here with its reason.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for one, outcome in zip(wanted, in_order(read, wanted, threads or os.cpu_count() or 1), strict=True):
            if isinstance(outcome, _Picture):
                pictures.append(outcome)
            else:
                unreadable.append((one, SkippedImage(one.shown, outcome.reason, outcome.detail)))
            progress.advance()
    return pictures, unreadable


def in_order(work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int) -> Iterator[_Result]:
    """Results of `work` in the items' order, from several threads, with few unfinished items at any time."""
    waiting: deque[Future[_Result]] = deque()
    executor = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(executor.submit(work, item))
            if len(waiting) >= threads * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)


def _read(one: _Wanted, prepare: Prepare, output_size: tuple[int, int], max_pixels: int) -> _Picture:
    data = one.reference.open(max_pixels)
    decoded = decode(data, max_pixels)
    image = decoded.image
    pixels = prepare(image)
    if pixels.shape != (3, *output_size) or pixels.dtype != np.uint8:
        raise ImageError(
            f"preprocessing made {pixels.dtype} {pixels.shape} of {one.reference.where}; "
            f"expected uint8 {(3, *output_size)}"
        )
    sha256 = hashlib.sha256(data).hexdigest()
    return _Picture(one, sha256, thumbnail(image), pixels, image.size, decoded.on_white)


def _refuse_dead_folders(wanted: Sequence[_Wanted], unreadable: Sequence[tuple[_Wanted, SkippedImage]]) -> None:
    listed = Counter(one.folder for one in wanted if one.folder)
    failed = Counter(one.folder for one, _ in unreadable if one.folder)
    for folder, count in sorted(failed.items()):
        if count == listed[folder]:
            reasons = Counter(skip.reason for one, skip in unreadable if one.folder == folder)
            raise ImageError(
                f"no picture of the class folder {folder} can be used: {_tally(reasons)}; replace them, or add "
                f"{utf8(Path(folder).name)!r} to classes.ignore"
            )


def _drop_copies(pictures: Sequence[_Picture]) -> tuple[list[_Picture], list[SkippedImage]]:
    """Keep one of identical files (the one of the earliest split and path), and none where their labels disagree."""
    by_content: dict[str, list[_Picture]] = {}
    for picture in pictures:
        by_content.setdefault(picture.sha256, []).append(picture)
    kept: list[_Picture] = []
    skipped: list[SkippedImage] = []
    for copies in by_content.values():
        copies.sort(key=_precedence)
        if len({copy.wanted.label for copy in copies}) > 1:
            texts = ", ".join(sorted({copy.wanted.reference.label for copy in copies}))
            skipped += [SkippedImage(copy.wanted.shown, "same picture under several labels", texts) for copy in copies]
            continue
        kept.append(copies[0])
        skipped += [
            SkippedImage(copy.wanted.shown, "duplicate", f"same bytes as {copies[0].wanted.shown}")
            for copy in copies[1:]
        ]
    return kept, skipped


def _precedence(picture: _Picture) -> tuple[int, PurePath, str]:
    reference = picture.wanted.reference
    return _SPLIT_ORDER[picture.wanted.order], PurePath(reference.where), reference.label


def _split(
    pictures: Sequence[_Picture], config: AuditConfig, progress: Progress
) -> tuple[list[_Picture], list[Split], list[SkippedImage]]:
    # Sorted by content, so that which of two copies a message names does not depend on the order of reading.
    pictures = sorted(pictures, key=lambda picture: picture.sha256)
    if not pictures:
        return [], [], []
    groups = near_duplicate_groups(np.stack([picture.thumbnail for picture in pictures])).tolist()
    given = [picture.wanted.given for picture in pictures]
    sha256s = [picture.sha256 for picture in pictures]
    assignments = assign_splits(given, sha256s, groups, _shares(config.images), config.seed)
    standing = stand_for(sha256s, groups, [assignment.split for assignment in assignments])
    kept: list[_Picture] = []
    splits: list[Split] = []
    skipped: list[SkippedImage] = []
    counted_once: Counter[Split] = Counter()
    for index, (picture, assignment) in enumerate(zip(pictures, assignments, strict=True)):
        if assignment.split is not None and standing[index] == index:
            kept.append(picture)
            splits.append(assignment.split)
            continue
        reason, like = assignment.reason, assignment.like
        if assignment.split is not None:
            counted_once[assignment.split] += 1
            reason, like = "near-duplicate", standing[index]
        detail = "" if like is None else f"like {pictures[like].wanted.shown}"
        skipped.append(SkippedImage(picture.wanted.shown, reason, detail))
    for split in sorted(counted_once, key=_SPLIT_ORDER.__getitem__):
        progress.say(
            f"{split}: near-duplicates left aside, since a group of them counts once: {counted_once[split]} "
            f"(pictures: {splits.count(split) + counted_once[split]}, groups: {splits.count(split)})"
        )
    return kept, splits, skipped


def _shares(images: ImagesConfig) -> Shares:
    if images.all is not None:
        return images.shares
    searched = images.shares[0] + images.shares[1]
    return images.shares[0] / searched, images.shares[1] / searched, 0.0


def _limit(
    pictures: Sequence[_Picture], splits: Sequence[Split], config: AuditConfig, progress: Progress
) -> tuple[list[_Picture], list[Split]]:
    most = config.images.max_per_class
    if most is None:
        return list(pictures), list(splits)
    strata = [(picture.wanted.label, split) for picture, split in zip(pictures, splits, strict=True)]
    kept = keep_smallest([picture.sha256 for picture in pictures], strata, most, config.seed)
    if not all(kept):
        progress.say(
            f"pictures left aside, since images.max_per_class is {most} (a class and split): {kept.count(False)}"
        )
    chosen = [index for index, keep in enumerate(kept) if keep]
    return [pictures[index] for index in chosen], [splits[index] for index in chosen]


def _in_pool_order(pictures: Sequence[_Picture], splits: Sequence[Split]) -> list[tuple[_Picture, Split]]:
    pairs = zip(pictures, splits, strict=True)
    return sorted(pairs, key=lambda pair: (_SPLIT_ORDER[pair[1]], pair[0].wanted.label, pair[0].sha256))


def _record(picture: _Picture, split: Split) -> ImageRecord:
    width_px, height_px = picture.size
    key = picture.sha256[:_KEY_CHARACTERS]
    wanted = picture.wanted
    return ImageRecord(key, picture.sha256, wanted.shown, wanted.label, split, width_px, height_px)


def _require_usable(
    images: Sequence[ImageRecord],
    config: ImagesConfig,
    names: Names,
    source: frozenset[int],
    target: frozenset[int],
    skipped: Sequence[SkippedImage],
) -> None:
    reasons = Counter(skip.reason for skip in skipped)
    unused = f" (skipped: {_tally(reasons)})" if skipped else ""
    if not any(image.label in target for image in images):
        raise ImageError(f"no usable picture of the target {_class_names(names, target)}{unused}; the atlas needs some")
    needed: list[tuple[str, frozenset[Split]]] = [("any split", frozenset(Split))]
    if config.all is None:
        # Without a folder for selection, discovery's pictures are shared out between the two.
        searched = frozenset((Split.DISCOVERY, Split.SELECTION)) if config.selection is None else {Split.DISCOVERY}
        needed += [(f"images.discovery ({config.discovery})", frozenset(searched))]
        if config.selection is not None:
            needed += [(f"images.selection ({config.selection})", frozenset({Split.SELECTION}))]
        needed += [(f"images.confirmation ({config.confirmation})", frozenset({Split.CONFIRMATION}))]
    for where, splits in needed:
        if not any(image.label in source and image.split in splits for image in images):
            raise ImageError(
                f"no usable picture of the source {_class_names(names, source)} in {where}{unused}; add some"
            )


def _class_names(names: Names, labels: frozenset[int], most: int = 3) -> str:
    shown = [repr(names.names[label]) for label in sorted(labels)[:most]]
    return ", ".join(shown) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _tally(reasons: Counter[str]) -> str:
    return ", ".join(
        f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    )


def _stack(pixels: list[PixelArray], output_size: tuple[int, int]) -> PixelArray:
    """One (N, 3, H, W) array; each part is let go as soon as it is copied, so memory is not held twice."""
    stacked = np.empty((len(pixels), 3, *output_size), dtype=np.uint8)
    for index in range(len(pixels) - 1, -1, -1):
        stacked[index] = pixels.pop()
    return stacked
