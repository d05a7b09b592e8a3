"""A picture that a network cannot take is named; what no picture alone explains stays as it was said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.naming import naming

NAMES = ("a.png", "b.png", "c.png", "d.png", "e.png")


def failing_on(*odd: int, least: int = 1, tried: list[slice] | None = None) -> Callable[[slice], list[int]]:
    """Fails on rows that hold an odd one, where at least so many are taken together."""

    def work(rows: slice) -> list[int]:
        if tried is not None:
            tried.append(rows)
        taken = list(range(rows.start, rows.stop))
        if len(taken) >= least and set(odd) & set(taken):
            raise ModelError(f"a batch of {len(taken)} failed")
        return taken

    return work


@pytest.mark.parametrize(("odd", "named"), [((1, 3), "b"), ((4,), "e"), ((0,), "a")])
def test_the_first_picture_that_fails_alone_is_named(odd: tuple[int, ...], named: str) -> None:
    tried: list[slice] = []
    with pytest.raises(ModelError, match=rf"^on {named}\.png: a batch of 1 failed; look at this picture, or take it"):
        naming(failing_on(*odd, tried=tried), NAMES)(slice(0, 5))
    assert sum(rows.stop - rows.start for rows in tried[1:]) <= 2 * len(NAMES)


def test_only_the_rows_that_failed_are_tried_again() -> None:
    tried: list[slice] = []
    with pytest.raises(ModelError, match=r"^on d\.png: a batch of 1 failed"):
        naming(failing_on(0, 3, tried=tried), NAMES)(slice(2, 4))
    assert tried == [slice(2, 4), slice(2, 3), slice(3, 4)]


def test_a_batch_that_fails_for_no_one_picture_says_what_it_said() -> None:
    with pytest.raises(ModelError, match=r"^a batch of 5 failed$"):
        naming(failing_on(2, least=2), NAMES)(slice(0, 5))


def test_nothing_is_tried_again_where_nothing_failed_or_the_network_did_not() -> None:
    tried: list[slice] = []

    def refuse(rows: slice) -> None:
        tried.append(rows)
        raise ConfigError("something else")

    assert naming(failing_on(), NAMES)(slice(1, 3)) == [1, 2]
    with pytest.raises(ConfigError):
        naming(refuse, NAMES)(slice(0, 5))
    assert tried == [slice(0, 5)]


def test_without_names_it_is_the_work_as_it_is() -> None:
    with pytest.raises(ModelError, match=r"^a batch of 5 failed$"):
        naming(failing_on(2), ())(slice(0, 5))


def test_a_crop_on_a_picture_is_named_with_it_and_advice_is_given_once() -> None:
    inner = naming(failing_on(1), NAMES)
    outer = naming(lambda rows: [inner(slice(0, 5)) for _ in range(rows.start, rows.stop)], ["a crop of f.png"])
    with pytest.raises(ModelError, match=r"^on a crop of f\.png: on b\.png: a batch of 1 failed; look [^;]*$"):
        outer(slice(0, 1))
