"""What a section of the settings is made of: its base class, shared types, and how a setting is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


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
    takes: Literal["text", "number", "file", "file or default", "model", "classes"] = "text"
    told: str = "{}"


@dataclass(frozen=True, slots=True)
class Moved:
    """A key of older files and manifests that is still accepted, and no longer told."""

    to: str


Share = Annotated[float, Field(gt=0.0, lt=1.0)]
FilePath = str


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)
