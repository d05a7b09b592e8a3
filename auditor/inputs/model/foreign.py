"""Turn whatever other people's code raises into an error a user understands. It judges nothing."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import torch

from auditor.core.errors import AuditorError, ModelError


class ThroughForeignCodeError(BaseException):
    """What the auditor raises to leave foreign code early. `except Exception` in that code does not stop it."""


_PASSING = (AuditorError, ThroughForeignCodeError, KeyboardInterrupt, torch.cuda.OutOfMemoryError)


class ForeignCode:
    """A block in which a user's module, a checkpoint or a saved program is run: what it raises becomes a ModelError.

    Such code may raise anything, SystemExit included. The auditor's own errors, running out of GPU memory and
    Ctrl-C pass as they are.

    Args:
        doing: what was being done, for the start of the message.
        advice: what to do next.
    """

    def __init__(self, doing: str, advice: str = "") -> None:
        self._doing, self._advice = doing, advice

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, _PASSING):
            raise ModelError(self._message(error)) from error

    def _message(self, error: BaseException) -> str:
        first_line = (str(error).strip().splitlines() or ["no message"])[0]
        advice = f"; {self._advice}" if self._advice else ""
        return f"{self._doing} failed with {type(error).__name__}: {first_line}{advice}"


DIFFERENTIATING = ForeignCode("differentiating the network")
"""Around every backward pass: a network may bring derivatives of its own."""
