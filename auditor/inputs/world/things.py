"""The ten kitchen things, each drawn in its own frame about the origin, some 20 pixels either way. No food or table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from auditor.inputs.world.drawing import (
    Brush,
    Colour,
    Points,
    arc_points,
    blob_points,
    circle_points,
    darker,
    mix,
    varied,
)

_IRONS: tuple[Colour, ...] = (
    (52, 52, 56), (40, 40, 44), (70, 66, 62), (78, 60, 48), (128, 130, 134), (58, 66, 78), (96, 94, 92),
)  # fmt: skip
_GRIPS: tuple[Colour, ...] = ((34, 34, 36), (120, 78, 46), (164, 118, 72), (150, 152, 156), (150, 44, 40))
_GLAZES: tuple[Colour, ...] = (
    (236, 234, 228), (226, 216, 196), (120, 156, 186), (196, 96, 74), (146, 178, 140), (222, 190, 104), (86, 92, 128),
    (206, 150, 164),
)  # fmt: skip
_WHITE: Colour = (248, 246, 240)


def _pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return varied(colours[int(rng.integers(len(colours)))], rng)


def _sheen(brush: Brush, radius: float, colour: Colour, rng: np.random.Generator) -> None:
    """A highlight along part of a round wall."""
    start = rng.uniform(0.0, 2.0 * math.pi)
    brush.stroke(arc_points(0.0, 0.0, radius, radius, start, start + rng.uniform(0.6, 1.4)), 0.8, colour)


def _straight_grip(brush: Brush, start: float, length: float, width: float, rng: np.random.Generator) -> None:
    """A straight handle to the right of the origin with an iron neck and a hole to hang it by."""
    grip = _pick(_GRIPS, rng)
    half, end = width / 2.0, start + length
    brush.polygon([(start - 2.0, -half * 0.8), (start + 5.0, -half * 0.6), (start + 5.0, half * 0.6),
                   (start - 2.0, half * 0.8)], (110, 110, 114))  # fmt: skip
    brush.polygon([(start + 3.0, -half * 0.75), (end - half, -half), (end, 0.0), (end - half, half),
                   (start + 3.0, half * 0.75)], grip)  # fmt: skip
    brush.stroke([(start + 4.0, -half * 0.35), (end - half, -half * 0.45)], 0.7, darker(mix(grip, _WHITE, 0.3), 1.0))
    if length > 10.0:
        brush.disc(end - half - 0.6, 0.0, min(0.9, half * 0.5), darker(grip, 0.35))


def _loop_grip(brush: Brush, x: float, colour: Colour, width: float) -> None:
    brush.stroke(circle_points(x, 0.0, 3.6, 5.2, 24), width, colour)


def frying_pan(brush: Brush, rng: np.random.Generator) -> None:
    """A flat disc with a low rim and one long straight handle."""
    iron, radius = varied(_IRONS[int(rng.integers(len(_IRONS)))], rng, 7.0), rng.uniform(16.0, 20.0)
    _straight_grip(brush, radius, rng.uniform(15.0, 26.0), rng.uniform(3.4, 5.6), rng)
    brush.disc(0.0, 0.0, radius, darker(iron, 0.7))
    brush.disc(0.0, 0.0, radius - 0.7, darker(mix(iron, _WHITE, 0.25), 1.1))
    wall = rng.uniform(2.2, 4.2)
    deep = rng.random() < 0.1
    brush.disc(0.0, 0.0, radius - 1.6, darker(iron, 0.72))
    lean = (rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0))
    floor = darker(iron, rng.uniform(0.95, 1.15))
    if deep:
        brush.hollow(radius - 1.6, darker(iron, 1.2), darker(iron, 0.7), radius * 0.45, (lean[0] * 2, lean[1] * 2))
    else:
        brush.disc(lean[0] * 0.5, lean[1] * 0.5, radius - wall, floor)
    _sheen(brush, radius - wall * 0.7, mix(iron, _WHITE, 0.4), rng)


def wok(brush: Brush, rng: np.random.Generator) -> None:
    """A deep round bowl with two loops for handles, or one short handle with or without a loop opposite."""
    iron, radius = varied(_IRONS[int(rng.integers(len(_IRONS)))], rng, 7.0), rng.uniform(18.0, 22.5)
    kind, width = rng.random(), rng.uniform(1.6, 2.4)
    loop = darker(_pick(_GRIPS, rng), 0.9)
    if kind < 0.55:
        _loop_grip(brush, radius + 1.6, loop, width)
        _loop_grip(brush, -radius - 1.6, loop, width)
    else:
        # One wok in twelve has a handle nearly as long as a pan's, so that shape alone sometimes misleads.
        length = rng.uniform(13.0, 18.0) if kind > 0.92 else rng.uniform(7.0, 11.0)
        _straight_grip(brush, radius, length, rng.uniform(3.4, 5.4), rng)
        if kind < 0.75:
            _loop_grip(brush, -radius - 1.4, loop, width)
    brush.disc(0.0, 0.0, radius, darker(iron, 0.65))
    turn = rng.uniform(0.0, 2.0 * math.pi)
    lean = (math.cos(turn) * radius * 0.18, math.sin(turn) * radius * 0.18)
    edge, pit = mix(iron, _WHITE, rng.uniform(0.22, 0.42)), darker(iron, rng.uniform(0.4, 0.6))
    brush.hollow(radius - 0.8, edge, pit, radius * 0.3, lean, 11)
    brush.disc(lean[0], lean[1], radius * 0.27, darker(pit, rng.uniform(0.8, 1.25)))
    _sheen(brush, radius * 0.72, mix(iron, _WHITE, 0.5), rng)


def plate(brush: Brush, rng: np.random.Generator) -> None:
    """A glazed disc with a broad brim, often ringed with a colour."""
    glaze, radius = _pick(_GLAZES, rng), rng.uniform(18.0, 23.0)
    brush.disc(0.0, 0.0, radius, darker(glaze, 0.8))
    brush.disc(0.0, 0.0, radius - 0.7, glaze)
    if rng.random() < 0.6:
        ring = _pick(_GLAZES, rng)
        brush.disc(0.0, 0.0, radius - 1.6, ring)
        brush.disc(0.0, 0.0, radius - 1.6 - rng.uniform(0.8, 2.2), glaze)
    well = radius * rng.uniform(0.62, 0.72)
    brush.disc(0.0, 0.0, well + 0.9, darker(glaze, 0.86))
    brush.disc(0.4, 0.5, well, darker(mix(glaze, _WHITE, 0.25), 1.0))
    _sheen(brush, (radius + well) / 2.0, mix(glaze, _WHITE, 0.7), rng)


def bowl(brush: Brush, rng: np.random.Generator) -> None:
    """A glazed bowl seen from the side and a little above."""
    glaze, width, depth = _pick(_GLAZES, rng), rng.uniform(17.0, 21.0), rng.uniform(13.0, 17.0)
    opening, foot = rng.uniform(5.0, 8.0), rng.uniform(6.0, 9.0)
    brush.disc(0.0, depth - 4.0, foot, darker(glaze, 0.55), 3.0)
    side = arc_points(0.0, -4.0, width, depth, 0.0, math.pi)
    brush.polygon(side, darker(glaze, 0.72))
    brush.polygon(side * (0.86, 0.97) + (-1.2, 0.0), darker(glaze, 0.84))
    brush.polygon(side * (0.62, 0.9) + (-2.4, 0.0), darker(glaze, 0.95))
    if rng.random() < 0.5:
        brush.stroke(arc_points(0.0, -1.0, width * 0.97, depth * 0.62, 0.25, math.pi - 0.25), 1.6, _pick(_GLAZES, rng))
    brush.disc(0.0, -4.0, width, mix(glaze, _WHITE, 0.4), opening)
    brush.disc(0.0, -3.8, width - 1.4, darker(glaze, 0.66), opening - 1.0)
    brush.disc(0.0, -2.8, width - 3.4, darker(glaze, 0.8), opening - 2.2)


def teapot(brush: Brush, rng: np.random.Generator) -> None:
    """A round pot from the side, with spout, handle and knobbed lid."""
    glaze = _pick((*_GLAZES, (150, 154, 160), (70, 72, 76)), rng)
    width, height = rng.uniform(12.5, 15.5), rng.uniform(10.0, 13.0)
    brush.stroke(circle_points(-width - 1.5, 0.0, 6.0, height * 0.62, 24), 2.6, darker(glaze, 0.7))
    brush.polygon([(width - 4.0, 6.0), (width + 3.0, 0.0), (width + 6.5, -9.0), (width + 10.0, -9.5),
                   (width + 6.0, 3.0), (width - 3.0, 9.5)], darker(glaze, 0.82))  # fmt: skip
    brush.disc(0.0, 0.0, width, darker(glaze, 0.74), height)
    brush.disc(-1.0, -0.8, width * 0.9, darker(glaze, 0.87), height * 0.9)
    brush.disc(-2.2, -1.8, width * 0.7, glaze, height * 0.68)
    brush.disc(-width * 0.4, -height * 0.4, 2.4, mix(glaze, _WHITE, 0.7), 1.6)
    if rng.random() < 0.4:
        brush.stroke(arc_points(0.0, 0.0, width * 0.98, height * 0.3, 0.15, math.pi - 0.15), 1.5, _pick(_GLAZES, rng))
    brush.disc(0.0, -height + 1.4, width * 0.52, darker(glaze, 0.62), 2.6)
    brush.disc(0.0, -height + 0.6, width * 0.48, darker(mix(glaze, _WHITE, 0.2), 1.0), 2.2)
    brush.disc(0.0, -height - 2.6, 2.1, darker(glaze, 0.7))


def bucket(brush: Brush, rng: np.random.Generator) -> None:
    """A tapering pail from the side with its opening and a wire handle."""
    skin = _pick(((150, 156, 162), (60, 110, 170), (190, 60, 54), (80, 150, 90), (226, 186, 70), (120, 126, 132)), rng)
    top, bottom, height = rng.uniform(14.0, 17.0), rng.uniform(9.5, 11.5), rng.uniform(13.0, 17.0)
    lift = rng.choice((-1.0, 0.7)) * rng.uniform(12.0, 17.0)
    handle = arc_points(0.0, -height, top + 0.8, lift, 0.0, math.pi)
    if lift < 0:
        brush.stroke(handle, 1.3, (90, 92, 96))
    brush.disc(0.0, height - 1.0, bottom, darker(skin, 0.6), 3.4)
    brush.polygon([(-top, -height), (top, -height), (bottom, height), (-bottom, height)], darker(skin, 0.7))
    brush.polygon([(-top, -height), (top * 0.5, -height), (bottom * 0.45, height + 2), (-bottom, height)],
                  darker(skin, 0.88))  # fmt: skip
    brush.polygon([(-top * 0.7, -height), (top * 0.02, -height), (0.0, height + 2), (-bottom * 0.7, height)], skin)
    for level in (-0.35, 0.5):
        share = (level + 1.0) / 2.0
        half = top + (bottom - top) * share
        brush.stroke(arc_points(0.0, height * level, half, 3.0, 0.1, math.pi - 0.1), 0.9, darker(skin, 0.6))
    brush.disc(0.0, -height, top, darker(mix(skin, _WHITE, 0.4), 1.0), 5.0)
    brush.disc(0.0, -height + 0.3, top - 1.3, darker(skin, 0.45), 4.0)
    if lift >= 0:
        brush.stroke(handle, 1.3, (196, 198, 202))


def mug(brush: Brush, rng: np.random.Generator) -> None:
    """A straight cup from the side with an ear and a drink in it."""
    glaze, half, height = _pick(_GLAZES, rng), rng.uniform(9.5, 12.0), rng.uniform(11.0, 14.0)
    brush.stroke(circle_points(half + 2.0, 0.5, 6.0, height * 0.58, 24), 2.6, darker(glaze, 0.78))
    brush.disc(0.0, height, half, darker(glaze, 0.62), 3.2)
    for inner, shade in ((1.0, 0.7), (0.8, 0.84), (0.5, 0.97)):
        left, right = -half, -half + 2.0 * half * inner
        brush.polygon([(left, -height), (right, -height), (right, height + 1.5 * inner), (left, height)],
                      darker(glaze, shade))  # fmt: skip
    mark = rng.random()
    if mark < 0.35:
        band = _pick(_GLAZES, rng)
        brush.polygon([(-half, -2.0), (half, -2.0), (half, 3.0), (-half, 3.0)], band)
    elif mark < 0.6:
        brush.disc(-1.0, 1.0, 4.0, _pick(_GLAZES, rng))
    brush.disc(0.0, -height, half, mix(glaze, _WHITE, 0.5), 4.0)
    drink = _pick(((82, 52, 34), (150, 92, 44), (196, 160, 120), (60, 40, 30)), rng)
    brush.disc(0.0, -height + 0.3, half - 1.3, darker(glaze, 0.6), 3.1)
    brush.disc(0.0, -height + 0.8, half - 1.8, drink, 2.5)


def lemon(brush: Brush, rng: np.random.Generator) -> None:
    """One to three lemons, whole or cut in half."""
    count = int(rng.integers(1, 4))
    spots = ((0.0, 0.0),) if count == 1 else ((-9.0, -4.0), (9.0, 3.0), (-3.0, 12.0))[:count]
    for x, y in spots:
        peel = varied((240, 212, 50), rng, 16.0)
        size = rng.uniform(11.0, 15.0) if count == 1 else rng.uniform(8.0, 10.5)
        if rng.random() < 0.35:
            _half_lemon(brush, x, y, size * 0.85, peel)
        else:
            _whole_lemon(brush, x, y, size, peel, rng.uniform(0.0, 2.0 * math.pi))


def _whole_lemon(brush: Brush, x: float, y: float, size: float, peel: Colour, turn: float) -> None:
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]])

    def turned(x_off: float, y_off: float, radius_x: float, radius_y: float) -> Points:
        points: Points = circle_points(x_off, y_off, radius_x, radius_y, 24) @ matrix + (x, y)
        return points

    brush.polygon(turned(size * 0.98, 0.0, size * 0.2, size * 0.2), darker(peel, 0.8))
    brush.polygon(turned(-size * 0.98, 0.0, size * 0.16, size * 0.16), darker(peel, 0.75))
    brush.polygon(turned(0.0, 0.0, size, size * 0.74), darker(peel, 0.8))
    brush.polygon(turned(-size * 0.04, -size * 0.05, size * 0.88, size * 0.63), darker(peel, 0.92))
    brush.polygon(turned(-size * 0.1, -size * 0.1, size * 0.66, size * 0.45), peel)
    brush.polygon(turned(-size * 0.3, -size * 0.25, size * 0.2, size * 0.11), mix(peel, _WHITE, 0.6))


def _half_lemon(brush: Brush, x: float, y: float, size: float, peel: Colour) -> None:
    brush.disc(x, y, size, darker(peel, 0.9))
    brush.disc(x, y, size * 0.9, (250, 244, 206))
    for step in range(8):
        first, last = (step + 0.12) * math.pi / 4.0, (step + 0.88) * math.pi / 4.0
        wedge = [(x, y), *((x + size * 0.8 * math.cos(turn), y + size * 0.8 * math.sin(turn))
                           for turn in (first, (first + last) / 2.0, last))]  # fmt: skip
        brush.polygon(wedge, mix(peel, (255, 240, 140), 0.45))


def pizza(brush: Brush, rng: np.random.Generator) -> None:
    """A round pizza with toppings, now and then with a slice gone."""
    radius, crust = rng.uniform(17.0, 22.0), varied((206, 152, 88), rng)
    gap = rng.uniform(0.6, 1.1) if rng.random() < 0.35 else 0.0
    start = rng.uniform(0.0, 2.0 * math.pi)

    def round_part(size: float, colour: Colour) -> None:
        angles = np.linspace(start + gap, start + 2.0 * math.pi, 44)
        points = np.stack([size * np.cos(angles), size * np.sin(angles)], axis=1)
        brush.polygon(np.concatenate([np.zeros((1, 2)), points]) if gap else points, colour)

    round_part(radius, darker(crust, 0.8))
    round_part(radius - 0.9, crust)
    round_part(radius - 2.8, varied((186, 62, 36), rng))
    round_part(radius - 3.8, varied((236, 190, 100), rng, 18.0))
    for _ in range(int(rng.integers(8, 14))):
        turn, reach = rng.uniform(start + gap + 0.2, start + 2 * math.pi - 0.2), math.sqrt(rng.uniform(0.1, 0.72))
        x, y = math.cos(turn) * reach * (radius - 3.0), math.sin(turn) * reach * (radius - 3.0)
        kind = rng.random()
        if kind < 0.5:
            brush.disc(x, y, rng.uniform(2.0, 2.9), (140, 34, 26))
            brush.disc(x - 0.2, y - 0.2, 1.8, (190, 60, 44))
        elif kind < 0.75:
            brush.polygon(blob_points(rng, x, y, rng.uniform(1.3, 2.2), 0.3), varied((64, 124, 50), rng))
        else:
            brush.disc(x, y, rng.uniform(1.2, 1.9), (54, 46, 44))


def wooden_spoon(brush: Brush, rng: np.random.Generator) -> None:
    """A long stick with an oval, hollowed head."""
    wood, length = (
        _pick(((186, 134, 82), (214, 172, 118), (150, 100, 58), (196, 150, 100)), rng),
        rng.uniform(30.0, 38.0),
    )
    width, head = rng.uniform(2.4, 3.6), rng.uniform(6.0, 8.5)
    half = width / 2.0
    brush.polygon([(-length * 0.75, -half), (14.0, -half * 0.8), (14.0, half * 0.8), (-length * 0.75, half)],
                  darker(wood, 0.86))  # fmt: skip
    brush.disc(-length * 0.75, 0.0, half * 1.25, darker(wood, 0.86))
    brush.stroke([(-length * 0.74, -half * 0.3), (14.0, -half * 0.3)], max(0.8, half * 0.6), wood)
    brush.disc(18.0, 0.0, head * 1.35, darker(wood, 0.8), head)
    brush.disc(17.8, -0.3, head * 1.25, wood, head * 0.88)
    brush.disc(18.6, 0.2, head, darker(wood, 0.72), head * 0.64)
    brush.disc(19.2, 0.6, head * 0.78, darker(wood, 0.84), head * 0.46)


THINGS: Mapping[str, Callable[[Brush, np.random.Generator], None]] = {
    "frying pan": frying_pan,
    "wok": wok,
    "plate": plate,
    "bowl": bowl,
    "teapot": teapot,
    "bucket": bucket,
    "mug": mug,
    "lemon": lemon,
    "pizza": pizza,
    "wooden spoon": wooden_spoon,
}
"""Class name to its drawing, in the order of the class indices."""

STANDING = frozenset({"bowl", "teapot", "bucket", "mug"})
"""Things seen from the side, which stay nearly upright; the others lie on the table any way round."""
