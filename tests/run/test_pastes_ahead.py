"""What an audit's pastes will take, by hand: each kind of paste by what its own placement takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from auditor.core.config import build_config
from auditor.core.records import Placement
from auditor.run import pastes_ahead as module
from auditor.run.pastes_ahead import PasteSeconds, pastes_ahead
from auditor.run.workload import Workload

WORK = Workload(
    mapped=0, icons=0, icon_steps=0, patch_icon_steps=0, patch_px=0, linear=0, tail=0, trained=0, tried=0,
    selection=100, confirmation=1000, places=60, doses=20, survival=30, screened=7,
    confirmed=((Placement.PHOTOGRAPHED, 0, 300), (Placement.RANDOM, 40, 280), (Placement.OWN, 5, 35)),
)  # fmt: skip


def test_every_placement_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    patches = {Placement.FIXED: 1.0, Placement.PHOTOGRAPHED: 10.0, Placement.RANDOM: 2.0}
    controls = {Placement.PHOTOGRAPHED: 11.0, Placement.RANDOM: 3.0, Placement.OWN: 1.5}
    timed: list[Placement] = []

    def of_patches(table: object, placement: Placement) -> float:
        timed.append(placement)
        return patches[placement]

    monkeypatch.setattr(module, "seconds_at", of_patches)
    monkeypatch.setattr(module, "control_seconds_at", lambda table, placement: controls[placement])
    monkeypatch.setattr(module, "seconds_under", lambda table, variants: 100.0 * patches[variants[0].placement])
    values = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    config = build_config({**values, "trials": {"placements": ["photographed", "random"]}}, Path("/"))
    run = SimpleNamespace(config=config, open=lambda build: None)
    found = pastes_ahead(run, WORK)  # type: ignore[arg-type]
    # screened, selection and the 340 of the survey under the first; 40 at random, 5 at their own places; and controls
    first = 10 * (7 + 100 + 1000 - 660)
    assert found == PasteSeconds(
        trials=first + 2 * 40 + 1 * 5 + 11 * 300 + 3 * 280 + 1.5 * 35,
        places=1 * 40 + 10 * 20,
        survival=30 * (1000 + 200) / 2,
    )
    assert sorted(timed) == sorted(patches)
