"""Pictures as Fourier spectra with decorrelated colours, and back. What steers the spectra is not its business."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

# Square root (eigenvectors times standard deviations) of the covariance of RGB in [0, 1], measured on 500 ImageNet
# photographs. Columns: brightness, red against blue, magenta against green.
_COLOUR_ROOT = ((0.239, 0.086, 0.026), (0.246, 0.004, -0.049), (0.251, -0.086, 0.024))
# A little steeper than 1/f, and small enough that sigmoids stay off saturation at a learning rate of 0.05
# (docs/atlas.md, section 6, has what was tried).
_DECAY = 1.15
_GAIN = 0.17
# Width of the soft edge of a cutoff, as a share of it.
_EDGE = 0.15
# Black and white have no finite logit; less than half a step of 8 bits from them is near enough.
_NEAREST_TO_EDGE = 0.4 / 255


def spectrum_shape(pictures: int, side_px: int) -> tuple[int, ...]:
    """(N, 3, s, s // 2 + 1, 2): real and imaginary parts of the half spectrum of real s × s pictures."""
    return pictures, 3, side_px, side_px // 2 + 1, 2


def spectrum_to_image(spectrum: Tensor, side_px: int, cutoff: float | None = None) -> Tensor:
    """Turn spectra into pictures.

    Each frequency is scaled by about 1/f (0 counts as the lowest), so that equal steps in the spectrum are steps as
    large as natural pictures vary there; then an orthonormal inverse transform, colours mixed, and a sigmoid.

    Args:
        spectrum: (N, 3, s, s // 2 + 1, 2).
        cutoff: in cycles a pixel; what is finer stays out of the picture. None: everything.
    Returns:
        (N, 3, s, s) in (0, 1).
    Source: Olah, Mordvintsev, Schubert, "Feature Visualization", Distill 2017, doi:10.23915/distill.00007.
    """
    scale = _frequency_scale(side_px, spectrum.device)
    if cutoff is not None:
        scale = scale * torch.sigmoid((cutoff - _frequencies(side_px, spectrum.device)) / (_EDGE * cutoff))
    scaled = torch.view_as_complex(spectrum) * scale
    waves = torch.fft.irfft2(scaled, s=(side_px, side_px), norm="ortho")
    mixed = torch.einsum("rc,nchw->nrhw", _colours(waves.device), waves)
    return torch.sigmoid(mixed)


def image_to_spectrum(images: Tensor) -> Tensor:
    """The spectra whose pictures are `images`; the inverse of `spectrum_to_image`.

    Args:
        images: (N, 3, s, s) in [0, 1]; values nearer than 0.4/255 to 0 or 1 are moved there.
    Returns:
        (N, 3, s, s // 2 + 1, 2).
    """
    logits = torch.logit(images.float(), eps=_NEAREST_TO_EDGE)
    waves = torch.einsum("cr,nrhw->nchw", torch.linalg.inv(_colours(images.device)), logits)
    scaled = torch.fft.rfft2(waves, norm="ortho") / _frequency_scale(images.shape[-1], images.device)
    return torch.view_as_real(scaled).contiguous()


@functools.lru_cache(maxsize=8)
def _frequencies(side_px: int, device: torch.device) -> Tensor:
    """(s, s // 2 + 1) in cycles a pixel, from one cycle a picture on."""
    with torch.inference_mode(False):
        vertical = torch.fft.fftfreq(side_px, device=device)[:, None]
        horizontal = torch.fft.rfftfreq(side_px, device=device)[None, :]
        return torch.hypot(vertical, horizontal).clamp_min(1 / side_px)


@functools.lru_cache(maxsize=8)
def _frequency_scale(side_px: int, device: torch.device) -> Tensor:
    """(s, s // 2 + 1): by what each frequency is scaled."""
    with torch.inference_mode(False):
        return _GAIN / _frequencies(side_px, device) ** _DECAY


@functools.lru_cache(maxsize=8)
def _colours(device: torch.device) -> Tensor:
    """(3, 3): from decorrelated colours to RGB, the longest column of length 1."""
    with torch.inference_mode(False):
        root = torch.tensor(_COLOUR_ROOT)
        mixing: Tensor = root / root.norm(dim=0).max()
        return mixing.to(device)
