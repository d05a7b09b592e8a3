"""The atlas of patches as pasted: where crops are placed, and which of its cells hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from auditor.atlas.kinds import Atlas, AtlasKind
from auditor.candidates.crops import CropPlan, cell_names
from auditor.candidates.ladder import Climb
from auditor.candidates.pasted import (
    COVERING_PATCHES,
    COVERINGS,
    HELD_CROPS,
    covering_push,
    crops_to_measure,
    finest_cells,
    held_levels,
    in_refuted_cells,
    place_crops,
    with_held,
)
from auditor.candidates.pasted_shards import Pasted, PastedShards
from auditor.candidates.scene import Scene
from auditor.core.config import AtlasConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Silence
from auditor.core.records import FloatArray, HeldLevel, PixelArray

CROPS, PICTURES = 120, 30
COVERING = 0.5


def plans() -> list[CropPlan]:
    """Crops of thirty pictures; of every other one no contrast is known."""
    return [
        CropPlan(number % PICTURES, number % 4, number % 5, (0.3, 0.5)[number % 2], (0, 0, 8, 8), "", contrast)
        for number in range(CROPS)
        for contrast in [float(number) if number % 2 else math.nan]
    ]


def placed(foretold: FloatArray | None = None, levels: tuple[int, ...] = (3, 5), size: int = 1024) -> Atlas:
    generator = keyed_generator(1, "pasted")
    seen = np.abs(generator.standard_normal((CROPS, 6))).astype(np.float32)
    pushes = generator.standard_normal(CROPS).astype(np.float32) if foretold is None else foretold
    pasted = PastedShards.holding(Pasted(pushes, seen, seen), size)
    climbed = Climb((), pasted, pushes, None, ())  # type: ignore[arg-type]
    return place_crops(plans(), climbed, COVERING, AtlasConfig(levels=levels, min_count=3), 0, Silence())


def test_a_crop_lies_by_its_push_over_covering() -> None:
    foretold = np.linspace(-2.5, 3.5, CROPS, dtype=np.float32)  # over covering: from -3 to 3
    atlas = placed(foretold)
    assert atlas.kind is AtlasKind.PASTED
    np.testing.assert_allclose(atlas.samples.contrast, foretold - COVERING, atol=1e-6)
    inside = np.abs(atlas.samples.contrast) < 2.9
    np.testing.assert_allclose(atlas.xy[inside, 0], 0.5 + atlas.samples.contrast[inside] / 6, atol=0.01)


def test_a_cell_is_the_mean_of_its_crops_each_picture_counting_once() -> None:
    atlas, all_plans = placed(), plans()
    weight = 1.0 / np.bincount([plan.image_row for plan in all_plans])[[plan.image_row for plan in all_plans]]
    named = {level: np.array(cell_names(atlas.xy, level)) for level in (3, 5)}
    assert {cell.level for cell in atlas.cells} == {3, 5}
    for cell in atlas.cells:
        members = np.flatnonzero(named[cell.level] == cell.name)
        assert cell.count == len(members) >= 3
        pushes = atlas.samples.contrast[members]
        assert cell.predicted_push == pytest.approx(np.average(pushes, weights=weight[members]), abs=1e-6)
        known = [number for number in members if number % 2]
        wanted = np.mean(known) if known else math.nan
        assert cell.contrast == pytest.approx(wanted, nan_ok=True)
        exemplars = {(one.image_row, one.y, one.x, one.share) for one in cell.exemplars}
        assert exemplars <= {(plan.image_row, plan.y, plan.x, plan.size) for plan in np.array(all_plans)[members]}
        assert len({one.image_row for one in cell.exemplars}) == len(cell.exemplars)
    finest = finest_cells(atlas)
    known_names = {cell.name for cell in atlas.at_level(5)}
    assert finest == [name if name in known_names else "" for name in named[5].tolist()]


def test_of_each_cell_as_many_pictures_are_asked_as_are_missing() -> None:
    atlas, measured = placed(), list(range(0, CROPS, 7))
    rows = atlas.samples.image_row
    wanted = crops_to_measure(atlas, measured, 1000, 5)
    assert not set(wanted) & set(measured)
    assert len(wanted) == len(set(wanted))
    for cell in atlas.cells:
        members = np.flatnonzero(np.array(cell_names(atlas.xy, cell.level)) == cell.name)
        asked = {int(rows[crop]) for crop in members if crop in {*wanted, *measured}}
        assert len(asked) >= min(HELD_CROPS, cell.images)
    assert crops_to_measure(atlas, measured, 1000, 5) == wanted != crops_to_measure(atlas, measured, 1000, 6)
    few = crops_to_measure(atlas, measured, 4, 5)
    assert few == wanted[:4]  # coarse levels come first
    assert crops_to_measure(atlas, range(CROPS), 1000, 5) == []
    assert crops_to_measure(atlas, measured, 0, 5) == []


def test_a_cell_holds_where_other_crops_push_to_its_side_by_more_than_chance() -> None:
    atlas = placed(levels=(2,))
    cell = atlas.cells[0]
    left, right = (replace(cell, column=at, row=0, predicted_push=push) for at, push in ((0, -0.7), (1, 0.7)))
    two = replace(atlas, cells=(left, right), xy=atlas.xy.copy())
    two.xy[:] = 0.9
    two.xy[[0, 1, 2], 0], two.xy[[3, 4, 5, 33], 0] = 0.1, 0.9
    two.xy[:, 1] = 0.1
    measured = np.array([0, 1, 2, 3, 4, 5, 33])  # crop 33 is of picture 3 as well
    over = np.array([-0.2, -0.4, -0.6, 0.9, 1.0, 0.8, 1.5], dtype=np.float32)
    held = with_held(two, measured, over + np.float32(COVERING), COVERING)
    first, second = (one.held for one in held.cells)
    assert first is not None
    assert second is not None
    # of pictures: -0.2, -0.4, -0.6 and 1.2, 1.0, 0.8; both spread by 0.2
    assert (first.pictures, second.pictures) == (3, 3)
    assert first.push == pytest.approx(-0.4, abs=1e-6)
    assert second.push == pytest.approx(1.0, abs=1e-6)
    assert first.error == second.error == pytest.approx(0.2 / math.sqrt(3), abs=1e-6)
    assert first.holds
    assert second.holds
    assert held_levels(held) == (HeldLevel(2, 2, 2, 1),)
    # both hold; the one on the left pushes less than covering: its crops come last
    assert np.flatnonzero(in_refuted_cells(held)).tolist() == [
        number for number, name in enumerate(finest_cells(held)) if name == held.cells[0].name
    ]
    near = with_held(two, measured, over + np.float32(COVERING + 0.22), COVERING)  # -0.18: within 1.645 · 0.115
    assert [one.holds for one in near.cells] == [False, True]
    turned = with_held(two, measured, COVERING - over, COVERING)
    assert [one.holds for one in turned.cells] == [False, False]
    unasked = with_held(two, measured[3:], (over + np.float32(COVERING))[3:], COVERING)
    assert unasked.cells[0].held is not None
    assert (unasked.cells[0].held.pictures, unasked.cells[0].holds) == (0, False)


class ByKind:
    """Pushes of a patch by what it is: grey, noise, or cut from a picture."""

    side_px = 6

    def __init__(self, grey: float, noise: float, cut: float) -> None:
        self.grey, self.noise, self.cut = grey, noise, cut
        self.seen: list[PixelArray] = []

    def screen(self, patches: Sequence[PixelArray], names: Sequence[str] = ()) -> FloatArray:
        self.seen = list(patches)
        kinds = [self.noise] * COVERINGS + [self.grey] + [self.cut] * (len(patches) - COVERINGS - 1)
        return np.array(kinds, dtype=np.float32)


@pytest.mark.parametrize("strongest", [0, 1, 2])
def test_covering_pushes_as_far_as_its_strongest_kind(scene: Scene, strongest: int) -> None:
    pushes = [0.1, 0.2, 0.3]
    pushes[strongest] = 0.9
    screen = ByKind(*pushes)
    assert covering_push(scene, screen) == pytest.approx(0.9)  # type: ignore[arg-type]
    assert len(screen.seen) == COVERING_PATCHES
    assert {patch.shape for patch in screen.seen} == {(3, 6, 6)}
    again = ByKind(*pushes)
    covering_push(scene, again)  # type: ignore[arg-type]
    assert all(np.array_equal(one, other) for one, other in zip(screen.seen, again.seen, strict=True))
    assert (screen.seen[COVERINGS] == 128).all()
    sources = scene.pool.pixels[[row for row, image in enumerate(scene.pool.images) if image.label == 0]]
    windows = np.lib.stride_tricks.sliding_window_view(sources, (6, 6), axis=(2, 3))
    flat = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 3, 6, 6)
    assert all((flat == patch).all(axis=(1, 2, 3)).any() for patch in screen.seen[COVERINGS + 1 :])
