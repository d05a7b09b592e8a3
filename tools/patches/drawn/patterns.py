"""Flat patterns: what is printed, painted or woven into cloth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.patches.drawn.canvas import (
    Canvas,
    Drawing,
    Floats,
    Paint,
    inside,
    lit,
    mix,
    rgb,
    step,
    times,
)


def _wave(value: Floats, sharp: float = 6.0) -> Floats:
    """A square wave of period 1 with soft edges: 1 in the first half, 0 in the second."""
    return np.asarray(np.clip(0.5 + sharp * np.sin(2 * np.pi * value), 0.0, 1.0), dtype=np.float32)


def _cloth(canvas: Canvas, colours: Floats) -> Floats:
    """The fine threads of a cloth over a pattern."""
    threads = np.sin(canvas.x * 150) * np.sin(canvas.y * 150)
    return times(colours, 0.96 + 0.05 * threads + 0.03 * canvas.noise(3))


def _bands(canvas: Canvas, paint: Paint) -> Floats:
    return mix(paint.pale, paint.main, _wave(canvas.x * 2.5))


def _slanted(canvas: Canvas, paint: Paint) -> Floats:
    along, _ = canvas.turned(45)
    return mix(paint.across, paint.main, _wave(along * 3))


def _pinstripes(canvas: Canvas, paint: Paint) -> Floats:
    lines = np.exp(-((((canvas.x * 4.5) % 1.0) - 0.5) ** 2) / 0.003)
    return _cloth(canvas, mix(paint.dark, paint.pale, np.asarray(0.85 * lines, dtype=np.float32)))


def _zigzags(canvas: Canvas, paint: Paint) -> Floats:
    teeth = np.abs((canvas.x * 2.5) % 1.0 - 0.5)
    return mix(paint.pale, paint.main, _wave(canvas.y * 2.2 + teeth * 1.1))


def _chevrons(canvas: Canvas, paint: Paint) -> Floats:
    phase = canvas.y * 2 + np.abs(canvas.x) * 2
    return mix(mix(paint.dark, paint.light, _wave(phase)), paint.across, step(_wave(phase * 2 + 0.25), 0.9))


def _checks(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(6, 6)
    return mix(paint.pale, paint.main, np.asarray((tiles.row + tiles.column) % 2, dtype=np.float32))


def _gingham(canvas: Canvas, paint: Paint) -> Floats:
    share = (_wave(canvas.x * 2.5) + _wave(canvas.y * 2.5)) / 2
    return _cloth(canvas, mix(rgb(250, 248, 244), paint.main, share))


def _tartan(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.main)
    for place in (canvas.x, canvas.y):
        found = mix(found, paint.deep, 0.55 * _wave(place * 1.5 + 0.1))
        thin = np.exp(-((((place * 1.5 + 0.36) % 1.0) - 0.5) ** 2) / 0.0007)
        found = mix(found, paint.across, np.asarray(0.75 * thin, dtype=np.float32))
    return _cloth(canvas, found)


def _argyle(canvas: Canvas, paint: Paint) -> Floats:
    u, v = canvas.x * 2 + canvas.y * 1.2, canvas.x * 2 - canvas.y * 1.2
    diamonds = mix(paint.pale, paint.main, _wave(u / 2) * _wave(v / 2))
    found = mix(diamonds, paint.dark, (1 - _wave(u / 2)) * (1 - _wave(v / 2)))
    line = np.minimum(np.abs((u + 0.5) % 1.0 - 0.5), np.abs((v + 0.5) % 1.0 - 0.5))
    return _cloth(canvas, mix(found, paint.across, inside(line - 0.04)))


def _polka_dots(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(5, 5, 0.5)
    return mix(paint.main, rgb(252, 250, 244), inside(np.hypot(tiles.u, tiles.v) - 0.27, 0.05))


def _concentric(canvas: Canvas, paint: Paint) -> Floats:
    return mix(paint.pale, paint.main, _wave(canvas.radius * 4))


def _spiral(canvas: Canvas, paint: Paint) -> Floats:
    return mix(paint.pale, paint.main, _wave(canvas.radius * 3 - canvas.angle / (2 * np.pi)))


def _rays(canvas: Canvas, paint: Paint) -> Floats:
    found = mix(paint.pale, paint.main, _wave(canvas.angle / (2 * np.pi) * 12))
    return mix(found, paint.across, inside(canvas.radius - 0.18))


def _waves(canvas: Canvas, paint: Paint) -> Floats:
    return mix(paint.pale, paint.main, _wave(canvas.y * 3 + 0.22 * np.sin(canvas.x * 7)))


def _scallops(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.pale)
    for row in range(9):
        top, shift = -1.25 + row * 0.25, 0.25 * (row % 2)
        away = np.hypot((canvas.x + shift + 0.25) % 0.5 - 0.25, canvas.y - top)
        ring = mix(paint.pale, paint.main, _wave(away * 12))
        found = mix(found, ring, inside(away - 0.27) * step(canvas.y, top - 0.3))
    return found


def _hexagons(canvas: Canvas, paint: Paint) -> Floats:
    inner, luck = canvas.hexagons(5)
    return mix(rgb(245, 243, 238), mix(paint.light, paint.main, np.floor(luck * 3) / 2), step(inner, 0.05, 0.04))


def _triangles(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(5, 5)
    upper = step(tiles.u + tiles.v, 0.0, 0.03)
    luck = (tiles.luck * 7 + upper * 3.1) % 1.0
    found = mix(paint.pale, paint.main, np.floor(luck * 3) / 2)
    return mix(found, paint.across, step(luck, 0.82, 0.01))


def _herringbone(canvas: Canvas, paint: Paint) -> Floats:
    column = np.floor((canvas.x + 1) * 3).astype(np.int64)
    slope = np.where(column % 2 == 0, canvas.x, -canvas.x)
    return _cloth(canvas, mix(paint.dark, paint.light, _wave((canvas.y + slope) * 5, 2.0)))


def _houndstooth(canvas: Canvas, paint: Paint) -> Floats:
    x, y = (canvas.x + 1) * 2.5, (canvas.y + 1) * 2.5
    right, down = x % 1.0 > 0.5, y % 1.0 > 0.5
    slanted = (((x - y) * 2) % 1.0) > 0.5
    dark = (right & down) | (right ^ down) & slanted
    return _cloth(canvas, mix(paint.pale, paint.main, dark.astype(np.float32)))


def _halftone(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(11, 11, degrees=30)
    size = 0.12 + 0.3 * (canvas.x + canvas.y + 2) / 4 * 1.4
    return mix(rgb(250, 248, 240), paint.main, inside(np.hypot(tiles.u, tiles.v) - size, 0.08))


def _graph_paper(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(rgb(248, 248, 244))
    for cycles, width, share in ((10, 0.06, 0.6), (2, 0.02, 1.0)):
        for place in (canvas.x, canvas.y):
            line = np.abs((place * cycles / 2 + 0.25) % 1.0 - 0.5)
            found = mix(found, paint.main, share * inside(line - width, width))
    return found


def _crosses(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(4, 4, 0.5)
    near, far = np.minimum(np.abs(tiles.u), np.abs(tiles.v)), np.maximum(np.abs(tiles.u), np.abs(tiles.v))
    return mix(paint.pale, paint.main, inside(np.maximum(near - 0.1, far - 0.33), 0.03))


def _stars(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(4, 4, 0.5)
    turn = (np.arctan2(tiles.v, tiles.u) + np.pi / 2) % (2 * np.pi / 5) - np.pi / 5
    reach = 0.17 / np.maximum(np.cos(np.abs(turn) - np.pi / 5 + 0.94), 0.2)
    return mix(paint.main, rgb(252, 246, 226), inside(np.hypot(tiles.u, tiles.v) - np.minimum(reach, 0.42), 0.04))


def _hearts(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(4, 4, 0.5)
    u, v = tiles.u * 3.1, -tiles.v * 3.1 + 0.1
    heart = (u**2 + v**2 - 0.75) ** 3 - u**2 * v**3 * 1.3
    return mix(paint.pale, paint.main, inside(np.asarray(heart, dtype=np.float32), 0.08))


def _barcode(canvas: Canvas, paint: Paint) -> Floats:
    widths = canvas.random.integers(1, 4, size=60)
    edges = np.cumsum(widths) / 62 * 1.0 - 0.92
    bar = np.searchsorted(edges, canvas.x.ravel()).reshape(canvas.x.shape) % 2
    found = mix(rgb(252, 252, 250), paint.deep, np.asarray(bar, dtype=np.float32))
    quiet = (np.abs(canvas.x) > 0.86) | (np.abs(canvas.y) > 0.72)
    return mix(found, rgb(252, 252, 250), quiet.astype(np.float32))


def _square_code(canvas: Canvas, paint: Paint) -> Floats:
    modules = (canvas.random.random((21, 21)) < 0.48).astype(np.float32)
    for top, left in ((0, 0), (0, 14), (14, 0)):
        modules[top : top + 7, left : left + 7] = 1
        modules[top + 1 : top + 6, left + 1 : left + 6] = 0
        modules[top + 2 : top + 5, left + 2 : left + 5] = 1
    row, column = (np.floor((place + 0.9) / 1.8 * 21).astype(np.int64) for place in (canvas.y, canvas.x))
    within = (row >= 0) & (row < 21) & (column >= 0) & (column < 21)
    dark = np.where(within, modules[np.clip(row, 0, 20), np.clip(column, 0, 20)], 0.0)
    return mix(rgb(250, 250, 248), paint.deep, np.asarray(dark, dtype=np.float32))


def _labyrinth(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(7, 7)
    flip = np.where(tiles.luck > 0.5, tiles.u, -tiles.u)
    near = np.abs(np.hypot(flip - 0.5, tiles.v - 0.5) - 0.5)
    other = np.abs(np.hypot(flip + 0.5, tiles.v + 0.5) - 0.5)
    return mix(paint.pale, paint.main, inside(np.minimum(near, other) - 0.16, 0.05))


def _camouflage(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.main)
    for colour, cut in ((paint.light, 0.35), (paint.dark, 0.5), (paint.deep, 0.8)):
        found = mix(found, colour, step(canvas.noise(4) + 0.25 * canvas.noise(14), cut, 0.03))
    return found


def _leopard(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(7, 0.7)
    wobble = 0.05 * canvas.noise(18)
    ring = (
        np.abs(cells.near + wobble - 0.24) - 0.075 + 0.07 * step(np.sin(3 * np.arctan2(cells.dy, cells.dx)), 0.6, 0.4)
    )
    ground = times(paint.light, 0.93 + 0.06 * canvas.noise(50, 4, 60))
    spot = mix(ground, paint.main, inside(cells.near + wobble - 0.24, 0.05))
    return mix(spot, rgb(46, 28, 18), inside(np.asarray(ring, dtype=np.float32), 0.05))


def _zebra(canvas: Canvas, paint: Paint) -> Floats:
    bend = canvas.y * 2.6 + 0.5 * np.sin(canvas.x * 1.6 + 0.4) + 0.16 * canvas.noise(3)
    stripes = step(np.sin(2 * np.pi * bend) + 0.25 * canvas.noise(5), 0.05, 0.16)
    return times(mix(paint.pale, paint.deep, stripes), 0.95 + 0.05 * canvas.noise(60, 4))


def _terrazzo(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.pale)
    for across, colour in ((6, paint.main), (9, paint.dark), (8, paint.across), (13, rgb(150, 144, 138))):
        cells = canvas.cells(across, 1.0)
        blob = cells.near - 0.2 * step(cells.luck, 0.45, 0.01) + 0.07 * canvas.noise(12)
        found = mix(found, colour, inside(blob, 0.03))
    return found


def _sprinkles(canvas: Canvas, paint: Paint) -> Floats:
    base = lit(canvas.plain(paint.main), 0.006 * canvas.noise(9), 0.3)
    colours = [rgb(250, 70, 90), rgb(255, 214, 50), rgb(80, 180, 240), rgb(120, 210, 90), rgb(252, 250, 246)]
    lines = []
    for number in range(95):
        x, y, turn = canvas.random.uniform((-1, -1, 0), (1, 1, np.pi))
        ends = [(x - 0.07 * np.cos(turn), y - 0.07 * np.sin(turn)), (x + 0.07 * np.cos(turn), y + 0.07 * np.sin(turn))]
        shade = [(a + 0.012, b + 0.016) for a, b in ends]
        lines += [(shade, 0.052, paint.dark), (ends, 0.048, colours[number % 5])]
    return canvas.strokes(base, lines)


def _stained_glass(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(5, 0.95)
    shades = mix(mix(paint.main, paint.light, cells.luck), paint.across, step((cells.luck * 5) % 1.0, 0.7, 0.01))
    glass = times(shades, 0.9 + 0.18 * canvas.noise(5))
    return mix(rgb(26, 26, 30), glass, step(cells.border, 0.045, 0.03))


def _bulge(canvas: Canvas, paint: Paint) -> Floats:
    swell = 0.42 + 0.75 * np.minimum(canvas.radius, 1.0) ** 2
    return mix(paint.pale, paint.main, np.abs(_wave(canvas.x * swell * 3) - _wave(canvas.y * swell * 3)))


def _rainbow(canvas: Canvas, paint: Paint) -> Floats:
    bands = [
        rgb(228, 50, 52),
        rgb(246, 146, 40),
        rgb(250, 220, 60),
        rgb(80, 176, 80),
        rgb(52, 120, 208),
        rgb(128, 70, 168),
    ]
    band = np.clip(np.floor((1.75 - np.hypot(canvas.x, canvas.y - 0.95)) * 5.2), -1, 6).astype(np.int64)
    table = np.stack([paint.pale, *bands, paint.pale])
    return np.asarray(table[band + 1], dtype=np.float32)


def _brush_strokes(canvas: Canvas, paint: Paint) -> Floats:
    shades = [paint.main, paint.light, paint.dark, paint.across, paint.pale]
    lines = []
    for number in range(130):
        x, y = canvas.random.uniform(-1.1, 1.1, size=2)
        turn = 0.6 + 0.9 * np.sin(2 * x) + canvas.random.normal(0, 0.2)
        reach = 0.2
        ends = [(x, y), (x + reach * np.cos(turn), y + reach * np.sin(turn))]
        lines.append((ends, 0.1, shades[int(canvas.random.integers(5))] * np.float32(0.9 + 0.002 * (number % 50))))
    painted = canvas.strokes(canvas.plain(paint.main), lines)
    return lit(painted, 0.006 * canvas.noise(60, 5, 50), 0.1)


PATTERNS: Mapping[str, Drawing] = {
    "stripes upright": Drawing(_bands, ("red", "blue", "black")),
    "stripes slanted": Drawing(_slanted, ("yellow", "green")),
    "pinstripes": Drawing(_pinstripes, ("blue", "grey")),
    "zigzags": Drawing(_zigzags, ("orange", "purple", "teal")),
    "chevrons": Drawing(_chevrons, ("teal", "red")),
    "checks": Drawing(_checks, ("black", "red", "green")),
    "gingham": Drawing(_gingham, ("red", "blue")),
    "tartan": Drawing(_tartan, ("red", "green", "blue")),
    "argyle": Drawing(_argyle, ("purple", "olive")),
    "polka dots": Drawing(_polka_dots, ("red", "blue", "black")),
    "rings": Drawing(_concentric, ("purple", "orange")),
    "spiral": Drawing(_spiral, ("black", "red", "teal")),
    "rays": Drawing(_rays, ("orange", "sky")),
    "waves": Drawing(_waves, ("blue", "green")),
    "scallops": Drawing(_scallops, ("blue", "orange")),
    "hexagons": Drawing(_hexagons, ("teal", "grey")),
    "triangles": Drawing(_triangles, ("purple", "yellow")),
    "herringbone": Drawing(_herringbone, ("grey", "brown")),
    "houndstooth": Drawing(_houndstooth, ("black",)),
    "halftone dots": Drawing(_halftone, ("red", "black")),
    "graph paper": Drawing(_graph_paper, ("blue",)),
    "crosses": Drawing(_crosses, ("green", "red")),
    "stars": Drawing(_stars, ("blue", "red")),
    "hearts": Drawing(_hearts, ("red", "pink")),
    "barcode": Drawing(_barcode, ("black",)),
    "square code": Drawing(_square_code, ("black", "blue")),
    "labyrinth": Drawing(_labyrinth, ("teal", "black")),
    "camouflage": Drawing(_camouflage, ("olive", "grey")),
    "leopard spots": Drawing(_leopard, ("tan", "pink")),
    "zebra stripes": Drawing(_zebra, ("black", "brown")),
    "terrazzo": Drawing(_terrazzo, ("cream", "pink")),
    "sprinkles": Drawing(_sprinkles, ("pink", "brown", "white")),
    "stained glass": Drawing(_stained_glass, ("blue", "orange")),
    "bulging checks": Drawing(_bulge, ("black", "orange")),
    "rainbow": Drawing(_rainbow, ("sky",)),
    "brush strokes": Drawing(_brush_strokes, ("blue", "olive")),
}
