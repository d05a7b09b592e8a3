"""JPEG, computed where the pictures lie: what a file of some quality keeps of them. Nothing is coded or written.

The steps that lose something are those of libjpeg, in its whole numbers (ITU-T T.81, annex K's tables scaled to a
quality; JFIF colours; chroma at half the size both ways, enlarged by a triangle): the same pixels as from a file that
Pillow wrote and read. What libjpeg does to the bits afterwards loses nothing.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.trials.effects.effect import Effect, Numbers

_BEST = 95
"""The highest quality drawn: libjpeg's advice, above which files grow and pictures hardly change."""

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_BITS, _MORE = 13, 2
"""Binary places of the factors below, and those that are kept between rows and columns."""

_F = {
    name: round(value * 2**_BITS)
    for name, value in {
        "0.30": 0.298631336,
        "0.39": 0.390180644,
        "0.54": 0.541196100,
        "0.77": 0.765366865,
        "0.90": 0.899976223,
        "1.18": 1.175875602,
        "1.50": 1.501321110,
        "1.85": 1.847759065,
        "1.96": 1.961570560,
        "2.05": 2.053119869,
        "2.56": 2.562915447,
        "3.07": 3.072711026,
    }.items()
}
"""Factors of Loeffler, Ligtenberg and Moschytz' cosine transform of eight numbers (1989), as whole numbers."""


def _draw(config: TrialsConfig, generator: np.random.Generator) -> tuple[float, ...]:
    worst = config.worst_jpeg
    return (float(generator.integers(worst, max(worst, _BEST) + 1)),)


def _as_drawn(images: Tensor, numbers: Numbers) -> Tensor:
    return compressed(images, numbers["jpeg_quality"])


def compressed(images: Tensor, quality: Tensor) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] to what a JPEG of each picture's quality holds, in steps of 1/255.

    Args:
        quality: one a picture, from 1 to 100; B numbers in any shape.
    """
    height, width = images.shape[2:]
    red, green, blue = (images * 255.0).round().clamp(0.0, 255.0).int().unbind(1)
    luma = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    cb = (-11059 * red - 21709 * green + 32768 * blue + (128 << 16) + 32767) >> 16
    cr = (32768 * red - 27439 * green - 5329 * blue + (128 << 16) + 32767) >> 16
    kept = _coded(luma.unsqueeze(1), _table(_LUMA, quality))[:, 0, :height, :width]
    small = _coded(_halved(torch.stack((cb, cr), dim=1)), _table(_CHROMA, quality))
    small = small[:, :, : (height + 1) // 2, : (width + 1) // 2]
    cb, cr = (_doubled(small)[:, :, :height, :width] - 128).unbind(1)
    red = kept + ((91881 * cr + 32768) >> 16)
    green = kept + ((-22554 * cb - 46802 * cr + 32768) >> 16)
    blue = kept + ((116130 * cb + 32768) >> 16)
    return torch.stack((red, green, blue), dim=1).clamp(0, 255).float() / 255.0


def _table(table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """(B, 1, 1, 1, 8, 8) steps of the coefficients at a quality from 1 to 100, as libjpeg scales them."""
    whole = quality.round().int().view(-1, 1, 1, 1, 1, 1)
    percent = torch.where(whole < 50, 5000 // whole, 200 - 2 * whole)
    return ((_on(quality.device, table) * percent + 50) // 100).clamp(1, 255)


@functools.cache
def _on(device: torch.device, table: tuple[tuple[int, ...], ...]) -> Tensor:
    """A table of numbers, sent to a device once."""
    return torch.tensor(table, dtype=torch.int32, device=device)


def _coded(planes: Tensor, steps: Tensor) -> Tensor:
    """(B, C, H, W) levels after each 8 × 8 block's cosine transform was rounded to steps; sides grow to whole ones."""
    height, width = planes.shape[2:]
    grown = _continued(planes, -height % 8, -width % 8)
    count, channels, tall, wide = grown.shape
    blocks = grown.view(count, channels, tall // 8, 8, wide // 8, 8).transpose(3, 4) - 128
    # the transform's numbers are eight times the coefficients
    transformed = _forwards(_forwards(blocks, 5, _MORE), 4, -_MORE)
    kept = (transformed.abs() + 4 * steps) // (8 * steps) * transformed.sign() * steps
    back = _backwards(_backwards(kept, 4, _BITS - _MORE), 5, _BITS + _MORE + 3) + 128
    return back.clamp(0, 255).transpose(3, 4).reshape(count, channels, tall, wide)


def _continued(planes: Tensor, rows: int, columns: int) -> Tensor:
    """So many rows and columns more, each like the last one."""
    tall = torch.cat((planes, planes[:, :, -1:].expand(-1, -1, rows, -1)), dim=2)
    return torch.cat((tall, tall[..., -1:].expand(-1, -1, -1, columns)), dim=3)


def _forwards(blocks: Tensor, side: int, more: int) -> Tensor:
    """The transform along one side, times the root of eight, with `more` binary places more than came."""
    d = blocks.unbind(side)
    s0, s1, s2, s3 = (d[place] + d[7 - place] for place in range(4))
    t7, t6, t5, t4 = (d[place] - d[7 - place] for place in range(4))
    even, odd = s0 + s3, s1 + s2
    z1 = (s1 - s2 + s0 - s3) * _F["0.54"]
    z5 = (t4 + t6 + t5 + t7) * _F["1.18"]
    z3, z4 = z5 - (t4 + t6) * _F["1.96"], z5 - (t5 + t7) * _F["0.39"]
    z0, z2 = -(t4 + t7) * _F["0.90"], -(t5 + t6) * _F["2.56"]
    drop = _BITS - more
    made = (
        _shifted(even + odd, -more),
        _shifted(t7 * _F["1.50"] + z0 + z4, drop),
        _shifted(z1 + (s0 - s3) * _F["0.77"], drop),
        _shifted(t6 * _F["3.07"] + z2 + z3, drop),
        _shifted(even - odd, -more),
        _shifted(t5 * _F["2.05"] + z2 + z4, drop),
        _shifted(z1 - (s1 - s2) * _F["1.85"], drop),
        _shifted(t4 * _F["0.30"] + z0 + z3, drop),
    )
    return torch.stack(made, dim=side)


def _backwards(blocks: Tensor, side: int, drop: int) -> Tensor:
    """The inverse transform along one side, with `drop` binary places less than its factors bring."""
    d = blocks.unbind(side)
    z1 = (d[2] + d[6]) * _F["0.54"]
    t2, t3 = z1 - d[6] * _F["1.85"], z1 + d[2] * _F["0.77"]
    t0, t1 = (d[0] + d[4]) << _BITS, (d[0] - d[4]) << _BITS
    evens = (t0 + t3, t1 + t2, t1 - t2, t0 - t3)
    z5 = (d[7] + d[3] + d[5] + d[1]) * _F["1.18"]
    z3, z4 = z5 - (d[7] + d[3]) * _F["1.96"], z5 - (d[5] + d[1]) * _F["0.39"]
    z0, z2 = -(d[7] + d[1]) * _F["0.90"], -(d[5] + d[3]) * _F["2.56"]
    odds = (
        d[1] * _F["1.50"] + z0 + z4,
        d[3] * _F["3.07"] + z2 + z3,
        d[5] * _F["2.05"] + z2 + z4,
        d[7] * _F["0.30"] + z0 + z3,
    )
    first = [_shifted(even + odd, drop) for even, odd in zip(evens, odds, strict=True)]
    last = [_shifted(even - odd, drop) for even, odd in zip(evens, odds, strict=True)]
    return torch.stack((*first, *reversed(last)), dim=side)


def _shifted(numbers: Tensor, places: int) -> Tensor:
    """Without so many binary places, rounded; of a negative number of places, with more."""
    return numbers << -places if places < 0 else (numbers + (1 << (places - 1))) >> places


def _halved(planes: Tensor) -> Tensor:
    """Means of 2 × 2 pixels, (B, C, H, W) to (B, C, ⌈H/2⌉, ⌈W/16⌉ · 8), rounded up and down by turns as libjpeg does.

    Rows are continued by their last pixel up to whole blocks, columns up to whole pairs: means are continued there.
    """
    height, width = planes.shape[2:]
    grown = _continued(planes, height % 2, -width % 16)
    total = grown[:, :, ::2, ::2] + grown[:, :, ::2, 1::2] + grown[:, :, 1::2, ::2] + grown[:, :, 1::2, 1::2]
    return (total + 1 + torch.arange(total.shape[3], device=planes.device, dtype=torch.int32) % 2) >> 2


def _doubled(planes: Tensor) -> Tensor:
    """Twice as large both ways: three quarters of the nearest pixel and one of the next, libjpeg's rounding."""
    rows = _beside(planes, 2)
    tall = torch.stack([3 * planes + rows[0], 3 * planes + rows[1]], dim=3).flatten(2, 3)
    columns = _beside(tall, 3)
    left, right = (3 * tall + columns[0] + 8) >> 4, (3 * tall + columns[1] + 7) >> 4
    return torch.stack([left, right], dim=4).flatten(3, 4)


def _beside(planes: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The pixels before and after along a side; at the edges the pixel itself."""
    length = planes.shape[side]
    places = torch.arange(length, device=planes.device)
    before, after = (places - 1).clamp(min=0), (places + 1).clamp(max=length - 1)
    return planes.index_select(side, before), planes.index_select(side, after)


JPEG = Effect(("jpeg_quality",), _draw, on_pictures=_as_drawn)
