"""How much an audit has to do, counted by hand on small settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.core.config import AuditConfig, build_config
from auditor.core.records import Placement
from auditor.run.workload import Known, workload_of

KNOWN = Known(
    pictures=200, discovery=50, selection=20, confirmation=40, screening=8, patches=2, positions=16, side_px=64
)


def configured(**tables: dict[str, object]) -> AuditConfig:
    candidates = {
        "screened": 100, "shortlisted": 30, "held": 20, "tried": 6, "random": 5, "strongest": 4, "icons": 3,
        "dreams": 2, "shapes": 2, "pairs": 1, "made": 4, "trained": 10, "halving_images": 4, "confirmed": 3,
        "own_places": 0,
    }  # fmt: skip
    values = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    values["trials"] = {"placements": ["fixed"]}
    given = {"candidates": {**candidates, **tables.pop("candidates", {})}, **tables}
    return build_config({**values, **given}, Path("/"))


def test_every_piece_of_work() -> None:
    found = workload_of(configured(atlas={"icons": 12, "icon_steps": 8, "looks": 1}), KNOWN)
    assert found.mapped == 50
    # twelve on the sheets; a picture before and after at sixteen positions
    assert found.icon_steps == (12 + 2 * 16) * 8
    assert (found.patch_px, found.patch_icon_steps) == (22, (3 + 2) * 128)
    assert found.linear == 100 + 9
    # twenty more to tell which cells hold, 33 that cover; three icons, two dreams, two crops in four shapes, one pair
    # in three arrangements
    assert found.tail == (30 + 20 + 33 + 9 + 3 + 2 + 8 + 3) * 8
    assert found.trained == 10 * 16
    assert found.tried == 6 + 5 + 4 + 4 + 2 + 1
    # all on four pictures; of 6 + 4 + 2 that may be found six on the next four, and three on the other twelve
    assert found.selection == 22 * 4 + 6 * 4 + 3 * 12
    # all and two controls that they share, and seven controls for each of three
    assert found.confirmation == (22 + 2 + 3 * 7) * 40
    assert found.confirmed == ((Placement.FIXED, 0, 3 * 7 * 40), (Placement.OWN, 0, 0))
    # of three the patch and a covering at 75 places on 24 pictures, at eight sizes, and at three opacities on all 40;
    # on the object and off it both on all 40
    assert found.places == 3 * (2 * 75 * 24 + (2 * 8 + 3) * 40 + 4 * 40)
    assert found.doses == 3 * (2 * 8 + 3) * 40
    # if all forty flip under each of three: four shifts, a JPEG, and both
    assert found.survival == 3 * 9 * 40
    assert found.pastes == found.selection + found.confirmation + found.places + found.survival
    # six effects typical and strongest and two more on all twenty; the best three kinds and three controls each, and
    # the contrast alone of the one on sharpness
    assert found.whole == 14 * 20 + (3 * (1 + 3) + 1) * 40
    assert found.passes == 50 + 352 + 640 + 109 + 864 + 160 + found.pastes + found.whole + found.removed


def test_drawings_are_screened_linearly_and_twelve_times_as_many_as_are_tried_by_the_tail() -> None:
    none = workload_of(configured(candidates={"drawn": 3}), KNOWN)
    some = workload_of(configured(candidates={"drawn": 3}), replace(KNOWN, drawings=50))
    assert (some.linear, some.tail) == (none.linear + 50, none.tail + 12 * 3 * 8)
    assert some.tried == none.tried + 3
    few = workload_of(configured(candidates={"drawn": 3}), replace(KNOWN, drawings=2))
    assert (few.linear, few.tail, few.tried) == (none.linear + 2, none.tail + 2 * 8, none.tried + 2)


def test_crops_at_their_own_places_have_a_budget_of_their_own() -> None:
    none, some = (
        workload_of(configured(candidates={"own_places": wanted}), replace(KNOWN, boxes=9)) for wanted in (0, 2)
    )
    assert some.linear - none.linear == 25
    # nine boxes and the corner in grey, and 64 crops, on all eight pictures
    assert some.tail - none.tail == (9 + 1 + 64) * 8
    assert some.tried - none.tried == 8
    assert some.selection - none.selection == 8 * 4 + 4 * 4 + 2 * 12
    # all of them where every patch is tried, and two at their own places with seven controls
    assert some.confirmed[-1] == (Placement.OWN, 2 * 40, 2 * 7 * 40)
    assert some.confirmation - none.confirmation == (8 + 2 * 8) * 40
    unmapped = [replace(KNOWN, mapped=False, boxes=0)] * 2
    first, second = (
        workload_of(configured(candidates={"own_places": wanted}), known)
        for wanted, known in zip((0, 2), unmapped, strict=True)
    )
    assert first == second


def test_placements_multiply_pastes() -> None:
    best_first = workload_of(configured(trials={"placements": ["best", "fixed"], "best_sizes": [0.2, 0.5]}), KNOWN)
    fixed = workload_of(configured(), KNOWN)
    assert best_first.selection == 8 * fixed.selection
    # everything at four corners and two sizes; the chosen are confirmed at both placements, their own first block once
    assert best_first.confirmation == ((22 + 2) * 8 + 3 * 8 * (8 + 1) - 3 * 8) * 40
    assert best_first.confirmed == (
        (Placement.BEST, 0, 3 * 7 * 8 * 40),
        (Placement.FIXED, 3 * 40, 3 * 7 * 40),
        (Placement.OWN, 0, 0),
    )


def test_what_is_switched_off_is_not_counted() -> None:
    none = workload_of(
        configured(
            atlas={"icons": 0, "looks": 0},
            candidates={"icons": 0, "dreams": 0, "shapes": 0, "pairs": 0, "random": 0, "strongest": 0, "trained": 0},
        ),
        KNOWN,
    )
    assert (none.icon_steps, none.patch_icon_steps, none.trained, none.linear) == (0, 0, 0, 100)
    assert (none.tail, none.tried) == ((30 + 20 + 33) * 8, 6 + 2)


def test_effects_over_whole_pictures_take_few_selection_pictures_and_no_more_kinds_than_there_are() -> None:
    many = replace(KNOWN, selection=1000)
    assert workload_of(configured(), many).whole == 14 * 64 + (3 * 4 + 1) * 40
    assert workload_of(configured(candidates={"whole_pictures": 50}), many).whole == 14 * 64 + (8 * 4 + 1) * 40
    assert workload_of(configured(candidates={"whole_pictures": 0}), many).whole == 0
    assert workload_of(configured(), replace(KNOWN, confirmation=0)).whole == 0


@pytest.mark.parametrize(
    ("levels", "most", "discovery", "icons"),
    [
        ((10,), 150, 2000, 45),  # 2.25 · 10^1.3
        ((10, 20), 150, 2000, 100),  # 45, and half of 111, which may or may not fit
        ((10, 20), 400, 2000, 155),  # both fit
        ((10, 20, 40), 150, 2000, 100),  # the finest cannot
        ((10,), 20, 2000, 20),  # of the coarsest as many as fit
        ((10,), 150, 90, 30),  # 180 activations fill no more than 30 cells of three
        ((10,), 0, 2000, 0),
    ],
)
def test_icons_are_expected_for_whole_levels(levels: tuple[int, ...], most: int, discovery: int, icons: int) -> None:
    config = configured(atlas={"levels": list(levels), "icons": most})
    assert workload_of(config, replace(KNOWN, discovery=discovery)).icons == icons


@pytest.mark.parametrize(("levels", "most", "icons"), [((4,), 50, 14), ((4,), 9, 9), ((2, 20), 40, 4), ((4,), 0, 0)])
def test_icons_of_patches_as_pasted_are_expected_nearly_everywhere(
    levels: tuple[int, ...], most: int, icons: int
) -> None:
    atlas = {"levels": list(levels), "pasted_icons": most, "icon_steps": 10, "min_count": 1}
    found = workload_of(configured(atlas=atlas), KNOWN)
    assert found.pasted_icon_steps == 10 * icons
    without = workload_of(configured(atlas={**atlas, "pasted_icons": 0}), KNOWN)
    assert found.passes - without.passes == 10 * icons


def test_several_layers_share_the_search_and_each_has_icons() -> None:
    """Half of the crops are seen by the second layer as well; no trial is added."""
    one = workload_of(configured(atlas={"icons": 12, "icon_steps": 8, "looks": 1}), KNOWN)
    two = workload_of(configured(atlas={"icons": 12, "icon_steps": 8, "looks": 1}), replace(KNOWN, layers=2))
    assert two.icon_steps == (2 * 12 + 2 * 16) * 8
    assert two.linear == one.linear + 50
    assert two.pasted_icon_steps == 2 * one.pasted_icon_steps
    assert (two.mapped, two.tail, two.tried, two.pastes) == (one.mapped, one.tail, one.tried, one.pastes)
