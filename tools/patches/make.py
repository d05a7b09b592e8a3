"""Renders the patch library: every <slug>.png of patches/ and its <slug>.toml, from one seed.

Nothing is drawn by hand and nothing is fetched, so the whole folder can be thrown away and made again:
python tools/patches/make.py [folder].
"""

from __future__ import annotations

import argparse
import hashlib
import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SEED = 0
SIDE_PX = 128
FINE = 4
"""Shapes are drawn at this many times the size and then averaged down, which gives them smooth edges."""

FINE_PX = SIDE_PX * FINE
LICENCE = "Apache-2.0"

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One patch: what a person reads, and the function that renders it as (128, 128, 4) uint8 RGBA."""

    title: str
    render: Callable[[np.random.Generator], Pixels]


def opaque(colours: Floats) -> Pixels:
    """(128, 128, 3) colours in [0, 255] as RGBA without any transparency."""
    rounded = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return np.concatenate([rounded, np.full((*rounded.shape[:2], 1), 255, dtype=np.uint8)], axis=2)


def averaged(colours: Floats, coverage: Floats) -> Pixels:
    """Average a fine picture down, colours weighted by how much they cover.

    Args:
        colours: (512, 512, 3) in [0, 255]; coverage: (512, 512) in [0, 1].
    """
    blocks = (SIDE_PX, FINE, SIDE_PX, FINE)
    weight = coverage.reshape(blocks).mean(axis=(1, 3))
    total = (colours * coverage[..., None]).reshape(*blocks, 3).mean(axis=(1, 3))
    mean = total / np.maximum(weight, 1e-9)[..., None]
    rgba = np.concatenate([mean, 255.0 * weight[..., None]], axis=2)
    return np.asarray(np.clip(np.rint(rgba), 0, 255), dtype=np.uint8)


def grid(side: int) -> tuple[Floats, Floats]:
    """Row and column of every pixel's centre, −1 … 1 from edge to edge."""
    line = (np.arange(side) + 0.5) * 2 / side - 1
    rows, columns = np.meshgrid(line, line, indexing="ij")
    return rows, columns


def between(share: Floats, low: Colour, high: Colour) -> Floats:
    """Mix two colours: 0 gives the first, 1 the second."""
    first, second = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    return np.asarray(first + np.clip(share, 0.0, 1.0)[..., None] * (second - first), dtype=np.float64)


def smooth_noise(generator: np.random.Generator, side: int, cycles: float) -> Floats:
    """(side, side) noise of mean 0 and deviation 1 that waves about `cycles` times across and tiles seamlessly."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side) * side, np.fft.fftfreq(side) * side))
    passed = np.exp(-((frequency / cycles) ** 2))
    passed[0, 0] = 0.0
    noise = np.fft.ifft2(np.fft.fft2(generator.standard_normal((side, side))) * passed).real
    return np.asarray(noise / noise.std(), dtype=np.float64)


def uniform_noise(generator: np.random.Generator) -> Pixels:
    return opaque(generator.integers(0, 256, size=(SIDE_PX, SIDE_PX, 3)).astype(np.float64))


def plain(colour: Colour) -> Callable[[np.random.Generator], Pixels]:
    def render(_: np.random.Generator) -> Pixels:
        return opaque(np.broadcast_to(np.array(colour, dtype=np.float64), (SIDE_PX, SIDE_PX, 3)))

    return render


def grating(cycles: float, degrees: float) -> Callable[[np.random.Generator], Pixels]:
    """A black and white sine wave; `degrees` is the direction in which it changes, 0 being across."""

    def render(_: np.random.Generator) -> Pixels:
        rows, columns = grid(SIDE_PX)
        along = columns * np.cos(np.deg2rad(degrees)) + rows * np.sin(np.deg2rad(degrees))
        return opaque(between(0.5 + 0.5 * np.sin(np.pi * cycles * along), (8, 8, 8), (248, 248, 248)))

    return render


def checkerboard(_: np.random.Generator) -> Pixels:
    rows, columns = np.indices((SIDE_PX, SIDE_PX)) // 16
    return opaque(between(((rows + columns) % 2).astype(np.float64), (16, 16, 16), (240, 240, 240)))


def colour_blobs(generator: np.random.Generator) -> Pixels:
    palette = ((230, 40, 60), (250, 190, 20), (40, 160, 90), (30, 90, 210), (150, 50, 180), (20, 190, 210))
    rows, columns = grid(SIDE_PX)
    weights, colours = np.full((SIDE_PX, SIDE_PX), 1e-3), np.full((SIDE_PX, SIDE_PX, 3), 1e-3 * 128)
    for number in range(18):
        centre_y, centre_x = generator.uniform(-1, 1, size=2)
        distance2 = (rows - centre_y) ** 2 + (columns - centre_x) ** 2
        weight = np.exp(-distance2 / (2 * generator.uniform(0.16, 0.26) ** 2)) ** 2
        weights += weight
        colours += weight[..., None] * np.array(palette[number % len(palette)], dtype=np.float64)
    return opaque(colours / weights[..., None])


def rings(_: np.random.Generator) -> Pixels:
    rows, columns = grid(FINE_PX)
    radius = np.hypot(rows, columns)
    ring = np.minimum(radius * 5 / 0.97, 4.999).astype(np.int64)
    red, white, blue = (200, 30, 45), (245, 245, 240), (25, 60, 140)
    palette = np.array([red, white, blue, white, red], dtype=np.float64)
    return averaged(palette[ring], (radius <= 0.97).astype(np.float64))


def strong_stripes(_: np.random.Generator) -> Pixels:
    palette = np.array(
        [(235, 20, 40), (255, 215, 0), (0, 150, 70), (0, 70, 200), (255, 110, 0), (120, 20, 150)], dtype=np.float64
    )
    rows, columns = grid(FINE_PX)
    number = np.floor((rows + columns + 2) * 3 + 1e-9).astype(np.int64) % len(palette)
    return averaged(palette[number], np.ones((FINE_PX, FINE_PX)))


def cow_spots(generator: np.random.Generator) -> Pixels:
    spots = smooth_noise(generator, FINE_PX, 3.2) + 0.06 * smooth_noise(generator, FINE_PX, 40)
    fur = smooth_noise(generator, FINE_PX, 90)
    hide = between(0.5 + 0.16 * fur, (226, 218, 206), (250, 247, 242))
    dark = between(0.5 + 0.16 * fur, (22, 18, 18), (52, 44, 42))
    inside = np.clip((spots - 0.25) * 12 + 0.5, 0.0, 1.0)[..., None]
    return averaged(hide + inside * (dark - hide), np.ones((FINE_PX, FINE_PX)))


def lemon(generator: np.random.Generator) -> Pixels:
    """A lemon lying askew, lit from the upper left: a height over a pointed outline, with pores in its skin."""
    rows, columns = grid(FINE_PX)
    turn = np.deg2rad(-24.0)
    along = (columns * np.cos(turn) + rows * np.sin(turn)) / 0.96
    across = (rows * np.cos(turn) - columns * np.sin(turn)) / 0.96
    body = 0.66 * np.clip(1 - np.abs(along / 0.86) ** 2.3, 0.0, None) ** 0.62
    tip = 0.15 * np.clip(1 - np.abs(along) ** 5, 0.0, None) ** 0.5
    half = (body**4 + tip**4) ** 0.25
    inside = (np.abs(across) < half) & (np.abs(along) < 1)
    side = np.where(inside, across / np.maximum(half, 1e-6), 0.0)
    height = half * np.sqrt(np.clip(1 - side**2, 0.0, None)) - 0.0032 * smooth_noise(generator, FINE_PX, 55)
    slope_y, slope_x = np.gradient(height, 2 / FINE_PX)
    length = np.sqrt(1 + slope_y**2 + slope_x**2)
    light = (0.80 + 0.42 * slope_x + 0.50 * slope_y) / length
    colours = between(0.15 + 0.85 * np.clip(light, 0, 1), (150, 92, 0), (255, 226, 40))
    colours = colours + (np.clip(light - 0.90, 0.0, None) * 6)[..., None] ** 1.6 * (255 - colours)
    green = np.clip((np.abs(along) - 0.80) * 3.2, 0.0, 0.55)[..., None]
    colours = colours + green * (np.array((122, 140, 30), dtype=np.float64) - colours)
    return averaged(np.clip(colours, 0, 255), inside.astype(np.float64))


def star_sticker(_: np.random.Generator) -> Pixels:
    """A smiling star with round points on a white rim, as it comes off a sheet of stickers."""
    angles = np.deg2rad(-90 + 36 * np.arange(10))
    reach = np.where(np.arange(10) % 2 == 0, 0.76, 0.40) * FINE_PX / 2
    centre_y, centre_x = FINE_PX * 0.52, FINE_PX * 0.5
    points = [
        (float(centre_x + radius * np.cos(angle)), float(centre_y + radius * np.sin(angle)))
        for radius, angle in zip(reach, angles, strict=True)
    ]
    outline, rim, star = (_rounded(points, swell) for swell in (46, 41, 16))
    rows = grid(FINE_PX)[0]
    colours = np.broadcast_to(np.array((176, 170, 166), dtype=np.float64), (FINE_PX, FINE_PX, 3))
    colours = np.where(rim[..., None], np.array((255, 255, 252), dtype=np.float64), colours)
    colours = np.where(star[..., None], between((rows + 0.8) / 1.7, (255, 222, 40), (250, 130, 10)), colours)
    picture = Image.fromarray(np.rint(colours).astype(np.uint8))
    drawing = ImageDraw.Draw(picture)
    middle = FINE_PX // 2
    for eye in (middle - 52, middle + 52):
        drawing.ellipse((eye - 15, middle - 36, eye + 15, middle + 8), fill=(70, 34, 14))
        drawing.ellipse((eye - 8, middle - 28, eye + 2, middle - 16), fill=(255, 255, 255))
        drawing.ellipse((eye - 24 + (eye - middle) // 3, middle + 16, eye + 24 + (eye - middle) // 3, middle + 38),
                        fill=(245, 96, 60))  # fmt: skip
    drawing.arc((middle - 38, middle - 14, middle + 38, middle + 48), 20, 160, fill=(70, 34, 14), width=11)
    return averaged(np.asarray(picture, dtype=np.float64), outline.astype(np.float64))


def _rounded(points: list[tuple[float, float]], swell: int) -> NDArray[np.bool_]:
    """(512, 512) inside of a polygon grown by `swell` fine pixels, its points rounded by as much."""
    mask = Image.new("L", (FINE_PX, FINE_PX), 0)
    drawing = ImageDraw.Draw(mask)
    drawing.polygon(points, fill=255)
    drawing.line([*points, points[0]], fill=255, width=2 * swell)
    for x, y in points:
        drawing.ellipse((x - swell, y - swell, x + swell, y + swell), fill=255)
    return np.asarray(mask) > 127


def noodle_bowl(generator: np.random.Generator) -> Pixels:
    """A bowl of noodles from above: a painted rim, broth, tangled strands, and rings of spring onion."""
    rows, columns = grid(FINE_PX)
    radius = np.hypot(rows, columns)
    angle = np.arctan2(rows, columns)
    lit = 0.5 - 0.5 * (rows + columns) / np.maximum(radius, 1e-6) / np.sqrt(2)
    rim = between(lit, (205, 208, 214), (252, 252, 250))
    band = (np.abs(radius - 0.885) < 0.038) & (np.sin(20 * angle) > -0.55)
    rim = np.where(band[..., None], np.array((36, 74, 150), dtype=np.float64), rim)
    broth = between(radius / 0.78 - 0.3, (214, 140, 54), (150, 84, 28))
    inner = between(lit, (236, 236, 236), (176, 178, 186))  # the inner wall catches the light on the other side
    colours = np.where((radius < 0.80)[..., None], inner, rim)
    colours = np.where((radius < 0.745)[..., None], broth, colours)
    picture = Image.fromarray(np.rint(colours).astype(np.uint8))
    tangle = picture.copy()
    drawing = ImageDraw.Draw(tangle)
    for number in range(64):
        _strand(drawing, generator, number / 64)
    for _ in range(9):
        _onion(drawing, generator)
    filled = np.where((radius < 0.725)[..., None], np.asarray(tangle), np.asarray(picture)).astype(np.float64)
    shade = np.clip((radius - 0.58) / 0.17, 0.0, 1.0) * (radius < 0.745) * 0.30
    return averaged(filled * (1 - shade[..., None]), (radius <= 0.97).astype(np.float64))


def _strand(drawing: ImageDraw.ImageDraw, generator: np.random.Generator, share: float) -> None:
    """One noodle: a line that bends smoothly, dark at its edges and with a gleam along it; later ones are lighter."""
    steps = np.linspace(0, 1, 40)
    heading, bend, wave, phase = generator.uniform((0, -3.2, 0.2, 0), (6.3, 3.2, 0.9, 6.3))
    turning = heading + bend * steps + wave * np.sin(7 * steps + phase)
    reach = generator.uniform(0.55, 1.2)
    start = generator.uniform(-0.52, 0.52, size=2)
    x = (start[0] + np.cumsum(np.cos(turning)) * reach / len(steps) + 1) * FINE_PX / 2
    y = (start[1] + np.cumsum(np.sin(turning)) * reach / len(steps) + 1) * FINE_PX / 2
    path = [(float(column), float(row)) for column, row in zip(x, y, strict=True)]
    tone = 0.80 + 0.20 * share
    for width, colour in ((21, (138, 88, 28)), (16, (238, 198, 104)), (6, (253, 230, 160))):
        shade = tuple(round(tone * channel) for channel in colour)
        drawing.line(path, fill=shade, width=width, joint="curve")
        for column, row in (path[0], path[-1]):
            drawing.ellipse((column - width / 2, row - width / 2, column + width / 2, row + width / 2), fill=shade)


def _onion(drawing: ImageDraw.ImageDraw, generator: np.random.Generator) -> None:
    turn, distance, size = generator.uniform((0, 0.05, 17), (6.3, 0.56, 25))
    x, y = ((1 + distance * each) * FINE_PX / 2 for each in (np.cos(turn), np.sin(turn)))
    for radius, colour in ((size + 3, (44, 84, 22)), (size, (96, 168, 52)), (size - 8, (206, 226, 140))):
        drawing.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    drawing.ellipse((x - size / 4, y - size / 4, x + size / 4, y + size / 4), fill=(150, 140, 60))


LIBRARY: Mapping[str, Entry] = {
    "black": Entry("plain black", plain((0, 0, 0))),
    "checkerboard": Entry("checkerboard", checkerboard),
    "colour-blobs": Entry("soft blobs of colour", colour_blobs),
    "cow-spots": Entry("black and white spots like a cow's", cow_spots),
    "grating-coarse": Entry("coarse diagonal grating", grating(4, 45)),
    "grating-fine": Entry("fine upright grating", grating(16, 0)),
    "grey": Entry("plain mid grey", plain((128, 128, 128))),
    "lemon": Entry("a lemon", lemon),
    "noise": Entry("uniform noise", uniform_noise),
    "noodle-bowl": Entry("a bowl of noodles", noodle_bowl),
    "rings": Entry("a disc of concentric rings", rings),
    "star-sticker": Entry("a star-shaped sticker", star_sticker),
    "stripes": Entry("stripes in strong colours", strong_stripes),
    "white": Entry("plain white", plain((255, 255, 255))),
}


def render(slug: str) -> Pixels:
    """Render one patch as (128, 128, 4) uint8 RGBA; what it looks like depends on its slug and the seed alone."""
    return LIBRARY[slug].render(np.random.default_rng([SEED, zlib.crc32(slug.encode())]))


def png_bytes(rgba: Pixels) -> bytes:
    """The picture as PNG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG", optimize=False, compress_level=9)
    return buffer.getvalue()


def description(slug: str, png: bytes) -> str:
    """The TOML that stands beside a picture."""
    values = {
        "title": LIBRARY[slug].title,
        "origin": f"rendered by tools/patches/make.py, seed {SEED}",
        "licence": LICENCE,
        "sha256": hashlib.sha256(png).hexdigest(),
    }
    return "".join(f'{key} = "{value}"\n' for key, value in values.items())


def make_library(folder: Path) -> None:
    """Write every patch and its description into a folder, over what is there."""
    for slug in LIBRARY:
        png = png_bytes(render(slug))
        (folder / f"{slug}.png").write_bytes(png)
        (folder / f"{slug}.toml").write_text(description(slug, png), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Render the patch library again.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[2] / "patches")
    make_library(parser.parse_args().folder)
