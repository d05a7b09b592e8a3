"""Where crops are cut, from which pictures, and what is proposed of them."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from auditor.atlas.activations import ActivationSet
from auditor.atlas.grid import build_cells
from auditor.atlas.kinds import Atlas
from auditor.atlas.positions import crop_box
from auditor.candidates.controls import Making, quiet_cells, quiet_crops
from auditor.candidates.crops import (
    CropPlan,
    CropRules,
    cell_names,
    cut_crop,
    mark_crop,
    plan_exemplar_crops,
    plan_further_crops,
    plan_random_crops,
    prepared_crops,
    small_copy,
)
from auditor.candidates.ladder import Draw, climb
from auditor.candidates.propose import Proposals, crop_entries, mark_read_as_target, propose
from auditor.candidates.scene import Scene, cut_patch
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig, CandidatesConfig
from auditor.core.progress import Silence
from auditor.core.records import (
    Candidate,
    Cell,
    ClassGroup,
    Exemplar,
    Origin,
    Role,
    Tier,
)
from auditor.trials.patch import Patch, kept, patch_png
from auditor.trials.stand_ins import CutFromPictures


def cell(column: int, rows: list[int], level: int = 4) -> Cell:
    none = np.zeros(2, dtype=np.float32)
    exemplars = tuple(Exemplar(row, 1, 2, row / 10) for row in rows)
    return Cell(level, column, 0, 9, 3, none, none, none, 0.0, 0.0, exemplars)


@pytest.mark.parametrize(
    ("y", "x", "size", "box"),
    [
        (2, 2, 0.5, (10, 11, 59, 60)),  # 49 px around x = 35, y = 35.7
        (0, 0, 0.5, (0, 0, 49, 49)),
        (6, 6, 0.5, (49, 51, 98, 100)),
        (3, 3, 0.99, (0, 2, 97, 99)),
    ],
)
def test_a_crop_lies_around_its_position_and_inside_the_picture(
    y: int, x: int, size: float, box: tuple[int, int, int, int]
) -> None:
    assert crop_box(y, x, (7, 7), (100, 98), size) == box


def test_every_cell_is_seen_before_any_is_seen_twice() -> None:
    cells = [cell(0, [0, 1, 2]), cell(1, [3]), cell(2, [4, 5])]
    plans = plan_exemplar_crops(cells, CropRules((4, 4), (32, 32), (0.25, 0.5), lambda row: row != 0), most=7)
    assert [(plan.cell, plan.image_row, plan.size) for plan in plans] == [
        ("4:0:0", 1, 0.25),
        ("4:0:0", 1, 0.5),
        ("4:1:0", 3, 0.25),
        ("4:1:0", 3, 0.5),
        ("4:2:0", 4, 0.25),
        ("4:2:0", 4, 0.5),
        ("4:0:0", 2, 0.25),
    ]
    assert plans[0].contrast == 0.1
    assert plan_exemplar_crops([], CropRules((4, 4), (32, 32), (0.5,), lambda _: True), 9) == []


def test_random_crops_use_no_picture_twice_and_only_those_allowed(samples_of: Callable[..., ActivationSet]) -> None:
    samples = samples_of([row % 10 for row in range(60)])
    xy = np.random.default_rng(1).random((60, 2), dtype=np.float32)
    cells = build_cells(samples, xy, 3, 1, 2)

    def planned(seed: int, count: int = 20) -> list[CropPlan]:
        rules = CropRules((4, 5), (16, 20), (0.3, 0.5), lambda row: row < 8)
        return plan_random_crops(cells, samples, cell_names(xy, 3), rules, count, np.random.default_rng(seed))

    plans = planned(0)
    assert sorted(plan.image_row for plan in plans) == list(range(8))
    assert planned(0) == plans != planned(1)
    assert planned(0, 3) == plans[:3]
    for plan in plans:
        sample = int(plan.contrast)  # the contrasts number the samples
        assert (plan.image_row, plan.y, plan.x) == (samples.image_row[sample], samples.y[sample], samples.x[sample])
        assert plan.cell == cell_names(xy, 3)[sample]


def test_a_crop_is_cut_from_the_original_at_its_full_resolution(scene: Scene) -> None:
    plan = CropPlan(2, 0, 0, 0.5, (4, 6, 12, 14), "", 0.0)
    original = scene.open_original(2)
    rgba, box = cut_crop(original, plan, scene.classifier.preprocessing)
    assert box == (12, 18, 36, 42)  # three original pixels for each prepared one
    np.testing.assert_array_equal(rgba[:3], np.asarray(original)[18:42, 12:36].transpose(2, 0, 1))
    assert (rgba[3] == 255).all()
    np.testing.assert_array_equal(prepared_crops(scene.pool, [plan])[0], scene.pool.pixels[2][:, 6:14, 4:12])


def test_the_frame_of_a_crop_is_drawn_where_it_was_cut() -> None:
    photograph = Image.new("RGB", (512, 256), (0, 0, 255))
    marked = Image.open(io.BytesIO(mark_crop(small_copy(photograph), photograph.size, (128, 64, 256, 192))))
    assert marked.size == (256, 128)
    assert marked.getpixel((65, 80)) == (255, 214, 0)
    assert marked.getpixel((96, 64)) == (0, 0, 255)
    assert marked.getpixel((40, 64)) == (0, 0, 255)


def test_a_photograph_that_gave_a_crop_is_not_opened_again_for_its_frame(scene: Scene) -> None:
    opened: list[int] = []

    def open_original(row: int) -> Image.Image:
        opened.append(row)
        return scene.open_original(row)

    counted = replace(scene, open_original=open_original)
    patch = cut_patch(counted, CropPlan(2, 0, 0, 0.5, (4, 6, 12, 14), "", 0.0), "c-001", Role.SUGGESTED)
    drawn = counted.marked(patch.candidate)
    assert opened == [2]
    whole = scene.open_original(2)
    assert drawn == mark_crop(small_copy(whole), whole.size, (12, 18, 36, 42))
    anew = replace(scene, open_original=open_original)  # as when the crop was cut by an earlier process
    assert anew.marked(patch.candidate) == drawn
    assert opened == [2, 2]
    assert counted.marked(replace(patch.candidate, box=None)) is None


Proposed = Callable[..., Proposals]


@pytest.fixture
def proposed(scene: Scene, atlas: Atlas, screen: TailScreen, wanting: Callable[..., AuditConfig]) -> Proposed:
    """Crops alone, unless told otherwise."""
    return lambda **settings: propose(scene, atlas, screen, wanting(**{"per_image": 3, **settings}), Silence())


def test_proposals_carry_what_anyone_needs_to_make_them_again(scene: Scene, proposed: Proposed) -> None:
    proposals = proposed(tried=4, random=2, strongest=3)
    suggested = [one for one in proposals.patches if one.candidate.suggested]
    random = [one for one in proposals.patches if not one.candidate.suggested]
    assert [one.candidate.id for one in suggested] == [f"c-00{n}" for n in range(1, 5)]
    assert [one.candidate.id for one in random] == ["r-001", "r-002", "k-001", "k-002", "k-003"]
    for one in proposals.patches:
        made = one.candidate
        row = int(made.image_key.removeprefix("key"))
        assert row in (1, 2, 4)  # discovery pictures outside the source
        left, top, right, bottom = made.box or (0, 0, 0, 0)
        cut = np.asarray(scene.open_original(row))[top:bottom, left:right].transpose(2, 0, 1)
        np.testing.assert_array_equal(one.rgba[:3], cut)
        assert made.sha256 == ""
        assert made.origin is Origin.CROP
        assert made.tier is {1: Tier.TARGET_IMAGE, 2: Tier.THIRD_CLASS, 4: Tier.TARGET_OBJECT}[row]
        assert made.image_label == ("pan", "wok", "cup")[row % 3]
        assert made.shows == ((("wok", 0.6), ("spoon", 0.1)) if row == 4 else ())


def test_predicted_push_is_the_tails_for_a_crop_and_the_mean_foretold_for_a_cell(
    scene: Scene, atlas: Atlas, screen: TailScreen, proposed: Proposed
) -> None:
    level3 = atlas.at_level(3)
    plans = plan_exemplar_crops(level3, scene.crop_rules((0.5,)), 600)
    proposals = proposed(tried=4, random=0, strongest=0, sizes=(0.5,), screened=len(plans), held=0)
    crops = prepared_crops(scene.pool, plans)
    pushes = screen.screen(crops)
    # tiers take turns in the order third class, target image, target object; each gives its strongest first
    tiers = {1: 1, 2: 0, 4: 2}
    best = [
        max(push for plan, push in zip(plans, pushes, strict=True) if plan.image_row == row)
        for row in sorted(tiers, key=tiers.__getitem__)
    ]
    assert [one.candidate.predicted_push for one in proposals.patches[:3]] == pytest.approx(best, rel=1e-4)
    draw = Draw(scene.seed, [image.key for image in scene.pool.images])
    settings = CandidatesConfig(tried=4, sizes=(0.5,), screened=len(plans))
    foretold = climb(crop_entries(scene, plans), (), screen, settings, draw, Silence()).foretold
    assert [one.name for one in proposals.cells] == [one.name for one in atlas.cells]
    for one in proposals.cells:
        named = cell_names(atlas.xy, one.level)  # the contrasts number the samples
        mine = [named[int(plan.contrast)] == one.name for plan in plans]
        own, rows = foretold[mine], np.array([plan.image_row for plan in plans])[mine]
        if len(own):
            assert one.predicted_push == pytest.approx(np.mean(own), rel=1e-5)
            apart = [(own[rows == row] - np.mean(own)).sum() for row in set(rows.tolist())]  # by picture
            pictures = len(apart)
            error = np.sqrt(pictures / (pictures - 1) * np.square(apart).sum()) / len(own) if pictures > 1 else np.nan
            assert one.predicted_push_error == pytest.approx(error, rel=1e-4, nan_ok=True)
        else:
            assert np.isnan(one.predicted_push)
    short = sum(min(4, count) for count in Counter(plan.image_row for plan in plans).values())  # four a picture
    assert [(rung.name, rung.seen, rung.passed, rung.compared) for rung in proposals.rungs] == [
        ("atlas", 40, 31, 0),
        ("linear screening", len(plans), len(plans), short),
        ("learned screening", len(plans), short, short),
        ("tail screening", short, 4, 0),
    ]
    assert -1.0 <= (proposals.rungs[1].correlation or -2.0) <= 1.0


def test_made_patches_are_screened_and_join_the_crops(screen: TailScreen, proposed: Proposed) -> None:
    """Shapes and pairs of crops that may be news: here picture 2's alone, since 1 and 4 show the target or may."""
    settings = {"tried": 6, "random": 1, "strongest": 0, "shapes": 2, "pairs": 5, "made": 3, "per_cell": 9}
    proposals = proposed(**settings)
    crops = [one for one in proposals.patches if one.candidate.id.startswith("c-")]
    made = [one for one in proposals.patches if one.candidate.parts]
    news = {one.candidate.id for one in crops if one.candidate.tier is Tier.THIRD_CLASS}
    assert len(made) == 3
    assert {part for one in made for part in one.candidate.parts} <= news
    assert all(one.candidate.suggested for one in made)
    pushes = screen.screen([one.rgba for one in made])
    assert [one.candidate.predicted_push for one in made] == pytest.approx(pushes, rel=1e-4)
    assert pushes.tolist() == sorted(pushes, reverse=True)  # one tier, so the best first
    rung = proposals.rungs[-1]
    assert rung.name == "tail screening of made patches"
    # wide, tall and soft-edged ones, and those faded where something speaks for the target; pairs need two pictures
    assert 3 * min(2, len(news)) <= rung.seen <= 4 * min(2, len(news))
    assert rung.passed == 3
    order = [one.candidate.id[0] for one in proposals.patches]
    assert order == ["c"] * len(crops) + ["s"] * 3 + ["r"]


def test_what_is_not_kept_is_not_encoded(
    scene: Scene, proposed: Proposed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of all that the search makes a part is kept; encoding a PNG only to hash it took longer than making the patch."""
    Image.new("RGB", (6, 6), "red").save(tmp_path / "red.png")
    encoded: list[np.ndarray] = []

    def patch_png_counted(rgba: np.ndarray) -> bytes:
        encoded.append(rgba)
        return patch_png(rgba)

    monkeypatch.setattr("auditor.trials.patch.patch_png", patch_png_counted)
    everything = {"icons": 2, "dreams": 1, "shapes": 2, "pairs": 2, "library": True, "trained": 1}
    patches = proposed(tried=6, random=2, strongest=2, made=3, patches=str(tmp_path), **everything).patches
    assert encoded == []
    digests = [kept(patch)[0].candidate.sha256 for patch in patches]
    assert len(encoded) == len(patches)
    assert digests == [hashlib.sha256(patch_png(patch.rgba)).hexdigest() for patch in patches]


def test_further_crops_lie_around_activations_first_and_then_anywhere_once(atlas: Atlas) -> None:
    named = cell_names(atlas.xy, 3)

    def planned(count: int) -> list[CropPlan]:
        rules = CropRules((4, 5), (16, 20), (0.3, 0.5), lambda row: row < 2)
        return plan_further_crops(atlas.samples, named, np.array([0, 1]), rules, count, np.random.default_rng(0))

    plans = planned(60)
    assert planned(7) == plans[:7]
    places = [(plan.image_row, plan.box) for plan in plans]
    assert len(set(places)) == len(places)
    known = [plan for plan in plans if plan.cell]
    assert plans[: len(known)] == known
    assert 0 < len(known) < len(plans)
    for plan in known:
        sample = int(plan.contrast)  # the contrasts number the samples
        assert (plan.image_row, plan.y, plan.x) == (
            atlas.samples.image_row[sample], atlas.samples.y[sample], atlas.samples.x[sample],
        )  # fmt: skip
        assert plan.cell == named[sample]
    assert {plan.image_row for plan in plans} == {0, 1}
    assert all(np.isnan(plan.contrast) for plan in plans[len(known) :])
    assert {plan.size for plan in plans[len(known) :]} == {0.3, 0.5}


def test_crops_end_where_places_and_pictures_do_whatever_was_asked_for(atlas: Atlas) -> None:
    """Ten million further attempts would take minutes, and find nothing."""
    rules = CropRules((4, 5), (16, 20), (0.3, 0.5), lambda row: row < 2)
    named, drawn = cell_names(atlas.xy, 3), Counter[str]()

    class Counted(CropRules):
        def any_size(self, generator: np.random.Generator) -> float:
            drawn["sizes"] += 1
            return super().any_size(generator)

    counted = Counted(rules.grid, rules.input_size, rules.sizes, rules.allowed)
    plans = plan_further_crops(atlas.samples, named, np.array([0, 1]), counted, 10_000_000, np.random.default_rng(0))
    assert {(plan.image_row, plan.box) for plan in plans} == {(row, box) for row in (0, 1) for box in rules.boxes()}
    assert plan_further_crops(
        atlas.samples, named, np.array([], dtype=int), counted, 10_000_000, np.random.default_rng(0)
    )
    cells = atlas.at_level(3)
    random = plan_random_crops(cells, atlas.samples, named, counted, 100_000, np.random.default_rng(0))
    assert {plan.image_row for plan in random} == {0, 1}
    assert drawn["sizes"] < 5_000


def test_where_the_source_is_all_the_rest_any_discovery_picture_may_give_crops(scene: Scene) -> None:
    assert [scene.may_give_crops(row) for row in range(6)] == [False, True, True, False, True, False]
    rest = replace(scene, source=ClassGroup("every class but wok", (0, 2)))
    assert [rest.may_give_crops(row) for row in range(6)] == [True, True, True, True, True, False]


def test_a_patch_alone_is_read_on_mid_grey(scene: Scene) -> None:
    generator = np.random.default_rng(0)
    patches = [
        Patch(
            Candidate(f"c-{number}", "", Origin.CROP, Tier.THIRD_CLASS, "0" * 64),
            generator.integers(0, 256, size=(4, 16, 20), dtype=np.uint8),
        )
        for number in range(12)
    ]
    marked = mark_read_as_target(patches, scene.classifier, scene.target)
    for one in marked:
        alpha = one.rgba[3] / 255
        shown = one.rgba[:3] / 255 * alpha + 0.5 * (1 - alpha)
        logits = scene.classifier.logits(torch.from_numpy(shown[None]).float())
        assert one.candidate.read_as_target is (int(logits.argmax()) == 1)


def cells_that_push(
    cell: Cell, predicted: Sequence[float], observed: Sequence[float], counts: Sequence[int]
) -> list[Cell]:
    return [
        replace(cell, column=number, predicted_push=push, contrast=seen, count=count)
        for number, (push, seen, count) in enumerate(zip(predicted, observed, counts, strict=True))
    ]


def test_control_crops_come_from_cells_that_do_not_push(atlas: Atlas) -> None:
    pushes, tens, unknown = (0.5, -0.2, 1.5, 0.0), (10,) * 4, (float("nan"),) * 4
    both = cells_that_push(atlas.cells[0], pushes, pushes, tens)
    assert [one.column for one in quiet_cells(both)] == [1, 3]
    unscreened = cells_that_push(atlas.cells[0], unknown, pushes, tens)
    assert [one.column for one in quiet_cells(unscreened)] == [1, 3]
    all_push = cells_that_push(atlas.cells[0], [push + 1 for push in pushes], pushes, tens)
    assert [one.column for one in quiet_cells(all_push)] == [1]
    assert quiet_cells([]) == ()


def test_a_cell_that_pushes_where_it_lay_is_not_quiet(atlas: Atlas) -> None:
    """A date at the bottom right does nothing in the corner where patches are pasted, and all in its own place."""
    predicted, observed = (-0.1, 0.1, 0.3, 0.2, -0.2), (0.9, -0.1, 0.1, -0.2, -0.3)
    cells = cells_that_push(atlas.cells[0], predicted, observed, (10,) * 5)
    assert [one.column for one in quiet_cells(cells)] == [1, 4]  # the last is silent; of ranks 4, 2, 4 and 3 the lowest


def test_quiet_cells_hold_a_quarter_of_the_activations_at_least(atlas: Atlas) -> None:
    """One small cell alone does not push: its few places would stand for every picture."""
    pushes, counts = (0.5, -0.1, 0.2, 0.1, 0.9), (40, 2, 30, 8, 40)
    cells = cells_that_push(atlas.cells[0], pushes, pushes, counts)
    assert [one.column for one in quiet_cells(cells)] == [1, 2, 3]  # 2, 10, then 40 of 120: the first with 30 or more
    assert [one.column for one in quiet_cells([replace(one, count=40) for one in cells])] == [1, 3]


def test_quiet_crops_are_where_activations_of_quiet_cells_are_and_may_be_cut(scene: Scene, atlas: Atlas) -> None:
    finest = max(cell.level for cell in atlas.cells)
    loud = [replace(cell, predicted_push=-1.0 if number == 2 else 1.0) for number, cell in enumerate(atlas.cells)]
    quiet = [cell.name for cell in quiet_cells([cell for cell in loud if cell.level == finest])]
    cut = quiet_crops(Making(scene, replace(atlas, cells=tuple(loud))))
    assert isinstance(cut, CutFromPictures)
    assert cut.centres is not None
    named = cell_names(atlas.xy, finest)
    wanted = [
        (int(row), (y + 0.5) / 4, (x + 0.5) / 5)
        for row, y, x, name in zip(atlas.samples.image_row, atlas.samples.y, atlas.samples.x, named, strict=True)
        if name in quiet and scene.may_give_crops(int(row))
    ]
    assert wanted
    assert [(int(row), *centre) for row, centre in zip(cut.rows, cut.centres.tolist(), strict=True)] == wanted
    assert quiet_crops(Making(scene)) is None
