"""What a worker does for whoever hands it work: opens what a list needs once, does its items, puts errors in words."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from auditor.core.errors import AuditorError
from auditor.core.work import Context, Item, Result


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words, on its way from a worker: not every error can be put together again from its message."""

    kind: type[AuditorError]
    message: str

    def as_error(self) -> AuditorError:
        error = self.kind.__new__(self.kind)
        Exception.__init__(error, self.message)
        return error


def begin_worker(threads: int) -> None:
    """Set this process up as one of several.

    Args:
        threads: of torch, its share of the processor cores.
    """
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one decides what it means
    torch.set_num_threads(threads)


_OPENED: dict[int, object] = {}
"""What this worker has opened for the list at work, by the list's number."""


def do_item(
    number: int, open_context: Callable[[], Context], do: Callable[[Context, Item], Result], item: Item
) -> Result | Failure:
    """One item of a list, in what was opened for the list's first item here.

    Args:
        number: of the list.
    """
    try:
        if number not in _OPENED:
            _OPENED.clear()
            _OPENED[number] = open_context()
        context: Context = _OPENED[number]  # type: ignore[assignment]
        return do(context, item)
    except AuditorError as error:
        return Failure(type(error), str(error))
