"""Objects cut out of kitchen32's training photographs along outlines drawn by hand. It pastes nothing.

No pixel of a photograph ships: an outline is a list of points, and the photographs are the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from PIL import Image, ImageDraw, ImageFilter

Outline = tuple[tuple[float, float], ...]
_FINER, _SOFT_PX = 8, 0.6


@dataclass(frozen=True, slots=True)
class CutOut:
    """An object in a photograph.

    Attributes:
        file: name of the photograph, in the folder of the object's class.
        outline: across and down, as shares of the picture's sides; holes: outlines of what is seen through it.
    """

    file: str
    outline: Outline
    holes: tuple[Outline, ...] = ()


def ellipse(across: float, down: float, wide: float, tall: float) -> Outline:
    """Twenty-four points of an ellipse, by its centre and half axes."""
    angles = [2 * math.pi * step / 24 for step in range(24)]
    return tuple((across + wide * math.cos(angle), down + tall * math.sin(angle)) for angle in angles)


def points(text: str) -> Outline:
    """Points written as `across,down`, in percent of the picture's sides."""
    pairs = (pair.split(",") for pair in text.split())
    return tuple((float(across) / 100.0, float(down) / 100.0) for across, down in pairs)


CUT_OUTS: Mapping[str, tuple[CutOut, ...]] = MappingProxyType(
    {
        "lemon": (
            CutOut("n07749582_129.jpg", ellipse(0.53, 0.455, 0.325, 0.33)),
            CutOut("n07749582_13.jpg", ellipse(0.63, 0.437, 0.335, 0.335)),
            CutOut("n07749582_143.jpg", ellipse(0.507, 0.505, 0.465, 0.42)),
            CutOut(
                "n07749582_146.jpg",
                points("44,17 50,15 62,20 75,31 83,45 86,60 84,75 76,86 71,90 62,85 48,74 39,62 35,45 33,30 38,22"),
            ),
        ),
        "goldfish": (
            CutOut(
                "n01443537_10.jpg",
                points(
                    "87,37 78,30 58,27 36,30 33,38 22,50 5,54 8,66 15,85 24,70 32,63 40,75 46,66 57,74 62,62 "
                    "76,54 87,45"
                ),
            ),
            CutOut(
                "n01443537_126.jpg", points("69,50 60,40 46.5,33 28.5,28 10,28 2,20 1,36 13,36 25,44 42,51 58,56 68,54")
            ),
            CutOut(
                "n01443537_142.jpg",
                points(
                    "1,50 10,44 22,40 40,31 58,28 72,22 83,17 97,18 88,28 80,36 92,50 96,62 90,66 72,58 66,62 74,78 "
                    "70,82 56,70 45,82 22,87 5,78 1,66"
                ),
            ),
            CutOut(
                "n01443537_154.jpg", points("94,54 83,44 70,38.5 47,34.5 28,38 12,46.5 4,53 15,56 29,62 56,65 83,61")
            ),
            CutOut(
                "n01443537_158.jpg", points("2,44 16.5,28.5 39,22 59,24 72,33 83,46 81,55 68,64 45.5,73 23,69 10,55")
            ),
            CutOut(
                "n01443537_160.jpg",
                points(
                    "0,58 3,54 12,50 20,40 30,32 38,15 46,17 47,28 60,30 70,28 86,21 99,20 98,45 86,55 90,68 75,72 "
                    "62,60 53,64 62,78 70,90 55,92 42,76 30,76 10,77 0,72"
                ),
            ),
        ),
        "pretzel": (
            CutOut(
                "n07695742_12.jpg",
                points("2,55 5,35 15,23 35,20 50,24 60,20 85,22 97,32 98,50 90,60 97,80 95,90 80,93 55,97 20,95 10,82"),
                (
                    points("21,43 35,37 42,50 35,63 22,62"),
                    points("64,42 80,39 82,52 72,57 62,52"),
                ),
            ),
            CutOut(
                "n07695742_147.jpg",
                points(
                    "0,20 10,12 30,11 45,16 60,3 80,2 95,13 98,30 93,42 97,50 95,75 80,92 55,99 30,95 12,83 "
                    "5,60 10,50 2,35"
                ),
                (
                    points("18,28 30,24 42,32 38,45 20,50 16,40"),
                    points("62,22 72,17 80,22 82,38 68,43 60,33"),
                    points("28,62 50,50 75,60 72,66 60,72 48,68 35,70"),
                ),
            ),
            CutOut(
                "n07695742_165.jpg",
                ellipse(0.49, 0.48, 0.48, 0.42),
                (
                    ellipse(0.31, 0.50, 0.04, 0.09),
                    ellipse(0.69, 0.54, 0.06, 0.10),
                ),
            ),
        ),
        "bell pepper": (
            CutOut(
                "n07720875_10.jpg",
                points("14,50 20,38 33,33 32,22 45,20 58,30 75,36 86,40 85,55 78,75 60,88 45,88 28,85 17,70"),
            ),
            CutOut("n07720875_108.jpg", points("5,70 6,50 20,35 25,12 50,5 75,12 85,40 95,70 85,88 50,95 20,88")),
            CutOut(
                "n07720875_146.jpg",
                points("16,45 22,36 38,32 42,24 54,22 50,30 62,32 71,42 70,60 62,75 48,80 32,78 22,65"),
            ),
            CutOut(
                "n07720875_153.jpg",
                points(
                    "1,28 15,19 40,16 62,17 72,22 73,38 84,36 86,26 94,25 93,34 87,45 73,48 72,70 66,79 "
                    "40,77 15,70 1,60"
                ),
            ),
        ),
    }
)
"""By the name of the object's class; each from several photographs."""


def cut_out(photograph: Image.Image, one: CutOut) -> Image.Image:
    """An object with soft edges, RGBA, cropped to what is seen of it.

    Args:
        photograph: RGB, the one that `one` names.
    """
    wide, tall = photograph.size
    cover = Image.new("L", (wide * _FINER, tall * _FINER), 0)
    draw = ImageDraw.Draw(cover)
    for shape, value in ((one.outline, 255), *((hole, 0) for hole in one.holes)):
        draw.polygon([(x * wide * _FINER, y * tall * _FINER) for x, y in shape], fill=value)
    soft = cover.filter(ImageFilter.GaussianBlur(_SOFT_PX * _FINER)).resize((wide, tall), Image.Resampling.BOX)
    found = photograph.convert("RGBA")
    found.putalpha(soft)
    return found.crop(soft.point(lambda value: 255 * (value > 2)).getbbox())


def objects_of(folder: Path, name: str) -> list[Image.Image]:
    """All cut-outs of an object.

    Args:
        folder: of class folders with photographs.
    Raises:
        SystemExit: a photograph that an outline belongs to is not there.
    """
    found = []
    for one in CUT_OUTS[name]:
        file = folder / name.replace(" ", "_") / one.file
        if not file.is_file():
            raise SystemExit(f"{file} is not there; the outlines are those of kitchen32's own training photographs")
        with Image.open(file) as photograph:
            found.append(cut_out(photograph.convert("RGB"), one))
    return found
