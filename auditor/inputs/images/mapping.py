"""From a folder's name or a CSV's label to a class of the model; it knows the class names, not the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from auditor.core.errors import ImageError, UnknownNameError

_SHOWN = 5
_NUMBER = re.compile(r"\s*[-+]?\d+\s*")
_NEGATIVE = re.compile(r"\s*-\s*\d")
_NO_INDEX = " (a number is not taken for the index of a class)"


class Names(Protocol):
    """The model's class names in its own order."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name a class."""

    @property
    def aliases(self) -> tuple[tuple[str, ...], ...]:
        """For each class, other words for it."""

    def index_of(self, name: str) -> int:
        """Index of a class by its name, an alias or its number; raises UnknownNameError."""


def plain_label(label: str) -> str:
    """A label as it is compared: case and `_`, `-` and spaces do not count, but for the sign of a number."""
    sign = "-" if _NEGATIVE.match(label) else ""
    return sign + "".join(character for character in label.casefold() if character not in "_- ")


def left_out(labels: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """Which of a source's labels `classes.ignore` leaves out.

    What is a label to the letter means that label alone; anything else means every label like it.
    """
    known, ignored = frozenset(labels), frozenset(ignore)
    alike = {plain_label(label) for label in ignored - known}
    return frozenset(label for label in known if label in ignored or plain_label(label) in alike)


def map_labels(labels: Iterable[str], names: Names, overrides: Mapping[str, str]) -> dict[str, int]:
    """Map each label to its class.

    A label that is a number is a class's name or alias to the letter, or else no class: whose index it would be cannot
    be known, since folders of numbers are as often in the order of some other list.

    Args:
        labels: folder names, or the labels of a CSV.
        overrides: label -> class name, for labels that are no class name (`[classes.folders]`).
    Raises:
        ImageError: labels that map to no class (named with the nearest class), or to one of several; an override to no
            class.
    """
    mapped: dict[str, int] = {}
    unknown: list[str] = []
    wanted = sorted(set(labels))
    for label in wanted:
        written = _override(label, overrides)
        try:
            mapped[label] = _class_of(label, names) if written is None else names.index_of(written)
        except UnknownNameError as problem:
            if written is not None:
                raise ImageError(
                    f"[classes.folders] maps {label!r} to {written!r}, which is no class of the model"
                    f"{_nearest(problem)}; correct it there"
                ) from problem
            unknown.append(f"{label!r}{_nearest(problem)}")
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else "")
        numbers = any(_NUMBER.fullmatch(label) for label in wanted if label not in mapped)
        raise ImageError(
            f"{'a folder or label maps' if len(unknown) == 1 else f'{len(unknown)} folders or labels map'} to no class "
            f"of the model: {shown}{_NO_INDEX if numbers else ''}; map it under [classes.folders] "
            '(folder = "class name"), or leave it out with classes.ignore'
        )
    return mapped


def _override(label: str, overrides: Mapping[str, str]) -> str | None:
    """What `[classes.folders]` says of a label: the entry that is it to the letter, or else the one like it."""
    if label in overrides:
        return overrides[label]
    alike = sorted({name for written, name in overrides.items() if plain_label(written) == plain_label(label)})
    if len(alike) > 1:
        raise ImageError(
            f"[classes.folders] may map {label!r} to {' or '.join(map(repr, alike))}; write it there to the letter"
        )
    return alike[0] if alike else None


def _class_of(label: str, names: Names) -> int:
    if not _NUMBER.fullmatch(label):
        return names.index_of(label)
    number = label.strip()
    by_name = [index for index, name in enumerate(names.names) if name.strip() == number]
    found = by_name or [
        index for index, words in enumerate(names.aliases) if number in (word.strip() for word in words)
    ]
    if len(found) > 1:
        classes = ", ".join(repr(names.names[index]) for index in found[:_SHOWN])
        raise ImageError(
            f"the folder or label {label!r} could be any of {len(found)} classes: {classes}; map it under "
            '[classes.folders] (folder = "class name")'
        )
    if not found:
        raise UnknownNameError("class", label, (), "the model's names and aliases")
    return found[0]


def _nearest(problem: UnknownNameError) -> str:
    return f" (the nearest class is {problem.nearest[0]!r})" if problem.nearest else ""
