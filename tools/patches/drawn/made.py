"""Surfaces that people make: walls, cloth, metal, wood, and food laid out flat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.patches.drawn.canvas import (
    Canvas,
    Drawing,
    Floats,
    Paint,
    dome,
    inside,
    lit,
    mix,
    rgb,
    step,
    times,
)

_THREAD = rgb(246, 243, 234)


def _bricks(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(3.5, 7, 0.5)
    edge = np.minimum((0.5 - np.abs(tiles.u)) * 2, 0.5 - np.abs(tiles.v)) + 0.015 * canvas.noise(30)
    brick = step(edge, 0.08, 0.06)
    shades = times(mix(paint.dark, paint.main, 0.55 + 0.45 * tiles.luck), 1 + 0.07 * canvas.rough(20))
    mortar = times(rgb(198, 192, 180), 1 + 0.06 * canvas.noise(40))
    return lit(mix(mortar, shades, brick), 0.02 * brick + 0.003 * canvas.rough(24))


def _wall_tiles(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(4, 4)
    edge = 0.5 - np.maximum(np.abs(tiles.u), np.abs(tiles.v))
    shades = times(mix(paint.main, paint.light, 0.5 * tiles.luck), 1 + 0.02 * canvas.noise(3))
    face = step(edge, 0.045, 0.02)
    return lit(mix(rgb(222, 220, 214), shades, face), 0.03 * step(edge, 0.08, 0.1), 0.5)


def _roof_tiles(canvas: Canvas, paint: Paint) -> Floats:
    found = canvas.plain(paint.deep)
    for row in range(9):
        top, shift = -1.3 + row * 0.28, 0.2 * (row % 2)
        x = (canvas.x + shift + 0.2) % 0.4 - 0.2
        column = np.floor((canvas.x + shift + 0.2) / 0.4)
        luck = np.sin(column * 12.9 + row * 78.2) * 0.5 + 0.5
        tile = np.maximum(
            np.abs(x) - 0.19, np.where(canvas.y > top + 0.15, np.hypot(x, canvas.y - top - 0.15) - 0.19, -1)
        )
        height = 0.06 * np.sqrt(np.clip(1 - (x / 0.21) ** 2, 0, 1)) + 0.18 * (canvas.y - top)
        shown = lit(times(mix(paint.dark, paint.main, 0.6 + 0.4 * luck), 1 + 0.05 * canvas.noise(30)), height)
        under = inside(np.asarray(tile - 0.04, dtype=np.float32), 0.05) * step(canvas.y, top, 0.02)
        found = mix(found, paint.deep, 0.6 * under)
        found = mix(found, shown, inside(np.asarray(tile, dtype=np.float32)) * step(canvas.y, top, 0.02))
    return found


def _wood_grain(canvas: Canvas, paint: Paint) -> Floats:
    bend = (
        canvas.y * 5
        + 0.8 * canvas.noise(1.6, 2)
        + 0.9 * np.exp(-((canvas.x - 0.2) ** 2) * 5 - (canvas.y + 0.1) ** 2 * 14)
    )
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * bend)
    fibres = canvas.noise(110, 12)
    return times(mix(paint.main, paint.dark, 0.55 * rings**2 + 0.1 * fibres), 1 + 0.04 * fibres)


def _planks(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(1, 5)
    grain = np.sin(18 * (tiles.v + 0.25 * canvas.noise(2, 4)) + 30 * tiles.luck)
    shades = mix(paint.main, paint.dark, 0.25 + 0.3 * (tiles.luck - 0.5) + 0.14 * grain + 0.08 * canvas.noise(100, 10))
    gap = step(0.5 - np.abs(tiles.v), 0.03, 0.03)
    nails = canvas.tiles(2, 5)
    head = inside(np.hypot(nails.u * 2.5, nails.v) - 0.07, 0.03)
    return lit(mix(mix(paint.deep, shades, gap), rgb(60, 60, 64), head), 0.02 * gap)


def _parquet(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(3, 3)
    turned = (tiles.row + tiles.column) % 2 == 0
    along, across = np.where(turned, tiles.u, tiles.v), np.where(turned, tiles.v, tiles.u)
    strip = np.floor((across + 0.5) * 4)
    luck = (tiles.luck + strip * 0.37) % 1.0
    edge = np.minimum(0.5 - np.abs(along), 0.125 - np.abs((across + 0.5) % 0.25 - 0.125))
    grain = np.where(turned, canvas.noise(80, 10), canvas.noise(80, 10, 90))
    shades = times(mix(paint.dark, paint.light, 0.25 + 0.5 * luck), 1 + 0.05 * grain)
    return mix(paint.deep, shades, step(np.asarray(edge, dtype=np.float32), 0.012, 0.02))


def _basket(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(5, 5)
    flat = (tiles.row + tiles.column) % 2 == 0
    along, across = np.where(flat, tiles.u, tiles.v), np.where(flat, tiles.v, tiles.u)
    straw = np.abs((across * 3 + 0.5) % 1.0 - 0.5)
    height = 0.12 * np.sqrt(np.clip(1 - (along / 0.62) ** 2, 0, 1)) + 0.035 * np.sqrt(
        np.clip(1 - (straw / 0.5) ** 2, 0, 1)
    )
    shades = times(mix(paint.main, paint.light, tiles.luck * 0.6), 1 + 0.05 * canvas.noise(60))
    return lit(mix(shades, paint.deep, step(np.abs(along), 0.46, 0.08)), np.asarray(height, dtype=np.float32), 0.15)


def _weave(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(9, 9)
    flat = (tiles.row + tiles.column) % 2 == 0
    along, across = np.where(flat, tiles.u, tiles.v), np.where(flat, tiles.v, tiles.u)
    height = 0.05 * np.cos(along * 2.6) * np.sqrt(np.clip(1 - (across / 0.52) ** 2, 0.01, 1))
    colours = np.where(flat[..., None], canvas.plain(paint.main), canvas.plain(paint.light))
    return lit(times(colours, 1 + 0.06 * canvas.noise(90)), np.asarray(height, dtype=np.float32))


def _knitting(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(7, 8)
    side = np.sign(tiles.u)
    u = np.abs(tiles.u) - 0.25
    v = (tiles.v + 0.9 * np.abs(tiles.u) + 0.5) % 1.0 - 0.5
    loop = np.hypot((u - 0.1 * v) / 0.25, v / 0.52)
    height = 0.10 * np.sqrt(np.clip(1 - loop**2, 0, 1))
    yarn = np.sin((v * 1.0 + side * u * 2.5) * 24)
    shades = times(mix(paint.deep, paint.main, 1.2 - 0.9 * loop**3), 1 + 0.10 * yarn)
    return lit(shades, np.asarray(height, dtype=np.float32))


def _cable_knit(canvas: Canvas, paint: Paint) -> Floats:
    height = np.full(canvas.x.shape, -0.05, dtype=np.float32)
    x = (canvas.x + 1) % (2 / 3) - 1 / 3
    for phase in (0.0, np.pi):
        centre = 0.12 * np.sin(canvas.y * 7 + phase)
        strand = 0.15 * np.sqrt(np.clip(1 - ((x - centre) / 0.13) ** 2, 0, 1)) + 0.05 * np.cos(canvas.y * 7 + phase)
        height = np.maximum(height, np.asarray(strand - 0.05, dtype=np.float32))
    ribs = 0.03 * np.abs(np.sin(x * 28)) * step(np.abs(x), 0.25, 0.03) - 0.02
    height = np.maximum(height, np.asarray(ribs, dtype=np.float32))
    stitches = np.sin(canvas.y * 46 + np.abs(np.sin(x * 14)) * 4)
    return lit(times(canvas.plain(paint.main), 0.92 + 0.08 * stitches), height)


def _rope(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(1, 4)
    twist = (canvas.x * 3 + tiles.v * 0.9) % 1.0 - 0.5
    round_ = np.sqrt(np.clip(1 - (tiles.v / 0.49) ** 2, 0, 1))
    strand = np.sqrt(np.clip(1 - (twist / 0.56) ** 2, 0, 1))
    fibres = np.sin((canvas.x * 3 - tiles.v * 2.2) * 34) + 0.5 * canvas.noise(70)
    shades = times(mix(paint.deep, paint.main, strand), 1 + 0.08 * fibres)
    found = lit(shades, np.asarray(0.2 * round_ + 0.09 * strand, dtype=np.float32))
    return mix(paint.deep, found, step(round_, 0.15, 0.1))


def _chain_mail(canvas: Canvas, paint: Paint) -> Floats:
    found, height = canvas.plain(rgb(24, 24, 28)), np.zeros_like(canvas.x)
    for shift in (0.0, 0.5):
        u = ((canvas.x * 2.5 + shift) % 1.0) - 0.5
        v = ((canvas.y * 2.5 + shift) % 1.0) - 0.5
        ring = np.abs(np.hypot(u, v) - 0.42) - 0.095
        bump = dome(np.asarray(ring, dtype=np.float32), 0.095)
        # each ring lies over its neighbours on one side and under them on the other
        above = np.where(u * (1 if shift else -1) > 0, 1.0, 0.0)
        higher = bump + 0.1 * above * (ring < 0)
        found = np.where((higher > height)[..., None], canvas.plain(paint.main), found)
        height = np.maximum(height, np.asarray(higher, dtype=np.float32))
    return lit(found, height * 0.6, 0.8)


def _chain(canvas: Canvas, paint: Paint) -> Floats:
    found = times(canvas.plain(paint.across), 0.9 + 0.03 * canvas.noise(4))
    for row in range(-1, 2):
        v = canvas.y - row * 0.66
        for flat in (True, False):
            u = (canvas.x + (0.0 if flat else 0.3) + 0.3) % 0.6 - 0.3
            if flat:
                link = np.abs(np.hypot(np.maximum(np.abs(u) - 0.11, 0), v) - 0.15) - 0.045
            else:
                link = np.hypot(np.maximum(np.abs(u) - 0.16, 0), v) - 0.055
            distance = np.asarray(link, dtype=np.float32)
            shade = np.roll(inside(distance, 0.06), (5, 5), (0, 1))
            found = mix(found, np.zeros(3, dtype=np.float32), 0.35 * shade)
            found = mix(found, lit(canvas.plain(paint.main), dome(distance, 0.05), 0.8), inside(distance))
    return found


def _wire_fence(canvas: Canvas, paint: Paint) -> Floats:
    sky = mix(rgb(186, 206, 190), rgb(120, 150, 110), step(canvas.y + 0.2 * canvas.noise(3), 0.2, 1.2))
    found = sky
    for turn in (45, -45):
        along, across = canvas.turned(turn)
        wire = np.abs((across * 2.2 + 0.04 * np.sign(np.sin(along * 13.8))) % 1.0 - 0.5) / 2.2 - 0.028
        distance = np.asarray(wire, dtype=np.float32)
        found = mix(found, lit(canvas.plain(paint.main), dome(distance, 0.028), 0.6), inside(distance))
    return found


def _picket_fence(canvas: Canvas, paint: Paint) -> Floats:
    found = mix(rgb(150, 196, 232), rgb(96, 150, 70), step(canvas.y, 0.25, 0.3))
    for top in (-0.3, 0.4):
        rail = canvas.box(-1.3, top, 1.3, top + 0.16)
        found = mix(found, lit(canvas.plain(paint.main) * np.float32(0.8), dome(rail, 0.03)), inside(rail))
    u = (canvas.x + 0.2) % 0.4 - 0.2
    board = np.maximum(np.abs(u) - 0.13, -(canvas.y + 0.72) + np.abs(u) * 1.2 - 0.1)
    distance = np.asarray(np.maximum(board, canvas.y - 0.93), dtype=np.float32)
    found = times(found, 1 - 0.4 * np.roll(inside(distance, 0.06), (6, 6), (0, 1)))
    wood = times(canvas.plain(paint.main), 1 + 0.04 * canvas.noise(60, 8, 90))
    return mix(found, lit(wood, dome(distance, 0.04)), inside(distance))


def _lattice(canvas: Canvas, paint: Paint) -> Floats:
    found = times(canvas.plain(rgb(40, 62, 38)), 1 + 0.3 * canvas.rough(9))
    for turn in (45, -45):
        _, across = canvas.turned(turn)
        strip = np.asarray(np.abs((across * 1.7) % 1.0 - 0.5) / 1.7 - 0.085, dtype=np.float32)
        found = times(found, 1 - 0.45 * np.roll(inside(strip, 0.05), (5, 5), (0, 1)))
        wood = times(canvas.plain(paint.main), 1 + 0.05 * canvas.noise(60, 8, turn))
        found = mix(found, lit(wood, dome(strip, 0.03)), inside(strip))
    return found


def _blinds(canvas: Canvas, paint: Paint) -> Floats:
    v = (canvas.y * 4.5) % 1.0
    height = 0.1 * np.sqrt(np.clip(1 - (2 * v - 1) ** 2, 0, 1))
    found = times(lit(canvas.plain(paint.main), np.asarray(height, dtype=np.float32), 0.2), 0.75 + 0.3 * v)
    for cord in (-0.55, 0.55):
        found = mix(found, paint.deep, inside(np.abs(canvas.x - cord) - 0.015, 0.015))
    return found


def _corrugated(canvas: Canvas, paint: Paint) -> Floats:
    rust = step(canvas.rough(4) + 0.6 * canvas.y, 0.9, 0.8)
    sheet = times(mix(paint.main, rgb(140, 74, 36), rust), 1 + 0.05 * canvas.noise(40))
    return lit(sheet, np.asarray(0.06 * np.sin(canvas.x * 22), dtype=np.float32), 0.3)


def _tread_plate(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(6, 6)
    slant = np.where((tiles.row + tiles.column) % 2 == 0, 1, -1)
    along, across = (tiles.u + slant * tiles.v) / 1.414, (tiles.v - slant * tiles.u) / 1.414
    bump = np.asarray(np.hypot(np.maximum(np.abs(along) - 0.22, 0) * 0.8, across) - 0.13, dtype=np.float32)
    brushed = times(canvas.plain(paint.main), 0.94 + 0.05 * canvas.noise(90, 14, 20))
    return lit(brushed, dome(bump, 0.13) * 0.5, 0.7)


def _mesh(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(7, 7, 0.5)
    hole = np.asarray(np.hypot(tiles.u, tiles.v) - 0.31, dtype=np.float32)
    plate = lit(times(canvas.plain(paint.main), 0.97 + 0.04 * canvas.noise(80, 12)), -dome(hole, 0.15) * 0.3, 0.4)
    return mix(plate, rgb(18, 18, 20), step(-hole, 0.04, 0.05))


def _brushed_metal(canvas: Canvas, paint: Paint) -> Floats:
    sheen = 0.8 + 0.25 * np.cos(canvas.x * 2.4 - canvas.y * 0.8 + 0.6)
    return times(canvas.plain(paint.main), sheen + 0.07 * canvas.noise(130, 40))


def _crumpled_foil(canvas: Canvas, paint: Paint) -> Floats:
    cells, finer = canvas.cells(4, 1.0), canvas.cells(8, 1.0)
    height = 0.16 * cells.near + 0.05 * cells.dx * (cells.luck - 0.5) * 6 + 0.05 * finer.near
    return lit(canvas.plain(paint.main), np.asarray(height, dtype=np.float32), 0.9, 0.25)


def _quilt(canvas: Canvas, paint: Paint) -> Floats:
    u, v = canvas.turned(45)
    puff = np.abs(np.sin(u * 5.5) * np.sin(v * 5.5)) ** 0.5
    found = lit(canvas.plain(paint.main), np.asarray(0.16 * puff, dtype=np.float32), 0.3)
    near = np.minimum(np.abs(np.sin(u * 5.5)), np.abs(np.sin(v * 5.5)))
    seam = inside(np.asarray(near - 0.05, dtype=np.float32), 0.05) * step(np.sin((u + v) * 60), 0.0, 0.6)
    return mix(found, paint.pale, 0.8 * seam)


def _corduroy(canvas: Canvas, paint: Paint) -> Floats:
    rib = np.abs(np.sin(canvas.x * 22 + 0.15 * canvas.noise(2))) ** 0.7
    return lit(times(canvas.plain(paint.main), 0.55 + 0.45 * rib + 0.06 * canvas.noise(110)), 0.06 * rib)


def _burlap(canvas: Canvas, paint: Paint) -> Floats:
    x, y = canvas.x + 0.008 * canvas.noise(6), canvas.y + 0.008 * canvas.noise(6)
    threads = np.maximum(np.abs(np.sin(x * 44)) * (0.8 + 0.2 * np.sign(np.sin(y * 44))), np.abs(np.sin(y * 44)) * 0.9)
    return times(canvas.plain(paint.main), 0.4 + 0.65 * threads + 0.09 * canvas.noise(30))


def _leather(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(15, 0.95)
    height = 0.045 * step(cells.border, 0.1, 0.25) + 0.01 * canvas.noise(6)
    found = lit(times(canvas.plain(paint.main), 1 + 0.05 * canvas.rough(5)), np.asarray(height, dtype=np.float32), 0.35)
    for edge in (-0.72, 0.72):
        seam = np.hypot(np.maximum(np.abs((canvas.x * 5) % 1.0 - 0.5) - 0.25, 0) / 5, canvas.y - edge)
        found = mix(found, paint.pale, inside(np.asarray(seam - 0.025, dtype=np.float32)))
    return found


def _cross_stitch(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(9, 9)
    place = np.abs(tiles.column - 4) + np.abs(tiles.row - 4)
    motif = ((place % 4) < 2).astype(np.float32)
    ground = times(canvas.plain(rgb(242, 236, 220)), 0.94 + 0.06 * np.sin(canvas.x * 113) * np.sin(canvas.y * 113))
    colours = mix(paint.across, paint.main, (place % 3 > 0).astype(np.float32))
    for turn in (-1, 1):
        thread = np.asarray(np.abs(tiles.u + turn * tiles.v) / 1.414 - 0.13, dtype=np.float32)
        thread = np.maximum(thread, np.maximum(np.abs(tiles.u), np.abs(tiles.v)) - 0.44)
        ground = mix(ground, lit(colours, 0.3 * dome(thread, 0.13)), inside(thread, 0.05) * motif)
    return ground


def _carpet_loops(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(17, 0.7)
    shades = mix(paint.dark, paint.light, 0.2 + 0.5 * cells.luck)
    ring = 0.05 * np.cos(np.clip(cells.near, 0, 0.7) * 8 - 1.2)
    return lit(shades, np.asarray(ring, dtype=np.float32))


def _crumpled_paper(canvas: Canvas, paint: Paint) -> Floats:
    cells = canvas.cells(3, 1.0)
    height = 0.1 * cells.near + 0.12 * cells.dy * (cells.luck - 0.5) + 0.02 * canvas.rough(6)
    return lit(canvas.plain(paint.main), np.asarray(height, dtype=np.float32), 0.0, 0.5)


def _tyre_tread(canvas: Canvas, paint: Paint) -> Floats:
    side = np.abs(canvas.x)
    block = np.minimum(
        np.abs((canvas.y * 3 + side * 1.5) % 1.0 - 0.5) - 0.09, np.abs((side * 3.2) % 1.0 - 0.5) / 1.6 - 0.05
    )
    height = 0.05 * step(np.asarray(block, dtype=np.float32), 0.02, 0.06) + 0.25 * np.sqrt(
        1 - np.clip(side, 0, 0.99) ** 2
    )
    rubber = times(
        mix(paint.deep, paint.main, step(np.asarray(block, dtype=np.float32), 0.02, 0.05)), 1 + 0.06 * canvas.noise(60)
    )
    return lit(rubber, np.asarray(height, dtype=np.float32), 0.25)


def _waffle(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(4.5, 4.5)
    ridge = np.maximum(np.abs(tiles.u), np.abs(tiles.v))
    height = 0.12 * step(ridge, 0.36, 0.16) + 0.006 * canvas.rough(20)
    baked = times(mix(paint.main, paint.light, step(ridge, 0.4, 0.3)), 1 + 0.07 * canvas.rough(9))
    return lit(baked, np.asarray(height, dtype=np.float32), 0.15)


def _noodles(canvas: Canvas, paint: Paint) -> Floats:
    lines = []
    for number in range(75):
        steps = np.linspace(0, 1, 24)
        x, y, heading, bend, wave = canvas.random.uniform((-1.2, -1.2, 0, -3, 0.2), (1.2, 1.2, 6.3, 3, 0.9))
        turning = heading + bend * steps + wave * np.sin(7 * steps + heading)
        px, py = x + np.cumsum(np.cos(turning)) * 0.055, y + np.cumsum(np.sin(turning)) * 0.055
        points = list(zip(px.tolist(), py.tolist(), strict=True))
        tone = np.float32(0.72 + 0.28 * number / 75)
        for width, colour in ((0.125, paint.dark), (0.1, paint.main), (0.035, paint.light)):
            lines.append((points, width, colour * tone))
    return canvas.strokes(canvas.plain(paint.deep), lines)


def _text_lines(canvas: Canvas, paint: Paint) -> Floats:
    lines = []
    for row in range(9):
        y, x = -0.86 + row * 0.22, -0.88
        end = 0.9 if row % 4 != 3 else canvas.random.uniform(-0.1, 0.5)
        while x < end:
            for _ in range(int(canvas.random.integers(2, 7))):
                for _ in range(int(canvas.random.integers(1, 4))):
                    a, b, c, d = canvas.random.uniform((0, -0.055, 0, -0.055), (0.05, 0.055, 0.05, 0.055))
                    lines.append(([(x + a, y + b), (x + c, y + d)], 0.016, paint.deep))
                x += 0.068
            x += 0.05
    return canvas.strokes(times(canvas.plain(rgb(250, 247, 238)), 1 + 0.01 * canvas.noise(4)), lines)


def _keyboard(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(4, 4, 0.5)
    key = np.asarray(np.maximum(np.abs(tiles.u), np.abs(tiles.v)) - 0.41, dtype=np.float32)
    found = mix(paint.deep, lit(canvas.plain(paint.main), 0.5 * dome(key, 0.11), 0.2), inside(key, 0.04))
    stroke = np.abs(np.hypot(tiles.u + 0.12, (tiles.v + 0.1) * (0.7 + tiles.luck)) - 0.1) - 0.025
    bar = np.maximum(np.abs(tiles.u + 0.22 - 0.3 * (tiles.luck > 0.5)) - 0.025, np.abs(tiles.v + 0.08) - 0.15)
    glyph = np.asarray(np.minimum(stroke, bar), dtype=np.float32)
    return mix(found, paint.across, inside(glyph, 0.03))


def _bubble_wrap(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(6, 6, 0.5)
    bubble = np.asarray(np.hypot(tiles.u, tiles.v) - 0.42, dtype=np.float32)
    return lit(times(canvas.plain(paint.light), 0.95 + 0.03 * canvas.noise(5)), 0.28 * dome(bubble, 0.3), 1.0, 0.5)


def _lace(canvas: Canvas, paint: Paint) -> Floats:
    tiles = canvas.tiles(3, 3)
    r, a = np.hypot(tiles.u, tiles.v), np.arctan2(tiles.v, tiles.u)
    petals = np.abs(r - 0.3 - 0.1 * np.cos(6 * a)) - 0.035
    middle, ring = np.abs(r - 0.09) - 0.03, np.abs(r - 0.5) - 0.02
    net = np.minimum(np.abs((canvas.x * 14) % 1 - 0.5), np.abs((canvas.y * 14) % 1 - 0.5)) - 0.1
    thread = inside(np.asarray(np.minimum(np.minimum(petals, middle), ring), dtype=np.float32), 0.03)
    ground = mix(paint.main, _THREAD, 0.4 * inside(np.asarray(net, dtype=np.float32), 0.12))
    return lit(mix(ground, _THREAD, thread), 0.02 * thread)


def _circuit(canvas: Canvas, paint: Paint) -> Floats:
    lines, pads = [], []
    for row in range(13):
        y = -0.92 + row * 0.155
        cuts = np.sort(canvas.random.uniform(-1, 1, size=4))
        for first, last in ((cuts[0], cuts[1]), (cuts[2], cuts[3])):
            rise = 0.155 * float(canvas.random.integers(-1, 2))
            points = [
                (first, y),
                ((first + last) / 2, y),
                ((first + last) / 2 + abs(rise), y + rise),
                (last + abs(rise), y + rise),
            ]
            lines.append((points, 0.035, paint.light))
            pads += [(points[0], points[0]), (points[-1], points[-1])]
    for x, y in (pad[0] for pad in pads):
        lines += [([(x, y), (x + 0.001, y)], 0.1, rgb(222, 190, 110)), ([(x, y), (x + 0.001, y)], 0.045, paint.deep)]
    found = canvas.strokes(times(canvas.plain(paint.main), 0.95 + 0.03 * canvas.noise(4)), lines)
    chip = canvas.box(-0.35, -0.25, 0.3, 0.35, 0.02)
    legs = np.asarray(
        np.maximum(np.abs((canvas.x * 8) % 1 - 0.5) / 8 - 0.03, canvas.box(-0.33, -0.35, 0.28, 0.45)), dtype=np.float32
    )
    found = mix(found, rgb(200, 202, 206), inside(legs))
    return mix(found, lit(canvas.plain(rgb(34, 34, 38)), dome(chip, 0.05), 0.2), inside(chip))


MADE: Mapping[str, Drawing] = {
    "bricks": Drawing(_bricks, ("copper", "cream")),
    "wall tiles": Drawing(_wall_tiles, ("white", "teal", "blue")),
    "roof tiles": Drawing(_roof_tiles, ("copper", "grey")),
    "wood grain": Drawing(_wood_grain, ("tan", "brown")),
    "planks": Drawing(_planks, ("tan", "grey")),
    "parquet": Drawing(_parquet, ("brown", "tan")),
    "basket weave": Drawing(_basket, ("tan", "brown")),
    "plain weave": Drawing(_weave, ("cream", "blue", "red")),
    "knitting": Drawing(_knitting, ("red", "cream", "green")),
    "cable knit": Drawing(_cable_knit, ("cream", "purple")),
    "rope": Drawing(_rope, ("tan", "blue")),
    "chain mail": Drawing(_chain_mail, ("silver",)),
    "chain": Drawing(_chain, ("silver", "copper")),
    "wire fence": Drawing(_wire_fence, ("silver",)),
    "picket fence": Drawing(_picket_fence, ("white", "brown")),
    "lattice": Drawing(_lattice, ("white", "tan")),
    "blinds": Drawing(_blinds, ("cream", "grey")),
    "corrugated iron": Drawing(_corrugated, ("silver", "teal")),
    "tread plate": Drawing(_tread_plate, ("silver",)),
    "perforated plate": Drawing(_mesh, ("silver", "black")),
    "brushed metal": Drawing(_brushed_metal, ("silver", "copper")),
    "crumpled foil": Drawing(_crumpled_foil, ("silver", "yellow")),
    "quilting": Drawing(_quilt, ("blue", "pink")),
    "corduroy": Drawing(_corduroy, ("brown", "olive")),
    "burlap": Drawing(_burlap, ("tan",)),
    "leather": Drawing(_leather, ("brown", "black")),
    "cross stitch": Drawing(_cross_stitch, ("red", "blue")),
    "carpet loops": Drawing(_carpet_loops, ("grey", "red")),
    "crumpled paper": Drawing(_crumpled_paper, ("white", "tan")),
    "tyre tread": Drawing(_tyre_tread, ("grey",)),
    "waffle": Drawing(_waffle, ("tan",)),
    "noodles": Drawing(_noodles, ("yellow", "cream", "green")),
    "lines of text": Drawing(_text_lines, ("black",)),
    "keyboard": Drawing(_keyboard, ("white", "black")),
    "bubble wrap": Drawing(_bubble_wrap, ("sky", "grey")),
    "lace": Drawing(_lace, ("black", "blue")),
    "circuit board": Drawing(_circuit, ("green", "blue")),
}
