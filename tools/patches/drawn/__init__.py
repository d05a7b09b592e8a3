"""Things and textures drawn by formulas and keyed random numbers: what no photograph of an audit need show. Tries none.

Another one is a function in one of the files here and a line in that file's table.
"""

from __future__ import annotations

from collections.abc import Mapping

from auditor.core.records import PixelArray
from tools.patches.drawn.canvas import Drawing, drawn
from tools.patches.drawn.creatures import CREATURES
from tools.patches.drawn.food import FOOD
from tools.patches.drawn.grown import GROWN
from tools.patches.drawn.made import MADE
from tools.patches.drawn.patterns import PATTERNS
from tools.patches.drawn.signs import SIGNS
from tools.patches.drawn.things import THINGS

DRAWINGS: Mapping[str, tuple[Drawing, str]] = {
    f"{name}, {colour}": (drawing, colour)
    for table in (PATTERNS, MADE, GROWN, CREATURES, FOOD, SIGNS, THINGS)
    for name, drawing in table.items()
    for colour in drawing.colours
}
"""By the name that a report prints, such as "honeycomb, yellow": how it is drawn, and in which colour."""


def draw(name: str) -> PixelArray:
    """A drawing of `DRAWINGS` as (4, 96, 96) uint8 RGBA; what it looks like depends on its name alone."""
    drawing, colour = DRAWINGS[name]
    return drawn(drawing, name, colour)
