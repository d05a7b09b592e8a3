"""The survey's trials: on few pictures where they settle it, on all where they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from auditor.core.config import AuditConfig, CandidatesConfig
from auditor.core.records import Candidate, Origin, Placement, Role, Split, Tier
from auditor.core.records.trials import Draws, TrialBlock, TrialName
from auditor.run.stages.surveyed import surveyed
from auditor.trials.bench import SURVEY, Bench, Trial
from auditor.trials.patch import Patch

PICTURES = 40


class Known(Bench):
    """A bench that knows what flips: by candidate, the pictures in the order of their keys."""

    def __init__(self, flips: dict[str, np.ndarray], first: int) -> None:
        self.flips = flips
        self.first = first
        self.asked: list[tuple[str, tuple[int, int] | None]] = []
        self.table = None  # type: ignore[assignment]

    @property
    def config(self) -> AuditConfig:
        candidates = CandidatesConfig(survey_images=self.first)
        return AuditConfig(source="a", target="b", model={"name": "m"}, images={"all": "x"}, candidates=candidates)

    def eligible(self, split: Split) -> int:
        assert split is Split.CONFIRMATION
        return PICTURES

    def measure(self, trials: Sequence[Trial], stage: str) -> list[TrialBlock]:
        self.asked += [(trial.name.candidate, trial.part) for trial in trials]
        return [self._block(trial) for trial in trials]

    def _block(self, trial: Trial) -> TrialBlock:
        # a whole split comes in the pool's order, a part in that of the keys
        order = np.arange(PICTURES)[::-1] if trial.part is None else np.arange(*trial.part)
        flips = self.flips.get(trial.name.candidate, np.zeros(PICTURES, dtype=bool))[order]
        count = len(order)
        draws = Draws(*(order.astype(np.float64) for _ in range(8)))
        half, rank = np.full(count, 0.5, np.float32), np.ones(count, np.int64)
        return TrialBlock(
            tuple(f"k{number:02d}" for number in order), ("fixed",), (draws,), np.zeros(count, np.int64),
            flips[None].astype(np.int64), half, half[None], flips[None], rank, rank[None],
        )  # fmt: skip


def crops(rates: dict[str, float]) -> tuple[list[Patch], dict[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    patches, flips = [], {}
    for identity, rate in rates.items():
        role = Role.RANDOM if identity.startswith("r-") else Role.SUGGESTED
        candidate = Candidate(identity, "", Origin.CROP, Tier.THIRD_CLASS, "0", predicted_push=rate, role=role)
        patches.append(Patch(candidate, np.zeros((4, 2, 2), np.uint8)))
        flips[identity] = generator.random(PICTURES) < rate
    return patches, flips


@pytest.fixture(autouse=True)
def _no_square(monkeypatch: pytest.MonkeyPatch) -> None:
    def shared(bench: Bench, placement: Placement, part: tuple[int, int] | None = None) -> dict[str, TrialBlock]:
        return {"noise": Known.measure(bench, [_noise(part)], "")[0]}  # type: ignore[arg-type]

    monkeypatch.setattr("auditor.run.stages.surveyed.shared_controls", shared)


def _noise(part: tuple[int, int] | None) -> Trial:
    return Trial(TrialName(Split.CONFIRMATION, SURVEY, "noise", Placement.FIXED), np.zeros((4, 2, 2), np.uint8), part)


def test_it_ends_where_it_is_settled_and_takes_of_the_chosen_the_same_pictures() -> None:
    patches, flips = crops({f"c-{n}": 0.9 for n in range(6)} | {f"r-{n}": 0.1 for n in range(6)})
    bench = Known(flips, 16)
    found = surveyed(bench, patches, ("c-2",), Placement.FIXED)
    assert bench.asked[0] == ("c-2", None)  # what will be confirmed, on all pictures
    assert {part for name, part in bench.asked if name != "c-2"} == {(0, 16)}
    keys = tuple(f"k{number:02d}" for number in range(16))
    assert {block.image_keys for block in (*found.tried.values(), *found.shared.values())} == {keys}
    for identity, block in found.tried.items():
        np.testing.assert_array_equal(block.outcomes, flips[identity][:16])
        np.testing.assert_array_equal(block.draws[0].centre_x, np.arange(16))
    assert list(found.tried) == [patch.candidate.id for patch in patches]
    assert found.validity is not None
    interval = found.validity.headline.interval
    assert interval is not None
    assert interval.low > 0
    assert interval.confidence == pytest.approx(0.975)  # it might have looked twice


def test_it_goes_on_to_all_pictures_while_it_is_open() -> None:
    patches, flips = crops({f"c-{n}": 0.5 for n in range(4)} | {f"r-{n}": 0.5 for n in range(4)})
    found = surveyed(Known(flips, 16), patches, (), Placement.FIXED)
    for identity, block in found.tried.items():
        np.testing.assert_array_equal(block.outcomes, flips[identity])
    assert len(found.shared["noise"].outcomes) == PICTURES


@pytest.mark.parametrize("first", [0, 40, 96])
def test_in_one_step_it_is_what_it_was(first: int) -> None:
    patches, flips = crops({f"c-{n}": 0.9 for n in range(3)} | {f"r-{n}": 0.1 for n in range(3)})
    bench = Known(flips, first)
    found = surveyed(bench, patches, ("c-1",), Placement.FIXED)
    assert {part for _, part in bench.asked} == {None}
    assert found.validity is not None
    assert found.validity.headline.interval is not None
    assert found.validity.headline.interval.confidence == pytest.approx(0.95)
