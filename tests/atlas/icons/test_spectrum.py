"""Spectra to pictures and back, against numpy's Fourier transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.atlas.icons.spectrum import image_to_spectrum, spectrum_shape, spectrum_to_image


@pytest.mark.parametrize("side", [16, 15])
def test_a_picture_comes_back_from_its_spectrum(side: int) -> None:
    images = torch.rand(2, 3, side, side) * 0.98 + 0.01
    spectrum = image_to_spectrum(images)
    assert tuple(spectrum.shape) == spectrum_shape(2, side)
    torch.testing.assert_close(spectrum_to_image(spectrum, side), images, atol=2e-6, rtol=0)


def test_black_and_white_come_back_within_half_a_step_of_8_bits() -> None:
    images = torch.randint(0, 2, (1, 3, 12, 12)).float()
    back = spectrum_to_image(image_to_spectrum(images), 12)
    assert torch.equal((back * 255).round(), images * 255)


def test_pictures_are_the_inverse_transform_of_scaled_frequencies_in_mixed_colours() -> None:
    side = 10
    spectrum = torch.randn(1, 3, side, side // 2 + 1, 2)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    scale = 0.17 / np.maximum(frequency, 1 / side) ** 1.15
    values = (spectrum[..., 0].numpy() + 1j * spectrum[..., 1].numpy()).astype(np.complex128) * scale
    waves = np.fft.irfft2(values, s=(side, side), norm="ortho")
    root = np.array([[0.239, 0.086, 0.026], [0.246, 0.004, -0.049], [0.251, -0.086, 0.024]])
    mixing = root / np.linalg.norm(root[:, 0])
    expected = 1 / (1 + np.exp(-np.einsum("rc,nchw->nrhw", mixing, waves)))
    np.testing.assert_allclose(spectrum_to_image(spectrum, side).numpy(), expected, atol=2e-6)


def test_the_first_colour_is_brightness_and_the_second_red_against_blue() -> None:
    spectrum = torch.zeros(2, 3, 8, 5, 2)
    spectrum[0, 0, 0, 0, 0] = spectrum[1, 1, 0, 0, 0] = 1.0
    bright, red = spectrum_to_image(spectrum, 8)[:, :, 0, 0]
    assert bright.min() > 0.53
    assert float(bright.max() - bright.min()) < 0.01
    assert red[0] > 0.51
    assert abs(float(red[1]) - 0.5) < 0.005
    assert red[2] < 0.49


def test_a_cutoff_keeps_fine_detail_out_and_coarse_shape_in() -> None:
    side = 32
    spectrum = torch.randn(1, 3, side, side // 2 + 1, 2)
    cut = image_to_spectrum(spectrum_to_image(spectrum, side, cutoff=0.1))
    whole = image_to_spectrum(spectrum_to_image(spectrum, side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    kept = (cut.norm(dim=(1, 4)) / whole.norm(dim=(1, 4)))[0].numpy()
    assert kept[frequency > 0.22].max() < 0.01
    assert kept[frequency < 0.04].min() > 0.97
    assert kept[(frequency > 0.09) & (frequency < 0.11)].mean() == pytest.approx(0.5, abs=0.2)
