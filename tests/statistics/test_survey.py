"""The survey of everything tried, on outcomes small enough to count by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from auditor.core.records import Candidate, Origin, Role, SuggestionValidity, Tier
from auditor.core.records.trials import TrialBlock
from auditor.statistics.resampling import two_way_difference_interval
from auditor.statistics.survey import suggestion_validity, survey_rows

Build = Callable[..., TrialBlock]


@pytest.fixture
def tried(candidate: Callable[..., Candidate]) -> list[Candidate]:
    made = [
        candidate(f"c-{number}", observed_push=push, predicted_push=other)
        for number, (push, other) in enumerate([(3.0, 1.0), (2.0, 4.0), (1.0, 2.0)])
    ]
    made += [
        candidate(f"r-{number}", observed_push=push, predicted_push=other, role=Role.RANDOM)
        for number, (push, other) in enumerate([(0.5, 3.0), (-1.0, float("nan"))])
    ]
    return [*made, Candidate("l-noise", "noise", Origin.LIBRARY, Tier.SYNTHETIC, "0" * 64)]


FLIPPED = {"c-0": 14, "c-1": 9, "c-2": 3, "r-0": 5, "r-1": 1, "l-noise": 2}


@pytest.fixture
def confirmation(block: Build, flips: Callable[..., np.ndarray]) -> dict[str, TrialBlock]:
    return {identity: block(flips(30, range(count))) for identity, count in FLIPPED.items()}


@pytest.fixture
def controls(block: Build, flips: Callable[..., np.ndarray]) -> dict[str, TrialBlock]:
    return {"grey": block(flips(30, [29])), "noise": block(flips(30, [0, 28]))}


def test_rows_count_uplift_and_correct_over_everything(
    tried: list[Candidate],
    confirmation: dict[str, TrialBlock],
    controls: dict[str, TrialBlock],
    block: Build,
    flips: Callable[..., np.ndarray],
) -> None:
    selection = {"c-0": block(flips(12, range(5)))}
    rows = survey_rows(tried, selection, confirmation, controls, ["c-0", "l-noise"])
    assert [row.candidate.id for row in rows] == list(FLIPPED)
    assert [(row.flips, row.eligible) for row in rows] == [(count, 30) for count in FLIPPED.values()]
    assert [row.confirmed for row in rows] == [True, False, False, False, False, True]
    assert (rows[0].selection_flips, rows[0].selection_eligible) == (5, 12)
    assert (rows[1].selection_flips, rows[1].selection_eligible) == (0, 0)
    # noise flips two pictures and grey one, so noise is the stronger for all
    assert [row.uplift for row in rows] == pytest.approx([(count - 2) / 30 for count in FLIPPED.values()])
    # against noise c-1 wins on 8 and loses on 1; against grey on 9 and 1: the larger p counts
    assert rows[1].p_value == pytest.approx(stats.binom.sf(7, 9, 0.5))
    wanted = multipletests([row.p_value for row in rows], method="fdr_bh")[1]
    assert [row.q_value for row in rows] == pytest.approx(list(wanted))
    assert any(row.q_value > row.p_value for row in rows)


@pytest.fixture
def validity(
    tried: list[Candidate], confirmation: dict[str, TrialBlock], controls: dict[str, TrialBlock]
) -> SuggestionValidity:
    made = suggestion_validity(tried, confirmation, controls, 0.9, seed=0)
    assert made is not None
    return made


def test_suggested_against_random_by_hand(validity: SuggestionValidity) -> None:
    assert (validity.suggested.candidates, validity.suggested.flips, validity.suggested.trials) == (3, 26, 90)
    assert (validity.random.candidates, validity.random.flips, validity.random.trials) == (2, 6, 60)
    assert validity.suggested.rate == pytest.approx(26 / 90)
    assert validity.random.rate == pytest.approx(6 / 60)
    assert validity.difference == pytest.approx(26 / 90 - 6 / 60)
    interval = validity.difference_interval
    assert interval is not None
    assert interval.low < validity.difference < interval.high
    assert interval.confidence == 0.9
    assert validity.control == "noise"


def test_precision_counts_crops_that_beat_the_strongest_control(validity: SuggestionValidity) -> None:
    """Noise flips two; all crops but r-1 flip more. Both readings know fewer than ten crops, so all of those count."""
    assert validity.precision_predicted == (4, 4)
    assert validity.precision_observed == (4, 5)
    assert validity.precision_random == (1, 2)
    assert validity.strongest_contrast is None


def test_crops_of_strongest_contrast_are_a_group_of_their_own(
    tried: list[Candidate],
    candidate: Callable[..., Candidate],
    confirmation: dict[str, TrialBlock],
    controls: dict[str, TrialBlock],
    block: Build,
    flips: Callable[..., np.ndarray],
) -> None:
    beside = [candidate(f"k-{number}", observed_push=9.0 - number, role=Role.STRONGEST_CONTRAST) for number in range(8)]
    blocks = {one.id: block(flips(30, range(number))) for number, one in enumerate(beside)}
    made = suggestion_validity([*tried, *beside], confirmation | blocks, controls, 0.9, seed=0)
    assert made is not None
    assert made.strongest_contrast is not None
    assert (made.strongest_contrast.flips, made.strongest_contrast.trials) == (28, 240)
    assert (made.random.flips, made.random.trials) == (6, 60)
    # by observed push k-0 to k-5 (9 to 4) lead c-0, k-6 (both 3), c-1, k-7 (both 2): flips 0 to 5, 14, 6, 9, 7
    assert made.precision_observed == (7, 10)


def test_both_readings_of_push_are_ranked_against_uplift(validity: SuggestionValidity) -> None:
    uplift = [14, 9, 3, 5, 1]
    assert validity.observed_push.value == pytest.approx(stats.spearmanr([3, 2, 1, 0.5, -1], uplift).statistic)
    assert validity.observed_push.candidates == 5
    assert validity.predicted_push.value == pytest.approx(stats.spearmanr([1, 4, 2, 3], uplift[:4]).statistic)
    assert validity.predicted_push.candidates == 4


def test_the_difference_is_bounded_as_for_other_crops_and_pictures(
    validity: SuggestionValidity, confirmation: dict[str, TrialBlock]
) -> None:
    outcomes = [confirmation[name].outcomes.astype(float) for name in ("c-0", "c-1", "c-2", "r-0", "r-1")]
    pair = (np.stack(outcomes[:3]), np.stack(outcomes[3:]))
    assert validity.difference_interval == two_way_difference_interval([pair], [1.0], 0.9, 0)
    assert [one.tier for one in validity.comparisons] == [Tier.THIRD_CLASS, None]
    assert validity.headline == validity.comparisons[0]
    assert not validity.headline.better_than_chance  # three crops against two say little, whatever they flip


def test_one_group_alone_has_no_difference(
    tried: list[Candidate], confirmation: dict[str, TrialBlock], controls: dict[str, TrialBlock]
) -> None:
    alone = suggestion_validity(tried[:3], confirmation, controls, 0.9, seed=0)
    assert alone is not None
    assert np.isnan(alone.difference)
    assert alone.difference_interval is None
    assert (alone.random.candidates, alone.random.interval) == (0, None)
    assert alone.suggested.candidates == 3
    assert not alone.headline.better_than_chance


def test_without_crops_or_controls_nothing_is_claimed(
    tried: list[Candidate], confirmation: dict[str, TrialBlock], controls: dict[str, TrialBlock]
) -> None:
    assert suggestion_validity(tried[-1:], confirmation, controls, 0.9, seed=0) is None
    assert suggestion_validity(tried, confirmation, {}, 0.9, seed=0) is None
