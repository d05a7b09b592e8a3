"""What takes the place of a removed part: exact on pictures whose answers are known, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.trials.fills import FILLS, Hole, blurred, elsewhere, filled, inpainted, mean_colour


def noisy(height: int = 24, width: int = 20) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, size=(3, height, width), dtype=np.uint8)


def blob(height: int = 24, width: int = 20) -> np.ndarray:
    """A ragged area that touches the picture's left and lower edges."""
    y, x = np.mgrid[:height, :width]
    area = np.hypot(y - 18, x - 3) < 8
    area[10, 3] = False
    return area


@pytest.mark.parametrize("name", list(FILLS))
def test_only_the_area_changes(name: str) -> None:
    picture, area = noisy(), blob()
    before = picture.copy()
    after = filled(name, Hole(picture, area, (-12, 6)))
    assert np.array_equal(picture, before)
    assert np.array_equal(after[:, ~area], picture[:, ~area])
    assert (after[:, area] != picture[:, area]).any()


def test_inpainting_agrees_with_averaging_neighbours_until_nothing_moves() -> None:
    picture, area = noisy(), blob()
    slow = np.where(area, 128.0, picture)
    for _ in range(4000):
        around = np.pad(slow, ((0, 0), (1, 1), (1, 1)), mode="edge")
        mean = (around[:, 1:-1, 2:] + around[:, 1:-1, :-2] + around[:, 2:, 1:-1] + around[:, :-2, 1:-1]) / 4
        slow = np.where(area, mean, picture)
    np.testing.assert_allclose(inpainted(Hole(picture, area, (0, 0))), slow[:, area], atol=1e-6)


def test_inpainting_continues_a_gradient_exactly() -> None:
    y, x = np.mgrid[:20, :20]
    picture = np.stack([10 + 5 * x, 200 - 6 * y, 3 * x + 4 * y]).astype(np.uint8)
    area = np.zeros((20, 20), dtype=bool)
    area[5:13, 4:11] = True
    spoilt = np.where(area, 77, picture).astype(np.uint8)
    assert np.array_equal(filled("inpainted", Hole(spoilt, area, (0, 0))), picture)


def test_mean_colour_is_of_the_rest() -> None:
    picture = np.zeros((3, 4, 4), dtype=np.uint8)
    picture[:, :, 2:] = np.array([30, 60, 90], dtype=np.uint8)[:, None, None]
    area = np.zeros((4, 4), dtype=bool)
    area[:, 0] = True
    assert mean_colour(Hole(picture, area, (0, 0)))[:, 0].tolist() == [20.0, 40.0, 60.0]


def test_a_blur_keeps_what_has_no_details_and_smooths_what_has() -> None:
    area = blob()
    flat = np.full((3, 24, 20), 91, dtype=np.uint8)
    np.testing.assert_allclose(blurred(Hole(flat, area, (0, 0))), 91.0)
    assert blurred(Hole(noisy(), area, (0, 0))).std() < 0.3 * noisy()[:, area].std()


def test_elsewhere_copies_pixel_for_pixel() -> None:
    picture, area = noisy(), np.zeros((24, 20), dtype=bool)
    area[2:5, 3:6] = True
    copied = elsewhere(Hole(picture, area, (10, 7))).reshape(3, 3, 3)
    assert np.array_equal(copied, picture[:, 12:15, 10:13])
