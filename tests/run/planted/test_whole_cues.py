"""Changes of whole pictures that are planted: exact levels, greys that stay or move, another one for each number."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.records.planted import WHOLE
from auditor.run.planted.whole_cues import whole_cue

GREY = np.full((20, 30, 3), 128, dtype=np.uint8)
EDGE = GREY.copy()
EDGE[:, :15] = 40


def changed(kind: str, which: int, pixels: np.ndarray, seed: int = 3) -> np.ndarray:
    drawn = whole_cue(kind, which, seed).laid(pixels, np.random.default_rng(0))
    assert not drawn.mask.any()
    assert drawn.pixels.dtype == np.uint8
    return drawn.pixels.astype(int)


@pytest.mark.parametrize("which", range(4))
def test_a_cast_moves_one_colour_by_28_levels_and_keeps_the_grey(which: int) -> None:
    levels = changed("colour cast", which, GREY)[0, 0] - 128
    assert np.abs(levels).max() == 28
    assert abs(levels.sum()) <= 1  # each is rounded
    assert (changed("colour cast", which, GREY) == 128 + levels).all()


def test_light_is_more_or_less_by_turns_and_more_of_it_later() -> None:
    levels = [int(changed("brightness", which, GREY)[0, 0, 0]) - 128 for which in range(6)]
    assert np.abs(levels).tolist() == [36, 36, 44, 44, 52, 52]
    assert levels[0] == -levels[1]
    assert changed("brightness", 5 if levels[5] > 0 else 4, np.full_like(GREY, 240)).max() == 255  # and no further


def test_a_blur_softens_an_edge_alike_at_two_sizes_and_keeps_what_is_even() -> None:
    assert (changed("sharpness", 3, GREY) == 128).all()
    small = changed("sharpness", 3, np.repeat(np.repeat(EDGE, 5, 0), 5, 1))
    large = changed("sharpness", 3, np.repeat(np.repeat(EDGE, 10, 0), 10, 1))
    assert set(np.unique(small)) > {40, 128}
    assert np.abs(large[::2, ::2] - small).max() <= 6
    stronger = changed("sharpness", 6, np.repeat(np.repeat(EDGE, 5, 0), 5, 1))
    assert ((stronger > 45) & (stronger < 123)).sum() > ((small > 45) & (small < 123)).sum()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_number_is_one_change_and_another_number_another(kind: str) -> None:
    assert (changed(kind, 1, EDGE) == changed(kind, 1, EDGE)).all()
    names = [whole_cue(kind, which, 3).name for which in range(6)]
    assert len(set(names)) == 6
    assert not (changed(kind, 0, np.repeat(EDGE, 8, 0)) == changed(kind, 1, np.repeat(EDGE, 8, 0))).all()
