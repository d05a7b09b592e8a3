"""Plants and animals, and what is left of them, cut out of their surroundings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.patches.drawn.canvas import Canvas, Drawing, Floats, Paint, Picture, dome, inside, lit, mix, rgb, step, times
from tools.patches.drawn.cutout import INK, WHITE, Cutout, both, floats, union


def _eye(canvas: Canvas, paint: Paint) -> Picture:
    lid = both(floats(np.hypot(canvas.x, canvas.y - 0.62) - 1.12), floats(np.hypot(canvas.x, canvas.y + 0.62) - 1.12))
    iris, pupil = canvas.disc(0, 0, 0.4), canvas.disc(0, 0, 0.17)
    fibres = np.sin(canvas.angle * 30 + 3 * canvas.noise(6)) * 0.12
    ring = times(mix(paint.light, paint.dark, step(canvas.radius, 0.3, 0.3)), 1 + fibres)
    white = mix(WHITE, rgb(226, 190, 186), step(np.abs(canvas.x), 0.75, 0.6))
    eye = Cutout(canvas).add(lid - 0.07, rgb(96, 62, 50)).add(lid, white)
    found = eye.picture
    colours = mix(found.colours, ring, inside(both(iris, lid)))
    colours = mix(colours, INK, inside(both(pupil, lid)))
    colours = times(colours, 1 - 0.3 * (canvas.y < 0) * inside(lid) * step(lid, -0.12, 0.2))
    return Picture(mix(colours, WHITE, inside(canvas.disc(-0.13, -0.15, 0.085))), found.opacity)


def _flower(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas)
    for ring, count in ((0.0, 8), (0.4, 8)):
        for number in range(count):
            along, across = canvas.turned(360 * (number + ring) / count)
            petal = floats((np.hypot((along - 0.55) / 0.4, across / 0.2) - 1) * 0.2)
            found.add(petal, mix(paint.dark, paint.light if ring else paint.main, floats(along * 1.3)), 0.12)
    seeds = lit(
        times(canvas.plain(rgb(226, 168, 40)), 0.8 + 0.2 * np.sin(canvas.x * 50) * np.sin(canvas.y * 50)),
        dome(canvas.disc(0, 0, 0.27), 0.27),
    )
    return found.add(canvas.disc(0, 0, 0.27), seeds).picture


def _sunflower(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas)
    for ring in (0.0, 0.5):
        for number in range(16):
            along, across = canvas.turned(360 * (number + ring) / 16)
            petal = floats((np.hypot((along - 0.66) / 0.3, across / 0.11) - 1) * 0.11)
            found.add(petal, mix(paint.dark, paint.main, floats(along * 1.4 - 0.2)), 0.08)
    spiral = np.sin(canvas.radius * 40 + canvas.angle * 8) * np.sin(canvas.radius * 40 - canvas.angle * 8)
    return found.add(canvas.disc(0, 0, 0.44), times(canvas.plain(rgb(96, 58, 28)), 0.8 + 0.4 * spiral), 0.25).picture


def _fish(canvas: Canvas, paint: Paint) -> Picture:
    body = floats((np.hypot((canvas.x - 0.12) / 0.72, canvas.y / 0.42) - 1) * 0.42)
    tail = floats(0.05 - 0.1 * canvas.shape([(-0.5, 0), (-0.95, -0.42), (-0.8, 0), (-0.95, 0.42)]))
    fins = floats(
        0.05
        - 0.1
        * np.maximum(
            canvas.shape([(-0.15, -0.3), (0.1, -0.68), (0.4, -0.3)]),
            canvas.shape([(0, 0.3), (-0.05, 0.62), (0.25, 0.34)]),
        )
    )
    scale = times(
        mix(paint.light, paint.main, step(-canvas.y, 0, 0.7)),
        0.9 + 0.14 * np.sin(canvas.x * 26) * np.sin(canvas.y * 26),
    )
    found = Cutout(canvas).add(union(tail, fins), paint.dark).add(body, scale, 0.4, 0.6)
    found.marks(floats(np.abs(np.hypot(canvas.x - 0.75, canvas.y) - 0.4) - 0.015), paint.dark)
    return found.marks(canvas.disc(0.58, -0.1, 0.095), WHITE).marks(canvas.disc(0.6, -0.1, 0.05), INK).picture


def _butterfly(canvas: Canvas, paint: Paint) -> Picture:
    x = np.abs(canvas.x)
    upper = floats((np.hypot((x - 0.5) / 0.44, (canvas.y + 0.35 + 0.35 * (x - 0.5)) / 0.42) - 1) * 0.42)
    lower = floats((np.hypot((x - 0.4) / 0.34, (canvas.y - 0.42 - 0.2 * (x - 0.4)) / 0.36) - 1) * 0.34)
    wings = union(upper, lower)
    veins = times(
        mix(paint.light, paint.main, step(x, 0.4, 0.6)), 1 - 0.25 * (np.abs(np.sin(np.arctan2(canvas.y, x) * 9)) < 0.14)
    )
    found = Cutout(canvas).add(wings, INK).add(wings + 0.06, veins)
    for cx, cy, size in ((0.66, -0.48, 0.1), (0.44, 0.52, 0.09)):
        found.marks(floats(np.hypot(x - cx, canvas.y - cy) - size), paint.across)
    feelers = floats(np.abs(np.hypot(x - 0.34, canvas.y + 0.55) - 0.3) - 0.012)
    found.add(both(feelers, floats(x - 0.2), floats(canvas.y + 0.55)), INK)
    return found.add(floats((np.hypot(canvas.x / 0.075, canvas.y / 0.55) - 1) * 0.075), rgb(60, 44, 36), 0.07).picture


def _shell(canvas: Canvas, paint: Paint) -> Picture:
    grow = np.log(np.maximum(canvas.radius, 0.02) / 0.93) / -0.62
    coil = (grow - canvas.angle / (2 * np.pi)) % 1.0
    height = 0.2 * np.sqrt(np.clip(1 - (2 * coil - 1) ** 2, 0, 1)) * canvas.radius
    bands = mix(paint.main, paint.light, floats(0.5 + 0.5 * np.sin(coil * 12)))
    growth = 1 - 0.12 * (np.abs(np.sin(canvas.angle * 14 + grow * 3)) < 0.25)
    return (
        Cutout(canvas)
        .add(
            floats(canvas.radius - 0.9 + 0.1 * ((canvas.angle / (2 * np.pi)) % 1.0)),
            lit(times(bands, growth), floats(height), 0.5),
        )
        .picture
    )


def _web(canvas: Canvas, paint: Paint) -> Floats:
    sector = (canvas.angle / (2 * np.pi) * 12) % 1.0 - 0.5
    spokes = floats(np.abs(np.abs(sector) - 0.5) * canvas.radius * 0.52 - 0.009)
    sag = canvas.radius * (1 + 0.35 * (0.25 - sector**2))
    threads = floats(np.abs((sag * 8) % 1.0 - 0.5) / 8 - 0.007)
    return mix(
        mix(paint.deep, paint.dark, floats(0.5 + 0.3 * canvas.noise(2))), WHITE, 0.85 * inside(union(spokes, threads))
    )


def _leaf(canvas: Canvas, paint: Paint) -> Picture:
    along, across = canvas.turned(-45)
    lobes = 0.5 * np.clip(1 - (along / 0.92) ** 2, 0, 1) ** 0.75 * (1 + 0.12 * np.abs(np.sin(along * 12)))
    blade = both(floats(np.abs(across) - lobes), floats(np.abs(along) - 0.86))
    vein = union(
        floats(np.abs(across) - 0.02), floats(np.abs((along * 4 - np.abs(across) * 3.2) % 1 - 0.5) / 6 - 0.008)
    )
    green = times(canvas.plain(paint.main), 0.95 + 0.05 * canvas.noise(8) - 0.15 * (across > 0))
    found = Cutout(canvas).add(canvas.rod(-0.5, 0.5, -0.9, 0.9, 0.06), paint.dark).add(blade, green)
    return found.marks(both(vein, blade + 0.03), paint.light, 0.8).picture


def _paw(canvas: Canvas, paint: Paint) -> Picture:
    pad = floats((np.hypot(canvas.x / 0.46, (canvas.y - 0.38 + 0.25 * np.abs(canvas.x)) / 0.4) - 1) * 0.4)
    toes = [
        floats((np.hypot((canvas.x - x) / 0.19, (canvas.y - y) / 0.27) - 1) * 0.19)
        for x, y in ((-0.66, -0.08), (-0.25, -0.52), (0.25, -0.52), (0.66, -0.08))
    ]
    return Cutout(canvas).add(union(pad, *toes), paint.main, 0.15, 0.3).picture


def _bone(canvas: Canvas, paint: Paint) -> Picture:
    along, across = canvas.turned(-35)
    knobs = [floats(np.hypot(along - x, across - y) - 0.23) for x in (-0.68, 0.68) for y in (-0.17, 0.17)]
    shaft = both(floats(np.abs(across) - 0.16 - 0.05 * along**2), floats(np.abs(along) - 0.7))
    return Cutout(canvas).add(union(shaft, *knobs), paint.main, 0.2, 0.3).picture


def _ladybird(canvas: Canvas, paint: Paint) -> Picture:
    shell = floats((np.hypot(canvas.x / 0.72, (canvas.y - 0.12) / 0.78) - 1) * 0.72)
    found = Cutout(canvas)
    for y in (-0.3, 0.1, 0.5):
        found.add(union(canvas.rod(-0.6, y, -0.95, y + 0.12, 0.06), canvas.rod(0.6, y, 0.95, y + 0.12, 0.06)), INK)
    found.add(canvas.disc(0, -0.62, 0.32), INK, 0.3, 0.6).add(shell, paint.main, 0.7, 0.9)
    found.marks(both(floats(np.abs(canvas.x) - 0.02), shell), INK)
    for x, y, size in ((0.32, -0.2, 0.13), (0.42, 0.22, 0.14), (0.22, 0.58, 0.11)):
        found.marks(canvas.disc(x, y, size), INK).marks(canvas.disc(-x, y, size), INK)
    return found.marks(canvas.disc(-0.14, -0.72, 0.06), WHITE).marks(canvas.disc(0.14, -0.72, 0.06), WHITE).picture


def _snowflake(canvas: Canvas, paint: Paint) -> Picture:
    turn = np.abs((canvas.angle + np.pi / 6) % (np.pi / 3) - np.pi / 6)
    along, across = canvas.radius * np.cos(turn), canvas.radius * np.sin(turn)
    arm = both(floats(across - 0.045), floats(along - 0.92))
    for start, reach in ((0.35, 0.3), (0.6, 0.24)):
        twig = floats(np.abs(across * 0.5 - (along - start) * 0.866) - 0.035)
        arm = union(arm, both(twig, floats(across - reach)))
    return Cutout(canvas).add(union(arm, canvas.disc(0, 0, 0.16)), paint.main, 0.04, 0.8).picture


CREATURES: Mapping[str, Drawing] = {
    "eye": Drawing(_eye, ("blue", "brown", "green")),
    "flower": Drawing(_flower, ("pink", "blue", "white")),
    "sunflower": Drawing(_sunflower, ("yellow",)),
    "fish": Drawing(_fish, ("orange", "silver")),
    "butterfly": Drawing(_butterfly, ("blue", "orange")),
    "snail shell": Drawing(_shell, ("tan",)),
    "spider web": Drawing(_web, ("grey",)),
    "leaf": Drawing(_leaf, ("green", "red")),
    "paw": Drawing(_paw, ("brown",)),
    "bone": Drawing(_bone, ("cream",)),
    "ladybird": Drawing(_ladybird, ("red",)),
    "snowflake": Drawing(_snowflake, ("sky",)),
}
