"""Which flipped pictures are shown: those of the candidates that worry most, each in other photographs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from auditor.core.records import Candidate, Limits, Placement, Step, Tier
from auditor.core.records.trials import ConfirmedTrials, TrialBlock
from auditor.run.stages.examples import flipped_pictures
from auditor.trials.bench import Bench

IMAGES = 200
Build = Callable[..., Any]


@pytest.fixture
def confirmed(candidate: Build, block: Build, flips: Build) -> Callable[..., ConfirmedTrials]:
    def build(identity: str, flipped: int, tier: Tier = Tier.THIRD_CLASS) -> ConfirmedTrials:
        one: Candidate = candidate(identity, tier)
        own: TrialBlock = block(flips(IMAGES, range(flipped)))
        return ConfirmedTrials(one, Placement.FIXED, own, {"grey": block(flips(IMAGES, [0]))}, {"grey": Step.COVERING})

    return build


@pytest.fixture
def bench(limits: Limits, trials_config: Build) -> Bench:
    """Where pictures are black, and nothing is measured."""
    black = np.zeros((3, 4, 4), dtype=np.uint8)
    sweep = SimpleNamespace(picture=lambda *_: (black, black))
    table = SimpleNamespace(inputs=SimpleNamespace(limits=limits), sweep=lambda *_: sweep)
    return cast("Bench", SimpleNamespace(table=table, config=SimpleNamespace(trials=trials_config())))


def shown(bench: Bench, all_of: list[ConfirmedTrials], candidates: int = 8) -> list[tuple[str, str]]:
    patches = cast("Any", [SimpleNamespace(candidate=one.candidate, rgba=np.zeros((4, 2, 2))) for one in all_of])
    found = flipped_pictures(bench, all_of, patches, candidates, 3)
    return [(one.trials.candidate.id, one.trials.block.image_keys[one.column]) for one in found]


def test_failing_come_first_then_open_then_the_rest(bench: Bench, confirmed: Build) -> None:
    seen = confirmed("seen", 199, Tier.TARGET_OBJECT)  # flips most, and cannot fail
    weak, failing, open_one, none = (
        confirmed("weak", 3),
        confirmed("failing", 80),
        confirmed("open", 24),
        confirmed("none", 0),
    )
    pictures = shown(bench, [seen, weak, failing, none, open_one])
    assert list(dict.fromkeys(identity for identity, _ in pictures)) == ["failing", "open", "weak", "seen"]
    assert {identity for identity, _ in shown(bench, [seen, weak, failing, open_one], 1)} == {"failing"}


def test_other_candidates_show_other_photographs_as_long_as_there_are_any(bench: Bench, confirmed: Build) -> None:
    pictures = shown(bench, [confirmed("a", 80), confirmed("b", 70), confirmed("weak", 3)])
    keys = [key for _, key in pictures]
    assert keys == ["k0", "k1", "k2", "k3", "k4", "k5", "k0", "k1", "k2"]  # the last flips no others
