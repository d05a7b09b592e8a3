"""Single things that people make, cut out of their surroundings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.patches.drawn.canvas import Canvas, Drawing, Paint, Picture, dome, lit, mix, rgb, step, times
from tools.patches.drawn.cutout import INK, WHITE, Cutout, both, floats, union


def _button(canvas: Canvas, paint: Paint) -> Picture:
    rim = np.abs(canvas.radius - 0.74) - 0.14
    face = times(canvas.plain(paint.main), 1 + 0.03 * canvas.noise(5))
    body = lit(face, floats(dome(floats(rim), 0.16) * 0.8 + 0.05 * step(-canvas.radius, -0.6, 0.1)), 0.6)
    found = Cutout(canvas).add(canvas.disc(0, 0, 0.92), body)
    thread = union(canvas.rod(-0.2, -0.2, 0.2, 0.2, 0.09), canvas.rod(0.2, -0.2, -0.2, 0.2, 0.09))
    for x in (-0.21, 0.21):
        for y in (-0.21, 0.21):
            found.marks(canvas.disc(x, y, 0.1), paint.deep)
    return found.add(thread, paint.across, 0.04).picture


def _key(canvas: Canvas, paint: Paint) -> Picture:
    bow = floats(np.abs(np.hypot(canvas.x + 0.55, canvas.y) - 0.28) - 0.1)
    shaft = canvas.box(-0.22, -0.075, 0.9, 0.075, 0.03)
    bits = union(canvas.box(0.48, 0, 0.6, 0.32), canvas.box(0.7, 0, 0.86, 0.4), canvas.box(0.58, 0.02, 0.72, 0.2))
    collar = canvas.box(-0.2, -0.13, -0.1, 0.13, 0.03)
    return Cutout(canvas).add(union(bow, shaft, bits, collar), paint.main, 0.07, 0.8).picture


def _gear(canvas: Canvas, paint: Paint) -> Picture:
    teeth = 0.74 + 0.13 * np.clip(np.sin(canvas.angle * 12) * 2.2, -1, 1)
    found = Cutout(canvas).add(
        floats(canvas.radius - teeth), times(canvas.plain(paint.main), 0.96 + 0.05 * canvas.noise(60, 8)), 0.08, 0.6
    )
    found.marks(floats(np.abs(canvas.radius - 0.55) - 0.03), paint.dark)
    for number in range(5):
        turn = 2 * np.pi * number / 5
        found.cut(canvas.disc(0.38 * np.cos(turn), 0.38 * np.sin(turn), 0.11))
    return found.cut(canvas.disc(0, 0, 0.14)).picture


def _wheel(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.disc(0, 0, 0.95), rgb(38, 38, 42), 0.2, 0.2)
    found.marks(both(floats(np.abs(np.sin(canvas.angle * 22)) * 0.5 - 0.25), floats(0.84 - canvas.radius)), INK, 0.7)
    found.add(
        canvas.disc(0, 0, 0.64),
        lit(canvas.plain(paint.main), dome(floats(np.abs(canvas.radius - 0.57) - 0.06), 0.06), 0.6),
    )
    turn = np.abs((canvas.angle / (2 * np.pi) * 7 + 0.5) % 1 - 0.5)
    gap = both(floats(0.14 - turn * canvas.radius * 1.1), floats(np.abs(canvas.radius - 0.36) - 0.14))
    return found.marks(gap, rgb(24, 24, 26)).marks(canvas.disc(0, 0, 0.12), paint.light).picture


def _ball(canvas: Canvas, paint: Paint) -> Picture:
    wedge = np.floor((np.arctan2(canvas.y + 0.5, canvas.x + 0.35) / (2 * np.pi) + 0.5) * 6).astype(np.int64)
    colours = np.stack([paint.main, WHITE, paint.across, WHITE, paint.main * np.float32(0.7), WHITE])[wedge % 6]
    disc = canvas.disc(0, 0, 0.93)
    return Cutout(canvas).add(disc, floats(colours), 0.93, 0.9).marks(canvas.disc(-0.35, -0.5, 0.09), WHITE).picture


def _basketball(canvas: Canvas, paint: Paint) -> Picture:
    disc = canvas.disc(0, 0, 0.93)
    grain = times(canvas.plain(paint.main), 1 + 0.05 * canvas.noise(60))
    found = Cutout(canvas).add(disc, grain, 0.93, 0.2)
    seams = union(
        floats(np.abs(canvas.y + 0.15 * canvas.x) - 0.02),
        floats(np.abs(canvas.x - 0.1 * canvas.y) - 0.02),
        floats(np.abs(np.hypot(canvas.x + 1.1, canvas.y) - 0.8) - 0.02),
        floats(np.abs(np.hypot(canvas.x - 1.1, canvas.y) - 0.8) - 0.02),
    )
    return found.marks(both(seams, disc), INK).picture


def _ladder(canvas: Canvas, paint: Paint) -> Picture:
    rails = [canvas.box(side - 0.08, -0.95, side + 0.08, 0.95, 0.03) for side in (-0.48, 0.48)]
    rungs = [canvas.box(-0.5, y - 0.06, 0.5, y + 0.06, 0.04) for y in (-0.7, -0.35, 0.0, 0.35, 0.7)]
    wood = times(canvas.plain(paint.main), 1 + 0.06 * canvas.noise(60, 8, 90))
    return Cutout(canvas).add(union(*rungs), wood, 0.06).add(union(*rails), wood, 0.08).picture


def _comb(canvas: Canvas, paint: Paint) -> Picture:
    back = canvas.box(-0.95, -0.4, 0.95, -0.08, 0.12)
    tooth = both(floats(np.abs((canvas.x * 8) % 1.0 - 0.5) / 8 - 0.028), canvas.box(-0.88, -0.2, 0.88, 0.45, 0.02))
    return Cutout(canvas).add(union(back, tooth), paint.main, 0.06, 0.8).picture


def _screw(canvas: Canvas, paint: Paint) -> Picture:
    brushed = times(canvas.plain(paint.main), 0.95 + 0.08 * np.sin(canvas.radius * 90))
    slot = union(canvas.box(-0.6, -0.11, 0.6, 0.11), canvas.box(-0.11, -0.6, 0.11, 0.6))
    return (
        Cutout(canvas)
        .add(canvas.disc(0, 0, 0.93), brushed, 0.4, 0.8)
        .marks(slot, paint.deep)
        .marks(slot + 0.05, INK)
        .picture
    )


def _nut(canvas: Canvas, paint: Paint) -> Picture:
    turn = (canvas.angle + np.pi / 6) % (np.pi / 3) - np.pi / 6
    hexagon = floats(canvas.radius * np.cos(turn) - 0.8)
    thread = times(canvas.plain(paint.dark), 0.8 + 0.3 * np.sin(canvas.radius * 70 + canvas.angle))
    return (
        Cutout(canvas)
        .add(hexagon, paint.main, 0.15, 0.8)
        .add(canvas.disc(0, 0, 0.45), thread)
        .cut(canvas.disc(0, 0, 0.34))
        .picture
    )


def _umbrella(canvas: Canvas, paint: Paint) -> Picture:
    scallop = 0.06 * np.abs(np.sin((canvas.x + 0.9) * np.pi / 0.45))
    dome_ = both(canvas.disc(0, 0.02, 0.92), floats(canvas.y - 0.05 + scallop))
    stick = union(
        canvas.rod(0, -0.95, 0, 0.75, 0.06),
        both(floats(np.abs(np.hypot(canvas.x - 0.14, canvas.y - 0.75) - 0.14) - 0.035), floats(0.73 - canvas.y)),
    )
    wedge = np.floor((canvas.x / np.sqrt(np.clip(0.86 - canvas.y**2, 0.05, 1)) + 1) * 2.5)
    colours = mix(paint.main, paint.pale, floats(wedge % 2))
    return Cutout(canvas).add(stick, rgb(90, 60, 40), 0.03).add(dome_, colours, 0.6).picture


def _balloon(canvas: Canvas, paint: Paint) -> Picture:
    skin = floats((np.hypot(canvas.x / 0.62, (canvas.y + 0.2) / 0.74) - 1) * 0.62)
    knot = floats(0.05 - 0.1 * canvas.shape([(0, 0.5), (-0.1, 0.66), (0.1, 0.66)]))
    string = floats(np.abs(canvas.x - 0.05 * np.sin(canvas.y * 12)) - 0.013)
    found = (
        Cutout(canvas)
        .add(both(string, floats(0.6 - canvas.y), floats(canvas.y - 0.98)), rgb(90, 90, 90))
        .add(knot, paint.dark)
    )
    return (
        found.add(skin, paint.main, 0.6, 0.9)
        .marks(floats(np.hypot((canvas.x + 0.26) / 0.6, canvas.y + 0.5) - 0.13), paint.pale, 0.8)
        .picture
    )


def _candle(canvas: Canvas, paint: Paint) -> Picture:
    flame = floats((np.hypot(canvas.x / 0.16, (canvas.y + 0.58) / (0.34 - 0.1 * np.sign(canvas.y + 0.58))) - 1) * 0.16)
    wax = canvas.box(-0.26, -0.2, 0.26, 0.95, 0.05)
    drips = union(canvas.rod(-0.18, -0.15, -0.18, 0.25, 0.15), canvas.rod(0.15, -0.15, 0.15, 0.05, 0.17))
    glow = mix(rgb(255, 246, 190), rgb(250, 140, 30), floats(0.9 + 4 * flame))
    found = Cutout(canvas).add(union(wax, drips), paint.main, 0.24, 0.3).add(canvas.rod(0, -0.35, 0, -0.18, 0.035), INK)
    return found.add(flame, glow).picture


def _bulb(canvas: Canvas, paint: Paint) -> Picture:
    glass = union(
        canvas.disc(0, -0.28, 0.6),
        both(canvas.box(-0.34, 0, 0.34, 0.52, 0.1), floats(np.abs(canvas.x) - 0.5 + 0.4 * canvas.y)),
    )
    base = canvas.box(-0.26, 0.42, 0.26, 0.92, 0.1)
    thread = lit(canvas.plain(rgb(150, 152, 158)), floats(0.04 * np.sin(canvas.y * 50 + canvas.x * 4)), 0.6)
    found = (
        Cutout(canvas)
        .add(base, thread)
        .add(glass, mix(rgb(255, 252, 226), paint.main, floats(np.hypot(canvas.x, canvas.y + 0.28) * 1.5)), 0.25, 0.6)
    )
    wire = floats(np.abs(canvas.y + 0.3 + 0.1 * np.sin(canvas.x * 30)) - 0.02)
    return found.marks(both(wire, floats(np.abs(canvas.x) - 0.22)), rgb(150, 80, 20)).picture


def _house(canvas: Canvas, paint: Paint) -> Picture:
    wall, roof = (
        canvas.box(-0.68, -0.1, 0.68, 0.92),
        floats(0.05 - 0.1 * canvas.shape([(-0.92, -0.08), (0, -0.9), (0.92, -0.08)])),
    )
    tiles = times(canvas.plain(rgb(160, 70, 50)), 0.85 + 0.15 * np.sign(np.sin(canvas.y * 40)))
    found = (
        Cutout(canvas).add(canvas.box(0.36, -0.8, 0.54, -0.3), rgb(130, 90, 70)).add(wall, paint.main).add(roof, tiles)
    )
    found.add(canvas.box(-0.15, 0.35, 0.17, 0.92), rgb(90, 56, 36), 0.03).marks(
        canvas.disc(0.1, 0.65, 0.03), rgb(230, 190, 80)
    )
    for x in (-0.42, 0.42):
        found.marks(canvas.box(x - 0.17, 0.1, x + 0.17, 0.42), WHITE).marks(
            canvas.box(x - 0.14, 0.13, x + 0.14, 0.39), rgb(90, 140, 180)
        )
        found.marks(
            union(canvas.box(x - 0.14, 0.25, x + 0.14, 0.275), canvas.box(x - 0.012, 0.13, x + 0.012, 0.39)), WHITE
        )
    return found.picture


def _padlock(canvas: Canvas, paint: Paint) -> Picture:
    shackle = both(
        floats(np.abs(np.hypot(canvas.x, np.minimum(canvas.y + 0.35, 0)) - 0.38) - 0.1), floats(canvas.y - 0.1)
    )
    body = canvas.box(-0.62, -0.15, 0.62, 0.9, 0.12)
    found = (
        Cutout(canvas)
        .add(shackle, rgb(178, 182, 190), 0.09, 0.9)
        .add(body, times(canvas.plain(paint.main), 0.97 + 0.03 * canvas.noise(80, 14)), 0.1, 0.5)
    )
    return found.marks(union(canvas.disc(0, 0.28, 0.12), canvas.rod(0, 0.3, 0, 0.58, 0.1)), INK).picture


def _speaker(canvas: Canvas, paint: Paint) -> Picture:
    found = Cutout(canvas).add(canvas.box(-0.93, -0.93, 0.93, 0.93, 0.08), paint.main, 0.06)
    cone = lit(
        canvas.plain(rgb(60, 60, 64)),
        floats(-0.25 * np.clip(0.6 - canvas.radius, 0, 1) + 0.02 * np.sin(canvas.radius * 60)),
        0.2,
    )
    found.add(canvas.disc(0, 0, 0.78), rgb(24, 24, 26), 0.1, 0.6).add(canvas.disc(0, 0, 0.62), cone).add(
        canvas.disc(0, 0, 0.22), rgb(46, 46, 50), 0.2, 0.7
    )
    for x in (-0.77, 0.77):
        for y in (-0.77, 0.77):
            found.add(canvas.disc(x, y, 0.07), rgb(170, 172, 176), 0.06, 0.6)
    return found.picture


THINGS: Mapping[str, Drawing] = {
    "button": Drawing(_button, ("blue", "red", "tan")),
    "key": Drawing(_key, ("yellow", "silver")),
    "gear": Drawing(_gear, ("silver", "copper")),
    "wheel": Drawing(_wheel, ("silver",)),
    "beach ball": Drawing(_ball, ("red", "blue")),
    "ball with seams": Drawing(_basketball, ("orange",)),
    "ladder": Drawing(_ladder, ("tan",)),
    "comb": Drawing(_comb, ("teal", "black")),
    "screw head": Drawing(_screw, ("silver",)),
    "hexagon nut": Drawing(_nut, ("silver",)),
    "umbrella": Drawing(_umbrella, ("red",)),
    "balloon": Drawing(_balloon, ("red", "blue")),
    "candle": Drawing(_candle, ("cream",)),
    "light bulb": Drawing(_bulb, ("yellow",)),
    "house": Drawing(_house, ("cream",)),
    "padlock": Drawing(_padlock, ("yellow",)),
    "speaker": Drawing(_speaker, ("brown",)),
}
