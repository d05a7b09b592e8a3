"""Signs and what tells something: arrows, letters, tags, dials, dice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np

from tools.patches.drawn.canvas import (
    Canvas,
    Drawing,
    Floats,
    Paint,
    Picture,
    Points,
    dome,
    inside,
    lit,
    mix,
    rgb,
    times,
)
from tools.patches.drawn.cutout import INK, WHITE, Cutout, both, floats, union


def _dial(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.disc(0, 0, 0.95), paint.main, 0.16, 0.7).add(canvas.disc(0, 0, 0.78), WHITE)
    turn = (canvas.angle / (2 * np.pi) * 12 + 0.5) % 1.0 - 0.5
    tick = both(floats(np.abs(turn) * canvas.radius * 0.52 - 0.025), floats(np.abs(canvas.radius - 0.66) - 0.07))
    fine = (canvas.angle / (2 * np.pi) * 60 + 0.5) % 1.0 - 0.5
    found.marks(tick, INK).marks(
        both(floats(np.abs(fine) * canvas.radius * 0.1 - 0.012), floats(np.abs(canvas.radius - 0.7) - 0.03)), INK
    )
    found.marks(canvas.rod(0, 0.08, -0.28, -0.2, 0.075), INK).marks(canvas.rod(0, 0.1, 0.22, -0.52, 0.05), INK)
    return (
        found.marks(canvas.rod(-0.05, -0.12, 0.17, 0.48, 0.022), rgb(204, 40, 40))
        .marks(canvas.disc(0, 0, 0.06), INK)
        .picture
    )


def _gauge(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.disc(0, 0, 0.95), rgb(70, 72, 78), 0.12, 0.7).add(canvas.disc(0, 0, 0.82), INK)
    share = ((canvas.angle - np.pi * 0.75) % (2 * np.pi)) / (1.5 * np.pi)
    band = both(floats(np.abs(canvas.radius - 0.68) - 0.07), floats(share - 1.0))
    found.marks(band, paint.main).marks(both(band, floats(0.75 - share)), rgb(226, 52, 40))
    tick = both(
        floats(np.abs((share * 10 + 0.5) % 1 - 0.5) * 0.4 - 0.025),
        floats(np.abs(canvas.radius - 0.52) - 0.07),
        floats(share - 1.02),
    )
    return (
        found.marks(tick, WHITE)
        .marks(canvas.rod(0, 0, 0.36, -0.42, 0.06), rgb(240, 80, 40))
        .marks(canvas.disc(0, 0, 0.1), rgb(140, 142, 146))
        .picture
    )


def _arrow(canvas: Canvas, paint: Paint) -> Picture:
    head = floats(0.5 - canvas.shape([(0.1, -0.75), (0.95, 0), (0.1, 0.75)]))
    body = union(canvas.box(-0.92, -0.28, 0.2, 0.28), head * np.float32(0.1))
    return Cutout(canvas).add(body, paint.main).picture


def _arrow_sign(canvas: Canvas, paint: Paint) -> Picture:
    plate = canvas.box(-0.92, -0.92, 0.92, 0.92, 0.2)
    found = Cutout(canvas).add(plate, WHITE).marks(plate + 0.07, paint.main)
    tip = union(
        canvas.rod(0, -0.6, 0, 0.6, 0.2),
        canvas.rod(0, -0.62, -0.42, -0.18, 0.2),
        canvas.rod(0, -0.62, 0.42, -0.18, 0.2),
    )
    return found.marks(tip, WHITE).picture


def _tag(canvas: Canvas, paint: Paint) -> Picture:
    paper = both(canvas.box(-0.92, -0.5, 0.92, 0.5, 0.06), floats(-canvas.x - 0.95 + np.abs(canvas.y) * 0.9))
    found = Cutout(canvas).add(paper, times(canvas.plain(paint.main), 1 + 0.02 * canvas.noise(8)))
    found.marks(floats(np.abs(paper + 0.07) - 0.013), paint.dark).marks(canvas.disc(-0.62, 0, 0.13), paint.pale)
    found.cut(canvas.disc(-0.62, 0, 0.075))
    for row in range(3):
        reach = (0.75, 0.6, 0.35)[row]
        found.marks(canvas.box(-0.3, -0.24 + row * 0.2, reach, -0.16 + row * 0.2), INK)
    return found.picture


def _letters(text: str) -> Callable[[Canvas, Paint], Picture]:
    """A letter or figure of our own strokes, as a block on a sticker."""
    strokes: Mapping[str, Points] = {
        "A": ((-0.45, 0.6), (0, -0.6), (0.45, 0.6), (0.28, 0.16), (-0.28, 0.16)),
        "K": ((-0.35, -0.6), (-0.35, 0.6), (-0.35, 0.08), (0.38, -0.6), (-0.1, -0.14), (0.4, 0.6)),
        "R": (
            (-0.35, 0.6),
            (-0.35, -0.6),
            (0.15, -0.6),
            (0.36, -0.42),
            (0.36, -0.2),
            (0.15, 0.0),
            (-0.35, 0.0),
            (0, 0),
            (0.4, 0.6),
        ),
        "S": (
            (0.36, -0.45),
            (0.15, -0.6),
            (-0.18, -0.6),
            (-0.38, -0.4),
            (-0.34, -0.18),
            (0.3, 0.12),
            (0.38, 0.36),
            (0.18, 0.6),
            (-0.18, 0.6),
            (-0.38, 0.44),
        ),
        "7": ((-0.38, -0.58), (0.4, -0.58), (-0.08, 0.6)),
        "4": ((0.2, 0.62), (0.2, -0.6), (-0.42, 0.2), (0.44, 0.2)),
    }

    def draw(canvas: Canvas, paint: Paint) -> Picture:
        plate = canvas.disc(0, 0, 0.95)
        points = strokes[text]
        line = union(*(canvas.rod(*one, *two, 0.2) for one, two in itertools.pairwise(points)))
        found = Cutout(canvas).add(plate, WHITE).marks(floats(plate + 0.08), paint.main)
        return found.marks(line, WHITE).picture

    return draw


def _glyphs(canvas: Canvas, paint: Paint) -> Floats:
    lines: list[tuple[Points, float, Floats]] = []
    for row in range(3):
        for column in range(3):
            x, y = -0.64 + column * 0.64, -0.64 + row * 0.64
            points = [(x + a, y + b) for a, b in canvas.random.choice([-0.2, 0.0, 0.2], size=(5, 2)).tolist()]
            lines += [([one, two], 0.075, paint.deep) for one, two in itertools.pairwise(points)]
            lines.append(([(x + 0.2, y - 0.22), (x + 0.201, y - 0.22)], 0.1, paint.main))
    return canvas.strokes(times(canvas.plain(paint.pale), 1 + 0.02 * canvas.noise(4)), lines)


def _bullseye(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas)
    for number, reach in enumerate((0.95, 0.76, 0.57, 0.38, 0.19)):
        found.add(canvas.disc(0, 0, reach), paint.main if number % 2 == 0 else WHITE)
    return found.picture


def _traffic_light(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.box(-0.42, -0.95, 0.42, 0.95, 0.12), paint.main, 0.08, 0.4)
    for y, colour in ((-0.58, rgb(230, 40, 36)), (0.0, rgb(250, 190, 40)), (0.58, rgb(50, 180, 80))):
        found.add(canvas.disc(0, y, 0.25), paint.deep).add(canvas.disc(0, y, 0.21), colour, 0.2, 0.9)
    return found.picture


def _cone(canvas: Canvas, paint: Paint) -> Picture:
    body = both(
        floats(np.abs(canvas.x) - 0.14 - 0.27 * (canvas.y + 0.85)), floats(-canvas.y - 0.88), floats(canvas.y - 0.7)
    )
    shade = floats(1.15 - 0.8 * np.abs(canvas.x + 0.15))
    base = canvas.box(-0.85, 0.66, 0.85, 0.88, 0.06)
    bands = mix(
        paint.main,
        WHITE,
        floats(
            np.maximum(inside(floats(np.abs(canvas.y + 0.28) - 0.11)), inside(floats(np.abs(canvas.y - 0.25) - 0.12)))
        ),
    )
    return Cutout(canvas).add(base, paint.main, 0.05).add(body, times(bands, shade)).picture


def _face(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.disc(0, 0, 0.94), paint.main, 0.5, 0.3)
    for x in (-0.32, 0.32):
        found.marks(floats((np.hypot((canvas.x - x) / 0.11, (canvas.y + 0.24) / 0.17) - 1) * 0.11), INK)
    return found.marks(
        both(floats(np.abs(np.hypot(canvas.x, canvas.y + 0.02) - 0.56) - 0.05), floats(0.16 - canvas.y)), INK
    ).picture


def _die(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.box(-0.88, -0.88, 0.88, 0.88, 0.24), paint.main, 0.16, 0.5)
    for x, y in ((-0.48, -0.48), (0.48, -0.48), (0, 0), (-0.48, 0.48), (0.48, 0.48)):
        found.add(canvas.disc(x, y, 0.16), lit(canvas.plain(paint.across), -dome(canvas.disc(x, y, 0.16), 0.16)))
    return found.picture


def _domino(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.box(-0.5, -0.95, 0.5, 0.95, 0.1), paint.main, 0.08, 0.5)
    found.marks(canvas.box(-0.42, -0.02, 0.42, 0.02), paint.across)
    for x, y in ((-0.24, -0.72), (0.24, -0.24), (0, -0.48), (-0.24, 0.24), (0.24, 0.24), (-0.24, 0.72), (0.24, 0.72)):
        found.marks(canvas.disc(x, y, 0.1), paint.across)
    return found.picture


def _coin(canvas: Canvas, paint: Paint) -> Picture:
    rim = floats(np.abs(canvas.radius - 0.84) - 0.07)
    points = [
        (
            0.5 * (1.0 if k % 2 == 0 else 0.42) * np.cos(np.pi * k / 5 - np.pi / 2),
            0.5 * (1.0 if k % 2 == 0 else 0.42) * np.sin(np.pi * k / 5 - np.pi / 2),
        )
        for k in range(10)
    ]
    star = canvas.shape([(float(x), float(y)) for x, y in points])
    beads = floats(np.abs((canvas.angle / (2 * np.pi) * 40) % 1 - 0.5) * 0.1 - 0.03)
    height = dome(rim, 0.07) + 0.05 * star + 0.03 * inside(both(beads, floats(np.abs(canvas.radius - 0.7) - 0.03)))
    metal = mix(paint.main, paint.bright, 0.7 * star)
    return Cutout(canvas).add(canvas.disc(0, 0, 0.93), lit(metal, floats(height), 0.9)).picture


SIGNS: Mapping[str, Drawing] = {
    "dial": Drawing(_dial, ("silver", "copper")),
    "gauge": Drawing(_gauge, ("green",)),
    "arrow": Drawing(_arrow, ("red", "black")),
    "arrow sign": Drawing(_arrow_sign, ("blue", "green")),
    "tag": Drawing(_tag, ("tan", "yellow", "red")),
    "letter A": Drawing(_letters("A"), ("red",)),
    "letter K": Drawing(_letters("K"), ("blue",)),
    "letter R": Drawing(_letters("R"), ("black",)),
    "letter S": Drawing(_letters("S"), ("green",)),
    "figure 4": Drawing(_letters("4"), ("orange",)),
    "figure 7": Drawing(_letters("7"), ("purple",)),
    "glyphs": Drawing(_glyphs, ("red", "blue")),
    "bullseye": Drawing(_bullseye, ("red", "black")),
    "traffic light": Drawing(_traffic_light, ("black",)),
    "traffic cone": Drawing(_cone, ("orange",)),
    "smiling face": Drawing(_face, ("yellow",)),
    "die": Drawing(_die, ("white", "red")),
    "domino": Drawing(_domino, ("black",)),
    "coin": Drawing(_coin, ("yellow", "copper")),
}
