"""Rows of pictures: the first by their keys that flipped and that did not, and every control at the same place."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from auditor.core.records import Candidate, Limits, Placement, Step
from auditor.core.records.trials import ConfirmedTrials
from auditor.run.folder import RunFolder
from auditor.run.stages.rows import draw_rows
from auditor.trials.bench import Bench
from auditor.trials.stand_ins import Control

IMAGES = 40
Build = Callable[..., Any]


@pytest.fixture
def asked() -> list[tuple[str, str, str]]:
    """Picture, candidate and control of each that was drawn."""
    return []


@pytest.fixture
def bench(limits: Limits, trials_config: Build, asked: list[tuple[str, str, str]]) -> Bench:
    def picture(key: str, rgba: object, variant: object, identity: str, control: Control | None = None) -> object:
        asked.append((key, identity, control.name if control else ""))
        return None, np.full((3, 4, 6), len(asked), dtype=np.uint8)

    table = SimpleNamespace(inputs=SimpleNamespace(limits=limits), sweep=lambda *_: SimpleNamespace(picture=picture))
    return cast("Bench", SimpleNamespace(table=table, config=SimpleNamespace(trials=trials_config())))


@pytest.fixture
def confirmed(candidate: Build, block: Build, flips: Build) -> Callable[..., ConfirmedTrials]:
    def build(identity: str, flipped: list[int]) -> ConfirmedTrials:
        one: Candidate = candidate(identity)
        noise = {"noise": block(flips(IMAGES, []))}
        return ConfirmedTrials(one, Placement.FIXED, block(flips(IMAGES, flipped)), noise, {"noise": Step.COVERING})

    return build


def drawn(tmp_path: Path, bench: Bench, all_of: list[ConfirmedTrials]) -> dict[str, tuple[int, int]]:
    patches = cast("Any", [SimpleNamespace(candidate=one.candidate, rgba=np.zeros((4, 2, 2))) for one in all_of])
    controls = [Control(name, cast("Any", None)) for name in ("noise", "grey")]  # grey was not measured
    draw_rows(RunFolder(tmp_path), bench, all_of, patches, controls)
    files = sorted((tmp_path / "pictures").iterdir())
    return {file.name: Image.open(io.BytesIO(file.read_bytes())).size for file in files}


def test_ten_of_each_and_every_measured_control(
    tmp_path: Path, bench: Bench, confirmed: Build, asked: list[tuple[str, str, str]]
) -> None:
    one = confirmed("c-1", list(range(5, 20)))
    sizes = drawn(tmp_path, bench, [one])
    keys = one.block.image_keys
    flipped, kept = sorted(keys[5:20])[:10], sorted({*keys} - {*keys[5:20]})[:10]
    assert [key for key, _, _ in asked] == [*flipped, *kept, flipped[0], flipped[0]]
    assert [control for *_, control in asked][-2:] == ["", "noise"]
    assert list(sizes) == [f"{kind}-finding-c-1-fixed.webp" for kind in ("controls", "ten-flipped", "ten-kept")]
    assert sizes["ten-kept-finding-c-1-fixed.webp"] == (10 * 168 + 9 * 4, 112)
    assert sizes["controls-finding-c-1-fixed.webp"] == (2 * 168 + 4, 130)


def test_what_flips_nothing_or_everything_has_the_other_row(tmp_path: Path, bench: Bench, confirmed: Build) -> None:
    sizes = drawn(tmp_path, bench, [confirmed("none", []), confirmed("all", list(range(IMAGES)))])
    rows = {name.removesuffix("-fixed.webp") for name in sizes if name.startswith("ten")}
    assert rows == {"ten-flipped-finding-all", "ten-kept-finding-none"}


def test_rows_are_bounded_in_number(tmp_path: Path, bench: Bench, confirmed: Build) -> None:
    sizes = drawn(tmp_path, bench, [confirmed(f"c-{number}", [number]) for number in range(11)])
    assert sum(name.startswith("controls") for name in sizes) == 8
