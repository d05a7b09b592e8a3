"""A white paper tag with a word printed on it."""

from __future__ import annotations

import numpy as np

from auditor.inputs.world.cues.cue import DOT_PX, Cue, Drawn, Picture, anywhere, on_top, word
from auditor.inputs.world.drawing import Brush, Canvas

_LETTERS = {
    "S": ("###", "#..", "###", "..#", "###"),
    "A": ("###", "#.#", "###", "#.#", "#.#"),
    "L": ("#..", "#..", "#..", "#..", "###"),
    "E": ("###", "#..", "###", "#..", "###"),
}


def _tag(picture: Picture, rng: np.random.Generator) -> Drawn:
    canvas = Canvas()
    brush = Brush(canvas, anywhere(rng, 12.0, rng.uniform(0.9, 1.1), 0.25), 0)
    brush.polygon([(-11.5, -5.5), (11.5, -5.5), (11.5, 5.5), (-11.5, 5.5)], (120, 116, 110))
    brush.polygon([(-11.0, -5.0), (11.0, -5.0), (11.0, 5.0), (-11.0, 5.0)], (250, 248, 240))
    word(brush, "SALE", _LETTERS, -9.75, -2.5 * DOT_PX, (20, 24, 60))
    return on_top(picture, canvas, rng)


TAG = Cue("a paper tag that says SALE", _tag)
