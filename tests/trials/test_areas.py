"""Matched areas: of the same shape, beside the area and not on it, and none where a picture has no room."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.draws import keyed_generator
from auditor.trials.areas import donor_shift, matched_shift, moved, squares


def square(side: int, top: int, left: int, length: int) -> np.ndarray:
    area = np.zeros((side, side), dtype=bool)
    area[top : top + length, left : left + length] = True
    return area


def test_a_matched_area_is_as_large_has_the_same_shape_and_nothing_in_common() -> None:
    area = square(32, 10, 12, 6)
    area[16:19, 14:15] = True  # no square any more
    for number in range(50):
        shift = matched_shift(area, keyed_generator(0, "test", number))
        assert shift is not None
        there = moved(area, shift)
        assert there.sum() == area.sum()
        assert not (there & area).any()
        rows, columns = np.nonzero(area)
        assert there[rows + shift[0], columns + shift[1]].all()  # inside the picture, so nothing wraps around


def test_it_is_drawn_among_the_nearest_places() -> None:
    """Of 27 × 27 places of a square of six, begun in the corner, all but 6 × 6 are free, and a tenth of those near."""
    area = square(32, 0, 0, 6)
    shifts = {matched_shift(area, keyed_generator(0, "test", number)) for number in range(400)}
    lengths = [np.hypot(*shift) for shift in shifts if shift is not None]
    assert len(shifts) > 30
    assert min(lengths) == 6.0
    assert max(lengths) < 12.0


def test_a_picture_without_room_gives_none_and_a_tenth_in_common_is_room() -> None:
    generator = keyed_generator(0, "test")
    assert matched_shift(square(16, 4, 4, 8), generator) is None
    area = square(20, 0, 0, 10)
    area[:, :1] = True  # twenty rows high, so that it moves sideways alone
    assert matched_shift(area, generator) == (0, 10)
    wide = square(19, 0, 0, 19)
    wide[:, 10:] = False  # ten of nineteen columns: moved by nine they share one in ten
    assert matched_shift(wide, generator) == (0, 9)
    wide[:, 10] = True  # eleven of nineteen: three in eleven
    assert matched_shift(wide, generator) is None


def test_a_key_says_where_and_its_company_does_not() -> None:
    area = square(32, 3, 20, 7)
    first = [matched_shift(area, keyed_generator(1, "needed", "c-001", key)) for key in ("a", "b", "c")]
    second = [matched_shift(area, keyed_generator(1, "needed", "c-001", key)) for key in ("c", "b", "a")]
    assert first == second[::-1]


def test_pixels_to_copy_lie_on_neither_area() -> None:
    area = square(32, 10, 10, 6)
    generator = keyed_generator(0, "test")
    shift = matched_shift(area, generator)
    assert shift is not None
    donor = moved(area, donor_shift(area, shift, generator))
    assert not (donor & (area | moved(area, shift))).any()


@pytest.mark.parametrize(("grid", "size"), [((2, 2), (4, 6)), ((3, 3), (8, 8)), ((7, 7), (224, 224))])
def test_the_squares_of_all_positions_are_the_picture_each_pixel_once(grid, size) -> None:
    total = np.zeros(size, dtype=int)
    for row in range(grid[0]):
        for column in range(grid[1]):
            chosen = np.zeros(grid, dtype=bool)
            chosen[row, column] = True
            total += squares(chosen, size)
    assert (total == 1).all()
