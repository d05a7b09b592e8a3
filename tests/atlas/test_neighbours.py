"""Nearest neighbours by blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from auditor.atlas.embedding import unit_vectors
from auditor.atlas.neighbours import BLOCK_BYTES, nearest_others


@pytest.fixture(scope="module")
def unit() -> np.ndarray:
    return unit_vectors(np.random.default_rng(0).normal(size=(211, 24)).astype(np.float32))


@pytest.mark.parametrize("block_bytes", [1, 4 * 211 * 7, 4 * 211 * 210, None])
def test_they_are_sklearns_whatever_the_block(unit, block_bytes) -> None:
    cosines, rows = nearest_others(torch.from_numpy(unit), 9, block_bytes)
    distance, exact = NearestNeighbors(n_neighbors=9, algorithm="brute").fit(unit.astype(np.float64)).kneighbors()
    np.testing.assert_array_equal(rows.numpy(), exact)
    np.testing.assert_allclose(cosines.numpy(), 1 - distance**2 / 2, atol=1e-6)
    assert (cosines.dtype, rows.dtype) == (torch.float32, torch.int64)


def test_none_is_its_own_neighbour_not_even_among_duplicates(unit) -> None:
    alike = torch.from_numpy(np.repeat(unit[:5], 8, axis=0))
    cosines, rows = nearest_others(alike, 7, 4 * 40 * 3)
    kinds = torch.arange(40) // 8
    assert (kinds[rows] == kinds[:, None]).all()
    assert (rows != torch.arange(40)[:, None]).all()
    assert torch.allclose(cosines, torch.ones(()), atol=1e-6)
    assert [len(set(row)) for row in rows.tolist()] == [7] * 40


def test_all_others_may_be_asked_for(unit) -> None:
    rows = nearest_others(torch.from_numpy(unit[:3]), 2)[1]
    assert [sorted(row) for row in rows.tolist()] == [[1, 2], [0, 2], [0, 1]]


def test_a_million_is_held_some_hundred_rows_at_a_time() -> None:
    assert BLOCK_BYTES["cuda"] // (4 * 10**6) == 268
