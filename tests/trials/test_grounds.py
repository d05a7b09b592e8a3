"""Where patches land by what is known of a picture: masks and attribution, against a search of every place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from auditor.core.config import TrialsConfig
from auditor.core.records import Placement
from auditor.core.records.trials import Draws
from auditor.trials.extents import half_extents
from auditor.trials.grounds import Grounds, Pastes, mean_in_boxes, where_allowed, where_least, where_most
from auditor.trials.placements import draw, variants_of

Build = Callable[..., TrialsConfig]
SIZE = (30, 40)
KEYS = [f"{number:04x}" for number in range(60)]


def upright(count: int, side_px: float) -> Draws:
    zero, one = np.zeros(count), np.ones(count)
    return Draws(one * 9.0, one * 9.0, one * side_px, zero, zero, zero, zero, one)


def landing(grounds: Grounds, aspect: tuple[float, float] = (1.0, 1.0), seed: int = 0) -> Pastes:
    return Pastes(KEYS, "c-001", aspect, SIZE, seed, grounds)


def everywhere(mask: np.ndarray) -> Grounds:
    return Grounds(dict.fromkeys(KEYS, mask))


def white(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=np.bool_)
    mask[rows, columns] = True
    return mask


def test_means_in_boxes_are_those_of_a_loop() -> None:
    values = np.random.default_rng(0).normal(size=(7, 9))
    for box in ((1, 1), (3, 2), (7, 9)):
        made = mean_in_boxes(values, box)
        assert made.shape == (8 - box[0], 10 - box[1])
        for top, left in np.ndindex(*made.shape):
            assert made[top, left] == pytest.approx(values[top : top + box[0], left : left + box[1]].mean())


def test_a_patch_lies_wholly_in_white_and_at_every_place_where_it_fits() -> None:
    # 8 × 4 pixels in 10 × 6 white ones: three places down, three across
    draws = where_allowed(upright(60, 8.0), landing(everywhere(white(slice(5, 15), slice(20, 26))), (1.0, 0.5)))
    found = set(zip(draws.centre_y.tolist(), draws.centre_x.tolist(), strict=True))
    assert found == {(y, x) for y in (9.0, 10.0, 11.0) for x in (22.0, 23.0, 24.0)}
    np.testing.assert_array_equal(draws.side_px, 8.0)


def test_an_odd_patch_keeps_to_whole_pixels() -> None:
    draws = where_allowed(upright(60, 7.0), landing(everywhere(white(slice(5, 13), slice(20, 27)))))
    assert set(draws.centre_y.tolist()) == {8.5, 9.5}
    assert set(draws.centre_x.tolist()) == {23.5}


def test_where_it_fits_nowhere_most_of_it_is_in_white() -> None:
    # a box of 8 × 8 holds at most the 3 × 3 white pixels, at 6 × 6 places
    draws = where_allowed(upright(60, 8.0), landing(everywhere(white(slice(10, 13), slice(20, 23)))))
    assert draws.centre_y.min() >= 9.0
    assert draws.centre_y.max() <= 14.0
    assert len(set(zip(draws.centre_y.tolist(), draws.centre_x.tolist(), strict=True))) > 15
    # larger than the picture: in the middle
    draws = where_allowed(upright(60, 99.0), landing(everywhere(white(slice(10, 13), slice(20, 23)))))
    assert (draws.centre_y[0], draws.centre_x[0]) == (15.0, 20.0)


@pytest.mark.parametrize("placement", [Placement.RANDOM, Placement.PHOTOGRAPHED])
def test_placements_that_draw_a_place_keep_to_the_mask_and_draw_all_else_as_before(
    trials_config: Build, placement: Placement
) -> None:
    config, mask = trials_config(size=0.2), white(slice(0, 30), slice(22, 40))
    (variant,) = variants_of(placement, config)
    before = draw(variant, config, KEYS, "c-001", (1.0, 1.0), SIZE, 3)
    after = draw(variant, config, KEYS, "c-001", (1.0, 1.0), SIZE, 3, everywhere(mask))
    half_y, half_x = half_extents(after.side_px, after.rotation, after.tilt_y, after.tilt_x, (1.0, 1.0))
    assert (after.centre_x - half_x >= 22 - 1e-6).all()
    assert (after.centre_x + half_x <= 40 + 1e-6).all()
    assert (after.centre_y - half_y >= -1e-6).all()
    for name, numbers in before.columns.items():
        if name not in ("centre_y", "centre_x"):
            np.testing.assert_array_equal(after.columns[name], numbers)
    backwards = draw(variant, config, KEYS[::-1], "c-001", (1.0, 1.0), SIZE, 3, everywhere(mask))
    np.testing.assert_array_equal(backwards.centre_x[::-1], after.centre_x)
    assert (
        draw(variant, config, KEYS, "c-002", (1.0, 1.0), SIZE, 3, everywhere(mask)).centre_y != after.centre_y
    ).any()


def test_placements_that_are_told_their_place_stay_there(trials_config: Build) -> None:
    config, mask = trials_config(), white(slice(20, 30), slice(20, 40))
    for placement in (Placement.FIXED, Placement.BEST, Placement.QUADRILATERAL):
        for variant in variants_of(placement, config):
            one, other = (
                draw(variant, config, KEYS, "c", (1.0, 1.0), SIZE, 0, grounds)
                for grounds in (Grounds(), everywhere(mask))
            )
            np.testing.assert_array_equal(one.centre_y, other.centre_y)


def test_most_and_least_attribution_are_those_of_a_search() -> None:
    generator = np.random.default_rng(1)
    maps = {key: generator.normal(size=SIZE).astype(np.float32) for key in KEYS}
    aspect = (0.75, 1.0)
    most, least = (land(upright(60, 8.0), landing(Grounds(None, maps), aspect)) for land in (where_most, where_least))
    for row, key in enumerate(KEYS[:5]):
        means = {
            (top + 3.0, left + 4.0): float(maps[key][top : top + 6, left : left + 8].astype(np.float64).mean())
            for top in range(25)
            for left in range(33)
        }
        assert (most.centre_y[row], most.centre_x[row]) == max(means, key=lambda place: means[place])
        assert (least.centre_y[row], least.centre_x[row]) == min(means, key=lambda place: means[place])


def test_of_places_that_are_as_good_one_is_drawn_and_a_mask_goes_before_attribution() -> None:
    flat = dict.fromkeys(KEYS, np.zeros(SIZE, dtype=np.float32))
    mask = white(slice(5, 15), slice(20, 30))
    draws = where_most(upright(60, 8.0), landing(Grounds(dict.fromkeys(KEYS, mask), flat)))
    assert {9.0, 10.0, 11.0} == set(draws.centre_y.tolist())
    lower = {key: np.repeat(np.arange(30, dtype=np.float32)[:, None], 40, axis=1) for key in KEYS}
    draws = where_most(upright(60, 8.0), landing(Grounds(dict.fromkeys(KEYS, mask), lower)))
    assert set(draws.centre_y.tolist()) == {11.0}
    with pytest.raises(ValueError, match="attribution"):
        where_most(upright(60, 8.0), landing(Grounds()))
