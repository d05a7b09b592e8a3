"""From a folder's name or a CSV's label to a class of the model; it knows the class names, not the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from auditor.core.errors import ImageError, UnknownNameError

_SHOWN = 5


class Names(Protocol):
    """The model's class names in its own order."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name a class."""

    def index_of(self, name: str) -> int:
        """Index of a class by its name or an alias; raises UnknownNameError."""


def plain_label(label: str) -> str:
    """A label as it is compared: case and `_`, `-` and spaces do not count."""
    return "".join(character for character in label.casefold() if character not in "_- ")


def map_labels(
    labels: Iterable[str], names: Names, overrides: Mapping[str, str], ignore: tuple[str, ...]
) -> dict[str, int]:
    """Map each label to its class; ignored labels are left out of the answer.

    Args:
        labels: folder names, or the labels of a CSV.
        overrides: label -> class name, for labels that are no class name (`[classes.folders]`).
        ignore: labels to leave out (`classes.ignore`).
    Raises:
        ImageError: labels that map to no class (named with the nearest class), or an override to no class.
    """
    left_out = {plain_label(label) for label in ignore}
    renamed = {plain_label(label): name for label, name in overrides.items()}
    mapped: dict[str, int] = {}
    unknown: list[str] = []
    for label in sorted(set(labels)):
        plain = plain_label(label)
        if plain in left_out:
            continue
        try:
            mapped[label] = names.index_of(renamed.get(plain, label))
        except UnknownNameError as problem:
            if plain in renamed:
                raise ImageError(
                    f"[classes.folders] maps {label!r} to {renamed[plain]!r}, which is no class of the model"
                    f"{_nearest(problem)}; correct it there"
                ) from problem
            unknown.append(f"{label!r}{_nearest(problem)}")
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else "")
        raise ImageError(
            f"{'a folder or label maps' if len(unknown) == 1 else f'{len(unknown)} folders or labels map'} to no class "
            f'of the model: {shown}; map it under [classes.folders] (folder = "class name"), or leave it out with '
            "classes.ignore"
        )
    return mapped


def _nearest(problem: UnknownNameError) -> str:
    return f" (the nearest class is {problem.nearest[0]!r})" if problem.nearest else ""
