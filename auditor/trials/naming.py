"""Which picture it is that a network cannot take: a batch that failed is gone through one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from auditor.core.errors import ModelError


@contextmanager
def naming_pictures(one_alone: Callable[[int], object], names: Sequence[str]) -> Iterator[None]:
    """Within the body a network runs on pictures; where it fails, the first picture that it fails on alone is named.

    Args:
        one_alone: does the body's work on one picture, by its place among the names.
        names: of the pictures, as people know them.
    Raises:
        ModelError: what the body raised, or where a picture alone raises, what that raised with its name.
    """
    try:
        yield
    except ModelError:
        for place, name in enumerate(names):
            try:
                one_alone(place)
            except ModelError as error:
                advice = "look at this picture, or take it away and start a new run"
                raise ModelError(f"on {name}: {error}; {advice}") from error
        raise
