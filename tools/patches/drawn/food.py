"""Food and what it is eaten with, cut out of its surroundings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.patches.drawn.canvas import Canvas, Drawing, Paint, Picture, dome, inside, lit, mix, rgb, step, times
from tools.patches.drawn.cutout import INK, WHITE, Cutout, both, floats, union


def _mushroom(canvas: Canvas, paint: Paint) -> Picture:
    stem = canvas.box(-0.24, -0.05, 0.24, 0.9, 0.16)
    cap = both(
        floats((np.hypot(canvas.x / 0.92, (canvas.y + 0.02) / 0.85) - 1) * 0.85),
        floats(canvas.y - 0.1 + 0.1 * canvas.x**2),
    )
    found = Cutout(canvas).add(stem, rgb(238, 228, 206), 0.24).add(cap, paint.main, 0.5, 0.5)
    for x, y, size in (
        (-0.45, -0.3, 0.14),
        (0.05, -0.55, 0.16),
        (0.5, -0.25, 0.13),
        (-0.1, -0.1, 0.1),
        (0.3, -0.02, 0.06),
        (-0.7, -0.05, 0.07),
    ):
        found.marks(both(canvas.disc(x, y, size), cap + 0.02), WHITE)
    return found.picture


def _doughnut(canvas: Canvas, paint: Paint) -> Picture:
    ring = floats(np.abs(canvas.radius - 0.58) - 0.35)
    icing = floats(np.abs(canvas.radius - 0.58) - 0.27 - 0.03 * np.sin(canvas.angle * 9))
    found = Cutout(canvas).add(ring, rgb(206, 150, 84), 0.35).add(icing, paint.main, 0.27, 0.6)
    colours = (WHITE, rgb(250, 214, 60), rgb(90, 180, 240), rgb(120, 210, 100))
    for number in range(36):
        turn, away, lean = canvas.random.uniform((0, 0.4, 0), (6.3, 0.76, 3.1))
        x, y = away * np.cos(turn), away * np.sin(turn)
        dx, dy = 0.045 * np.cos(lean), 0.045 * np.sin(lean)
        found.marks(canvas.rod(x - dx, y - dy, x + dx, y + dy, 0.045), colours[number % 4])
    return found.picture


def _fried_egg(canvas: Canvas, paint: Paint) -> Picture:
    edge = 0.78 + 0.09 * np.sin(canvas.angle * 3 + 1) + 0.05 * np.sin(canvas.angle * 7)
    white = floats(canvas.radius - edge)
    brown = mix(WHITE, rgb(196, 140, 80), step(white, -0.03, 0.08))
    return (
        Cutout(canvas).add(white, brown, 0.14, 0.4).add(canvas.disc(0.05, -0.05, 0.33), paint.main, 0.33, 1.0).picture
    )


def _carrot(canvas: Canvas, paint: Paint) -> Picture:
    along, across = canvas.turned(55)
    wide = 0.3 * np.clip(0.75 - along, 0, 1.4) ** 0.6
    root = both(floats(np.abs(across) - wide), floats(-along - 0.42), floats(along - 0.72))
    grooves = 1 - 0.18 * (np.abs(np.sin(along * 17 + 2 * np.sin(across * 9))) < 0.16)
    found = Cutout(canvas)
    for lean in (-0.5, -0.2, 0.15, 0.45):
        found.add(canvas.rod(-0.2, -0.32, -0.45 + 0.55 * lean, -0.85 - 0.3 * lean * lean, 0.13), rgb(70, 140, 54), 0.06)
    return found.add(root, times(canvas.plain(paint.main), grooves), 0.28, 0.4).picture


def _tomato(canvas: Canvas, paint: Paint) -> Picture:
    fruit = floats(np.hypot(canvas.x, (canvas.y - 0.08) * 1.12) - 0.86 - 0.02 * np.cos(canvas.angle * 5))
    found = Cutout(canvas).add(fruit, paint.main, 0.85, 0.9)
    sepal = floats(
        np.hypot(canvas.x, (canvas.y + 0.42) * 1.5)
        - 0.16
        - 0.24 * np.abs(np.cos(2.5 * np.arctan2((canvas.y + 0.42) * 1.5, canvas.x))) ** 4
    )
    return (
        found.add(sepal, rgb(60, 130, 50), 0.06)
        .add(canvas.rod(0, -0.45, 0.06, -0.72, 0.09), rgb(80, 140, 60), 0.04)
        .picture
    )


def _citrus(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.disc(0, 0, 0.93), paint.main, 0.08).add(canvas.disc(0, 0, 0.84), WHITE)
    turn = np.abs((canvas.angle / (2 * np.pi) * 9) % 1 - 0.5)
    flesh = both(floats(canvas.radius - 0.77), floats(0.035 - (0.5 - turn) * canvas.radius * 0.69))
    pulp = times(
        mix(paint.light, paint.main, floats(canvas.radius)), 1 + 0.1 * np.sin(canvas.angle * 60 + 3 * canvas.noise(10))
    )
    return Picture(mix(found.picture.colours, pulp, inside(flesh, 0.03)), found.picture.opacity)


def _melon(canvas: Canvas, paint: Paint) -> Picture:
    slice_ = both(canvas.disc(0, -0.5, 1.25), floats(-0.45 - canvas.y))
    found = (
        Cutout(canvas)
        .add(slice_, rgb(40, 110, 50))
        .add(slice_ + 0.08, rgb(214, 232, 176))
        .add(slice_ + 0.15, times(canvas.plain(paint.main), 1 + 0.03 * canvas.noise(20)))
    )
    for x, y in (
        (-0.55, -0.2),
        (-0.2, -0.1),
        (0.2, -0.18),
        (0.55, -0.12),
        (-0.35, 0.15),
        (0.02, 0.2),
        (0.38, 0.16),
        (-0.1, 0.42),
        (0.2, 0.42),
    ):
        found.marks(floats(np.hypot((canvas.x - x) * 1.5, canvas.y - y) - 0.06), INK)
    return found.picture


def _cup(canvas: Canvas, paint: Paint) -> Picture:
    body = both(canvas.box(-0.62, -0.5, 0.4, 0.65, 0.14), floats(np.abs(canvas.x + 0.11) - 0.52 + 0.05 * canvas.y))
    handle = floats(np.abs(np.hypot((canvas.x - 0.42) * 0.9, canvas.y - 0.05) - 0.3) - 0.075)
    rim = floats((np.hypot((canvas.x + 0.11) / 0.53, (canvas.y + 0.5) / 0.14) - 1) * 0.14)
    saucer = floats((np.hypot(canvas.x + 0.08, (canvas.y - 0.72) / 0.17) - 0.86) * 0.2)
    shade = floats(1.12 - 0.55 * np.clip(np.abs(canvas.x + 0.3), 0, 1))
    found = Cutout(canvas).add(saucer, paint.light, 0.1, 0.4).add(handle, paint.main, 0.07, 0.5)
    found.add(body, times(canvas.plain(paint.main), shade))
    return found.add(rim, paint.light).add(rim + 0.035, rgb(92, 54, 30)).picture


def _bottle(canvas: Canvas, paint: Paint) -> Picture:
    body = union(
        canvas.box(-0.34, -0.15, 0.34, 0.95, 0.1),
        canvas.box(-0.13, -0.9, 0.13, 0.2, 0.03),
        both(canvas.disc(0, -0.02, 0.34), floats(canvas.y - 0.1)),
    )
    shade = floats(0.7 + 0.6 * np.exp(-((canvas.x + 0.15) ** 2) * 60) - 0.4 * np.abs(canvas.x))
    found = Cutout(canvas).add(body, times(canvas.plain(paint.main), shade))
    found.add(canvas.box(-0.16, -0.95, 0.16, -0.76, 0.04), rgb(206, 176, 90), 0.05)
    label = canvas.box(-0.34, 0.2, 0.34, 0.68)
    found.add(label, times(canvas.plain(WHITE), floats(1.0 - 0.3 * np.abs(canvas.x) / 0.34)))
    return (
        found.marks(canvas.box(-0.22, 0.3, 0.22, 0.36), paint.dark)
        .marks(canvas.box(-0.16, 0.44, 0.16, 0.48), INK)
        .marks(canvas.box(-0.2, 0.54, 0.2, 0.57), INK)
        .picture
    )


def _fork(canvas: Canvas, paint: Paint) -> Picture:
    tines = [canvas.rod(x, -0.9, x, -0.35, 0.1) for x in (-0.27, -0.09, 0.09, 0.27)]
    bowl = both(canvas.disc(0, -0.36, 0.32), floats(-0.4 - canvas.y))
    handle = union(canvas.rod(0, -0.1, 0, 0.85, 0.13), canvas.rod(0, 0.55, 0, 0.84, 0.2))
    return Cutout(canvas).add(union(*tines, bowl, handle), paint.main, 0.08, 0.9).picture


def _spoon(canvas: Canvas, paint: Paint) -> Picture:
    bowl = floats((np.hypot(canvas.x / 0.34, (canvas.y + 0.5) / 0.44) - 1) * 0.34)
    handle = union(canvas.rod(0, -0.1, 0, 0.85, 0.14), canvas.rod(0, 0.55, 0, 0.84, 0.2))
    found = Cutout(canvas).add(union(bowl, handle), paint.main, 0.07, 0.9)
    hollow = lit(canvas.plain(paint.main), -dome(bowl + 0.06, 0.3), 0.8)
    return found.add(bowl + 0.06, hollow).picture


FOOD: Mapping[str, Drawing] = {
    "mushroom": Drawing(_mushroom, ("red", "brown")),
    "doughnut": Drawing(_doughnut, ("pink", "brown")),
    "fried egg": Drawing(_fried_egg, ("yellow",)),
    "carrot": Drawing(_carrot, ("orange",)),
    "tomato": Drawing(_tomato, ("red",)),
    "slice of citrus": Drawing(_citrus, ("orange", "green")),
    "slice of melon": Drawing(_melon, ("red",)),
    "cup": Drawing(_cup, ("white", "blue")),
    "bottle": Drawing(_bottle, ("green", "brown")),
    "fork": Drawing(_fork, ("silver",)),
    "spoon": Drawing(_spoon, ("silver", "tan")),
}
