"""How a stage tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where a stage tells how far it is. The command line draws it; Python callers may ignore it."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Begin a piece of work of `total` steps (None: unknown)."""

    def advance(self, steps: int = 1) -> None:
        """Report that `steps` more steps of the current piece are done."""

    def say(self, message: str) -> None:
        """Report one line a person should see."""


class Silence:
    """Progress that nobody watches."""

    def start(self, stage: str, total: int | None = None) -> None:
        del stage, total

    def advance(self, steps: int = 1) -> None:
        del steps

    def say(self, message: str) -> None:
        del message


class Within:
    """Progress of a part of a piece of work that is told of as a whole: its own beginning is not told."""

    def __init__(self, whole: Progress) -> None:
        self._whole = whole

    def start(self, stage: str, total: int | None = None) -> None:
        del stage, total

    def advance(self, steps: int = 1) -> None:
        self._whole.advance(steps)

    def say(self, message: str) -> None:
        self._whole.say(message)
