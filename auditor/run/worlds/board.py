"""The scoreboard of planted worlds: rows in, figures with their intervals out, as Markdown. It runs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from auditor.core.records import Verdict
from auditor.inputs.world.planted import WORLDS, Kind
from auditor.report.numbers import how_many
from auditor.run.worlds.baselines import METHODS, TRAINED
from auditor.run.worlds.cache import PLANTED, TWIN
from auditor.run.worlds.claims import LIMIT, claim_lines, has_shortcut, is_strong
from auditor.run.worlds.figures import (
    area_under_curve,
    calibrated,
    chance_to_cover,
    cross_entropy,
    difference,
    interval_over_worlds,
    largest_uplift,
    points,
    share_of,
    stated,
)
from auditor.run.worlds.score import Row

RANKS = (1, 3, 10)
PATCHES, NAMED = "auditor, patches", "auditor, with whole pictures"
OWN = (PATCHES, NAMED)
"""Ranks among the findings alone, and among all that a report names."""
_WHERE_STRONG = f"the same, where the cue flips more than {LIMIT:.0%}"
_RANK_HEADS = "".join(f" first {rank} |" if rank > 1 else " rank 1 |" for rank in RANKS)


def board(rows: Sequence[Row]) -> str:
    """The scoreboard: recall by kind of cue beside the baselines', the verdict as a detector, and each world."""
    planted = [row for row in rows if row.side == PLANTED]
    twins = [row for row in rows if row.side == TWIN]
    seeds = len({row.seed for row in rows})
    parts = [
        f"{how_many(len({row.world for row in rows}), 'world')}, {how_many(seeds, 'seed')}: audits of "
        f"{how_many(len(planted), 'planted network')} and {how_many(len(twins), 'clean twin')}. Shares with 95% "
        f"intervals ({'Korn–Graubard, by network' if seeds > 1 else 'Wilson'}).",
        _recall_table(planted),
        _difference_table(planted),
        *_series_table(planted, twins),
        _detector_table(planted, twins),
        _worlds_table(rows),
    ]
    return "\n\n".join(parts) + "\n"


def _recall_table(planted: Sequence[Row]) -> str:
    lines = [f"| cue | found by |{_RANK_HEADS}", "| --- | --- |" + " ---: |" * len(RANKS)]
    groups = {str(kind): [row for row in planted if WORLDS[row.world].kind is kind] for kind in Kind}
    groups |= {"all": list(planted), f"all that flip more than {LIMIT:.0%}": _strong(planted)}
    for words, of_kind in groups.items():
        for method in (*OWN, *_measured(planted)):
            cells = [share_of(of_kind, _within(method, most)) for most in RANKS]
            lines.append(f"| {words} | {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _within(method: str, most: int) -> Callable[[Row], bool]:
    """Whether a method has the cue among its first so many."""

    def hit(row: Row) -> bool:
        own = {PATCHES: row.rank, NAMED: row.rank_of_named}
        rank = own[method] if method in own else row.baselines[method]
        return rank is not None and rank <= most

    return hit


def _difference_table(planted: Sequence[Row]) -> str:
    lines = [f"| the share of | less that of |{_RANK_HEADS}", "| --- | --- |" + " ---: |" * len(RANKS)]
    for own in OWN if planted else ():
        for method in (*OWN[: OWN.index(own)], *_measured(planted)):
            cells = [points(*difference(planted, _within(own, most), _within(method, most))) for most in RANKS]
            lines.append(f"| {own} | {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _series_table(planted: Sequence[Row], twins: Sequence[Row]) -> list[str]:
    """What is found and what passes, by series: the auditor was mended on the first. Nothing where there is but one."""
    series = sorted({WORLDS[row.world].series for row in planted})
    if len(series) < 2:
        return []
    of = [[row for row in planted if WORLDS[row.world].series == one] for one in series]
    twins_of = [[row for row in twins if WORLDS[row.world].series == one] for one in series]
    strong = list(map(_strong, of))
    head = f"where the cue flips more than {LIMIT:.0%}: "
    shares = {
        **{f"{head}{way}, rank 1": [share_of(some, _within(way, 1)) for some in strong] for way in OWN},
        f"{head}{NAMED}, first 3": [share_of(some, _within(NAMED, 3)) for some in strong],
        **{f"{head}{way}, rank 1": [share_of(some, _within(way, 1)) for some in strong] for way in _measured(planted)},
        f"{head}the network fails": [verdicts_of(some, Verdict.FAIL) for some in strong],
        f"{head}it passes, overlooked": [verdicts_of(some, Verdict.PASS) for some in strong],
        "the clean twin passes": [verdicts_of(some, Verdict.PASS) for some in twins_of],
        "the clean twin fails, by whatever": [verdicts_of(some, Verdict.FAIL) for some in twins_of],
    }
    names = " | ".join(f"series {one}" for one in series)
    lines = [f"| by series | {names} |", "| --- |" + " ---: |" * len(series)]
    return ["\n".join([*lines, *(f"| {words} | {' | '.join(cells)} |" for words, cells in shares.items())])]


def _detector_table(planted: Sequence[Row], twins: Sequence[Row]) -> str:
    both = [*planted, *twins]
    strong, no_patch = _strong(planted), _no_patch(planted)
    firsts = [row for row in both if row.first is not None]
    shown = [row for row in firsts if row.side == PLANTED and row.first is not None and row.first.shows]
    asked = [row for row in firsts if row.side == PLANTED]
    lines = [
        "| measure | figure |",
        "| --- | --- |",
        f"| planted networks that fail | {verdicts_of(planted, Verdict.FAIL)} |",
        f"| those of them whose cue flips more than {LIMIT:.0%} | {verdicts_of(strong, Verdict.FAIL)} |",
        f"| planted networks that are called inconclusive | {verdicts_of(planted, Verdict.INCONCLUSIVE)} |",
        f"| planted networks that pass | {verdicts_of(planted, Verdict.PASS)} |",
        f"| those of them whose cue flips more than {LIMIT:.0%}: overlooked | {verdicts_of(strong, Verdict.PASS)} |",
        f"| clean twins that pass | {verdicts_of(twins, Verdict.PASS)} |",
        f"| clean twins that fail, by whatever | {verdicts_of(twins, Verdict.FAIL)} |",
        f"| cues that no patch expresses: a whole-picture effect is above the limit | {_whole(no_patch)} |",
        f"| such cues that flip more than {LIMIT:.0%}: the same | {_whole(_strong(no_patch))} |",
        f"| clean twins with a whole-picture effect above the limit | {_whole(twins)} |",
        *_probability_lines(planted, twins),
        *_known_lines(both),
        f"| the first finding's 95% interval covers its rate on fresh pictures | {share_of(firsts, _covered)} |",
        f"| so many would, if nothing had been chosen by these pictures | {_expected_to_cover(firsts)} |",
        f"| eight-option question, the first finding of every planted network | {share_of(asked, _told)} |",
        f"| the same, where the first finding shows the cue | {share_of(shown, _told)} |",
        *_answer_lines(planted),
        *claim_lines(both),
        f"| pictures through the network an audit, mean | {_mean([row.passes for row in both]):,.0f} |",
        f"| seconds an audit, median | {np.median([row.seconds for row in both]):.0f} |",
    ]
    return "\n".join(lines)


def _probability_lines(planted: Sequence[Row], twins: Sequence[Row]) -> list[str]:
    """What P(shortcut) is worth as stated, and by the largest uplift."""
    return [*_worth(planted, twins, "P(shortcut)"), *_taught(planted, twins)]


def _taught(planted: Sequence[Row], twins: Sequence[Row]) -> list[str]:
    """What P(shortcut) is worth where an audit's largest uplift tells it, as the other worlds teach."""
    what = "P(shortcut) by the largest uplift, as the other worlds teach it"
    lines = []
    for name, figure in (("ROC-AUC", area_under_curve), ("cross-entropy", cross_entropy)):
        for words, some in ((f"{name} of {what}, planted against twins", planted), (_WHERE_STRONG, _strong(planted))):
            lines.append(f"| {words} | {_calibrated_figure(some, twins, figure, largest_uplift)} |")
    return lines


def _worth(planted: Sequence[Row], twins: Sequence[Row], what: str) -> list[str]:
    strong = _strong(planted)
    where = f"| {_WHERE_STRONG} |"
    return [
        f"| ROC-AUC of {what}, planted against twins | {_figure(planted, twins, area_under_curve)} |",
        f"{where} {_figure(strong, twins, area_under_curve)} |",
        f"| cross-entropy of {what}, planted against twins | {_figure(planted, twins, cross_entropy)} |",
        f"{where} {_figure(strong, twins, cross_entropy)} |",
        f"| the same, calibrated on the other worlds | {_figure(*calibrated(planted, twins), cross_entropy)} |",
        f"{where} {_calibrated_figure(strong, twins)} |",
    ]


def _known_lines(rows: Sequence[Row]) -> list[str]:
    """What P(shortcut) is worth where what counts is not what was planted but what is known to be there."""
    if not any(row.fresh for row in rows):
        return []
    there: list[Row] = []
    others: list[Row] = []
    for row in rows:
        (there if has_shortcut(row, rows) else others).append(row)
    what = f"of P(shortcut), {len(there)} audits of networks known to have a shortcut against {len(others)} of others"
    return [
        f"| ROC-AUC {what} | {_over_worlds(there, others, area_under_curve)} |",
        f"| cross-entropy of the same, at even odds | {_over_worlds(there, others, cross_entropy)} |",
    ]


def _measured(planted: Sequence[Row]) -> list[str]:
    """The baselines that every row tells of: earlier versions had fewer."""
    return [method for method in METHODS if all(method in row.baselines for row in planted)]


def _answer_lines(planted: Sequence[Row]) -> list[str]:
    """How often the eight-option question is answered rightly of what each baseline shows."""
    lines = []
    for method in (*_measured(planted), TRAINED):
        right = share_of([row for row in planted if method in row.answers], partial(_answered, method))
        words = method if method == TRAINED else f"the first crop of {method}"
        lines.append(f"| the same, {words} | {right} |")
    return lines


def _strong(planted: Sequence[Row]) -> list[Row]:
    """Audits of networks that truly have a shortcut above the limit: planting a cue does not make a network use it."""
    return [row for row in planted if is_strong(row)]


def _no_patch(planted: Sequence[Row]) -> list[Row]:
    """Audits of networks whose cue is an overall effect, or two cues that mean nothing apart."""
    return [row for row in planted if WORLDS[row.world].kind is Kind.WHOLE]


def _whole(rows: Sequence[Row]) -> str:
    return share_of(rows, lambda row: bool(row.whole))


def verdicts_of(rows: Sequence[Row], verdict: Verdict) -> str:
    """The share of audits that end with a word, as `share_of` tells it."""
    return share_of(rows, lambda row: row.verdict == str(verdict))


def _covered(row: Row) -> bool:
    """Whether the first finding's interval holds its rate on fresh pictures."""
    found = row.first
    if found is None or not found.true_eligible:
        return False
    return found.low <= found.true_flips / found.true_eligible <= found.high


def _expected_to_cover(rows: Sequence[Row]) -> str:
    """How many first findings' intervals would hold the rate on fresh pictures, were it the true one."""
    found = [row.first for row in rows if row.first is not None and row.first.true_eligible]
    chances = [chance_to_cover(one.true_flips / one.true_eligible, one.eligible, one.true_eligible) for one in found]
    return f"{sum(chances):.0f}/{len(found)}"


def _answered(method: str, row: Row) -> bool:
    return row.answers[method] == row.world


def _told(row: Row) -> bool:
    """Whether the eight-option question is answered rightly of the first finding."""
    return row.first is not None and row.first.answer == row.world


def _figure(
    planted: Sequence[Row],
    twins: Sequence[Row],
    figure: Callable[[Sequence[float], Sequence[float]], float],
) -> str:
    """With the interval over worlds; the twins are those of the planted networks given."""
    names = {row.world for row in planted}
    return _over_worlds(planted, [row for row in twins if row.world in names], figure)


def _over_worlds(
    positive: Sequence[Row], negative: Sequence[Row], figure: Callable[[Sequence[float], Sequence[float]], float]
) -> str:
    low, high = interval_over_worlds(positive, negative, figure)
    found = figure([row.p_shortcut for row in positive], [row.p_shortcut for row in negative])
    return f"{found:.2f} ({low:.2f} to {high:.2f}, over worlds)"


def _calibrated_figure(
    planted: Sequence[Row],
    twins: Sequence[Row],
    figure: Callable[[Sequence[float], Sequence[float]], float] = cross_entropy,
    of: Callable[[Row], float] = stated,
) -> str:
    names = {row.world for row in planted}
    return _figure(*calibrated(planted, [row for row in twins if row.world in names], of), figure)


def _mean(values: Sequence[int | None]) -> float:
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else math.nan


def _worlds_table(rows: Sequence[Row]) -> str:
    lines = [
        "| world | cue | cue flips | rank found | with whole pictures | verdict | whole pictures | twin "
        "| first finding | its flips | on fresh pictures |",
        "| --- | --- | ---: | --- | --- | --- | --- | --- | --- | ---: | ---: |",
    ]
    for name in dict.fromkeys(row.world for row in rows):
        own = sorted((row for row in rows if row.world == name and row.side == PLANTED), key=lambda row: row.seed)
        twin = sorted((row for row in rows if row.world == name and row.side == TWIN), key=lambda row: row.seed)
        best = own[0].first if own else None
        told = ["—"] * 3
        if best is not None:
            told = [
                best.name.replace("|", "/") + ("" if best.shows else " (not the cue)"),
                f"{best.flips}/{best.eligible}",
                f"{best.true_flips}/{best.true_eligible}",
            ]
        effect = f"{own[0].cue_flips}/{own[0].cue_eligible}" if own else "—"
        cells = [
            name,
            WORLDS[name].cue.words,
            effect,
            _told_ranks([row.rank for row in own]),
            _told_ranks([row.rank_of_named for row in own]),
            ", ".join(row.verdict for row in own),
            ", ".join(dict.fromkeys(kind for row in own for kind in row.whole)) or "—",
            ", ".join(row.verdict + "".join(f" ({kind})" for kind in row.whole) for row in twin),
            *told,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _told_ranks(ranks: Sequence[int | None]) -> str:
    return ", ".join("—" if rank is None else str(rank) for rank in ranks)
