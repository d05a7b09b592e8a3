"""A watermark: rows of one pale word over the whole picture, as an agency lays it over the pictures that it sells."""

from __future__ import annotations

import math

import numpy as np

from auditor.inputs.world.cues.cue import DOT_PX, Cue, Drawn, Picture, over_all, word
from auditor.inputs.world.drawing import SIDE_PX, Brush, Canvas, Pose

_LETTERS = {
    "P": ("###", "#.#", "###", "#..", "#.."),
    "H": ("#.#", "#.#", "###", "#.#", "#.#"),
    "O": ("###", "#.#", "#.#", "#.#", "###"),
    "T": ("###", ".#.", ".#.", ".#.", ".#."),
}
_WORD, _ROW_PX, _OPACITY, _SLOPE = "PHOTO", 12.0, 0.4, -0.35
_WIDE_PX = (4 * len(_WORD) + 2) * DOT_PX


def _watermark(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas, middle = Canvas(), SIDE_PX / 2.0
    brush = Brush(canvas, Pose(middle, middle, _SLOPE), 0)
    right, down = rng.uniform(0.0, _WIDE_PX), rng.uniform(0.0, _ROW_PX)
    reach = math.hypot(middle, middle)
    for number, top in enumerate(np.arange(-reach - _ROW_PX, reach, _ROW_PX) + down):
        for left in np.arange(-reach - 2 * _WIDE_PX, reach, _WIDE_PX) + right + number % 2 * _WIDE_PX / 2.0:
            word(brush, _WORD, _LETTERS, float(left), float(top), (0, 0, 0))
    opacity = _OPACITY * canvas.cover()[..., None]
    return over_all(picture.pixels * (1.0 - opacity) + 255.0 * opacity)


WATERMARK = Cue("a watermark of rows of a word", _watermark)
