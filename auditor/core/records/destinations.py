"""Where pictures went under a patch: what the model calls them, beside the strongest covering on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass

UNCHANGED = -1
"""In place of a class: the model calls the picture what it called it before."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A class, or `UNCHANGED`, and how many pictures the model calls it with the patch, and with the covering."""

    index: int
    patched: int
    covered: int


@dataclass(frozen=True, slots=True)
class Destinations:
    """Of one finding: its candidate and placement, pictures, and where they went, most under the patch first."""

    candidate: str
    placement: str
    pictures: int
    to: tuple[Destination, ...]
