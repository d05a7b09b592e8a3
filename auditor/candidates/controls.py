"""Matched controls: patches of a candidate's size and place without its content.

A new control is one function here and one entry in `MADE_CONTROLS`; crops as controls are cut by `propose`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from auditor.candidates.patch import pasted_size, resize_patch
from auditor.draws import keyed_generator
from auditor.errors import PatchError
from auditor.records import PixelArray

SOURCE_CROP = "source crop"
RANDOM_CELL_CROP = "random cell crop"

MakeControl = Callable[[PixelArray, np.random.Generator], PixelArray]


def mean_colour(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """The patch filled with the mean colour of its opaque part."""
    del generator
    weight = rgba[3].astype(np.float64)
    mean = (rgba[:3] * weight).sum(axis=(1, 2)) / weight.sum()
    return _with_alpha(np.broadcast_to(mean[:, None, None], rgba[:3].shape), rgba)


def noise(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """Independent uniform noise at every pixel and channel."""
    return _with_alpha(generator.integers(0, 256, size=rgba[:3].shape).astype(np.float64), rgba)


def phase_scrambled(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """The same power spectrum with random phases, equal in all channels, so that colours keep belonging together.

    The phases are those of a real noise picture, which keeps the result real without any special cases.
    """
    noise_phase = np.angle(np.fft.fft2(generator.standard_normal(rgba.shape[1:])))
    noise_phase[0, 0] = 0.0  # the mean colour stays
    spectrum = np.fft.fft2(_filled(rgba), axes=(1, 2))
    scrambled = np.fft.ifft2(np.abs(spectrum) * np.exp(1j * (np.angle(spectrum) + noise_phase)), axes=(1, 2)).real
    return _with_alpha(scrambled, rgba)


def pixel_shuffled(rgba: PixelArray, generator: np.random.Generator) -> PixelArray:
    """The same pixels in random places of like opacity (within a quarter); alpha stays where it is.

    A patch with soft edges or a faded background so keeps the colours that can be seen of it.
    """
    shuffled = rgba[:3].copy()
    opacity = np.where(rgba[3] > 0, rgba[3].astype(np.int64) // 64, -1)
    for level in np.unique(opacity[opacity >= 0]):
        alike = opacity == level
        values = shuffled[:, alike]
        shuffled[:, alike] = values[:, generator.permutation(values.shape[1])]
    return _with_alpha(shuffled, rgba)


MADE_CONTROLS: Mapping[str, MakeControl] = {
    "mean colour": mean_colour,
    "noise": noise,
    "phase scrambled": phase_scrambled,
    "pixel shuffled": pixel_shuffled,
}


def make_controls(rgba: PixelArray, candidate: str, side_px: int, seed: int) -> dict[str, PixelArray]:
    """Every control that is made from the candidate's own pixels, keyed by name.

    They are made at the size at which they will be pasted: noise or shuffled pixels at a photograph's full
    resolution would melt to their mean when shrunk, and so be no control at all.

    Args:
        side_px: the longer side at which the patch is pasted (the largest, where there are several).
    Raises:
        PatchError: nothing of the patch is left at that size, so there is nothing to control for.
    """
    small = resize_patch(rgba, *pasted_size(rgba, side_px))
    if not small[3].any():
        raise PatchError(
            f"patch {candidate} is transparent everywhere once it is shrunk to {side_px} px; make it more opaque, or "
            "cut away what is transparent around it"
        )
    return {
        name: make(small, keyed_generator(seed, "control", name, candidate)) for name, make in MADE_CONTROLS.items()
    }


def _filled(rgba: PixelArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Colours as they are seen on the patch's own mean colour, float64: what is transparent adds no structure."""
    colours, weight = rgba[:3].astype(np.float64), rgba[3].astype(np.float64)
    mean = ((colours * weight).sum(axis=(1, 2)) / weight.sum())[:, None, None]
    return np.asarray(mean + (colours - mean) * (weight / 255.0))


def _with_alpha(colours: np.ndarray[tuple[int, ...], np.dtype[np.generic]], rgba: PixelArray) -> PixelArray:
    rounded = np.clip(np.rint(np.asarray(colours, dtype=np.float64)), 0, 255).astype(np.uint8)
    return np.concatenate([rounded, rgba[3:]])
