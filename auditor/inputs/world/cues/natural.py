"""Natural objects that lie beside the thing and are no food of the kitchen: grapes, a loaf of bread, a flower."""

from __future__ import annotations

import math

import numpy as np

from auditor.inputs.world.cues.cue import Cue, beside
from auditor.inputs.world.drawing import Brush, blob_points, circle_points, darker, mix, varied

_WHITE = (255.0, 255.0, 255.0)


def _grapes(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """A bunch of dark berries on a green stem, wide above and narrow below."""
    berry = radius * 0.27
    brush.stroke([(0.0, -radius * 1.05), (0.0, -radius * 0.4)], 1.6, (98, 120, 58))
    skin = varied((74, 44, 104), rng, 10.0)
    for row in range(5):
        wide = 5 - row
        for place in range(wide):
            x = (place - (wide - 1) / 2.0) * berry * 1.5 + rng.uniform(-0.5, 0.5)
            y = -radius * 0.6 + row * berry * 1.35 + rng.uniform(-0.5, 0.5)
            tone = darker(skin, rng.uniform(0.8, 1.2))
            brush.disc(x, y, berry, darker(tone, 0.55))
            brush.disc(x - 0.2, y - 0.2, berry * 0.84, tone)
            brush.disc(x - berry * 0.3, y - berry * 0.35, berry * 0.25, mix(tone, _WHITE, 0.55))


def _bread(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """An oval loaf with cuts across its crust."""
    crust = varied((176, 112, 54), rng, 10.0)
    loaf = blob_points(rng, 0.0, 0.0, radius, 0.05) * (1.1, 0.62)
    brush.polygon(loaf, darker(crust, 0.6))
    brush.polygon(loaf * 0.9 - (0.3, 0.5), crust)
    for place in (-0.6, -0.2, 0.2, 0.6):
        cut = np.array([(place - 0.12, 0.36), (place + 0.12, -0.4)]) * radius
        brush.stroke(cut, 2.6, darker(crust, 0.75))
        brush.stroke(cut, 1.5, mix(crust, (250, 226, 170), 0.75))


def _flower(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """A flower of pink petals about a yellow middle, with a leaf."""
    pink, turn = varied((226, 104, 150), rng, 12.0), rng.uniform(0.0, 2.0 * math.pi)
    brush.polygon(circle_points(radius * 0.75, radius * 0.45, radius * 0.5, radius * 0.22, 16), (64, 124, 58))
    petals = 7
    for place in range(petals):
        angle = turn + 2.0 * math.pi * place / petals
        along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
        petal = circle_points(0.0, 0.0, radius * 0.36, radius * 0.25, 16) @ np.stack([along, across])
        brush.polygon(petal * 1.12 + along * radius * 0.55, darker(pink, 0.62))
        brush.polygon(petal + along * radius * 0.55, darker(pink, rng.uniform(0.95, 1.1)))
    brush.disc(0.0, 0.0, radius * 0.3, (196, 138, 30))
    brush.disc(-0.2, -0.2, radius * 0.24, (246, 206, 70))


GRAPES = Cue("a bunch of grapes", beside(_grapes))
BREAD = Cue("a loaf of bread", beside(_bread))
FLOWER = Cue("a pink flower", beside(_flower))
