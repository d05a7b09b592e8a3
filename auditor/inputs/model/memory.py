"""Batches as large as memory holds: one that does not fit is halved, and the work goes on. It computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from auditor.core.errors import DeviceMemoryError, first_line, out_of_memory
from auditor.core.progress import Progress

Result = TypeVar("Result")


class Batches:
    """Rows of some work, taken in batches.

    Attributes:
        size: rows at once. It is halved where a batch does not fit into memory, for all later ones too.
    """

    def __init__(self, size: int) -> None:
        self.size = max(1, size)

    def each(
        self, count: int, do: Callable[[slice], Result], progress: Progress | None = None
    ) -> Iterator[tuple[slice, Result]]:
        """Do rows 0 to before `count`, batch by batch, each with its result.

        Args:
            do: given the rows of a batch. Where memory runs out it is called again, with fewer rows from the same one
                on; so it keeps nothing of a batch that it does not finish. Its numbers do not depend on the batch.
            progress: told when batches get smaller.
        Raises:
            DeviceMemoryError: a single row does not fit.
        """
        start = 0
        while start < count:
            rows = slice(start, min(start + self.size, count))
            try:
                result = do(rows)
            except (RuntimeError, MemoryError, DeviceMemoryError) as error:
                if not out_of_memory(error):
                    raise
                if rows.stop - rows.start == 1:
                    raise single_does_not_fit(error) from error
            else:
                yield rows, result
                start = rows.stop
                continue
            # here, where the error is gone and with it what it held of the batch
            self._halve(rows.stop - rows.start, progress)

    def _halve(self, tried: int, progress: Progress | None) -> None:
        self.size = tried // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if progress is not None:
            progress.say(f"memory does not hold a batch of {tried}; going on with {self.size} at once")


def single_does_not_fit(error: BaseException) -> DeviceMemoryError:
    """What there is to say where no batch is small enough."""
    return DeviceMemoryError(
        f"memory does not hold one picture at a time ({first_line(error.__cause__ or error)}); free memory of other "
        'work, choose another device (device = "cpu"), or give smaller pictures under [preprocessing]'
    )


def pass_out_of_memory(error: BaseException) -> None:
    """Where an error would be read as something that a network cannot do: raise it if memory ran out instead.

    Raises:
        DeviceMemoryError: memory ran out.
    """
    if isinstance(error, DeviceMemoryError):
        raise error
    if out_of_memory(error):
        raise DeviceMemoryError(f"memory ran out ({first_line(error)}); lower [compute] batch_size") from error
