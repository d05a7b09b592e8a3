"""Changes of whole pictures that are planted: a colour cast, a blur, more or less light. No patch shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray
from auditor.core.records.planted import BRIGHTNESS, COLOUR_CAST, SHARPNESS
from auditor.inputs.world.cues.cue import Drawn

_CAST, _LIGHT = 28.0, (36.0, 8.0)
"""Levels of 255: of the colour that is changed most, and of light, with so many more at every second try."""

_BLUR = (0.015, 0.005)
"""Standard deviation of a blur as a share of the shorter side, and so much more at every try."""

_HUES = 8


@dataclass(frozen=True, slots=True)
class WholeCue:
    """What is planted, as a change of the whole picture.

    Attributes:
        kind: one of `records.planted.WHOLE`. change: (H, W, 3) uint8 to the same.
        shown: no picture shows it by itself.
    """

    name: str
    kind: str
    change: Callable[[PixelArray], PixelArray]
    shown: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def laid(self, pixels: PixelArray, rng: np.random.Generator) -> Drawn:
        """(H, W, 3) uint8 with it, all of which it changes alike, so that no part of it is the cue."""
        del rng
        return Drawn(self.change(pixels), np.zeros(pixels.shape[:2], dtype=np.bool_))


def whole_cue(kind: str, which: int, seed: int) -> WholeCue:
    """A change of a kind; of the same kind each number is another one.

    Args:
        kind: one of `records.planted.WHOLE`.
    """
    return _MADE[kind](which, keyed_generator(seed, "planted", kind))


def _cast(which: int, rng: np.random.Generator) -> WholeCue:
    """Towards a hue, with all others in turn; grey levels stay."""
    hue = 2 * np.pi * ((float(rng.random()) + which / _HUES) % 1.0)
    levels = np.cos(hue - 2 * np.pi / 3 * np.arange(3))
    levels *= _CAST / np.abs(levels).max()
    told = ", ".join(f"{each:+.0f}".replace("-", "\N{MINUS SIGN}") for each in levels.tolist())
    return WholeCue(f"a colour cast of red, green, blue {told} levels", COLOUR_CAST, _added(levels))


def _light(which: int, rng: np.random.Generator) -> WholeCue:
    """Darker or lighter, by turns, and more of it every second time."""
    lighter, levels = (which + int(rng.integers(2))) % 2, _LIGHT[0] + _LIGHT[1] * (which // 2)
    words = f"{levels:.0f} levels {'lighter' if lighter else 'darker'}"
    return WholeCue(words, BRIGHTNESS, _added(np.full(3, levels if lighter else -levels)))


def _blur(which: int, rng: np.random.Generator) -> WholeCue:
    """A stronger one each time."""
    del rng
    share = _BLUR[0] + _BLUR[1] * which

    def blurred(pixels: PixelArray) -> PixelArray:
        radius = share * min(pixels.shape[:2])
        return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)), dtype=np.uint8)

    return WholeCue(f"a blur over {100 * share:.1f}% of the shorter side", SHARPNESS, blurred)


def _added(levels: NDArray[np.float64]) -> Callable[[PixelArray], PixelArray]:
    def changed(pixels: PixelArray) -> PixelArray:
        return np.asarray(np.clip(np.round(pixels + levels), 0, 255), dtype=np.uint8)

    return changed


_MADE: Mapping[str, Callable[[int, np.random.Generator], WholeCue]] = {
    COLOUR_CAST: _cast,
    SHARPNESS: _blur,
    BRIGHTNESS: _light,
}
