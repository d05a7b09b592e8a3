"""Turn whatever other people's code raises into an error a user understands. It judges nothing."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from auditor.core.errors import AuditorError, DeviceMemoryError, ModelError, first_line, out_of_memory


class ThroughForeignCodeError(BaseException):
    """What the auditor raises to leave foreign code early. `except Exception` in that code does not stop it."""


_PASSING = (AuditorError, ThroughForeignCodeError, KeyboardInterrupt)


_LESS = "lower [compute] batch_size, or free memory of other work"


class ForeignCode:
    """A block in which a user's module, a checkpoint or a saved program is run: what it raises becomes a ModelError.

    Such code may raise anything, SystemExit included. Running out of memory, which is no fault of the code, becomes a
    DeviceMemoryError. The auditor's own errors and Ctrl-C pass as they are.

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
        if error is None or isinstance(error, _PASSING):
            return
        if out_of_memory(error):
            raise DeviceMemoryError(f"{self._doing} ran out of memory: {first_line(error)}; {_LESS}") from error
        raise ModelError(self._message(error)) from error

    def _message(self, error: BaseException) -> str:
        advice = f"; {self._advice}" if self._advice else ""
        return f"{self._doing} failed with {type(error).__name__}: {first_line(error)}{advice}"


DIFFERENTIATING = ForeignCode("differentiating the network")
"""Around every backward pass: a network may bring derivatives of its own."""
