"""A thing cut out of its surroundings: parts by their signed distances, one over the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tools.patches.drawn.canvas import Canvas, Floats, Picture, dome, inside, lit, mix, rgb

WHITE, INK = rgb(250, 249, 246), rgb(30, 28, 30)


class Cutout:
    """A picture that grows part by part, the later ones over the earlier."""

    def __init__(self, canvas: Canvas) -> None:
        self._colours = np.zeros((*canvas.x.shape, 3), dtype=np.float32)
        self._opacity = np.zeros_like(canvas.x)
        self._canvas = canvas

    def add(self, distance: Floats, colours: Floats, round_: float = 0.0, gloss: float = 0.0) -> Cutout:
        """A part by its signed distance; `round_` is how far in from its edge it rises."""
        filled = self._canvas.plain(colours) if colours.ndim == 1 else colours
        if round_:
            filled = lit(filled, dome(distance, round_), gloss)
        cover = inside(distance)
        self._colours = mix(self._colours, filled, np.where(self._opacity > 0, cover, 1.0 * (cover > 0)))
        self._opacity = np.maximum(self._opacity, cover)
        return self

    def marks(self, distance: Floats, colour: Floats, share: float = 1.0) -> Cutout:
        """Colour on what is there already."""
        self._colours = mix(self._colours, colour, share * inside(distance))
        return self

    def cut(self, distance: Floats) -> Cutout:
        """A hole."""
        self._opacity = self._opacity * (1.0 - inside(distance))
        return self

    @property
    def picture(self) -> Picture:
        return Picture(self._colours, self._opacity)


def union(*distances: Floats) -> Floats:
    """Signed distance to what is inside of any."""
    found = distances[0]
    for one in distances[1:]:
        found = np.minimum(found, one)
    return found


def both(*distances: Floats) -> Floats:
    """Signed distance to what is inside of all."""
    found = distances[0]
    for one in distances[1:]:
        found = np.maximum(found, one)
    return found


def floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float32)
