"""8-bit values as floats to the last bit, and opacity laid on grey value by value."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from auditor.inputs.images.pixels import on_grey, pixels_on_grey, to_float

CPU = torch.device("cpu")
LEVELS = np.arange(256, dtype=np.uint8)


def test_every_level_is_the_float_nearest_to_its_share_of_255() -> None:
    wanted = (LEVELS.astype(np.float64) / 255.0).astype(np.float32)
    floats = to_float(LEVELS, CPU)
    assert floats.dtype == torch.float32
    np.testing.assert_array_equal(floats.numpy(), wanted)
    buffer = torch.full((2, 256), 7.0)
    assert to_float(LEVELS[None], CPU, into=buffer[:1]).data_ptr() == buffer.data_ptr()
    np.testing.assert_array_equal(buffer[0].numpy(), wanted)
    assert (buffer[1] == 7.0).all()


def test_the_sweep_multiplies_on_purpose_because_the_two_differ() -> None:
    multiplied = torch.from_numpy(LEVELS).float().mul_(1.0 / 255.0)
    assert int((multiplied != to_float(LEVELS, CPU)).sum()) == 126


def test_pixels_that_may_not_be_written_are_copied_without_a_warning(tmp_path) -> None:
    np.save(tmp_path / "pixels.npy", LEVELS.reshape(2, 128))
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_float(mapped, CPU).zero_()
        turned = to_float(mapped.T, CPU)
    assert (np.load(tmp_path / "pixels.npy") == LEVELS.reshape(2, 128)).all()
    assert turned.is_contiguous()
    np.testing.assert_array_equal(turned.numpy().T, to_float(mapped, CPU).numpy())


def every_colour_under_every_opacity() -> np.ndarray:
    """(4, 256, 256): red is the row, green 255 − row, blue 0; the opacity is the column."""
    rows, columns = np.meshgrid(LEVELS, LEVELS, indexing="ij")
    return np.stack([rows, 255 - rows, np.zeros_like(rows), columns])


@pytest.mark.parametrize("grey", [128.0, 127.5])
def test_laid_on_grey_is_the_exact_mixture_rounded_half_to_even(grey: float) -> None:
    rgba = every_colour_under_every_opacity()
    colours, alpha = rgba[:3].astype(np.int64), rgba[3].astype(np.int64)
    twice_255 = 2 * colours * alpha + round(2 * grey) * (255 - alpha)  # the mixture times 510, in whole numbers
    rounded = np.array([[round(float(c) / 510) for c in row] for row in twice_255[0]])
    laid = pixels_on_grey(rgba, grey)
    halves = twice_255[0] % 510 == 255  # where float rounding may go either way
    assert (laid[0] == rounded)[~halves].all()
    assert np.abs(laid[0].astype(int) - rounded).max() <= 1
    assert laid[:, 9, 0].tolist() == [128, 128, 128]
    assert laid[:, 9, 255].tolist() == [9, 246, 0]
    single = (rgba[:3] * (alpha.astype(np.float32) / 255) + 128 * (1 - alpha.astype(np.float32) / 255)).round()
    if grey == 128.0:  # single precision, in which looks used to be compared, gives the same pictures
        np.testing.assert_array_equal(laid, single.astype(np.uint8))


def test_pictures_without_opacity_pass_both_and_floats_mix_with_a_half() -> None:
    opaque = np.full((3, 2, 2), 7, dtype=np.uint8)
    assert pixels_on_grey(opaque) is opaque
    picture = torch.rand(2, 3, 4, 5)
    assert on_grey(picture) is picture
    layered = torch.tensor([1.0, 0.0, 0.25, 0.5]).reshape(4, 1, 1)
    assert on_grey(layered).flatten().tolist() == [0.75, 0.25, 0.375]
    assert on_grey(torch.stack([layered, layered])).shape == (2, 3, 1, 1)
