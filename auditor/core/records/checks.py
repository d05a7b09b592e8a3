"""What a run checked of itself, for the boxes that a checklist ticks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repeat:
    """Trials that were made a second time, in another batch.

    Attributes:
        candidate: whose; pictures: how many were pasted on; same: of these, those with the same draws and classes.
        apart: the largest difference of the target's probability between the two times.
    """

    candidate: str
    pictures: int
    same: int
    apart: float


@dataclass(frozen=True, slots=True)
class Checks:
    """What was found in a run's own files.

    Attributes:
        pictures: rows of images.parquet; shared: sha256 of content that stands there in more than one split.
        counted: findings whose flips were counted again from trials.parquet; differing: ids of those that gave another
            number than is stated. None: a file is not there.
        repeat: trials made a second time; None: none were, as in runs of earlier versions.
    """

    pictures: int | None = None
    shared: tuple[str, ...] = ()
    counted: int | None = None
    differing: tuple[str, ...] = ()
    repeat: Repeat | None = None
