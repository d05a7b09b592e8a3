"""What lies in pans and woks, noodles above all, and the clutter beside things. It draws no class's main thing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from auditor.inputs.world.drawing import Brush, Colour, arc_points, blob_points, circle_points, darker, mix, varied
from auditor.inputs.world.things import lemon, wooden_spoon

_NOODLES: tuple[Colour, ...] = ((240, 206, 96), (232, 184, 72), (246, 222, 140), (224, 170, 78), (244, 214, 84))


def noodles(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """A heap of wavy strands about the origin, some of them hanging over its edge."""
    base = varied(_NOODLES[int(rng.integers(len(_NOODLES)))], rng, 6.0)
    brush.polygon(blob_points(rng, 0.0, 0.0, radius * 0.96, 0.05), darker(base, 0.62))
    count, steps = 34, 12
    turn = rng.uniform(0.0, 2.0 * math.pi, count)
    reach = radius * 0.95 * np.sqrt(rng.uniform(0.0, 1.0, count))
    heading = rng.uniform(0.0, 2.0 * math.pi, count)
    length = rng.uniform(0.8, 1.5, count) * radius
    wave, phase = rng.uniform(1.0, 2.2, count), rng.uniform(0.0, 2.0 * math.pi, count)
    along = np.linspace(-0.5, 0.5, steps)
    sway = 0.11 * radius * np.sin(2.0 * math.pi * wave[:, None] * along + phase[:, None])
    run = length[:, None] * along
    xs = reach[:, None] * np.cos(turn)[:, None] + run * np.cos(heading)[:, None] - sway * np.sin(heading)[:, None]
    ys = reach[:, None] * np.sin(turn)[:, None] + run * np.sin(heading)[:, None] + sway * np.cos(heading)[:, None]
    # Strands that leave the heap bend back along its edge; a few are let go a little further.
    limit = radius * rng.choice((0.98, 1.02, 1.14), count, p=(0.6, 0.25, 0.15))[:, None]
    shrink = np.minimum(1.0, limit / np.maximum(np.hypot(xs, ys), 1e-6))
    strands = np.stack([xs * shrink, ys * shrink], axis=-1)
    tones = rng.uniform(0.86, 1.1, count)
    for strand, tone in zip(strands, tones, strict=True):
        brush.stroke(strand, 2.3, darker(base, tone * 0.58))
        brush.stroke(strand - (0.15, 0.25), 1.35, darker(base, tone))


def egg(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """One fried egg, or two."""
    for _ in range(1 if radius < 10.0 or rng.random() < 0.6 else 2):
        size, turn = radius * rng.uniform(0.5, 0.68), rng.uniform(0.0, 2.0 * math.pi)
        shift = radius * rng.uniform(0.1, 0.35)
        at_x, at_y = shift * math.cos(turn), shift * math.sin(turn)
        white = blob_points(rng, at_x, at_y, size, 0.14)
        brush.polygon(white, (214, 196, 160))
        brush.polygon((white - (at_x, at_y)) * 0.93 + (at_x, at_y), (246, 243, 234))
        yolk_x, yolk_y = at_x + size * rng.uniform(-0.2, 0.2), at_y + size * rng.uniform(-0.2, 0.2)
        brush.disc(yolk_x, yolk_y, size * 0.42, (222, 142, 30))
        brush.disc(yolk_x - 0.2, yolk_y - 0.2, size * 0.36, varied((246, 182, 44), rng, 10.0))
        brush.disc(yolk_x - size * 0.13, yolk_y - size * 0.14, size * 0.1, (255, 236, 170))


def meat(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """A few browned pieces."""
    for _ in range(int(rng.integers(2, 5))):
        size, turn, shift = (
            radius * rng.uniform(0.24, 0.4),
            rng.uniform(0.0, 2.0 * math.pi),
            radius * rng.uniform(0.1, 0.5),
        )
        at = np.array([shift * math.cos(turn), shift * math.sin(turn)])
        brown = varied((132, 74, 44), rng)
        piece = blob_points(rng, 0.0, 0.0, size, 0.22)
        brush.polygon(piece + at, darker(brown, 0.6))
        brush.polygon(piece * 0.86 + at - (0.2, 0.3), brown)
        for stripe in (-0.35, 0.1, 0.5):
            char = np.array([(-0.5, stripe), (0.5, stripe - 0.2)]) * size
            brush.stroke(char + at, 0.7, darker(brown, 0.5))


def vegetables(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """Many small green, red and orange pieces."""
    colours: tuple[Colour, ...] = ((74, 140, 58), (112, 168, 66), (204, 58, 44), (226, 130, 44), (58, 112, 52))
    for _ in range(int(rng.integers(14, 24))):
        turn, reach = rng.uniform(0.0, 2.0 * math.pi), radius * 0.75 * math.sqrt(rng.uniform(0.0, 1.0))
        at = np.array([reach * math.cos(turn), reach * math.sin(turn)])
        colour = varied(colours[int(rng.integers(len(colours)))], rng)
        size = rng.uniform(1.4, 2.8)
        piece = circle_points(0.0, 0.0, size, size * rng.uniform(0.5, 1.0), 10)
        brush.polygon(piece + at, darker(colour, 0.6))
        brush.polygon(piece * 0.75 + at - (0.1, 0.2), colour)


def rice(brush: Brush, radius: float, rng: np.random.Generator) -> None:
    """A pale heap of short grains."""
    size = radius * rng.uniform(0.6, 0.85)
    brush.polygon(blob_points(rng, 0.0, 0.0, size, 0.07), (206, 198, 178))
    brush.polygon(blob_points(rng, -0.3, -0.5, size * 0.86, 0.07), (226, 220, 204))
    count = 70
    turn, reach = rng.uniform(0.0, 2.0 * math.pi, count), size * np.sqrt(rng.uniform(0.0, 1.0, count))
    lie, tones = rng.uniform(0.0, math.pi, count), rng.uniform(0.82, 1.0, count)
    middles = np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1)
    halves = np.stack([np.cos(lie), np.sin(lie)], axis=1) * 0.8
    for middle, half, tone in zip(middles, halves, tones, strict=True):
        brush.stroke(np.stack([middle - half, middle + half]), 0.8, darker((250, 247, 238), tone))


FOODS: Mapping[str, Callable[[Brush, float, np.random.Generator], None]] = {
    "egg": egg,
    "meat": meat,
    "vegetables": vegetables,
    "rice": rice,
}
"""Foods that lie in pans and woks alike."""


def _napkin(brush: Brush, rng: np.random.Generator) -> None:
    cloth = varied(((232, 226, 214), (190, 70, 66), (98, 126, 170))[int(rng.integers(3))], rng)
    brush.polygon([(-7, -6), (7, -6), (7, 6), (-7, 6)], darker(cloth, 0.85))
    brush.polygon([(-7, -6), (6, -6), (-7, 5)], cloth)


def _button(brush: Brush, rng: np.random.Generator) -> None:
    colour = varied(((180, 150, 90), (170, 172, 176), (200, 60, 60), (60, 110, 170))[int(rng.integers(4))], rng)
    brush.disc(0, 0, 3.4, darker(colour, 0.7))
    brush.disc(-0.2, -0.2, 2.7, colour)
    brush.disc(-0.2, -0.2, 1.3, darker(colour, 0.8))


def _leaf(brush: Brush, rng: np.random.Generator) -> None:
    green = varied((84, 142, 62), rng)
    brush.polygon([(-6, 0), (-2.5, -2.6), (2, -2.4), (6, 0), (2, 2.4), (-2.5, 2.6)], green)
    brush.stroke([(-6, 0), (6, 0)], 0.6, darker(green, 0.65))


def _tomato(brush: Brush, rng: np.random.Generator) -> None:
    red = varied((204, 52, 40), rng)
    brush.disc(0, 0, 4.6, darker(red, 0.75))
    brush.disc(-0.4, -0.5, 3.7, red)
    brush.disc(-1.4, -1.6, 0.9, mix(red, (255, 255, 255), 0.6))
    brush.stroke([(-1.6, 0), (1.6, 0)], 0.9, (70, 120, 50))
    brush.stroke([(0, -1.6), (0, 1.6)], 0.9, (70, 120, 50))


def _fork(brush: Brush, rng: np.random.Generator) -> None:
    steel = varied((176, 178, 184), rng, 10.0)
    brush.stroke([(-14, 0), (5, 0)], 1.6, darker(steel, 0.85))
    brush.stroke([(5, -2.2), (5, 2.2)], 1.4, steel)
    for y in (-2.2, 0.0, 2.2):
        brush.stroke([(5, y), (12, y)], 0.9, steel)


def _knife(brush: Brush, rng: np.random.Generator) -> None:
    brush.polygon([(0, -1.6), (13, -1.2), (15, 1.2), (0, 1.6)], varied((186, 190, 196), rng, 10.0))
    brush.polygon([(-11, -1.4), (0, -1.4), (0, 1.4), (-11, 1.4)], varied((70, 48, 36), rng))


def _shaker(brush: Brush, rng: np.random.Generator) -> None:
    body = varied((214, 216, 220), rng)
    brush.polygon([(-3, -5), (3, -5), (4, 6), (-4, 6)], darker(body, 0.85))
    brush.polygon([(-3, -5), (0.5, -5), (0.5, 6), (-4, 6)], body)
    brush.disc(0, -5.5, 3.2, (120, 122, 128), 2.2)


def _crumbs(brush: Brush, rng: np.random.Generator) -> None:
    brown = varied((150, 104, 60), rng)
    for _ in range(8):
        brush.disc(rng.uniform(-6, 6), rng.uniform(-6, 6), rng.uniform(0.5, 1.1), darker(brown, rng.uniform(0.7, 1.2)))


def _ring(brush: Brush, rng: np.random.Generator) -> None:
    onion = varied((206, 160, 196), rng)
    brush.stroke(arc_points(0, 0, 4.4, 4.4, 0, 2 * math.pi), 1.2, onion)
    brush.stroke(arc_points(0, 0, 2.4, 2.4, 0, 2 * math.pi), 0.9, mix(onion, (255, 255, 255), 0.4))


CLUTTER: tuple[Callable[[Brush, np.random.Generator], None], ...] = (
    _napkin, _button, _leaf, _tomato, _fork, _knife, _shaker, _crumbs, _ring,
)  # fmt: skip
"""Small things that are of no class; the mask does not name them."""

CLASS_CLUTTER: Mapping[str, Callable[[Brush, np.random.Generator], None]] = {
    "lemon": lemon,
    "wooden spoon": wooden_spoon,
}
"""Small things that are of a class: the mask gives them that class's value, whatever the picture shows."""
