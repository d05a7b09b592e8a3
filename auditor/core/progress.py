"""How a stage tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


class Staged:
    """Progress of a run: each piece of work is told with the stage that it belongs to, as `stage 5 of 14: icons`."""

    def __init__(self, whole: Progress) -> None:
        self._whole = whole
        self._stages: Sequence[str] = ()
        self._reached = 0
        self._before = ""

    def plan(self, stages: Sequence[str]) -> None:
        """Name the stages that are to come, in their order; without, pieces are told by themselves."""
        self._stages = stages

    @contextmanager
    def within(self, stage: str) -> Iterator[None]:
        """Tell of the body's work as this stage's. One that is made once more counts as the last that was reached."""
        before = self._before
        if stage in self._stages:
            self._reached = max(self._reached, self._stages.index(stage) + 1)
            self._before = f"stage {self._reached} of {len(self._stages)}: "
        try:
            yield
        finally:
            self._before = before

    def start(self, stage: str, total: int | None = None) -> None:
        self._whole.start(f"{self._before}{stage}", total)

    def advance(self, steps: int = 1) -> None:
        self._whole.advance(steps)

    def say(self, message: str) -> None:
        self._whole.say(message)
