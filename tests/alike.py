"""Whether two files tell the same where a network saw the pictures in batches of other sizes."""

from __future__ import annotations

import pytest


def assert_alike(one: object, other: object, where: str = "") -> None:
    """The same structure, words, counts and verdicts; numbers that are no counts within four digits.

    Some processors compute a network's float32 logits in another order when there are more pictures at once, so what
    follows from probabilities may differ in its last digits. What is counted may not.
    """
    assert type(one) is type(other), where
    if isinstance(one, dict) and isinstance(other, dict):
        assert list(one) == list(other), where
        for name in one:
            assert_alike(one[name], other[name], f"{where}/{name}")
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other), where
        for place, pair in enumerate(zip(one, other, strict=True)):
            assert_alike(*pair, f"{where}/{place}")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5), f"{where}: {one} and {other}"
    else:
        assert one == other, where
