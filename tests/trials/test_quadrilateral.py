"""Patches on given corners: where their own corners land, how corners are moved, and which are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from auditor.core.config import TrialsConfig
from auditor.core.records import Placement
from auditor.trials.extents import half_extents
from auditor.trials.placements import draw, largest_side_px, variants_of
from auditor.trials.quadrilateral import corners_px, draws_onto

Build = Callable[..., TrialsConfig]
KEYS = [f"{number:04x}" for number in range(200)]


@pytest.mark.parametrize("aspect", [(1.0, 1.0), (0.4, 1.0), (1.0, 0.7)])
def test_corners_land_where_they_are_given(aspect: tuple[float, float]) -> None:
    generator = np.random.default_rng(0)
    square = np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)])
    corners = 20 + 30 * (square + generator.uniform(-0.25, 0.25, (50, 4, 2)))
    draws = draws_onto(corners, aspect)
    stretch_y, stretch_x, shear = (draws.also[name] for name in ("stretch_y", "stretch_x", "shear"))
    for place, (y, x) in enumerate(((-1, -1), (-1, 1), (1, 1), (1, -1))):
        nearness = draws.side_px / 2 / (1 - draws.tilt_y * y - draws.tilt_x * x)
        down = y * stretch_y * aspect[0] * nearness
        across = (x * stretch_x + y * shear) * aspect[1] * nearness
        sine, cosine = np.sin(draws.rotation), np.cos(draws.rotation)
        np.testing.assert_allclose(draws.centre_y - across * sine + down * cosine, corners[:, place, 0])
        np.testing.assert_allclose(draws.centre_x + across * cosine + down * sine, corners[:, place, 1])
    tall, wide = half_extents(
        draws.side_px, draws.rotation, draws.tilt_y, draws.tilt_x, aspect, (stretch_y, stretch_x, shear)
    )
    away = np.abs(corners - np.stack([draws.centre_y, draws.centre_x], axis=1)[:, None])
    np.testing.assert_allclose(np.stack([tall, wide], axis=1), away.max(axis=1))


def test_a_rectangle_is_stretched_and_nothing_else() -> None:
    corners = np.array([[(10.0, 20.0), (10.0, 60.0), (30.0, 60.0), (30.0, 20.0)]])
    draws = draws_onto(corners, (0.5, 1.0))
    numbers = {name: float(values[0]) for name, values in draws.columns.items()}
    assert numbers == pytest.approx(
        {
            "centre_y": 20, "centre_x": 40, "side_px": 40, "rotation": 0, "tilt_y": 0, "tilt_x": 0, "brightness": 0,
            "contrast": 1, "stretch_y": 1, "stretch_x": 1, "shear": 0,
        }
    )  # fmt: skip


def test_each_corner_moves_by_itself_within_its_range(trials_config: Build) -> None:
    given = (0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8, 0.2)
    config = trials_config(quadrilateral=given, corner_jitter=0.05)
    moved = corners_px(config, KEYS, "c-001", (100, 200), 3)
    still = corners_px(trials_config(quadrilateral=given, corner_jitter=0.0), KEYS, "c-001", (100, 200), 3)
    np.testing.assert_array_equal(still, np.repeat([[(20, 40), (20, 160), (80, 160), (80, 40)]], 200, axis=0))
    away = moved - still
    assert np.abs(away).max(axis=0).min() > 4.8
    assert np.abs(away).max() <= 5
    assert np.abs(np.corrcoef(away.reshape(200, 8).T)[~np.eye(8, dtype=bool)]).max() < 0.3
    np.testing.assert_array_equal(corners_px(config, KEYS[::-1], "c-001", (100, 200), 3)[::-1], moved)


def test_corners_that_move_far_make_no_dent(trials_config: Build) -> None:
    config = trials_config(quadrilateral=(0.4, 0.4, 0.4, 0.5, 0.5, 0.5, 0.5, 0.4), corner_jitter=0.25)
    corners = corners_px(config, KEYS, "c-001", (64, 64), 0)
    edges = np.roll(corners, -1, axis=1) - corners
    after = np.roll(edges, -1, axis=1)
    assert (edges[..., 1] * after[..., 0] - edges[..., 0] * after[..., 1] > 0).all()
    assert len(np.unique(corners[:, 0, 0])) == len(KEYS)


def test_the_longest_edge_is_known_before_anything_is_drawn(trials_config: Build) -> None:
    config = trials_config(quadrilateral=(0.1, 0.1, 0.1, 0.9, 0.3, 0.9, 0.3, 0.1), corner_jitter=0.1)
    (variant,) = variants_of(Placement.QUADRILATERAL, config)
    draws = draw(variant, config, KEYS, "c", (1.0, 0.3), (50, 90), 0)
    most = largest_side_px(variant, config, (50, 90))
    assert 0.9 * most < draws.side_px.max() <= most
    assert most == pytest.approx(72 + 2 * np.sqrt(2) * 5)


@pytest.mark.parametrize(
    "corners",
    [
        (0.1, 0.1, 0.4, 0.1, 0.4, 0.4, 0.1, 0.4),  # counter-clockwise
        (0.1, 0.1, 0.1, 0.4, 0.15, 0.15, 0.4, 0.1),  # dented
        (0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4),  # a line
        (0.1, 0.1, 0.4, 0.4, 0.1, 0.4, 0.4, 0.1),  # crossed
        (0.1, 0.1, 0.1, 0.4, 0.4, 0.4),
        (0.1, 0.1, 0.1, 2.4, 0.4, 0.4, 0.4, 0.1),
    ],
)
def test_other_corners_are_refused(corners: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        TrialsConfig(quadrilateral=corners)
