"""A picture that a network cannot take is named; what no picture alone explains stays as it was said."""

from __future__ import annotations

import pytest

from auditor.core.errors import ConfigError, ModelError
from auditor.trials.naming import naming_pictures

NAMES = ("a.png", "b.png", "c.png")


def failing_on(*places: int, tried: list[int] | None = None) -> object:
    def work(place: int) -> None:
        if tried is not None:
            tried.append(place)
        if place in places:
            raise ModelError(f"number {place} is odd")

    return work


def test_the_first_picture_that_fails_alone_is_named() -> None:
    tried: list[int] = []
    with (
        pytest.raises(ModelError, match=r"^on b\.png: number 1 is odd; look at this picture, or take it away"),
        naming_pictures(failing_on(1, 2, tried=tried), NAMES),  # type: ignore[arg-type]
    ):
        raise ModelError("the batch failed")
    assert tried == [0, 1]


def test_a_batch_that_fails_for_no_one_picture_says_what_it_said() -> None:
    with pytest.raises(ModelError, match=r"^the batch failed$"), naming_pictures(failing_on(), NAMES):  # type: ignore[arg-type]
        raise ModelError("the batch failed")


def test_nothing_is_tried_again_where_nothing_failed_or_the_network_did_not() -> None:
    tried: list[int] = []
    with naming_pictures(failing_on(0, tried=tried), NAMES):  # type: ignore[arg-type]
        pass
    with pytest.raises(ConfigError), naming_pictures(failing_on(0, tried=tried), NAMES):  # type: ignore[arg-type]
        raise ConfigError("something else")
    assert tried == []
