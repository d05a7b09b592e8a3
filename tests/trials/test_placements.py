"""Where patches are placed: exact corners, keyed random draws, nothing over the edge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auditor.core.config import TrialsConfig
from auditor.core.records import Placement
from auditor.core.records.trials import Draws
from auditor.trials.extents import half_extents
from auditor.trials.grounds import Grounds
from auditor.trials.pasting import Sticker, paste
from auditor.trials.placements import (
    CORNERS,
    PLACEMENTS,
    Variant,
    draw,
    largest_side_px,
    variants_of,
    window_of,
)

Build = Callable[..., TrialsConfig]
KEYS = [f"{number:04x}" for number in range(40)]


def columns(draws: Draws) -> np.ndarray:
    return np.stack(list(draws.columns.values()))


def test_every_placement_has_its_rule_and_its_words() -> None:
    assert list(PLACEMENTS) == list(Placement)
    assert all(placement.words for placement in Placement)


@pytest.mark.parametrize("placement", Placement)
def test_variants_are_of_their_placement_and_no_draw_is_larger_than_told(
    trials_config: Build, placement: Placement
) -> None:
    config = trials_config()
    variants = variants_of(placement, config)
    assert len({variant.name for variant in variants}) == len(variants)
    for variant in variants:
        assert variant.placement is placement
        assert variant.name.split(":")[0] == placement
        flat = Grounds(attribution=dict.fromkeys(KEYS, np.zeros((90, 120), dtype=np.float32)))
        draws = draw(variant, config, KEYS, "c-001", (0.5, 1.0), (90, 120), 0, flat)
        assert len(draws) == len(KEYS)
        assert draws.side_px.max() <= largest_side_px(variant, config, (90, 120))


def test_fixed_is_the_top_left_corner_for_every_picture(trials_config: Build) -> None:
    config = trials_config()
    (variant,) = variants_of(Placement.FIXED, config)
    draws = draw(variant, config, KEYS, "c-001", (1.0, 1.0), (224, 300), seed=0)
    # 0.35 of the shorter side is 78.4 px
    wanted = np.array([39.0, 39.0, 78.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    np.testing.assert_array_equal(columns(draws), np.repeat(wanted[:, None], len(KEYS), axis=1))


def test_best_is_every_corner_at_every_size(trials_config: Build) -> None:
    config = trials_config(best_sizes=(0.2, 0.5))
    variants = variants_of(Placement.BEST, config)
    assert [variant.name for variant in variants] == [f"best: {c}, {s}" for s in ("0.2", "0.5") for c in CORNERS]
    centres = {}
    for variant in variants:
        draws = draw(variant, config, KEYS[:1], "c-001", (0.5, 1.0), (100, 120), seed=0)
        centres[variant.size, variant.corner] = (draws.centre_y[0], draws.centre_x[0], draws.side_px[0])
    assert centres == {
        (0.2, "top left"): (5, 10, 20),
        (0.2, "top right"): (5, 110, 20),
        (0.2, "bottom left"): (95, 10, 20),
        (0.2, "bottom right"): (95, 110, 20),
        (0.5, "top left"): (12.5, 25, 50),
        (0.5, "top right"): (12.5, 95, 50),
        (0.5, "bottom left"): (87.5, 25, 50),
        (0.5, "bottom right"): (87.5, 95, 50),
    }


def test_best_has_a_variant_for_every_corner_and_size(trials_config: Build) -> None:
    assert len(variants_of(Placement.BEST, trials_config(best_sizes=(0.3, 0.2)))) == 8


@pytest.mark.parametrize("shape", [(85, 85), (7, 10), (9, 14), (10, 7), (11, 20)])
@pytest.mark.parametrize("corner", [0, 3])
def test_patches_of_any_shape_lie_on_whole_pixels(trials_config: Build, shape: tuple[int, int], corner: int) -> None:
    """A patch's rounded height must be the one that its centre was computed with, or its edges blur."""
    config = trials_config(best_sizes=(0.5,))
    variant = variants_of(Placement.BEST, config)[corner]
    sticker = Sticker(np.full((4, *shape), 255, dtype=np.uint8), torch.device("cpu"))
    draws = draw(variant, config, ["k"], "c", sticker.aspect, (170, 170), seed=0)
    pasted = paste(torch.zeros(1, 3, 170, 170), sticker, draws, 85)
    height, width = sticker.at(85).shape[1:]
    assert float(pasted.sum()) == pytest.approx(3 * height * width, rel=1e-6)
    assert bool(((pasted < 1e-5) | (pasted > 1 - 1e-5)).all())


def test_random_draws_do_not_depend_on_batch_or_order(trials_config: Build) -> None:
    config = trials_config()
    (variant,) = variants_of(Placement.RANDOM, config)

    def drawn(keys: list[str], candidate: str = "c-001", seed: int = 3) -> np.ndarray:
        return columns(draw(variant, config, keys, candidate, (1.0, 1.0), (96, 128), seed))

    together = drawn(KEYS)
    np.testing.assert_array_equal(drawn(KEYS[::-1]), together[:, ::-1])
    np.testing.assert_array_equal(np.concatenate([drawn([key]) for key in KEYS], axis=1), together)
    assert len(np.unique(together[0])) == len(KEYS)
    assert not np.isin(drawn(KEYS, "c-002")[0], together[0]).any()
    assert not np.isin(drawn(KEYS, seed=4)[0], together[0]).any()


def test_a_control_lands_on_its_candidates_spots(trials_config: Build) -> None:
    """Draws are named by the candidate alone; nothing of the pixels pasted goes into them."""
    config = trials_config()
    (variant,) = variants_of(Placement.RANDOM, config)
    stickers = [Sticker(np.full((4, 30, 30), value, np.uint8), torch.device("cpu")) for value in (255, 90)]
    first, second = (columns(draw(variant, config, KEYS, "c-001", one.aspect, (96, 96), 0)) for one in stickers)
    np.testing.assert_array_equal(first, second)


def test_random_draws_fill_their_ranges_and_no_more(trials_config: Build) -> None:
    config = trials_config(rotation_degrees=30, scale_jitter=0.25, perspective=0.2, colour_jitter=0.4, size=0.2)
    (variant,) = variants_of(Placement.RANDOM, config)
    draws = draw(variant, config, [str(number) for number in range(600)], "c", (1.0, 1.0), (200, 200), seed=0)
    ranges = {
        "side_px": (30, 50),
        "rotation": (-np.pi / 6, np.pi / 6),
        "tilt_y": (-0.2, 0.2),
        "tilt_x": (-0.2, 0.2),
        "brightness": (-0.2, 0.2),
        "contrast": (0.6, 1.4),
    }
    for name, (low, high) in ranges.items():
        values = getattr(draws, name)
        assert low <= values.min() < low + 0.03 * (high - low)
        assert high - 0.03 * (high - low) < values.max() <= high
    assert largest_side_px(variant, config, (200, 200)) == pytest.approx(50)


@pytest.mark.parametrize("aspect", [(1.0, 1.0), (0.4, 1.0)])
def test_random_draws_stay_inside_the_picture(trials_config: Build, aspect: tuple[float, float]) -> None:
    config = trials_config(size=0.45, rotation_degrees=90, perspective=0.1)
    (variant,) = variants_of(Placement.RANDOM, config)
    draws = draw(variant, config, [str(number) for number in range(300)], "c", aspect, (64, 80), seed=1)
    across, down = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9))
    for row in range(300):
        nearness = draws.side_px[row] / 2 / (1 - draws.tilt_x[row] * across - draws.tilt_y[row] * down)
        x, y = across * aspect[1] * nearness, down * aspect[0] * nearness
        cosine, sine = np.cos(draws.rotation[row]), np.sin(draws.rotation[row])
        in_x = draws.centre_x[row] + x * cosine + y * sine
        in_y = draws.centre_y[row] - x * sine + y * cosine
        assert in_x.min() > -1e-9
        assert in_x.max() < 80 + 1e-9
        assert in_y.min() > -1e-9
        assert in_y.max() < 64 + 1e-9


def test_a_random_patch_larger_than_the_picture_is_centred(trials_config: Build) -> None:
    config = trials_config(size=0.99, scale_jitter=0.0)
    (variant,) = variants_of(Placement.RANDOM, config)
    draws = draw(variant, config, KEYS, "c", (1.0, 1.0), (50, 50), seed=0)
    np.testing.assert_array_equal(draws.centre_y[np.abs(draws.rotation) > 0.1], 25.0)


def test_extents_of_a_turned_rectangle_by_hand() -> None:
    one = np.ones(1)
    tall, wide = half_extents(10 * one, np.pi / 6 * one, 0 * one, 0 * one, (0.6, 1.0))
    assert tall[0] == pytest.approx(3 * np.cos(np.pi / 6) + 5 * 0.5)
    assert wide[0] == pytest.approx(3 * 0.5 + 5 * np.cos(np.pi / 6))
    # tilted away by a fifth: the near edge reaches 1 / (1 − 0.2) of half the side
    tall, wide = half_extents(10 * one, 0 * one, 0.2 * one, 0 * one, (1.0, 1.0))
    assert (tall[0], wide[0]) == pytest.approx((6.25, 6.25))


def test_a_place_is_a_share_of_the_way_that_the_patch_has(trials_config: Build) -> None:
    config, size = trials_config(), (90, 120)

    def centre(**where: object) -> tuple[float, float]:
        variant = Variant(Placement.FIXED, "place", 0.5, **where)  # type: ignore[arg-type]
        assert window_of(variant, config, size) is None
        draws = draw(variant, config, KEYS, "c-001", (0.5, 1.0), size, seed=0)
        assert len(set(draws.centre_y)) == len(set(draws.centre_x)) == 1
        return draws.centre_y[0], draws.centre_x[0]

    # 45 px wide and 22 high: 68 px of room down and 75 across
    for corner, share in zip(CORNERS, ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)), strict=True):
        assert centre(centre=share) == centre(corner=corner)
    assert centre(centre=(0.0, 0.0)) == (11, 22.5)
    assert centre(centre=(1.0, 1.0)) == (79, 97.5)
    assert centre(centre=(0.5, 0.2)) == (34 + 11, 15 + 22.5)
    assert window_of(Variant(Placement.RANDOM, "random", 0.5), config, size) is not None
