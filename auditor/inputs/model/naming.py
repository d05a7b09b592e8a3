"""Which picture it is that a network cannot take: a batch that failed is taken apart until one picture is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from auditor.core.errors import ModelError

Result = TypeVar("Result")

_ADVICE = "look at this picture, or take it away and start a new run"


def naming(do: Callable[[slice], Result], names: Sequence[str]) -> Callable[[slice], Result]:
    """The same work on some pictures; where the network fails, the first picture that it fails on alone is named.

    Args:
        do: runs a network on rows of some pictures. Where it fails it is called again with parts of the same rows, down
            to single ones, twice as many rows in all as there were; so it keeps nothing of what it does not finish.
        names: of all the pictures, as people know them; none: the work as it is.
    Returns:
        The work. It raises ModelError: what `do` raised, or where a picture alone makes it raise, that with its name.
    """
    if not names:
        return do

    def named(rows: slice) -> Result:
        try:
            return do(rows)
        except ModelError as error:
            found = _first_alone(do, rows.start, rows.stop, error)
            if found is None:
                raise
            row, alone = found
            told = str(alone)
            raise ModelError(f"on {names[row]}: {told}{'' if _ADVICE in told else f'; {_ADVICE}'}") from alone

    return named


def _first_alone(
    do: Callable[[slice], object], start: int, stop: int, error: ModelError
) -> tuple[int, ModelError] | None:
    """The first of rows that fail together to fail alone, and what it raised; None: they fail only in company."""
    if stop - start == 1:
        return start, error
    middle = (start + stop) // 2
    for first, last in ((start, middle), (middle, stop)):
        try:
            do(slice(first, last))
        except ModelError as raised:
            found = _first_alone(do, first, last, raised)
            if found is not None:
                return found
    return None
