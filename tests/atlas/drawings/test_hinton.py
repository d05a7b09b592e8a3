from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from auditor.atlas.drawings.canvas import SHARPNESS, Canvas, png_bytes
from auditor.atlas.drawings.hinton import (
    AGAINST,
    FOR,
    GROUND,
    choose_cells,
    choose_classes,
    draw_hinton,
    draw_square,
    square_side,
)
from auditor.atlas.drawings.tiles import TileArt
from auditor.core.records import Cell, ClassGroup, Exemplar

NAN = float("nan")
NAMES = [f"class {index}" for index in range(20)]
PAN, WOK = ClassGroup("pan", (3,)), ClassGroup("wok", (5,))
PITCH = 40 * SHARPNESS


def cell(column, count, contrast, attribution=None, error=0.0, exemplar=True):
    mean = np.zeros(20, dtype=np.float32)
    for index, value in (attribution or {}).items():
        mean[index] = value
    return Cell(
        level=10,
        column=column,
        row=0,
        count=count,
        images=count,
        mean_activation=np.zeros(2, dtype=np.float32),
        mean_attribution=mean,
        attribution_error=np.full(20, error, dtype=np.float32),
        contrast=contrast,
        contrast_error=0.1,
        exemplars=(Exemplar(0, 0, 0, contrast),) if exemplar else (),
    )


def art(colour=(0, 200, 0)):
    return TileArt(lambda image_row, y, x, share: Image.new("RGB", (8, 8), colour))


def entries(cells, columns):
    """The diagram's squares as an array (rows, columns, pitch, pitch, 3), found by the ground they lie on."""
    pixels = np.asarray(draw_hinton(cells, art(), NAMES, PAN, WOK)).astype(int)
    ground = (pixels == GROUND).all(axis=2)
    rows_of = np.flatnonzero(ground.sum(axis=1) > PITCH)
    top, left = rows_of[0], np.flatnonzero(ground[rows_of[0]])[0]
    grid = pixels[top : top + len(cells) * PITCH, left : left + columns * PITCH]
    return grid.reshape(len(cells), PITCH, columns, PITCH, 3).swapaxes(1, 2)


def area(entry, colour):
    return (entry == colour).all(axis=2).sum()


def test_cells_are_chosen_in_turns_from_both_sides_and_the_densest():
    cells = [
        cell(n, count, contrast) for n, (count, contrast) in enumerate([(3, 2), (4, 1), (90, 0.1), (5, -1), (6, -3)])
    ]
    assert [one.column for one in choose_cells(cells, 3)] == [0, 2, 4]
    assert [one.column for one in choose_cells(cells, 5)] == [0, 1, 2, 3, 4]
    assert [one.column for one in choose_cells(cells, 99)] == [0, 1, 2, 3, 4]
    assert choose_cells([cell(0, 3, 1.0, exemplar=False)]) == ()
    unknown = [cell(0, 3, NAN), cell(1, 9, NAN)]
    assert {one.column for one in choose_cells(unknown, 1)} == {1}


def test_columns_are_the_pair_and_then_the_classes_that_matter_most():
    cells = [cell(0, 3, 1.0, {5: 0.1, 7: -4.0, 2: 1.0}), cell(1, 3, 1.0, {9: 3.0, 2: 1.0})]
    assert choose_classes(cells, PAN, WOK, most=3) == [3, 5, 7, 9, 2]
    group = ClassGroup("others", (7, 9, 2, 11, 12))
    assert choose_classes(cells, group, WOK, most=1) == [7, 9, 2, 5, 0]
    assert choose_classes([], PAN, WOK) == [3, 5]


def test_the_area_of_a_square_is_the_size_of_the_attribution():
    squares = entries([cell(0, 3, 1.0, {3: -0.25, 5: 1.0, 7: 0.0625})], 14)[0]
    full, quarter = square_side(1.0, 1.0), square_side(0.25, 1.0)
    assert quarter == full / 2
    assert area(squares[1], FOR) == full**2
    assert area(squares[0], AGAINST) == quarter**2
    assert area(squares[0], FOR) == area(squares[1], AGAINST) == 0
    assert area(squares[2], FOR) == square_side(0.0625, 1.0) ** 2 == (full / 4) ** 2
    assert area(squares[3], GROUND) == PITCH**2  # an attribution of 0 leaves its place empty


def test_a_thin_frame_marks_the_standard_error_and_stays_in_its_place():
    squares = entries([cell(0, 3, 1.0, {3: -0.25, 5: 1.0}, error=0.5)], 14)[0]
    inner, outer = square_side(1.0, 1.5), square_side(1.5, 1.5)
    assert outer < PITCH
    assert area(squares[1], FOR) == inner**2 + 4 * outer - 4
    middle = squares[1][PITCH // 2]
    runs = np.flatnonzero((middle == FOR).all(axis=1))
    assert runs[-1] - runs[0] + 1 == outer
    assert area(squares[0], AGAINST) == square_side(0.25, 1.5) ** 2 + 4 * square_side(0.75, 1.5) - 4


def test_an_unknown_error_has_no_frame():
    canvas = Canvas.blank(100, 100, ground=GROUND)
    draw_square(canvas, (50, 50), 1.0, NAN, 1.0)
    assert area(np.asarray(canvas.image), FOR) == square_side(1.0, 1.0) ** 2
    squares = entries([cell(0, 3, 1.0, {5: 1.0}, error=NAN)], 14)[0]
    assert area(squares[1], FOR) == square_side(1.0, 1.0) ** 2


def test_one_scale_holds_for_all_rows():
    weak, strong = entries([cell(0, 3, 2.0, {5: 0.25}), cell(1, 3, -1.0, {5: 1.0})], 14)[:, 1]
    assert area(weak, FOR) * 4 == area(strong, FOR)


def test_rows_begin_with_their_crops_and_icons():
    cells = [cell(0, 3, 2.0, {5: 1.0}), cell(1, 3, -1.0, {5: 1.0})]
    icon = np.full((3, 4, 4), 77, dtype=np.uint8)
    pixels = np.asarray(draw_hinton(cells, TileArt(art().crop_of, {"10:0:0": icon}), NAMES, PAN, WOK)).astype(int)
    thumb = 36 * SHARPNESS
    assert (pixels == 77).all(axis=2).sum() == thumb**2
    crop = (pixels == (0, 200, 0)).all(axis=2)
    assert crop.sum() == 2 * thumb**2
    rows = np.flatnonzero(crop.any(axis=1))
    assert rows[-1] - rows[0] + 1 == PITCH + thumb


@pytest.mark.parametrize(
    "name", ["中華鍋", "a name that is far longer than anyone would call a class " * 3, "", "a\nb"]
)
def test_any_class_name_can_head_a_column(name):
    names = [name] * 20
    image = draw_hinton([cell(0, 3, 1.0, {5: 1.0})], art(), names, PAN, WOK)
    assert image.width < 2200
    assert image.height < 900


def test_a_diagram_without_cells_and_the_same_cells_again():
    assert draw_hinton([], art(), NAMES, PAN, WOK).width > 0
    cells = [cell(0, 3, NAN, {5: 1.0}, error=0.2)]
    first, again = (png_bytes(draw_hinton(cells, art(), NAMES, PAN, WOK)) for _ in range(2))
    assert first == again
