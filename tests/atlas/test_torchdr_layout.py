"""UMAP by TorchDR: as good as umap-learn's, the same again, and nothing else of the process is touched."""

from __future__ import annotations

import logging
import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from auditor.atlas import embedding
from auditor.atlas.embedding import Likeness, check_layout, embed, torchdr_layout, unit_vectors
from auditor.atlas.layout import MARGIN, pair_layout
from auditor.core.errors import ConfigError, DeviceMemoryError
from benchmarks.atlas.layout import made_up, quality
from tests.second_device import counted, second_device
from tests.tiny_world import World

CPU = torch.device("cpu")
LIKENESS = Likeness("torchdr", neighbours=10)


@pytest.fixture(scope="module")
def layout():
    pytest.importorskip("torchdr")
    return torchdr_layout()


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return made_up(300, 32, 2, clusters=12).vectors


@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_same_seed_gives_the_same_places(layout, vectors, dimensions) -> None:
    first = embed(vectors, dimensions, LIKENESS, 3)
    assert first.shape == (300, dimensions)
    np.testing.assert_array_equal(embed(vectors, dimensions, LIKENESS, 3), first)
    assert np.abs(embed(vectors, dimensions, LIKENESS, 4) - first).max() > 0.01


def test_neighbours_stay_as_near_as_by_umap_learn(layout, vectors) -> None:
    unit = unit_vectors(vectors)
    kept, trust = quality(unit, embed(vectors, 2, LIKENESS, 0))
    of_umap, trust_of_umap = quality(unit, embed(vectors, 2, Likeness(neighbours=10), 0))
    assert kept > of_umap - 0.03
    assert trust > trust_of_umap - 0.02
    assert kept > 0.5


def test_it_is_the_librarys_own_umap_without_its_table(layout, vectors) -> None:
    """The graph held as edges gives what the library's padded table gives, to the last bit."""
    from torchdr import UMAP

    unit = torch.from_numpy(unit_vectors(vectors))
    settings = {"distributed": False, "n_neighbors": 10}
    its_own = UMAP(
        min_dist=0.01,
        init=layout._first_components(unit, 2),
        max_iter=layout.STEPS,
        backend=None,
        process_duplicates=False,
        **settings,
    )
    its_own.affinity_in = layout._CosineAffinity(max_iter=100, symmetrize=True, _pre_processed=True, **settings)
    with layout.drawing(CPU, 5):
        expected = its_own.fit_transform(unit).detach().numpy()
    np.testing.assert_array_equal(layout.umap_at_once(unit.numpy(), 2, 10, 0.01, 5, CPU), expected)


def test_the_start_is_the_principal_components(layout, vectors) -> None:
    unit = unit_vectors(vectors)
    expected = embedding.principal_components(unit, 2)
    np.testing.assert_allclose(layout._first_components(torch.from_numpy(unit), 2).numpy(), expected, atol=1e-5)
    narrow = torch.from_numpy(unit[:, :1])
    assert layout._first_components(narrow, 2)[:, 1].tolist() == [0.0] * 300


def test_it_is_computed_on_the_device_that_it_is_given(layout, vectors) -> None:
    """On the tests' second device no tensor of the processor gets between, and numbers are the processor's own."""
    unit = unit_vectors(vectors)
    with counted() as traffic:
        there = layout.umap_at_once(unit, 2, 10, 0.01, 5, second_device())
    np.testing.assert_array_equal(there, layout.umap_at_once(unit, 2, 10, 0.01, 5, CPU))
    assert traffic.up.total() < 10  # and none a step


@pytest.mark.parametrize("count", [10, 11, 14, 21, 35, 50])
def test_neighbours_shrink_with_the_samples(layout, vectors, count) -> None:
    for width in (1, 2, 32):
        places = embed(vectors[:count, :width] + np.float32(0.01), 2, Likeness("torchdr"), 0)
        assert places.shape == (count, 2)
        assert np.isfinite(places).all()


@pytest.mark.parametrize("dimensions", [1, 2])
def test_duplicates_have_places(layout, vectors, dimensions) -> None:
    one, few, among = vectors[:1], vectors[:6], vectors[:60]
    for many in (one.repeat(40, axis=0), few.repeat(30, axis=0), np.concatenate([among, one.repeat(200, axis=0)])):
        assert np.isfinite(embed(many, dimensions, LIKENESS, 0)).all()
    assert not embed(one.repeat(40, axis=0), dimensions, LIKENESS, 0).any()


def test_a_pairs_axis_parts_the_kinds(layout) -> None:
    generator = np.random.default_rng(0)
    kind = np.repeat(np.arange(3), 30)
    vectors = (5 * np.eye(3, 8)[kind] + 0.3 * generator.normal(size=(90, 8))).astype(np.float32)
    xy = pair_layout(vectors, np.linspace(-1, 1, 90).astype(np.float32), LIKENESS, 4)
    spans = sorted((xy[kind == each, 1].min(), xy[kind == each, 1].max()) for each in range(3))
    assert spans[0][1] < spans[1][0]
    assert spans[1][1] < spans[2][0]
    assert (xy[:, 1].min(), xy[:, 1].max()) == pytest.approx((MARGIN, 1 - MARGIN))


def state() -> dict[str, object]:
    """What TorchDR changes by itself, and what else a library may."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    cards = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    cudnn = torch.backends.cudnn
    return {
        "random": random.getstate(),
        "numpy": (kind, keys.tolist(), *rest),
        "torch": torch.get_rng_state().tolist(),
        "cards": [one.tolist() for one in cards],
        "cudnn": (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, cudnn.enabled),
        "matrices": (torch.backends.cuda.matmul.allow_tf32, torch.get_float32_matmul_precision()),
        "order": torch.are_deterministic_algorithms_enabled(),
        "environment": dict(os.environ),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "warnings": list(warnings.filters),
        "logging": (logging.root.level, list(logging.root.handlers), logging.getLogger("matplotlib").level),
    }


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("hash_seed", [None, "7"])
def test_nothing_of_the_process_is_changed(layout, vectors, threads, hash_seed, monkeypatch, capfd, recwarn) -> None:
    if hash_seed is None:
        monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    else:
        monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
    torch.set_num_threads(2)
    torch.manual_seed(11)
    before = state()
    embed(vectors[:60], 2, LIKENESS, 0)
    assert state() == before
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_nothing_is_changed_where_it_fails_either(layout, vectors, monkeypatch) -> None:
    def fail(self: object) -> None:
        torch.rand(3)
        raise ValueError("none of its samples")

    monkeypatch.setattr(layout._UmapOfEdges, "_training_step", fail)
    before = state()
    with pytest.raises(ValueError, match="none of its samples"):
        embed(vectors, 2, LIKENESS, 0)
    assert state() == before


def test_draws_inside_are_by_the_seed_and_outside_go_on(layout) -> None:
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    first = torch.rand(2)
    with layout.drawing(CPU, 9):
        inside = torch.rand(3)
    assert torch.equal(torch.cat([first, torch.rand(2)]), expected)
    assert torch.equal(inside, torch.rand(3, generator=torch.Generator().manual_seed(9)))


def test_the_card_is_used_where_the_run_uses_one() -> None:
    card = torch.device("cuda", 1)
    assert Likeness("torchdr", device=card).card == card
    assert Likeness("torchdr", device=card).fitted_at_most == 1_000_000
    assert Likeness("torchdr", device=card, fitted=50).fitted_at_most == 50
    assert Likeness("torchdr").card is None
    assert Likeness("torchdr").fitted_at_most == 10_000
    for method in ("umap", "tsne"):
        assert Likeness(method, device=card).card is None
        assert Likeness(method, device=card).fitted_at_most == Likeness(method).fitted_at_most


def test_memory_that_runs_out_is_said(layout, vectors, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.73 GiB.\nMore words")

    monkeypatch.setattr(layout, "umap_at_once", full)
    with pytest.raises(DeviceMemoryError, match=r"a layout of 300 activations by TorchDR \(CUDA out of memory\. Tried"):
        embed(vectors, 2, LIKENESS, 0)


@pytest.fixture
def loaded_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    torchdr_layout.cache_clear()
    monkeypatch.delitem(sys.modules, "auditor.atlas.torchdr_layout", raising=False)
    monkeypatch.delattr("auditor.atlas.torchdr_layout", raising=False)
    yield
    monkeypatch.undo()
    torchdr_layout.cache_clear()


@pytest.mark.parametrize(("module", "named"), [("torchdr", "TorchDR"), ("matplotlib", "Matplotlib, which TorchDR")])
def test_a_library_that_is_not_there_is_named(loaded_anew, monkeypatch, module, named) -> None:
    if module != "torchdr":
        pytest.importorskip("torchdr")
    for name in [name for name in sys.modules if name.split(".")[0] in ("torchdr", module)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf'needs {named}.*which is not installed; pip install "auditor\[torchdr\]"'):
        check_layout("torchdr")
    for method in ("umap", "tsne"):
        check_layout(method)


def test_another_version_is_refused(layout, loaded_anew, monkeypatch) -> None:
    monkeypatch.setattr("torchdr.__version__", "0.6.1")
    with pytest.raises(ConfigError, match=r"needs TorchDR 0\.5, and 0\.6\.1 is installed"):
        check_layout("torchdr")


def test_without_the_library_a_run_ends_before_it_begins(
    loaded_anew, world: World, invoke, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchdr", None)
    config = world.edited("by-card.toml", ("[atlas]", '[atlas]\nlayout = "torchdr"'))
    refused = invoke("run", config, "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert 'needs TorchDR, which is not installed; pip install "auditor[torchdr]"' in " ".join(refused.stderr.split())
    assert not (tmp_path / "run" / "images.parquet").exists()
