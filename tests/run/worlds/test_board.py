"""The scoreboard's figures, on rows whose counts are known, and against other implementations."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from auditor.run.worlds.baselines import METHODS, TRAINED
from auditor.run.worlds.board import board
from auditor.run.worlds.figures import (
    area_under_curve,
    calibrated,
    chance_to_cover,
    cross_entropy,
    difference,
    interval_over_worlds,
    largest_uplift,
    share,
    share_of,
)
from auditor.run.worlds.score import FirstFinding, Row, rows_from_json, rows_to_json
from auditor.statistics.fragility import clustered_interval


def row(world: str, side: str, verdict: str, p_shortcut: float, rank: int | None, **other: object) -> Row:
    first = FirstFinding("c-001", "noodles crop", 30, 100, 0.2, 0.4, 60, 200, rank == 1, world if rank == 1 else "egg")
    values: dict[str, object] = {
        "held": 5, "cue_flips": 50, "cue_eligible": 100, "first": first,
        "baselines": dict.fromkeys(METHODS), "passes": 1000, "seconds": 10.0, **other,
    }  # fmt: skip
    return Row(world, side, 0, verdict, p_shortcut, rank, **values)  # type: ignore[arg-type]


ROWS = [
    row("noodles", "planted", "fail", 0.98, 1),
    row("noodles", "twin", "pass", 0.02, None),
    row(
        "sticker",
        "planted",
        "fail",
        0.9,
        3,
        baselines={METHODS[0]: 1, METHODS[1]: None, METHODS[2]: 2, **dict.fromkeys(METHODS[3:])},
        answers={METHODS[0]: "sticker", TRAINED: "egg"},
    ),
    row("sticker", "twin", "fail", 0.6, None, first=None),
    row("blur", "planted", "pass", 0.3, None, cue_flips=1, whole=("sharpness", "contrast")),
    row("blur", "twin", "inconclusive", 0.3, None, passes=None, seconds=40.0),
]


def lines_of(text: str) -> dict[str, list[str]]:
    """First cells of the tables' rows, joined, to the others."""
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {" / ".join(one[:2]) if len(one) == 5 else one[0]: one[1:] for one in cells}


def test_an_interval_that_is_exact_misses_what_has_an_error_of_its_own() -> None:
    # of four pictures Wilson's intervals are 0 to 49%, 5 to 70%, 15 to 85%, 30 to 95% and 51 to 100%
    holds = {0: (0, 1), 1: (1, 2), 2: (1, 2), 3: (1, 2), 4: (2, 3)}  # of three others these counts
    at_half = sum(comb(4, seen) / 16 * sum(comb(3, other) / 8 for other in others) for seen, others in holds.items())
    assert chance_to_cover(0.5, 4, 3) == pytest.approx(at_half)
    assert chance_to_cover(0.0, 100, 400) == chance_to_cover(1.0, 100, 400) == 1.0
    # the difference of two shares is wider than the interval by the root of 1 + 119 / 492: 1.96 deviations are 1.76
    assert chance_to_cover(0.5, 119, 492) == pytest.approx(0.921, abs=0.01)
    assert chance_to_cover(0.5, 119, 10**6) == pytest.approx(0.95, abs=0.012)


def test_the_board_counts_what_is_in_its_rows() -> None:
    lines = lines_of(board(ROWS))
    assert lines["natural object / auditor, patches"][1:] == [share(1, 1)] * 3
    assert lines["patch / auditor, patches"][1:] == [share(0, 1), share(1, 1), share(1, 1)]
    assert lines["all / auditor, patches"][1:] == [share(1, 3), share(2, 3), share(2, 3)]
    assert lines["all that flip more than 10% / auditor, patches"][1:] == [share(1, 2), share(2, 2), share(2, 2)]
    assert lines[f"all / {METHODS[0]}"][1:] == [share(1, 3)] * 3
    assert lines[f"all / {METHODS[2]}"][1:] == [share(0, 3), share(1, 3), share(1, 3)]
    assert lines["planted networks that fail"] == [share(2, 3)]
    assert lines["those of them whose cue flips more than 10%"] == [share(2, 2)]
    assert lines["clean twins that pass"] == [share(1, 3)]
    assert lines["clean twins that fail, by whatever"] == [share(1, 3)]
    assert lines["the first finding's 95% interval covers its rate on fresh pictures"] == [share(5, 5)]
    assert lines["so many would, if nothing had been chosen by these pictures"] == [
        "4/5"
    ]  # 89% of five: 1.96 / √(1 + 100 / 200) = 1.6 deviations
    assert lines["eight-option question, the first finding of every planted network"] == [share(1, 3)]
    assert lines["the same, where the first finding shows the cue"] == [share(1, 1)]
    assert lines[f"the same, the first crop of {METHODS[0]}"] == [share(1, 1)]
    assert lines[f"the same, {TRAINED}"] == [share(0, 1)]
    assert lines[f"the same, the first crop of {METHODS[1]}"] == ["—"]
    assert lines["pictures through the network an audit, mean"] == ["1,000"]
    assert lines["seconds an audit, median"] == ["10"]
    # of nine pairs seven are above and one is even
    assert lines["ROC-AUC of P(shortcut), planted against twins"][0].startswith("0.83 (")
    assert lines["sticker"][1:7] == ["50/100", "3", "—", "fail", "—", "fail"]
    assert lines["blur"][5:7] == ["sharpness, contrast", "inconclusive"]
    assert lines["planted networks that pass"] == [share(1, 3)]
    assert lines["those of them whose cue flips more than 10%: overlooked"] == [share(0, 2)]
    assert lines["cues that no patch expresses: a whole-picture effect is above the limit"] == [share(1, 1)]
    assert lines["such cues that flip more than 10%: the same"] == ["—"]
    assert lines["clean twins with a whole-picture effect above the limit"] == [share(0, 3)]


def test_each_series_has_a_column_of_its_own() -> None:
    second = [
        row("date", "planted", "pass", 0.3, None, rank_of_named=2),
        row("grapes", "planted", "fail", 0.98, 1, baselines={**dict.fromkeys(METHODS), METHODS[0]: 1}),
        row("date", "twin", "fail", 0.9, None),
    ]
    lines = lines_of(board([*ROWS, *second]))
    head = "where the cue flips more than 10%: "
    assert lines[f"{head}auditor, patches, rank 1"] == [share(1, 2), share(1, 2)]
    assert lines[f"{head}auditor, with whole pictures, first 3"] == [share(0, 2), share(1, 2)]
    assert lines[f"{head}{METHODS[0]}, rank 1"] == [share(1, 2), share(1, 2)]
    assert lines[f"{head}the network fails"] == [share(2, 2), share(1, 2)]
    assert lines[f"{head}it passes, overlooked"] == [share(0, 2), share(1, 2)]
    assert lines["the clean twin fails, by whatever"] == [share(1, 3), share(1, 1)]
    assert "by series" not in board(ROWS)


def test_seeds_of_one_network_count_as_one_where_they_agree() -> None:
    """Of two networks one is always found: six audits tell of two, not of six."""
    rows = [replace(row(name, "planted", "fail", 0.9, rank), seed=seed) for name, rank in (("noodles", 1), ("egg", 2))
            for seed in range(3)]  # fmt: skip
    assert share_of(rows[::3], lambda one: one.rank == 1) == share(1, 2)
    told = share_of(rows, lambda one: one.rank == 1)
    assert told.startswith("3/6 (")
    found = clustered_interval(np.array([1.0, 0.0]), 0.025, 0.025)
    assert told == f"3/6 ({100 * found.low:.0f}–{100 * found.high:.0f}%)"


def test_a_difference_is_paired_by_world() -> None:
    first_two = (lambda one: one.rank == 1, lambda one: one.rank == 3)
    assert difference(ROWS[::2][:1], *first_two) == (1.0, 1.0, 1.0)
    assert difference(ROWS[:3:2], *first_two) == (0.0, -1.0, 1.0)
    lines = lines_of(board(ROWS))
    # rank 1 in one of three worlds, against none
    assert lines[f"auditor, patches / {METHODS[1]}"][1] == "+33 points (+0 to +100)"


def test_a_share_has_its_wilson_interval() -> None:
    assert share(3, 4) == "3/4 (30–95%)"
    assert share(0, 0) == "—"


def test_the_detector_figures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    positive, negative = rng.choice(np.linspace(0.05, 0.95, 12), 30), rng.choice(np.linspace(0.05, 0.8, 12), 20)
    truth, told = [1] * 30 + [0] * 20, [*positive, *negative]
    assert area_under_curve(positive.tolist(), negative.tolist()) == pytest.approx(roc_auc_score(truth, told))
    even = [1 / 30] * 30 + [1 / 20] * 20  # at even odds either side counts half
    assert cross_entropy(positive.tolist(), negative.tolist()) == pytest.approx(
        log_loss(truth, told, sample_weight=even)
    )
    assert cross_entropy([0.5], []) == pytest.approx(np.log(2))
    assert np.isnan(cross_entropy([], []))


def test_an_interval_over_equal_worlds_is_a_point() -> None:
    planted = [row(world, "planted", "fail", 0.9, 1) for world in ("noodles", "egg", "rice")]
    twins = [row(world, "twin", "pass", 0.1, None) for world in ("noodles", "egg", "rice")]
    assert interval_over_worlds(planted, twins, area_under_curve) == (1.0, 1.0)
    low, high = interval_over_worlds(ROWS[0::2], ROWS[1::2], area_under_curve)
    assert low < area_under_curve([0.98, 0.9, 0.3], [0.02, 0.6, 0.3]) < high


def test_rows_come_back_as_they_were() -> None:
    assert rows_from_json(rows_to_json(ROWS)) == ROWS


def test_calibration_is_taught_by_the_other_worlds_alone() -> None:
    rows = [
        row(world, side, "pass", p, None)
        for world in ("noodles", "sticker", "blur", "egg")
        for side, p in (("planted", 0.9), ("twin", 0.1))
    ]
    planted, twins = calibrated(rows[::2], rows[1::2])
    assert all(one.p_shortcut > 0.7 for one in planted)
    assert all(one.p_shortcut < 0.3 for one in twins)
    # turned about in one world: what is told of it stays what the others teach
    turned = [replace(rows[0], side="twin"), replace(rows[1], side="planted")]
    planted, twins = calibrated([turned[1], *rows[2::2]], [turned[0], *rows[3::2]])
    assert planted[0].p_shortcut < 0.3
    assert twins[0].p_shortcut > 0.7


def test_what_is_noticed_over_whole_pictures_has_a_rank_of_its_own() -> None:
    told = [replace(one, named=7, rank_of_named={"blur": 2, "noodles": 1}.get(one.world)) for one in ROWS]
    lines = lines_of(board(told))
    assert lines["all / auditor, patches"][1:] == [share(1, 3), share(2, 3), share(2, 3)]
    assert lines["all / auditor, with whole pictures"][1:] == [share(1, 3), share(2, 3), share(2, 3)]
    assert lines["no patch / auditor, with whole pictures"][1:] == [share(0, 1), share(1, 1), share(1, 1)]
    assert lines[f"auditor, with whole pictures / {METHODS[1]}"][2] == "+67 points (+0 to +100)"
    assert lines["blur"][2:4] == ["—", "2"]


def test_the_largest_uplift_tells_by_how_much_and_not_only_whether() -> None:
    """Twins near the limit are as sure of it as planted networks far above it; the size tells them apart."""
    rows = [
        replace(row(world, side, "fail", 0.98, None), largest=largest)
        for world in ("noodles", "sticker", "blur", "egg")
        for side, largest in (("planted", 0.7), ("twin", 0.15))
    ]
    assert area_under_curve([one.p_shortcut for one in rows[::2]], [one.p_shortcut for one in rows[1::2]]) == 0.5
    planted, twins = calibrated(rows[::2], rows[1::2], largest_uplift)
    assert all(one.p_shortcut > 0.6 for one in planted)
    assert all(one.p_shortcut < 0.4 for one in twins)
    assert largest_uplift(replace(rows[0], largest=0.0)) == largest_uplift(replace(rows[0], largest=-0.2)) == 0.01
    assert largest_uplift(replace(rows[0], largest=1.0)) == 0.99
    lines = lines_of(board(rows))
    what = "P(shortcut) by the largest uplift, as the other worlds teach it, planted against twins"
    assert lines[f"ROC-AUC of {what}"] == ["1.00 (1.00 to 1.00, over worlds)"]
    told = cross_entropy([one.p_shortcut for one in planted], [one.p_shortcut for one in twins])
    assert lines[f"cross-entropy of {what}"][0].startswith(f"{told:.2f} (")
