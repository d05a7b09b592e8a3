"""Trials made a second time, beside blocks in which something else was written down."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from auditor.core.records import Placement, Repeat, Split
from auditor.core.records.trials import Draws, TrialBlock, TrialName
from auditor.trials.bench import Table, Trial
from auditor.trials.repeat import repeat


class Kept:
    """Stands for a table: what it measures is cut from a block, pictures in the order of their keys."""

    def __init__(self, block: TrialBlock) -> None:
        self.block = block

    def measure(self, trial: Trial) -> TrialBlock:
        assert trial.part is not None
        columns = sorted(range(len(self.block.image_keys)), key=lambda one: self.block.image_keys[one])
        columns = columns[slice(*trial.part)]
        draws = tuple(Draws(*(getattr(one, name)[columns] for name in NAMES)) for one in self.block.draws)
        return replace(
            self.block,
            image_keys=tuple(self.block.image_keys[one] for one in columns),
            draws=draws,
            patched=self.block.patched[:, columns],
            after=self.block.after[:, columns],
        )


NAMES = ("centre_y", "centre_x", "side_px", "rotation", "tilt_y", "tilt_x", "brightness", "contrast")
TRIAL = Trial(TrialName(Split.CONFIRMATION, "c-1", "", Placement.BEST), np.zeros((4, 2, 2), dtype=np.uint8))


@pytest.fixture
def measured() -> TrialBlock:
    images, variants = 20, 2
    keys = tuple(f"k{(7 * number) % images:02d}" for number in range(images))
    spots = [np.arange(images, dtype=np.float64) + variant for variant in range(variants)]
    return TrialBlock(
        image_keys=keys,
        variants=("a", "b"),
        draws=tuple(Draws(*([spot] * len(NAMES))) for spot in spots),
        clean=np.zeros(images, dtype=np.int64),
        patched=np.arange(variants * images, dtype=np.int64).reshape(variants, images),
        before=np.zeros(images, dtype=np.float32),
        after=np.linspace(0, 1, variants * images, dtype=np.float32).reshape(variants, images),
        flips=np.zeros((variants, images), dtype=np.bool_),
        rank_before=np.zeros(images, dtype=np.int64),
        rank_after=np.zeros((variants, images), dtype=np.int64),
    )


def test_the_same_again_is_the_same_whatever_the_order(measured: TrialBlock) -> None:
    assert repeat(cast("Table", Kept(measured)), TRIAL, measured) == Repeat("c-1", 16, 16, 0.0)


def test_another_class_draw_or_probability_is_told(measured: TrialBlock) -> None:
    first, second = measured.image_keys.index("k00"), measured.image_keys.index("k05")
    last = measured.image_keys.index("k19")  # not among the sixteen
    patched, after = measured.patched.copy(), measured.after.copy()
    patched[1, [first, last]] += 1
    after[0, first] += 0.25
    moved = measured.draws[1].rotation.copy()
    moved[second] += 1e-9
    draws = (measured.draws[0], replace(measured.draws[1], rotation=moved))
    told = repeat(cast("Table", Kept(measured)), TRIAL, replace(measured, patched=patched, after=after, draws=draws))
    assert (told.pictures, told.same) == (16, 14)
    assert told.apart == pytest.approx(0.25)
