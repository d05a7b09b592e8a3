"""Surfaces that grow or happen: plants, skins, stone, water, fire, and food as it lies in a heap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.patches.drawn.canvas import (
    Canvas,
    Drawing,
    Floats,
    Paint,
    Points,
    dome,
    inside,
    lit,
    mix,
    rgb,
    step,
    times,
)


def _honeycomb(canvas: Canvas, paint: Paint) -> Floats:
    inner, luck = canvas.hexagons(5)
    honey = times(mix(paint.dark, paint.main, inner * 1.8 + 0.2), 0.85 + 0.2 * luck + 0.05 * canvas.noise(3))
    return lit(mix(paint.light, honey, step(inner, 0.08, 0.05)), -0.12 * step(inner, 0.1, 0.17), 0.5)


def _scales(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.deep)
    for row in range(12):
        top, shift = -1.3 + row * 0.21, 0.15 * (row % 2)
        x = (canvas.x + shift + 0.15) % 0.3 - 0.15
        away = np.hypot(x, (canvas.y - top) * 0.85)
        scale = np.asarray(away - 0.19, dtype=np.float32)
        height = 0.07 * np.sqrt(np.clip(1 - (away / 0.2) ** 2, 0, 1)) + 0.12 * (canvas.y - top)
        luck = np.sin(np.floor((canvas.x + shift + 0.15) / 0.3) * 12.9 + row * 78.2)
        shown = lit(
            times(mix(paint.main, paint.light, away * 2.2), 1 + 0.1 * luck), np.asarray(height, dtype=np.float32), 0.5
        )
        found = mix(found, paint.deep, 0.6 * inside(scale - 0.03, 0.05) * step(canvas.y, top, 0.02))
        found = mix(found, shown, inside(scale) * step(canvas.y, top, 0.02))
    return found


def _snake_skin(canvas: Canvas, paint: Paint) -> Floats:
    u, v = canvas.x * 4 + canvas.y * 3, canvas.x * 4 - canvas.y * 3
    away = np.maximum(np.abs(u % 1 - 0.5), np.abs(v % 1 - 0.5))
    saddle = step(np.sin(canvas.x * 5 + 1) * np.cos(canvas.y * 6) * 1.5 + 0.15 * canvas.noise(6), 0.35, 0.15)
    shades = mix(mix(paint.light, paint.main, step(canvas.noise(4), 0, 1)), paint.deep, saddle)
    return lit(shades, np.asarray(0.12 * np.sqrt(np.clip(1 - (away / 0.52) ** 2, 0, 1)), dtype=np.float32), 0.4)


def _fur(canvas: Canvas, paint: Paint) -> Floats:
    return _hairs(canvas, paint, 2600, 0.2, 0.5)


def _hair(canvas: Canvas, paint: Paint) -> Floats:
    flow = canvas.x * 1.0 + 0.35 * np.sin(canvas.y * 2.4) + 0.1 * np.sin(canvas.y * 5.5 + 1)
    strands = canvas.random.random(4096).astype(np.float32)
    fine = strands[np.floor((flow + 2) * 60).astype(np.int64) % 4096]
    locks = np.sin(flow * 9) + 0.5 * np.sin(flow * 23 + 1)
    gleam = np.exp(-((canvas.y + 0.25 + 0.2 * np.sin(flow * 4)) ** 2) * 9)
    return times(mix(paint.dark, paint.bright, 0.25 + 0.2 * fine + 0.12 * locks + 0.35 * gleam), 1 + 0.25 * gleam)


def _hairs(canvas: Canvas, paint: Paint, count: int, reach: float, disorder: float) -> Floats:
    """Short strokes that follow a slow flow, the lower ones over the upper."""
    places = canvas.random.uniform(-1.15, 1.15, size=(count, 2))
    places = places[np.argsort(places[:, 1])]
    phase = canvas.random.uniform(0, 6.3)
    lines: list[tuple[Points, float, Floats]] = []
    for x, y in places.tolist():
        turn = (
            np.pi / 2 + 0.7 * np.sin(1.7 * x + phase) + 0.4 * np.sin(2.3 * y) + disorder * canvas.random.normal(0, 0.35)
        )
        end = (x + reach * np.cos(turn), y + reach * np.sin(turn))
        tone = canvas.random.random()
        colour = paint.dark + np.float32(tone) * (paint.bright - paint.dark)
        lines.append(([(x, y), end], 0.014 + 0.008 * tone, colour))
    return canvas.strokes(canvas.plain(paint.dark), lines)


def _curls(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(5, 0.9)
    swirl = np.sin(cells.near * 30 - np.arctan2(cells.dy, cells.dx) + 20 * cells.luck)
    return lit(mix(paint.dark, paint.light, 0.45 + 0.3 * swirl - 0.3 * cells.near), 0.035 * swirl + 0.1 * cells.border)


def _grass(canvas: Canvas, paint: Paint) -> Floats:
    lines: list[tuple[Points, float, Floats]] = []
    for number in range(420):
        x, foot = canvas.random.uniform(-1.1, 1.1), -0.5 + 1.7 * number / 420
        lean, tall = canvas.random.normal(0, 0.14), canvas.random.uniform(0.45, 0.9)
        tone = canvas.random.random()
        colour = paint.dark + np.float32(0.1 + 0.9 * tone) * (paint.bright - paint.dark)
        points = [(x, foot), (x + lean * 0.35, foot - tall * 0.55), (x + lean, foot - tall)]
        lines += [(points[:2], 0.034, colour), (points[1:], 0.018, colour)]
    return canvas.strokes(canvas.plain(paint.deep), lines)


def _leaves(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.deep)
    for number in range(34):
        x, y, turn = canvas.random.uniform((-1.1, -1.1, 0), (1.1, 1.1, 360))
        size = canvas.random.uniform(0.3, 0.46)
        along, across = _turned_about(canvas, x, y, turn)
        along, across = along / size, across / size
        edge = np.asarray(np.abs(across) - 0.42 * np.clip(1 - along**2, 0, 1) ** 0.8, dtype=np.float32)
        edge = np.where(np.abs(along) < 1, edge, 1.0).astype(np.float32)
        vein = np.minimum(np.abs(across), np.abs((along * 4 + np.abs(across) * 3) % 1 - 0.5) * 0.25 + 0.03)
        tone = canvas.random.uniform(0, 1)
        leaf = canvas.plain(paint.main * np.float32(0.7 + 0.5 * tone))
        leaf = mix(leaf, paint.light, 0.7 * inside(np.asarray(vein - 0.03, dtype=np.float32), 0.03))
        leaf = times(leaf, 1.0 - 0.25 * (across > 0))
        found = times(found, 1 - 0.5 * inside(edge - 0.06, 0.16) * (0.4 + number / 60))
        found = mix(found, leaf, inside(edge, 0.06))
    return found


def _turned_about(canvas: Canvas, x: float, y: float, degrees: float) -> tuple[Floats, Floats]:
    turn = np.deg2rad(degrees)
    dx, dy = canvas.x - np.float32(x), canvas.y - np.float32(y)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return dx * cos + dy * sin, dy * cos - dx * sin


def _feathers(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.deep)
    for row in range(7):
        for column in range(5):
            x, y = -1.0 + column * 0.5 + 0.25 * (row % 2), -1.2 + row * 0.36
            u, v = (canvas.x - x) / 0.3, (canvas.y - y) / 0.62
            edge = np.asarray(np.abs(u) - np.clip(1 - (2 * v - 1) ** 2, 0, 1) ** 0.4 * 0.95, dtype=np.float32)
            edge = np.where((v > 0) & (v < 1), edge, 1.0).astype(np.float32)
            barbs = np.sin(v * 26 - np.abs(u) * 9)
            vane = mix(mix(paint.main, paint.light, v), paint.dark, step(v, 0.82, 0.15))
            vane = times(vane, 0.92 + 0.1 * barbs - 0.1 * (u > 0))
            vane = mix(vane, paint.pale, inside(np.asarray(np.abs(u) - 0.06, dtype=np.float32), 0.05))
            found = times(found, 1 - 0.5 * inside(edge - 0.12, 0.25))
            found = mix(found, vane, inside(edge, 0.1))
    return found


def _peacock(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(rgb(18, 66, 52))
    for row in range(5):
        for column in range(4):
            x, y = -0.75 + column * 0.55 - 0.27 * (row % 2), -0.9 + row * 0.45
            u, v = canvas.x - x, (canvas.y - y) * 0.85
            away, turn = np.hypot(u, v), np.arctan2(v, u)
            barbs = times(mix(rgb(40, 128, 78), rgb(168, 160, 60), away * 2.4), 0.85 + 0.2 * np.sin(turn * 40))
            for reach, colour in (
                (0.24, rgb(186, 148, 62)),
                (0.19, rgb(70, 168, 120)),
                (0.135, paint.main),
                (0.08, paint.deep),
            ):
                barbs = mix(barbs, colour, inside(np.asarray(away - reach, dtype=np.float32)))
            found = mix(found, barbs, inside(np.asarray(away - 0.33, dtype=np.float32), 0.06))
    return found


def _marble(canvas: Canvas, paint: Paint) -> Floats:
    drift = canvas.rough(2, 5)
    along, _ = canvas.turned(35)
    vein = np.abs(np.sin(along * 4 + 1.6 * drift)) ** 0.3
    finer = np.abs(np.sin(along * 7 - 2.2 * drift + 1)) ** 0.2
    return times(mix(paint.dark, paint.light, vein * finer), 0.97 + 0.04 * canvas.noise(3))


def _granite(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.main)
    for cycles, colour, cut in ((26, paint.dark, 0.6), (30, paint.pale, 0.9), (34, rgb(28, 26, 28), 1.1)):
        found = mix(found, colour, step(canvas.noise(cycles), cut, 0.3))
    return found


def _pebbles(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(6, 0.85)
    stone = step(cells.border, 0.06, 0.06)
    shades = mix(mix(paint.dark, paint.pale, cells.luck), rgb(150, 120, 96), 0.5 * step((cells.luck * 7) % 1, 0.6, 0.1))
    shades = times(shades, 1 + 0.07 * canvas.rough(24))
    height = 0.3 * np.sqrt(np.clip(cells.border * 1.6, 0, 0.6))
    return lit(mix(rgb(36, 32, 30), shades, stone), np.asarray(height, dtype=np.float32), 0.2)


def _cracked_earth(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(5, 0.95)
    plate = step(cells.border + 0.012 * canvas.noise(24), 0.05, 0.05)
    earth = times(canvas.plain(paint.main), 0.92 + 0.1 * cells.luck + 0.05 * canvas.rough(16))
    return lit(mix(paint.deep, earth, plate), 0.06 * step(cells.border, 0.08, 0.14) + 0.004 * canvas.noise(30))


def _bark(canvas: Canvas, paint: Paint) -> Floats:
    ridges = canvas.noise(9, 0.28) + 0.5 * canvas.noise(26, 0.4)
    height = -np.abs(ridges) * 0.07
    return lit(mix(paint.main, paint.deep, step(-np.abs(ridges), -0.15, 0.35)), np.asarray(height, dtype=np.float32))


def _birch(canvas: Canvas, paint: Paint) -> Floats:
    base = times(canvas.plain(paint.main), 0.97 + 0.05 * canvas.noise(40, 6) - 0.2 * canvas.x**2)
    marks = canvas.noise(13, 3.2) + 0.4 * canvas.noise(40, 3)
    return mix(base, rgb(44, 38, 34), step(marks, 1.35, 0.3))


def _sand_ripples(canvas: Canvas, paint: Paint) -> Floats:
    bend = canvas.y * 16 + canvas.x * 3 + 1.2 * canvas.noise(2.4)
    height = 0.05 * (np.abs(((bend / (2 * np.pi)) % 1.0) - 0.65))
    return lit(
        times(canvas.plain(paint.main), 1 + 0.06 * canvas.noise(110)), np.asarray(height * 1.6, dtype=np.float32)
    )


def _water(canvas: Canvas, paint: Paint) -> Floats:
    height = 0.03 * canvas.noise(5, 0.5) + 0.016 * canvas.noise(11, 0.5)
    deep = mix(paint.dark, paint.main, step(canvas.noise(3, 0.5), 0, 2))
    return lit(deep, np.asarray(height * 1.5, dtype=np.float32), 1.0, 0.45)


def _rings_on_water(canvas: Canvas, paint: Paint) -> Floats:
    height = np.zeros_like(canvas.x)
    for x, y, cycles in ((-0.2, -0.1, 30), (0.65, 0.6, 36)):
        away = np.hypot(canvas.x - x, (canvas.y - y) * 1.25)
        height = height + 0.035 * np.sin(away * cycles) * np.exp(-away * 1.9)
    return lit(mix(paint.light, paint.main, step(canvas.y, 0, 2)), np.asarray(height, dtype=np.float32), 0.9, 0.45)


def _caustics(canvas: Canvas, paint: Paint) -> Floats:
    bent = 0.03 * canvas.noise(4)
    nets = [canvas.cells(count, 0.95).border for count in (4, 6)]
    glow = sum(np.exp(-np.abs(net + bent) * 9) for net in nets)
    return mix(paint.main, rgb(240, 252, 252), np.asarray(0.5 * glow**1.5, dtype=np.float32))


def _bubbles(canvas: Canvas, paint: Paint) -> Floats:
    found = mix(paint.main, paint.dark, step(canvas.y, 0, 2.4))
    for _ in range(46):
        x, y = canvas.random.uniform(-1, 1, size=2)
        size = float(canvas.random.uniform(0.05, 0.2))
        disc = canvas.disc(x, y, size)
        share = np.clip((disc + size) / size, 0, 1)
        found = mix(found, paint.pale, (0.15 + 0.75 * share**5) * inside(disc))
        found = mix(found, rgb(255, 255, 255), inside(canvas.disc(x - 0.4 * size, y - 0.4 * size, 0.2 * size)))
    return found


def _foam(canvas: Canvas, paint: Paint) -> Floats:
    coarse, fine = canvas.cells(8, 1.0), canvas.cells(18, 1.0)
    where = step(coarse.luck, 0.6, 0.01)
    height = 0.12 * np.sqrt(np.clip(0.6 - coarse.near**2, 0, 1)) + 0.05 * where * np.sqrt(
        np.clip(0.6 - fine.near**2, 0, 1)
    )
    return lit(canvas.plain(paint.light), np.asarray(height, dtype=np.float32), 0.6, 0.55)


def _flames(canvas: Canvas, paint: Paint) -> Floats:
    x = canvas.x + 0.10 * np.sin(canvas.y * 5 + 2 * canvas.noise(1.5)) * (1 - canvas.y)
    tongues = 0.45 * np.abs(np.sin(x * 4.2 + 0.4)) + 0.3 * np.abs(np.sin(x * 9.5 + 2)) + 0.12 * canvas.noise(4, 0.4)
    heat = (canvas.y + 1) / 2 - 0.72 + tongues
    found = mix(rgb(14, 8, 10), paint.dark, step(heat, 0.02, 0.16))
    for at, colour in ((0.16, paint.main), (0.4, rgb(252, 176, 40)), (0.62, rgb(255, 244, 190))):
        found = mix(found, colour, step(heat, at, 0.24))
    return found


def _clouds(canvas: Canvas, paint: Paint) -> Floats:
    puff = canvas.rough(2.2, 6) + 0.3 * canvas.noise(2)
    cloud = step(puff, 0.25, 0.9)
    sky = mix(paint.main, paint.light, step(canvas.y, 0.2, 2))
    white = lit(canvas.plain(rgb(252, 252, 252)), 0.09 * puff, 0.0, 0.72)
    return mix(sky, white, cloud)


def _starry_sky(canvas: Canvas, paint: Paint) -> Floats:
    sky = mix(paint.deep * np.float32(0.5), paint.main, 0.2 + 0.2 * canvas.rough(2))
    for _ in range(110):
        x, y = canvas.random.uniform(-1, 1, size=2)
        size = float(canvas.random.uniform(0.006, 0.03) ** 1.0)
        away = np.hypot(canvas.x - x, canvas.y - y)
        sky = sky + (np.exp(-((away / size) ** 2)) + 0.25 * np.exp(-away / size / 1.5))[..., None]
    return np.asarray(sky, dtype=np.float32)


def _lightning(canvas: Canvas, paint: Paint) -> Floats:
    sky = mix(paint.deep, paint.main, 0.35 + 0.22 * canvas.rough(3))
    lines: list[tuple[Points, float, Floats]] = []
    for width in (0.09, 0.035):
        generator = np.random.default_rng(3)
        colour = paint.light if width > 0.05 else rgb(255, 252, 255)
        for x0, y0, reach in ((0.1, -1.1, 12), (-0.05, -0.35, 7), (0.2, 0.05, 6)):
            xs = x0 + np.cumsum(generator.normal(0, 0.11, reach)) * (1 if reach == 12 else 1.4)
            ys = y0 + np.arange(reach) * 0.19
            lines.append((list(zip(xs.tolist(), ys.tolist(), strict=True)), width * reach / 12, colour))
    return canvas.strokes(sky, lines)


def _coral(canvas: Canvas, paint: Paint) -> Floats:
    grooves = np.tanh(2.2 * canvas.winding(7))
    return lit(mix(paint.dark, paint.light, 0.5 + 0.5 * grooves), 0.05 * grooves)


def _kernels(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(6, 7)
    grain = np.asarray(
        np.maximum(np.abs(tiles.u), np.abs(tiles.v)) * 0.6 + np.hypot(tiles.u, tiles.v) * 0.4 - 0.44, dtype=np.float32
    )
    shades = mix(paint.main, paint.light, tiles.luck)
    return mix(paint.deep, lit(shades, 0.6 * dome(grain, 0.3), 0.7), inside(grain, 0.05))


def _peas(canvas: Canvas, paint: Paint) -> Floats:
    return _heap(canvas, paint, 6, 1.0, 0.8)


def _beans(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.deep)
    for _ in range(150):
        x, y, turn = canvas.random.uniform((-1.1, -1.1, 0), (1.1, 1.1, 180))
        along, across = _turned_about(canvas, x, y, turn)
        bent = across - 1.6 * along**2
        bean = np.asarray(np.hypot(along * 0.55, bent) - 0.085, dtype=np.float32)
        found = times(found, 1 - 0.5 * inside(bean - 0.02, 0.05))
        shade = paint.main * np.float32(canvas.random.uniform(0.8, 1.15))
        found = mix(found, lit(canvas.plain(shade), dome(bean, 0.085), 0.7), inside(bean))
    return found


def _rice(canvas: Canvas, paint: Paint) -> Floats:
    lines: list[tuple[Points, float, Floats]] = []
    for _ in range(420):
        x, y, turn = canvas.random.uniform((-1.05, -1.05, 0), (1.05, 1.05, np.pi))
        dx, dy = 0.075 * np.cos(turn), 0.075 * np.sin(turn)
        tone = np.float32(canvas.random.uniform(0.88, 1.03))
        lines += [
            ([(x - dx + 0.01, y - dy + 0.014), (x + dx + 0.01, y + dy + 0.014)], 0.066, paint.main * np.float32(0.55)),
            ([(x - dx, y - dy), (x + dx, y + dy)], 0.056, paint.pale * tone),
        ]
    return canvas.strokes(canvas.plain(paint.dark), lines)


def _heap(canvas: Canvas, paint: Paint, across: int, gloss: float, disorder: float) -> Floats:
    """Round things that lie in a heap, two layers of them."""
    found = canvas.plain(paint.deep)
    for layer in range(2):
        cells = canvas.cells(across, disorder)
        ball = np.asarray(cells.near - 0.5, dtype=np.float32)
        shades = mix(paint.main * np.float32(0.9), paint.light, 0.5 * cells.luck)
        shown = lit(shades, 0.7 * dome(ball * np.float32(2 / across), 1 / across), gloss)
        found = mix(found, times(shown, 0.7 + 0.3 * layer), inside(ball, 0.06) * (cells.luck > 0.35 * layer))
    return found


def _berries(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(4, 0.6)
    drupe = canvas.cells(14, 0.5)
    ball = np.asarray((cells.near - 0.55) * 0.5, dtype=np.float32)
    height = dome(ball, 0.27) + 0.06 * np.sqrt(np.clip(0.5 - drupe.near**2, 0, 1))
    return mix(
        paint.deep,
        lit(mix(paint.dark, paint.main, drupe.border * 3), np.asarray(height, dtype=np.float32), 0.9),
        inside(ball, 0.05),
    )


def _petals(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.dark)
    for ring in range(6):
        reach, count = 1.25 - ring * 0.2, 9 - ring
        for number in range(count):
            turn = 360 * number / count + 25 * ring
            along, across = canvas.turned(turn)
            edge = np.asarray(np.hypot(along / reach - 0.5, across / reach * 1.25) - 0.48, dtype=np.float32)
            petal = mix(paint.main * np.float32(0.8), paint.bright, np.clip(along / reach, 0, 1) ** 2)
            found = times(found, 1 - 0.3 * inside(edge - 0.05, 0.14))
            found = mix(found, petal, inside(edge, 0.03))
    return mix(found, rgb(238, 190, 60), inside(canvas.disc(0, 0, 0.1)))


def _pine_needles(canvas: Canvas, paint: Paint) -> Floats:
    lines: list[tuple[Points, float, Floats]] = []
    for _ in range(26):
        x, y, turn = canvas.random.uniform((-1.1, -1.1, 0), (1.1, 1.1, 2 * np.pi))
        lines.append(([(x, y), (x + 0.9 * np.cos(turn), y + 0.9 * np.sin(turn))], 0.03, rgb(96, 66, 40)))
        for way in np.linspace(0, 0.9, 20):
            fx, fy = x + way * np.cos(turn), y + way * np.sin(turn)
            for side in (-1, 1):
                tone, lean = canvas.random.random(), side * canvas.random.uniform(0.35, 0.95)
                end = (fx + 0.25 * np.cos(turn + lean), fy + 0.25 * np.sin(turn + lean))
                lines.append(([(fx, fy), end], 0.012, paint.dark + np.float32(tone) * (paint.bright - paint.dark)))
    return canvas.strokes(canvas.plain(paint.deep), lines)


def _holes(canvas: Canvas, paint: Paint) -> Floats:
    found, depth = canvas.plain(paint.main), np.zeros_like(canvas.x)
    for _ in range(17):
        x, y, size = canvas.random.uniform((-1, -1, 0.07), (1, 1, 0.27))
        hole = canvas.disc(x, y, size)
        found = mix(found, paint.dark, 0.8 * inside(hole, 0.03))
        depth = np.minimum(depth, -dome(hole, size) * 0.6)
    return lit(times(found, 1 + 0.02 * canvas.noise(30)), depth, 0.2, 0.5)


def _moss(canvas: Canvas, paint: Paint) -> Floats:
    clumps = canvas.rough(7, 5)
    return lit(mix(paint.deep, paint.bright, 0.45 + 0.24 * clumps), 0.05 * clumps + 0.012 * canvas.noise(60))


def _tree_rings(canvas: Canvas, paint: Paint) -> Floats:
    away = np.hypot(canvas.x + 0.1, canvas.y - 0.05) * (1 + 0.03 * np.cos(3 * canvas.angle)) + 0.015 * canvas.noise(4)
    ring = ((away * 11) % 1.0) ** 3
    crack = inside(np.asarray(np.abs(np.sin((canvas.angle - 0.8) / 2)) * away - 0.012, dtype=np.float32), 0.02)
    wood = mix(mix(paint.light, paint.main, 0.4 + 0.6 * ring), paint.deep, 0.7 * crack)
    return mix(wood, paint.deep, step(np.asarray(away, dtype=np.float32), 0.98, 0.03))


GROWN: Mapping[str, Drawing] = {
    "honeycomb": Drawing(_honeycomb, ("yellow", "orange")),
    "scales": Drawing(_scales, ("green", "silver", "orange")),
    "snake skin": Drawing(_snake_skin, ("tan", "olive")),
    "fur": Drawing(_fur, ("brown", "white", "orange")),
    "hair": Drawing(_hair, ("brown", "yellow", "black")),
    "curls": Drawing(_curls, ("white", "brown")),
    "grass": Drawing(_grass, ("green", "yellow")),
    "leaves": Drawing(_leaves, ("green", "orange", "red")),
    "feathers": Drawing(_feathers, ("white", "blue", "brown")),
    "peacock eyes": Drawing(_peacock, ("blue",)),
    "marble": Drawing(_marble, ("white", "green", "black")),
    "granite": Drawing(_granite, ("grey", "pink")),
    "pebbles": Drawing(_pebbles, ("grey",)),
    "cracked earth": Drawing(_cracked_earth, ("tan", "grey")),
    "bark": Drawing(_bark, ("brown", "grey")),
    "birch bark": Drawing(_birch, ("white",)),
    "sand ripples": Drawing(_sand_ripples, ("tan",)),
    "waves of water": Drawing(_water, ("blue", "teal")),
    "rings on water": Drawing(_rings_on_water, ("blue", "grey")),
    "light on a pool": Drawing(_caustics, ("teal",)),
    "bubbles": Drawing(_bubbles, ("blue", "purple")),
    "foam": Drawing(_foam, ("white",)),
    "flames": Drawing(_flames, ("red", "blue")),
    "clouds": Drawing(_clouds, ("sky", "grey")),
    "starry sky": Drawing(_starry_sky, ("blue", "purple")),
    "lightning": Drawing(_lightning, ("purple",)),
    "brain coral": Drawing(_coral, ("pink", "cream")),
    "corn kernels": Drawing(_kernels, ("yellow", "purple")),
    "peas": Drawing(_peas, ("green", "red", "blue")),
    "beans": Drawing(_beans, ("red", "cream", "black")),
    "rice": Drawing(_rice, ("white",)),
    "berries": Drawing(_berries, ("red", "purple")),
    "petals": Drawing(_petals, ("pink", "red", "yellow")),
    "pine needles": Drawing(_pine_needles, ("green",)),
    "holes in cheese": Drawing(_holes, ("yellow",)),
    "moss": Drawing(_moss, ("green",)),
    "tree rings": Drawing(_tree_rings, ("tan",)),
}
