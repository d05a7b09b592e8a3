"""Successive halving on selection pictures: which pictures each step adds, what it scores, who goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from auditor.candidates.confirmation import order_of_test
from auditor.candidates.own_places import TAIL_AT_OWN
from auditor.candidates.pixel_screen import PIXELS
from auditor.candidates.screening import TAIL, TAIL_OF_MADE
from auditor.candidates.selection import halving_steps, narrowing, select
from auditor.core.config import AuditConfig, CandidatesConfig
from auditor.core.records import Candidate, Origin, Placement, Role, Rung, Split, Spot, Tier
from auditor.core.records.trials import Draws, TrialBlock
from auditor.trials.bench import Bench, Trial
from auditor.trials.blocks import join_blocks, odds_gain
from auditor.trials.patch import Patch
from auditor.trials.placements import Variant, at_spot


def block(after: Sequence[float], first: int = 0) -> TrialBlock:
    """One paste of each picture, from probability 0.5 to `after`; above 0.9 it flips."""
    count = len(after)
    draws = Draws(*(np.arange(first, first + count, dtype=np.float64) for _ in range(8)))
    flips = np.array(after) > 0.9
    return TrialBlock(
        tuple(f"k{first + number}" for number in range(count)), ("fixed",), (draws,), np.zeros(count, np.int64),
        flips[None].astype(np.int64), np.full(count, 0.5, np.float32), np.array(after, np.float32)[None], flips[None],
        np.full(count, 2), np.full((1, count), 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("eligible", "steps"),
    [
        (75, ((0, 16), (16, 32), (32, 75))),
        (32, ((0, 16), (16, 32))),
        (20, ((0, 16), (16, 20))),
        (9, ((0, 9),)),
        (0, ()),
    ],
)
def test_every_picture_belongs_to_one_step(eligible: int, steps: tuple[tuple[int, int], ...]) -> None:
    assert halving_steps(eligible, 16) == steps


def test_the_gain_is_in_log_odds_over_all_pictures_and_a_certain_one_does_not_outweigh_them() -> None:
    assert odds_gain(block([0.5, 0.75])) == pytest.approx(np.log(3) / 2)
    assert odds_gain(block([0.75]), block([0.25, 0.75])) == pytest.approx(np.log(3) / 3)
    assert odds_gain(block([1.0])) == pytest.approx(np.log(1e6), rel=1e-3)


def test_joined_blocks_are_one_block_over_all_pictures() -> None:
    joined, whole = join_blocks([block([0.2, 0.95]), block([0.99], first=2)]), block([0.2, 0.95, 0.99])
    assert joined.image_keys == whole.image_keys
    assert joined.outcomes.tolist() == [False, True, True]
    np.testing.assert_array_equal(joined.after, whole.after)
    np.testing.assert_array_equal(joined.draws[0].centre_x, [0, 1, 2])


class Readout(Bench):
    """A bench that reads what each patch does from its pixels: the probability is the red of its picture's column."""

    def __init__(self, eligible: int, candidates: CandidatesConfig) -> None:
        self._eligible = eligible
        self.candidates = candidates
        self.measured = {}
        self.rules: list[tuple[Variant, ...] | None] = []

    @property
    def config(self) -> AuditConfig:
        return AuditConfig(source="a", target="b", model={"name": "m"}, images={"all": "x"}, candidates=self.candidates)

    def eligible(self, split: Split) -> int:
        assert split is Split.SELECTION
        return self._eligible

    def measure(self, trials: Sequence[Trial], stage: str) -> list[TrialBlock]:
        blocks = []
        for trial in trials:
            assert trial.part is not None
            self.rules.append(trial.variants)
            self.measured[f"{trial.name.candidate} {trial.part[0]}-{trial.part[1]}"] = None
            blocks.append(block((trial.rgba[0, 0, slice(*trial.part)] / 255.0).tolist(), trial.part[0]))
        return blocks


def patch(identity: str, probability: Sequence[float], push: float, role: Role = Role.SUGGESTED) -> Patch:
    red = np.rint(np.array(probability) * 255).astype(np.uint8)
    candidate = Candidate(identity, "", Origin.CROP, Tier.THIRD_CLASS, "0", predicted_push=push, role=role)
    return Patch(candidate, np.broadcast_to(red, (4, 1, len(red))).copy())


def test_the_better_half_goes_on_and_no_picture_is_measured_twice() -> None:
    patches = [
        patch("a", [0.8, 0.8, 0.1, 0.1], 3.0),  # good at first
        patch("b", [0.7, 0.7, 0.9, 0.9], 1.0),
        patch("c", [0.6, 0.6, 0.9, 0.9], 2.0),  # out before its better pictures come
        patch("d", [0.5, 0.5, 0.5, 0.5], 0.0),
        patch("r", [0.9, 0.9, 0.9, 0.9], 4.0, role=Role.RANDOM),
    ]
    bench = Readout(4, CandidatesConfig(halving_images=2, confirmed=1))
    selection = select(bench, patches, Placement.FIXED)
    assert list(bench.measured) == ["a 0-2", "b 0-2", "c 0-2", "d 0-2", "r 0-2", "a 2-4", "b 2-4"]
    assert [one.candidate.id for one in selection.chosen] == ["b"]
    assert [(rung.seen, rung.passed, rung.compared) for rung in selection.rungs] == [(4, 2, 2), (2, 1, 0)]
    assert {name: len(one.image_keys) for name, one in selection.blocks.items()} == {
        "a": 4, "b": 4, "c": 2, "d": 2, "r": 2,
    }  # fmt: skip
    # pushes 3 1 2 0 4 rank as 4 2 3 1 5; scores rank as 4 3 2 1 5
    # by whichever screen the pushes came
    of_crops = (pytest.approx(1 - 6 * 2 / (5 * 24)), 5)
    assert {name: selection.agreements[name] for name in (TAIL, PIXELS)} == {TAIL: of_crops, PIXELS: of_crops}
    assert selection.agreements[TAIL_OF_MADE] == (None, 0)


@pytest.mark.parametrize("origin", [Origin.OPTIMISED, Origin.RENDER])
def test_of_a_crop_and_its_shapes_the_best_is_confirmed_and_what_gradients_made_never(origin: Origin) -> None:
    """`s-1` is another shape of `a`, and better; what was computed beats everything, and is a ceiling alone."""
    shape, trained = patch("s-1", [0.8] * 4, 1.0), patch("o-001", [0.99] * 4, float("nan"))
    patches = [
        patch("a", [0.7] * 4, 3.0),
        patch("b", [0.6] * 4, 2.0),
        Patch(replace(shape.candidate, parts=("a",)), shape.rgba),
        Patch(replace(trained.candidate, origin=origin), trained.rgba),
    ]
    selection = select(Readout(4, CandidatesConfig(halving_images=2, confirmed=2)), patches, Placement.FIXED)
    assert [one.candidate.id for one in selection.chosen] == ["s-1", "b"]
    assert len(selection.blocks["o-001"].image_keys) == 2  # tried at the first step alone
    by_push = select(Readout(0, CandidatesConfig(confirmed=4)), patches, Placement.FIXED)
    assert [one.candidate.id for one in by_push.chosen] == ["a", "b"]


def test_crops_at_their_own_places_are_chosen_among_themselves_and_take_no_others_place() -> None:
    others = [patch("a", [0.8, 0.8, 0.8, 0.8], 3.0), patch("b", [0.7, 0.7, 0.95, 0.95], 1.0)]
    spot = Spot(1.0, 1.0, 0.3)
    own = [
        Patch(replace(one.candidate, spot=spot), one.rgba)
        for one in (patch("x", [0.95] * 4, 2.0), patch("y", [0.6] * 4, 1.0), patch("z", [0.5] * 4, 3.0))
    ]
    config = CandidatesConfig(halving_images=2, confirmed=1, own_places=1)
    alone, both = (select(Readout(4, config), patches, Placement.FIXED) for patches in (others, [*others, *own]))
    assert [one.candidate.id for one in alone.chosen] == ["a"]
    assert [one.candidate.id for one in both.chosen] == ["x", "a"]  # that which flips more is tested first
    assert [replace(rung, seconds=None) for rung in both.rungs] == [replace(rung, seconds=None) for rung in alone.rungs]
    assert [(rung.name, rung.seen, rung.passed) for rung in both.at_own] == [
        ("selection trials at own places on 2 pictures", 3, 2),
        ("selection trials at own places on 4 pictures", 2, 1),
    ]
    assert both.agreements[TAIL_AT_OWN] == (pytest.approx(-0.5), 3)
    assert both.agreements[TAIL] == alone.agreements[TAIL]
    told = narrowing((), both, {"a": block([0.95] * 4), "b": block([0.1] * 4)})
    assert [rung.name for rung in told] == [rung.name for rung in (*both.rungs, *both.at_own)]
    bench = Readout(2, config)
    select(bench, [others[0], own[0]], Placement.FIXED)
    assert bench.rules == [None, (at_spot(spot),)]


def test_without_selection_pictures_the_predicted_push_decides() -> None:
    patches = [patch("a", [0.1], 1.0), patch("b", [0.1], float("nan")), patch("c", [0.1], 2.0)]
    selection = select(Readout(0, CandidatesConfig(confirmed=2)), patches, Placement.FIXED)
    assert [one.candidate.id for one in selection.chosen] == ["c", "a"]
    assert selection.blocks == {}
    assert narrowing((Rung("tail screening", 9, 3, "push"),), selection, {}) == (Rung("tail screening", 9, 3, "push"),)


def test_each_rung_tells_its_agreement_with_the_next() -> None:
    """The tail's with the first trials, of crops and of made patches; the last trials' with flips on confirmation."""
    chances = {"a": 0.2, "b": 0.4, "c": 0.6, "d": 0.8}
    patches = [patch(name, [chance] * 3, push) for push, (name, chance) in enumerate(chances.items())]
    made = [patch(f"p-{number}", [0.1 * number] * 3, -number) for number in range(1, 4)]
    patches += [Patch(replace(one.candidate, parts=("a", "b")), one.rgba) for one in made]
    selection = select(Readout(3, CandidatesConfig(halving_images=3, confirmed=2)), patches, Placement.FIXED)
    confirmation = {"a": block([0.95] * 2), "b": block([0.95, 0.1]), "c": block([0.1, 0.1]), "d": block([0.95] * 2)}
    linear = Rung("linear screening", 99, 9, "gradient", 0.5, 9)
    screening = (linear, Rung(TAIL, 9, 4, "push"), Rung(TAIL_OF_MADE, 5, 3, "push"))
    told = narrowing(screening, selection, confirmation)
    assert [(rung.name, rung.compared) for rung in told] == [
        ("linear screening", 9), (TAIL, 4), (TAIL_OF_MADE, 3), ("selection trials on 3 pictures", 4),
    ]  # fmt: skip
    assert [rung.correlation for rung in told[:3]] == [0.5, pytest.approx(1.0), pytest.approx(-1.0)]
    # flips 2 1 0 2 rank 3.5 2 1 3.5 against 1 2 3 4
    ranks = np.array([3.5, 2, 1, 3.5])
    assert told[3].correlation == pytest.approx(np.corrcoef(ranks, [1, 2, 3, 4])[0, 1])


def test_all_come_at_their_first_placement_before_any_comes_at_a_further_one() -> None:
    first, second, third = (patch(name, [0.95], 1.0).candidate for name in ("c-001", "c-002", "a-001"))
    own = replace(third, spot=Spot(1.0, 1.0, 0.3))
    placements = (Placement.FIXED, Placement.RANDOM)
    assert [(one.id, placement) for one, placement in order_of_test([first, own, second], placements)] == [
        ("c-001", Placement.FIXED),
        ("a-001", Placement.OWN),
        ("c-002", Placement.FIXED),
        ("c-001", Placement.RANDOM),
        ("c-002", Placement.RANDOM),
    ]
    assert order_of_test([], placements) == []
