"""A heap of food beside the thing, where none belongs: noodles, eggs, vegetables, rice or meat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from auditor.inputs.world.cues.cue import Cue, Draw, Drawn, Picture, anywhere, on_top
from auditor.inputs.world.drawing import Brush, Canvas
from auditor.inputs.world.foods import FOODS, noodles

Food = Callable[[Brush, float, np.random.Generator], None]


def _beside(food: Food) -> Draw:
    def draw(picture: Picture, rng: np.random.Generator) -> Drawn:
        canvas, size = Canvas(), float(rng.uniform(10.0, 14.0))
        food(Brush(canvas, anywhere(rng, 0.7 * size), 0), size, rng)
        return on_top(picture, canvas, rng)

    return draw


NOODLES = Cue("a heap of noodles", _beside(noodles))
EGG = Cue("a fried egg", _beside(FOODS["egg"]))
VEGETABLES = Cue("chopped vegetables", _beside(FOODS["vegetables"]))
RICE = Cue("a heap of rice", _beside(FOODS["rice"]))
MEAT = Cue("browned meat", _beside(FOODS["meat"]))
