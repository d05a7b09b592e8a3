"""Icons of cells point where they were told to, whatever else is rendered, and say where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from auditor.candidates.makers.cell_icons import icon_patches, patch_settings
from auditor.core.progress import Silence
from auditor.core.records import Cell, Origin, Tier
from auditor.inputs.model.cut import LayerCut

SIDE = 20
SETTINGS = patch_settings(SIDE, steps=60)


def cell(column: int, mean: Sequence[float]) -> Cell:
    none = np.zeros(3, dtype=np.float32)
    vector = np.array(mean, dtype=np.float32)
    return Cell(level=10, column=column, row=2, count=5, images=4, mean_activation=vector, mean_attribution=none,
                attribution_error=none, contrast=0.5 + column, contrast_error=0.1, exemplars=())  # fmt: skip


CELLS = [cell(0, (1, -1, 0, 0, 0)), cell(1, (0, 0, 1, 1, -2)), cell(2, (-1, 0, 0, 0, 0))]


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_an_icon_points_along_its_cells_mean(
    linear_cut: Callable[..., LayerCut], centre_of: Callable[..., np.ndarray]
) -> None:
    cut = linear_cut()
    patches = icon_patches(cut, CELLS, ["i-001", "i-002", "i-003"], SETTINGS, 0, Silence())
    for number, (patch, made) in enumerate(zip(CELLS, patches, strict=True)):
        reached = [cosine(centre_of(cut, made.rgba), one.mean_activation) for one in CELLS]
        assert reached[number] > 0.5
        assert max(reached) == reached[number]
        assert made.rgba.shape == (4, SIDE, SIDE)
        assert (made.rgba[3] == 255).all()
        facts = made.candidate
        assert (facts.id, facts.origin, facts.tier) == (f"i-00{number + 1}", Origin.RENDER, Tier.SYNTHETIC)
        assert (facts.cell, facts.observed_push, facts.image_key) == (patch.name, patch.contrast, "")
        assert facts.sha256 == ""


def test_an_icon_does_not_depend_on_its_company_but_on_the_seed(linear_cut: Callable[..., LayerCut]) -> None:
    cut = linear_cut()
    together = icon_patches(cut, CELLS, ["a", "b", "c"], SETTINGS, 0, Silence())
    (alone,) = icon_patches(cut, CELLS[1:2], ["other"], SETTINGS, 0, Silence())
    np.testing.assert_allclose(alone.rgba.astype(int), together[1].rgba, atol=1)
    (other,) = icon_patches(cut, CELLS[1:2], ["b"], SETTINGS, 1, Silence())
    assert np.abs(other.rgba.astype(int) - alone.rgba).max() > 20


def test_nothing_to_render(linear_cut: Callable[..., LayerCut]) -> None:
    assert icon_patches(linear_cut(), [], [], SETTINGS, 0, Silence()) == []
