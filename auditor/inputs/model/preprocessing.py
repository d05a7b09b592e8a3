"""From a photograph to the network's input pixels, and back to the photograph. Normalising is the classifier's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from auditor.core.config import PreprocessingConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.records import PixelArray

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
# A strip of a picture grows beyond all bounds when its shorter side is brought to size.
_MOST_RESIZED_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Resize, centre crop, and the numbers by which the classifier normalises.

    Attributes:
        resize: the shorter side in pixels, or exactly (height, width).
        crop: (height, width) cut from the centre after resizing; None: no crop.
        mean, std: one number a channel, RGB, for pixels in [0, 1].
    """

    resize: int | tuple[int, int]
    crop: tuple[int, int] | None
    interpolation: Literal["nearest", "bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def from_config(cls, config: PreprocessingConfig) -> Preprocessing:
        crop = (config.crop, config.crop) if isinstance(config.crop, int) else config.crop
        return cls(config.resize, crop, config.interpolation, config.mean, config.std)

    @property
    def output_size(self) -> tuple[int, int]:
        """(H, W) of every prepared picture.

        Raises:
            ImageError: the shorter side alone is given, so that pictures end at different sizes.
        """
        if self.crop is not None:
            return self.crop
        if isinstance(self.resize, int):
            raise ImageError("resizing by the shorter side needs a crop, so that every picture ends at one size")
        return self.resize

    def prepare(self, image: Image.Image) -> PixelArray:
        """Resize and crop as torchvision's Resize and CenterCrop do for PIL pictures.

        Args:
            image: RGB, any size.
        Returns:
            (3, H, W) uint8, contiguous.
        Raises:
            ImageError: the picture is not RGB.
            UnreadableImageError: its proportions are so extreme that resizing would take gigabytes.
        """
        if image.mode != "RGB":
            raise ImageError(f"expected an RGB picture, got mode {image.mode!r}; convert it first")
        height, width = self._resized_size(image.width, image.height)
        if height * width > _MOST_RESIZED_PIXELS:
            raise UnreadableImageError(
                "extreme proportions", f"{image.width}x{image.height} pixels would be resized to {width}x{height}"
            )
        if (image.width, image.height) != (width, height):
            image = image.resize((width, height), _FILTERS[self.interpolation])
        pixels = np.asarray(image, dtype=np.uint8)
        if self.crop is not None:
            pixels = self._centre_crop(pixels)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def original_box(
        self, left: float, top: float, right: float, bottom: float, width_px: int, height_px: int
    ) -> tuple[int, int, int, int]:
        """Map a box in prepared pixels to the original picture's pixels.

        Args:
            left, top, right, bottom: in prepared pixels; right and bottom are exclusive.
            width_px, height_px: size of the original picture.
        Returns:
            left, top, right, bottom, rounded, inside the picture, at least one pixel wide and high.
        """
        resized_height, resized_width = self._resized_size(width_px, height_px)
        crop_height, crop_width = self.crop if self.crop is not None else (resized_height, resized_width)
        x_scale, x_offset = width_px / resized_width, _crop_offset(resized_width, crop_width)
        y_scale, y_offset = height_px / resized_height, _crop_offset(resized_height, crop_height)
        first_x, last_x = _clamped_span((left + x_offset) * x_scale, (right + x_offset) * x_scale, width_px)
        first_y, last_y = _clamped_span((top + y_offset) * y_scale, (bottom + y_offset) * y_scale, height_px)
        return first_x, first_y, last_x, last_y

    def describe(self) -> str:
        """One line for the report's head."""
        if isinstance(self.resize, int):
            resize = f"shorter side resized to {self.resize} px"
        else:
            resize = f"resized to {self.resize[0]}x{self.resize[1]} px"
        antialiased = "" if self.interpolation == "nearest" else ", antialiased"
        crop = "" if self.crop is None else f", centre crop {self.crop[0]}x{self.crop[1]}"
        mean, std = ("/".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"{resize} ({self.interpolation}{antialiased}){crop}; mean {mean}, std {std}"

    def _resized_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """(height, width) after resizing; the longer side is cut down to a whole pixel, as in torchvision."""
        if not isinstance(self.resize, int):
            return self.resize
        if width_px <= height_px:
            return int(self.resize * height_px / width_px), self.resize
        return self.resize, int(self.resize * width_px / height_px)

    def _centre_crop(self, pixels: PixelArray) -> PixelArray:
        """Cut (H, W, 3) to the crop, with black where the picture is smaller, as in torchvision."""
        crop_height, crop_width = self.crop if self.crop is not None else pixels.shape[:2]
        top, left = _crop_offset(pixels.shape[0], crop_height), _crop_offset(pixels.shape[1], crop_width)
        cut = pixels[max(top, 0) : max(top, 0) + crop_height, max(left, 0) : max(left, 0) + crop_width]
        if cut.shape[:2] == (crop_height, crop_width):
            return cut
        padded = np.zeros((crop_height, crop_width, 3), dtype=np.uint8)
        below, right = max(-top, 0), max(-left, 0)
        padded[below : below + cut.shape[0], right : right + cut.shape[1]] = cut
        return padded


def _crop_offset(size_px: int, crop_px: int) -> int:
    """First pixel of a centre crop, negative where black is added before the picture.

    Halves round to even when cutting and down when padding, as torchvision's do.
    """
    return round((size_px - crop_px) / 2) if crop_px <= size_px else -((crop_px - size_px) // 2)


def _clamped_span(first: float, last: float, size_px: int) -> tuple[int, int]:
    start = min(max(math.floor(first + 0.5), 0), size_px - 1)
    return start, min(max(math.floor(last + 0.5), start + 1), size_px)
