"""Crops at their own places: laid where they lay, screened there exactly, and never on what makes the source."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.candidates.crops import CropPlan
from auditor.candidates.ladder import Draw, climb
from auditor.candidates.linear import LinearScreen
from auditor.candidates.own_places import (
    LINEAR_AT_OWN,
    TAIL_AT_OWN,
    AtOwnPlaces,
    left_alone,
    of_target,
    screen_own_places,
    spot_of,
)
from auditor.candidates.propose import crop_entries
from auditor.candidates.scene import Scene
from auditor.candidates.screening import Box, TailScreen, laid_in
from auditor.core.config import AuditConfig, TrialsConfig
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement, Spot, Tier
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.trials.placements import at_spot, draw, variants_of

Pair = tuple[ClassGroup, ClassGroup]


def pixels_of(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def test_patches_are_laid_in_their_boxes_and_nowhere_else() -> None:
    opaque, clear = pixels_of(3, 4, 6), pixels_of(4, 2, 2, seed=1)
    laid = laid_in([opaque, clear], [(2, 3, 8, 7), (8, 0, 10, 2)], (9, 10), torch.device("cpu"))
    assert laid.shape == (2, 4, 9, 10)
    np.testing.assert_allclose(laid[0, :3, 3:7, 2:8] * 255, opaque, atol=1e-3)
    np.testing.assert_allclose(laid[1, 3, :2, 8:] * 255, clear[3], atol=1e-3)
    np.testing.assert_allclose(laid[1, :3, :2, 8:] * 255, clear[:3] * (clear[3] / 255), atol=1e-3)
    assert int(laid[0].count_nonzero()) <= 4 * 4 * 6
    assert float(laid[0, 3].sum()) == 24.0


@pytest.mark.parametrize("size", [(16, 20), (33, 21), (7, 7)])
def test_a_spot_pastes_exactly_into_the_box_it_was_made_of(size: tuple[int, int]) -> None:
    height, width = size
    sides = [1, 3, min(size)]
    for side, down, across in itertools.product(sides, range(0, height, 2), range(0, width, 2)):
        top, left = min(down, height - side), min(across, width - side)
        spot = spot_of((left, top, left + side, top + side), size)
        draws = draw(at_spot(spot), TrialsConfig(), ["a", "b"], "a-001", (1.0, 1.0), size, seed=0)
        assert draws.side_px.tolist() == [side, side]
        assert draws.centre_y.tolist() == [top + side / 2] * 2
        assert draws.centre_x.tolist() == [left + side / 2] * 2


@pytest.mark.parametrize(
    ("spot", "words"),
    [
        (Spot(1.0, 1.0, 0.3), "at the bottom right, 0.30 of the shorter side"),
        (Spot(0.0, 0.5, 0.25), "at the top, 0.25 of the shorter side"),
        (Spot(0.5, 0.5, 0.5), "at the middle, 0.50 of the shorter side"),
        (Spot(0.4, 0.1, 0.5), "at the left, 0.50 of the shorter side"),
    ],
)
def test_a_spot_is_told_in_words(spot: Spot, words: str) -> None:
    assert spot.words == words


def test_a_configuration_cannot_ask_for_a_place_that_only_some_crops_have() -> None:
    with pytest.raises(ValueError, match=r"should be 'fixed', 'best', .* or 'off_object'"):
        TrialsConfig(placements=("own",))
    assert variants_of(Placement.OWN, TrialsConfig(), Spot(1.0, 0.0, 0.3)) == (at_spot(Spot(1.0, 0.0, 0.3)),)


def gain(cut: LayerCut, pixels: np.ndarray, crop: np.ndarray, box: Box) -> float:
    """Mean gain in the second class' log-odds when a crop is really put into its box."""
    left, top, right, bottom = box
    clean = torch.from_numpy(pixels).float() / 255
    pasted = clean.clone()
    pasted[:, :, top:bottom, left:right] = torch.from_numpy(crop).float() / 255
    with torch.no_grad():
        after, before = (cut.classifier.logits(one).double().softmax(1)[:, 1] for one in (pasted, clean))
    return float((torch.logit(after) - torch.logit(before)).mean())


def test_what_is_foretold_at_a_place_is_the_gain_of_a_real_paste_there(
    linear_cut: Callable[..., LayerCut], pair: Pair
) -> None:
    """Boxes of whole squares of the layer, so what is written is what a paste gives; the linear one near its pilot."""
    cut, pixels = linear_cut(True), pixels_of(6, 3, 16, 20)
    screen = TailScreen(cut, pixels, pair[1], patch_share=0.5, batch_size=4)
    boxes: list[Box] = [(0, 0, 8, 8), (12, 8, 20, 16), (4, 4, 12, 12), (16, 12, 20, 16)]
    crops = [pixels_of(3, box[3] - box[1], box[2] - box[0], seed=seed) for seed, box in enumerate(boxes)]
    wanted = [gain(cut, pixels, crop, box) for crop, box in zip(crops, boxes, strict=True)]
    np.testing.assert_allclose(screen.screen(crops, (), boxes), wanted, rtol=1e-4, atol=1e-5)
    assert abs(screen.screen(crops[:2])[1] - wanted[1]) > 0.01  # in the corner it is another number
    linear = LinearScreen(screen, [crops[0]])
    np.testing.assert_allclose(linear.screen(crops[:1], (), boxes[:1]), linear.screen(crops[:1]), atol=1e-5)
    alone = [float(linear.screen([crop], (), [box])[0]) for crop, box in zip(crops, boxes, strict=True)]
    np.testing.assert_allclose(linear.screen(crops, (), boxes), alone, rtol=1e-5, atol=1e-5)
    seen = screen.seen(crops[3:], (), boxes[3:])[0]
    with torch.no_grad():
        shown = screen.common.picture.clone()
        shown[:, 12:, 16:] = torch.from_numpy(crops[3]).float() / 255
        np.testing.assert_allclose(seen, cut.features(shown[None]).grid[0, :, 3, 4], rtol=1e-4, atol=1e-5)


class Middle(nn.Module):
    """Calls the source while all middle squares are bright, and the target by what is red at the bottom right."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.AvgPool2d(4)

    def forward(self, images: Tensor) -> Tensor:
        squares = self.layer(images)
        source = squares[:, :, 1:3, 1:3].amin(dim=(1, 2, 3)) - 0.6
        target = squares[:, 0, 3, 3] - squares[:, 1, 3, 3] - 0.5
        return torch.stack([8.0 * source, 8.0 * target, torch.zeros_like(source)], dim=1)


@pytest.fixture
def middle_cut() -> LayerCut:
    preprocessing = Preprocessing((16, 16), None, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    names = ClassNames(("pan", "wok", "cup"), ((), (), ()))
    return LayerCut(Classifier(Middle(), names, preprocessing, torch.device("cpu")), "layer")


def test_a_box_that_covers_what_makes_the_source_is_left_out(middle_cut: LayerCut, pair: Pair) -> None:
    pixels = np.full((6, 3, 16, 16), 230, dtype=np.uint8)
    screen = TailScreen(middle_cut, pixels, pair[1], patch_share=0.25, batch_size=8)
    boxes: list[Box] = [(0, 0, 4, 4), (4, 4, 12, 12), (12, 12, 16, 16), (0, 4, 8, 12), (0, 4, 4, 12)]
    assert left_alone(screen, boxes, pair[0]) == {(0, 0, 4, 4), (12, 12, 16, 16), (0, 4, 4, 12)}
    # the corner's own loss is the measure: where grey there loses every picture, a box has to keep one
    wide = TailScreen(middle_cut, pixels, pair[1], patch_share=0.75, batch_size=8)
    assert left_alone(wide, boxes[:2], pair[0]) == {(0, 0, 4, 4)}


@pytest.fixture
def corner_scene(middle_cut: LayerCut, scene: Scene) -> Scene:
    """Eight pictures: woks with something red at the bottom right, some of them annotated as the wok; and cups."""
    images, pixels = [], []
    for row in range(8):
        picture = np.full((3, 16, 16), 230, dtype=np.uint8)
        if row < 5:
            picture[1:, 12:, 12:] = 20 * row  # the first is the reddest
        pixels.append(picture)
        images.append(
            replace(scene.pool.images[0], key=f"k{row}", label=1 if row < 5 else 2, width_px=16, height_px=16)
        )
    pool = replace(scene.pool, images=tuple(images), pixels=np.stack(pixels))

    def shows(row: int, box: tuple[int, int, int, int]) -> tuple[tuple[str, float], ...] | None:
        return (("wok", 1.0),) if row == 0 else (("cup", 0.5),)

    def original(row: int) -> object:
        from PIL import Image

        return Image.fromarray(pixels[row].transpose(1, 2, 0).copy())

    return replace(
        scene, classifier=middle_cut.classifier, pool=pool, grid=(4, 4), open_original=original, shows_of=shows
    )


def screened(scene: Scene, cut: LayerCut, config: AuditConfig, batch_size: int = 8) -> AtOwnPlaces:
    plans = [
        CropPlan(row, y, x, 0.25, (4 * x, 4 * y, 4 * x + 4, 4 * y + 4), "", 0.0)
        for row in range(8)
        for y, x in ((3, 3), (1, 1), (0, 0))
    ]
    sources = np.full((6, 3, 16, 16), 230, dtype=np.uint8)
    screen = TailScreen(cut, sources, scene.target, 0.25, batch_size)
    climbed = climb(crop_entries(scene, plans), (), screen, config.candidates, Draw(0, scene.pool.keys), Silence())
    return screen_own_places(scene, plans, climbed, screen, config.candidates, Silence())


def test_what_works_at_its_own_place_alone_is_found_there(
    corner_scene: Scene, middle_cut: LayerCut, wanting: Callable[..., AuditConfig]
) -> None:
    config = wanting(own_places=1, screened=100)
    found = screened(corner_scene, middle_cut, config)
    best = found.patches[0].candidate
    # the reddest shows the wok itself; the corner's middle squares would take the pan's place
    assert (best.id, best.image_key, best.spot) == ("a-001", "k1", Spot(1.0, 1.0, 0.25))
    assert best.tier is Tier.TARGET_CONTEXT
    assert best.predicted_push > 2
    assert {one.candidate.image_key for one in found.patches} <= {"k1", "k2", "k3", "k4"}
    assert not any(one.candidate.is_plain_crop for one in found.patches)
    assert [(rung.name, rung.seen) for rung in found.rungs] == [(LINEAR_AT_OWN, 15), (TAIL_AT_OWN, 8)]
    one_by_one = screened(corner_scene, middle_cut, config, batch_size=1)
    assert [one.candidate.image_key for one in one_by_one.patches] == [one.candidate.image_key for one in found.patches]


def test_it_is_asked_of_the_targets_pictures_alone_of_so_many_and_not_where_none_is_wanted(
    corner_scene: Scene, middle_cut: LayerCut, wanting: Callable[..., AuditConfig]
) -> None:
    assert screened(corner_scene, middle_cut, wanting(own_places=0)) == AtOwnPlaces((), ())
    few = screened(corner_scene, middle_cut, wanting(own_places=1, screened=17))
    assert few.rungs[0].seen == 5
    plans: Sequence[CropPlan] = [CropPlan(row, 0, 0, 0.25, (0, 0, 4, 4), "", 0.0) for row in (6, 0, 7, 3, 2)]
    kept, _ = of_target(corner_scene, plans, crop_entries(corner_scene, plans), 2)
    assert [plan.image_row for plan in kept] == [0, 3]
