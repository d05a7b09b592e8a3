from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, WIDEST_PX, webp_bytes
from auditor.atlas.drawings.colours import INK, PLOT, UNKNOWN, contrast_colour
from auditor.atlas.drawings.natural_crops import crops_from_pixels
from auditor.atlas.drawings.sheet import Notes, Scope, draw_sheet
from auditor.atlas.drawings.tiles import TileArt, border_of, mark_radius, tile_share
from auditor.atlas.kinds import AtlasKind
from auditor.core.records import Cell, CellStability, Exemplar

GREEN, PINK, BLUE = (0, 200, 0), (200, 0, 200), (0, 0, 200)
CROPS = {(0, 1, 1): GREEN, (1, 2, 1): PINK, (2, 1, 2): BLUE}
YELLOW = (250, 240, 10)

PAIR = Scope("frying pan", "wok")
LEFT, TOP = 24 * SHARPNESS, 66 * SHARPNESS
WIDE_BIN = 230  # a level of 4 is widened, so that the words below have room: 460 nominal pixels over 4 bins


def crop_of(image_row, y, x, share=0.5):
    return Image.new("RGB", (7, 5), CROPS[image_row, y, x])


ART = TileArt(crop_of)
ICON = np.broadcast_to(np.array(YELLOW, dtype=np.uint8)[:, None, None], (3, 8, 8))


def cell(column, row, count, contrast, *exemplars, **more):
    zero = np.zeros(2, dtype=np.float32)
    return Cell(
        level=4,
        column=column,
        row=row,
        count=count,
        images=1,
        mean_activation=zero,
        mean_attribution=zero,
        attribution_error=zero,
        contrast=contrast,
        contrast_error=0.1,
        exemplars=tuple(Exemplar(*one, contrast=contrast) for one in exemplars),
        **more,
    )


def drawn(cells, art=ART, scope=PAIR, notes=None):
    return np.asarray(draw_sheet(cells, art, scope, notes)).astype(int)


def where(pixels, colour):
    return (pixels == colour).all(axis=2)


def extent(pixels, colour):
    """Rows and columns that hold the colour: top, bottom, left, right."""
    found = np.argwhere(where(pixels, colour))
    return found[:, 0].min(), found[:, 0].max(), found[:, 1].min(), found[:, 1].max()


def border_colours(pixels, inner):
    """The colours met in the outermost line around the tile of a crop of colour `inner`."""
    top, bottom, left, right = extent(pixels, inner)
    lines = pixels[top - 1, left : right + 1], pixels[bottom + 1, left : right + 1]
    return {tuple(one) for line in lines for one in line}


@pytest.fixture
def cells():
    return [cell(0, 0, 4, -2.0, (0, 1, 1), (1, 2, 1)), cell(3, 2, 16, 1.0, (2, 1, 2))]


def test_first_exemplars_stand_in_their_bins_and_denser_cells_are_larger(cells):
    pixels = drawn(cells)
    sparse, dense = extent(pixels, GREEN), extent(pixels, BLUE)
    for (first_row, last_row, first_column, last_column), column, row in ((sparse, 0, 0), (dense, 3, 2)):
        assert (first_row + last_row) / 2 == pytest.approx(TOP + (row + 0.5) * WIDE_BIN, abs=1)
        assert (first_column + last_column) / 2 == pytest.approx(LEFT + (column + 0.5) * WIDE_BIN, abs=1)
    assert not where(pixels, PINK).any()  # a second exemplar has no place on the sheet
    largest = WIDE_BIN - 4 * SHARPNESS
    for (first_row, last_row, _, _), count in ((sparse, 4), (dense, 16)):
        height = round(largest * tile_share(count, 16))
        assert last_row - first_row + 1 == height - 2 * border_of(height)


def test_an_icon_stands_to_the_left_of_its_crop_at_the_same_size(cells):
    pixels = drawn(cells, TileArt(crop_of, {"4:3:2": ICON}))
    icon, crop = extent(pixels, YELLOW), extent(pixels, BLUE)
    assert icon[:2] == crop[:2]
    assert icon[3] - icon[2] == crop[3] - crop[2] == crop[1] - crop[0]
    assert crop[2] - icon[3] - 1 == border_of(crop[1] - crop[0] + 1)
    alone = extent(pixels, GREEN)  # a cell without an icon keeps its crop, in the middle of its bin
    assert (alone[2] + alone[3]) / 2 == pytest.approx(LEFT + 2 * 72 * SHARPNESS / 2, abs=1)


def test_an_icon_never_stands_without_a_crop(cells):
    bare = dataclasses.replace(cells[1], exemplars=())
    assert not where(drawn([cells[0], bare], TileArt(crop_of, {"4:3:2": ICON})), YELLOW).any()


def test_a_few_icons_take_no_room_from_the_crops_of_all(cells):
    """One icon for two cells is shown; one for three would make three tiles small, so it is left out."""
    third = dataclasses.replace(cells[0], column=3, row=0)
    few = TileArt(crop_of, {"4:3:2": ICON})
    assert where(drawn(cells, few), YELLOW).any()
    np.testing.assert_array_equal(drawn([*cells, third], few), drawn([*cells, third]))


def test_a_transparent_icon_shows_on_white(cells):
    clear = np.zeros((4, 8, 8), dtype=np.uint8)
    clear[:, :, 4:] = np.array((*YELLOW, 255), dtype=np.uint8)[:, None, None]
    pixels = drawn(cells, TileArt(crop_of, {"4:3:2": clear}))
    top, bottom, left, _ = extent(pixels, YELLOW)
    assert tuple(pixels[(top + bottom) // 2, left - 40]) == (255, 255, 255)


def test_borders_show_the_observed_push(cells):
    pixels = drawn(cells)
    assert border_colours(pixels, GREEN) == {contrast_colour(-2.0, 2.0)}
    assert border_colours(pixels, BLUE) == {contrast_colour(1.0, 2.0)}


def test_borders_show_the_predicted_push_and_grey_where_not_screened(cells):
    screened = [dataclasses.replace(cells[0], predicted_push=0.5), cells[1]]
    pixels = drawn(screened, notes=Notes(colour_by="predicted"))
    assert border_colours(pixels, GREEN) == {contrast_colour(1.0, 1.0)}
    assert border_colours(pixels, BLUE) == {UNKNOWN}


def test_a_cell_whose_contrast_does_not_hold_is_dashed(cells):
    shaky, firm = (CellStability((1.0, 1.0), (1.0,), 0.5, survives) for survives in (False, True))
    pixels = drawn([dataclasses.replace(cells[0], stability=shaky), dataclasses.replace(cells[1], stability=firm)])
    assert border_colours(pixels, GREEN) == {contrast_colour(-2.0, 2.0), PLOT}
    assert border_colours(pixels, BLUE) == {contrast_colour(1.0, 2.0)}


def test_the_legend_explains_only_what_the_sheet_holds(cells):
    shaky = dataclasses.replace(cells[0], stability=CellStability((1.0, 1.0), (1.0,), 0.5, survives=False))
    plain = drawn(cells)
    line = 20 * SHARPNESS
    for more in (
        drawn([shaky, cells[1]]),
        drawn(cells, notes=Notes(candidates={"4:0:0"})),
        drawn(cells, notes=Notes(colour_by="predicted")),
    ):
        assert more.shape[0] == plain.shape[0] + line
    assert drawn(cells, notes=Notes(candidates={"4:1:1"})).shape == plain.shape  # no such cell here


def test_a_cell_that_gave_a_candidate_has_a_disc_at_its_corner(cells):
    pixels = drawn(cells, notes=Notes(candidates={"4:3:2"}))
    for inner, marked in ((BLUE, True), (GREEN, False)):
        top, bottom, _, right = extent(pixels, inner)
        height = bottom - top + 1 + 2 * border_of(bottom - top + 1)
        border = border_of(height)
        corner = (top - border, right + border)
        assert (tuple(pixels[corner]) == INK) == marked
        assert (tuple(pixels[corner[0] - mark_radius(height) + 1, corner[1]]) == INK) == marked


def test_labels_are_written_below_their_tile_and_take_no_more_than_their_bin(cells):
    plain = drawn(cells)
    pixels = drawn(cells, notes=Notes(labels={"4:0:0": "an extraordinarily long name of a class " * 3}))
    label = pixels.shape[0] - plain.shape[0]
    assert label > 0
    assert label % 4 == 0
    _, bottom, _, _ = extent(pixels, GREEN)
    below = pixels[bottom + 8 : bottom + 8 + label // 4]
    written = np.flatnonzero((below < 200).all(axis=2).any(axis=0))
    assert written.min() >= LEFT
    assert LEFT + WIDE_BIN * 0.8 < written.max() <= LEFT + WIDE_BIN


def test_fine_levels_carry_no_labels_and_stay_in_bounds():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, 3, 64, 64), dtype=np.uint8)
    art_of = crops_from_pixels(noise.__getitem__, 4, 4, 0.5)
    for level in (40, 80):
        cells = [
            dataclasses.replace(cell(n % level, n // level, 3 + n % 5, 1.0, (n % 4, n % 3, 1)), level=level)
            for n in range(0, level * level, 7)
        ]
        icons = {one.name: noise[0] for one in cells}
        sheet = draw_sheet(cells, TileArt(art_of, icons), PAIR, Notes(labels={one.name: "wok" for one in cells}))
        bare = draw_sheet(cells, TileArt(art_of, icons), PAIR)
        assert sheet.size == bare.size
        assert WIDEST_PX * 0.9 < sheet.width <= WIDEST_PX
        assert len(webp_bytes(sheet)) < 3_000_000  # noise is the worst that a picture can hold


def test_only_a_pair_has_the_contrast_axis(cells):
    pair, full = drawn(cells), drawn(cells, scope=Scope("frying pan", "wok", AtlasKind.FULL))
    middle = LEFT + 2 * WIDE_BIN
    dashes = slice(TOP + 2, TOP + 4 * WIDE_BIN - 2)
    assert (pair[dashes, middle] != PLOT).any()
    assert (full[dashes, middle] == PLOT).all()
    assert pair.shape[0] - full.shape[0] == 64 * SHARPNESS


def test_a_class_atlas_names_its_class(cells):
    pixels = {
        name: drawn(cells, scope=Scope("frying pan", "wok", AtlasKind.CLASS, name))[: 40 * SHARPNESS]
        for name in ("lemon", "wok", "wok ")
    }
    assert (pixels["lemon"] != pixels["wok"]).any()
    assert (pixels["wok"] == pixels["wok "]).all()


def test_long_names_are_cut_and_stay_inside(cells):
    short = drawn(cells, scope=Scope("pan", "wok"))
    long = drawn(cells, scope=Scope("every class of the model " * 5, "wok " * 30))
    assert long.shape == short.shape
    margin = 20 * SHARPNESS
    for edge in (long[:, :margin], long[:, -margin:]):
        assert (edge == short[0, 0]).all()
    axis = slice(TOP + 4 * WIDE_BIN, TOP + 4 * WIDE_BIN + 60 * SHARPNESS)
    centre = slice(short.shape[1] // 2 - 40, short.shape[1] // 2 + 40)
    assert (long[axis, centre] == short[axis, centre]).all()  # the words keep off the 0


@pytest.mark.parametrize("name", ["中華鍋", "сковорода", "مقلاة", "crème brûlée", "a\nb\tc\x00", "\ud800", "🍳", ""])
def test_names_in_any_script_are_drawn(cells, name):
    plain = drawn(cells, notes=Notes(labels={"4:0:0": "x"}))
    pixels = drawn(cells, scope=Scope(name, name), notes=Notes(labels={"4:0:0": name}))
    assert pixels.shape == plain.shape


def test_a_cell_without_exemplars_and_a_sheet_without_cells_are_drawn_blank(cells):
    assert drawn([]).std() > 0
    bare = drawn([cell(0, 0, 4, 1.0), cells[1]])
    assert not where(bare, GREEN).any()
    assert where(bare, BLUE).any()


def test_same_cells_same_bytes(cells):
    notes = Notes(labels={"4:0:0": "wok"}, candidates={"4:0:0"})
    first, again = (webp_bytes(draw_sheet(cells, ART, PAIR, notes)) for _ in range(2))
    assert first == again
    opened = Image.open(io.BytesIO(first))
    assert (opened.format, opened.mode) == ("WEBP", "RGB")


def test_an_atlas_without_a_pair_has_grey_borders_and_no_colour_key(cells):
    unknown = [dataclasses.replace(one, contrast=float("nan")) for one in cells]
    pixels = drawn(unknown, scope=Scope(kind=AtlasKind.FULL))
    assert border_colours(pixels, GREEN) == border_colours(pixels, BLUE) == {UNKNOWN}
    keyed = drawn(unknown, scope=Scope("pan", "wok", AtlasKind.FULL))
    assert keyed.shape[0] == pixels.shape[0] + 20 * SHARPNESS  # there the grey is explained
    orange = contrast_colour(1.0, 1.0)
    assert where(keyed, orange).any()
    assert not where(pixels, orange).any()
