"""A picture moved by whole pixels against NumPy, and saved once more against Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from auditor.trials.effects import change_pictures
from auditor.trials.effects.effect import Numbers

SHIFTS = ((0, 0), (2, 0), (-2, 0), (0, 3), (0, -3), (9, -20))


def changed(images: NDArray[np.float32], **columns: list[float]) -> NDArray[np.float32]:
    drawn = {name: torch.tensor(each).float().view(-1, 1, 1, 1) for name, each in columns.items()}
    least, most = ({name: pick(each) for name, each in columns.items()} for pick in (min, max))
    return change_pictures(torch.from_numpy(images), Numbers(drawn, least, most)).numpy()


@pytest.fixture
def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(size=(6, 3, 7, 9)).astype(np.float32)


def test_a_shift_moves_the_whole_picture_and_repeats_the_edge(images: NDArray[np.float32]) -> None:
    down, across = ([float(one[side]) for one in SHIFTS] for side in (0, 1))
    made = changed(images, shift_down=down, shift_across=across)
    for row, (dy, dx) in enumerate(SHIFTS):
        padded = np.pad(images[row], ((0, 0), (30, 30), (30, 30)), mode="edge")
        np.testing.assert_array_equal(made[row], padded[:, 30 - dy : 37 - dy, 30 - dx : 39 - dx])
    np.testing.assert_array_equal(made[1, :, 0], images[1, :, 0])
    np.testing.assert_array_equal(made[1, :, 2], images[1, :, 0])


def test_saved_once_more_is_a_jpeg_of_the_shifted_picture(images: NDArray[np.float32]) -> None:
    moved = changed(images, shift_down=[2.0] * 6, shift_across=[0.0] * 6)
    made = changed(images, shift_down=[2.0] * 6, shift_across=[0.0] * 6, saved_quality=[85.0] * 6)
    for row in range(6):
        buffer = io.BytesIO()
        levels = np.rint(moved[row] * 255).astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(levels).save(buffer, "JPEG", quality=85, subsampling="4:2:0")
        wanted = np.asarray(Image.open(buffer)).transpose(2, 0, 1) / 255
        np.testing.assert_allclose(made[row], wanted, atol=1e-6)


def test_a_picture_that_was_a_jpeg_already_is_saved_again(images: NDArray[np.float32]) -> None:
    once = changed(images, jpeg_quality=[30.0] * 6)
    twice = changed(images, jpeg_quality=[30.0] * 6, saved_quality=[85.0] * 6)
    np.testing.assert_array_equal(twice, changed(once, saved_quality=[85.0] * 6))
    assert (twice != once).any()
