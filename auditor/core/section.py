"""What a section of the settings is made of: its base class, shared types, and how a setting is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from auditor.core.addresses import holds_a_secret, is_address

LARGEST_NUMBER = 2**32 - 1
"""The largest number of the file: the largest seed that every generator takes."""

LARGEST_SIDE = 10_000
"""Pixels along a side of a prepared picture: beyond it, resizing one picture alone takes a gigabyte."""

LONGEST_TEXT = 4096
"""Characters of the longest text of the file: no path is longer."""

LONGEST_NAME = 255
"""Bytes of the longest name of a file or folder."""


Value = TypeVar("Value")


class ContradictionError(ValueError):
    """Several settings of one table do not go together; it is told of the table and not of a single key."""


@dataclass(frozen=True, slots=True)
class Example:
    """What `auditor init` shows in place of a default.

    Attributes:
        value: what stands behind the key; filled: whether it is switched on rather than commented out.
    """

    value: object
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of its own above the key, in the file that `auditor init` writes."""

    text: str


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag of `auditor run` that sets it.

    Attributes:
        name: with its dashes; takes: how what is typed is read (`READERS` of cli/flags.py).
        told: its help, where {} stands for the setting's description.
    """

    name: str
    takes: Literal["text", "number", "switch", "file", "file or default", "model", "classes", "names"] = "text"
    told: str = "{}"


@dataclass(frozen=True, slots=True)
class Moved:
    """A key of older files and manifests that is still accepted, and no longer told."""

    to: str


def _usable(text: str) -> str:
    if is_address(text) and holds_a_secret(text):
        raise ContradictionError(  # which shows nothing of what was given
            "an address must hold no password or token, which would be written into the run; the store's own "
            "environment variables or files have them"
        )
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("there is no home folder of that name") from error
    if any(len(name.encode("utf-8", "surrogateescape")) > LONGEST_NAME for name in path.parts):
        raise ValueError(f"a file's name must be at most {LONGEST_NAME} bytes long")
    return text


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
    if twice is not None:
        raise ValueError(f"each may stand there once, and {str(twice)!r} stands there several times")
    return values


def _named(given: object) -> object:
    """Class names and indices as text, whole numbers being indices."""
    names = list(given) if isinstance(given, list | tuple) else [given]
    if not all(isinstance(name, str | int) and not isinstance(name, bool) for name in names):
        raise ValueError("expected a class by its name, alias or index, or a list of such")
    texts = tuple(map(str, names))
    return texts if isinstance(given, list | tuple) else texts[0]


def _sides(given: object) -> object:
    sides = list(given) if isinstance(given, list | tuple) else [given]
    wholes = [side for side in sides if isinstance(side, int | float) and not isinstance(side, bool)]
    right = len(wholes) == len(sides) and len(sides) in ((2,) if isinstance(given, list | tuple) else (1,))
    if given is not None and not (right and all(1 <= side <= LARGEST_SIDE and side == int(side) for side in wholes)):
        raise ValueError(f"expected whole pixels from 1 to {LARGEST_SIDE}, or [height, width] of such")
    return given


Once = AfterValidator(_each_once)
"""Of a list: no value stands there twice."""

ClassSpec = Annotated[str | tuple[str, ...], BeforeValidator(_named)]

Most = Annotated[int, Field(ge=1, le=10_000_000)]
"""At most so many of what is there: far above what serves, and below what hangs."""

Many = Annotated[int, Field(ge=1, le=100_000)]
ManyOrNone = Annotated[int, Field(ge=0, le=100_000)]
"""So many of what takes work each, likewise."""

Pixels = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]
Sides = BeforeValidator(_sides)
"""Of a size in `Pixels`, one side or two."""

Share = Annotated[float, Field(gt=0.0, lt=1.0)]
FilePath = Annotated[str, AfterValidator(_usable)]


def _takes_booleans(annotation: object) -> bool:
    return annotation is bool or any(map(_takes_booleans, get_args(annotation)))


def _single_values(value: object) -> Iterable[object]:
    """What a list, or a table with keys of a person's own, holds; anything else itself."""
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    return value if isinstance(value, list | tuple) else (value,)


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _within_reason(cls, value: object, info: ValidationInfo) -> object:
        """What no setting may be, whatever its range: it would pass here and end in a crash where it is used."""
        annotation = cls.model_fields[info.field_name].annotation if info.field_name is not None else None
        if isinstance(value, dict) and get_origin(annotation) is not dict:
            return value  # a table of settings, which looks at each of its own
        switches = _takes_booleans(annotation)
        for one in _single_values(value):
            if isinstance(one, bool) and not switches:
                raise ValueError("true and false do not serve here")
            if isinstance(one, int | float) and one > LARGEST_NUMBER:
                raise ValueError(f"must be at most {LARGEST_NUMBER}")
            if isinstance(one, int | float) and one < -LARGEST_NUMBER:
                raise ValueError(f"must be at least -{LARGEST_NUMBER}")
            if isinstance(one, str) and "\0" in one:
                raise ValueError("must not hold a NUL character")
            if isinstance(one, str) and len(one) > LONGEST_TEXT:
                raise ValueError(f"must be at most {LONGEST_TEXT} characters long")
        return value
