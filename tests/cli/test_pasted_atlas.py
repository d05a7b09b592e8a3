"""The atlas of patches as pasted in a run: its shards are taken up again, and its icons rendered where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import auditor.run.stages.icons
from auditor.atlas.vectors import all_of
from auditor.candidates.linear import LinearScreen
from auditor.core.config import AuditConfig
from auditor.core.progress import Silence
from auditor.run.audit import open_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.candidates import CANDIDATES, pasted_vectors
from auditor.run.stages.sheets import SHEETS
from tests.conftest import quick_layout

ICONS, SHARD = "cache/pasted-icons/0000.safetensors", "cache/pasted/00000.safetensors"


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _as_it_was_laid_out() -> Iterator[None]:
    with quick_layout():
        yield


def opened(folder: Path, **atlas: Any) -> Run:
    run = RunFolder.open(folder)
    config: AuditConfig = stored_config(run)
    return open_run(run, config.model_copy(update={"atlas": config.atlas.model_copy(update=atlas)}), Silence())


def test_a_search_goes_on_at_its_shard(own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("candidates.parquet", "pasted-cells.parquet", "cache/pushes.parquet", "cache/pasted.safetensors", SHARD)
    before = {name: (own_run / name).read_bytes() for name in names}
    folder = RunFolder.open(own_run)
    folder.forget([CANDIDATES.name], ["candidates/*", *names[:-1]])
    looks: list[int] = []
    look = LinearScreen.look
    monkeypatch.setattr(LinearScreen, "look", lambda screen, part: looks.append(len(part)) or look(screen, part))
    opened(own_run).ensure(CANDIDATES)
    of_crops = sum(looks)
    assert {name: (own_run / name).read_bytes() for name in names} == before
    folder.forget([CANDIDATES.name], [])
    (own_run / SHARD).write_bytes(before[SHARD][:-1])
    opened(own_run).ensure(CANDIDATES)
    crops = len(opened(own_run).get(CANDIDATES).pasted.samples)  # type: ignore[union-attr]
    assert sum(looks) - 2 * of_crops == crops > 0
    assert {name: (own_run / name).read_bytes() for name in names} == before


def test_icons_of_its_cells_are_rendered_once(own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not (own_run / "cache" / "pasted-icons").exists()
    sheet = own_run / "atlas" / "pasted-4.webp"
    plain = sheet.read_bytes()

    def draw(**atlas: Any) -> bytes:
        RunFolder.open(own_run).forget([SHEETS.name], SHEETS.needed)
        opened(own_run, **atlas).ensure(SHEETS)
        return sheet.read_bytes()

    assert draw(pasted_icons=0) == plain
    drawn = draw(pasted_icons=40, icon_steps=4)
    assert drawn != plain
    icons = (own_run / ICONS).read_bytes()
    (own_run / ICONS).write_bytes(icons[:100])
    assert draw(pasted_icons=40, icon_steps=4) == drawn
    assert (own_run / ICONS).read_bytes() == icons
    with monkeypatch.context() as patch:
        patch.setattr(auditor.run.stages.icons, "render_icons", stop)
        assert draw(pasted_icons=40, icon_steps=4) == drawn
    pasted = opened(own_run).get(CANDIDATES).pasted
    assert pasted is not None
    assert pasted.samples.vectors.shape == (len(pasted.samples), 0)
    assert np.isfinite(pasted.samples.contrast).all()


def test_an_earlier_versions_run_holds_its_vectors_with_its_samples(own_run: Path) -> None:
    run = opened(own_run)
    pasted = run.get(CANDIDATES).pasted
    assert pasted is not None
    shards = all_of(pasted_vectors(run, pasted))
    assert shards.shape == (len(pasted.samples), 8)
    np.testing.assert_array_equal(pasted_vectors(run, pasted).at(np.array([3, 1])), shards[[3, 1]])
    held = replace(pasted, samples=replace(pasted.samples, vectors=shards + 1.0))
    np.testing.assert_array_equal(all_of(pasted_vectors(run, held)), shards + 1.0)
