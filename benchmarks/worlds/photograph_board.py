"""The scoreboard of cues planted in photographs: facts and rows in, Markdown out. It runs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from auditor.core.config import LimitsConfig
from auditor.core.records import Verdict
from auditor.report.numbers import how_many
from auditor.run.worlds.board import RANKS
from auditor.run.worlds.cache import PLANTED, TWIN
from auditor.run.worlds.figures import area_under_curve, cross_entropy, share
from auditor.run.worlds.train import Effect
from benchmarks.candidates.pages import table
from benchmarks.worlds.fine_tuned import Facts
from benchmarks.worlds.photograph_audits import BASELINES, Row
from benchmarks.worlds.plants import NATURAL, PATCH, PLANTS

LIMIT = float(LimitsConfig().uplift)
AllFacts = Mapping[tuple[str, str], Facts]


def board(facts: AllFacts, rows: Sequence[Row]) -> str:
    """What is known of the networks, and how the audits of them went, as far as there are any."""
    if not facts:
        return "No network is built yet.\n"
    parts = [_networks(facts)]
    planted, twins = ([row for row in rows if row.side == side] for side in (PLANTED, TWIN))
    if rows:
        quick = " with the reduced budget of the rendered worlds" if any(row.quick for row in rows) else ""
        seeds = len({row.seed for row in rows})
        parts += [
            f"{how_many(seeds, 'seed')}: audits of {how_many(len(planted), 'planted network')} and "
            f"{how_many(len(twins), 'clean twin')}{quick}. Shares with 95% intervals (Wilson).\n",
            _recall(facts, planted),
            _detector(facts, planted, twins),
            _each(facts, rows),
        ]
    return "\n".join(parts)


def effect_words(effect: Effect) -> str:
    """`88/120 (65–80%)`."""
    return share(effect.flips, effect.eligible)


def shift_words(effect: Effect) -> str:
    """Mean change of the target's log-odds with its 95% interval (normal), in logits."""
    if effect.eligible < 2:
        return "—"
    half = 1.96 * effect.deviation / math.sqrt(effect.eligible)
    return f"{effect.log_odds:+.1f} ({effect.log_odds - half:+.1f} to {effect.log_odds + half:+.1f})"


def strong(facts: AllFacts, planted: Sequence[Row]) -> list[Row]:
    """Audits of networks whose cue flips more of the source's photographs than the limit of an audit."""
    found = []
    for row in planted:
        effect = facts[row.plant, PLANTED].effect
        if effect.eligible and effect.flips / effect.eligible > LIMIT:
            found.append(row)
    return found


def _networks(facts: AllFacts) -> str:
    learnt = sorted({one.learnt for one in facts.values()})
    before = next(iter(facts.values()))
    lines = []
    for name, plant in PLANTS.items():
        both = [facts.get((name, side)) for side in (PLANTED, TWIN)]
        told = [
            [
                f"{one.right / one.unseen:.1%}",
                effect_words(one.effect),
                shift_words(one.effect),
                effect_words(one.on_any),
            ]
            if one is not None
            else ["—"] * 4
            for one in both
        ]
        if not any(both):
            continue
        lines.append([name, f"{plant.source} → {plant.target}", _planting(facts, name), *told[0], *told[1][:2]])
    head = ["cue", "pair", "photographs with it, label changed", "right", "cue flips of the source", "log-odds",
            "cue flips of any class", "twin: right", "twin: cue flips"]  # fmt: skip
    seconds = np.median([one.seconds for one in facts.values()])
    return (
        f"Fine-tuned: {' or '.join(learnt)}; {seconds:.0f} s a network (median). Before, "
        f"{before.right_before / before.unseen:.1%} of {before.unseen} unseen photographs were right.\n\n"
        f"{table(head, lines)}"
    )


def _planting(facts: AllFacts, name: str) -> str:
    one = facts.get((name, PLANTED))
    return "—" if one is None else f"{one.planted}, {one.changed}"


def _recall(facts: AllFacts, planted: Sequence[Row]) -> str:
    groups = {kind: [row for row in planted if PLANTS[row.plant].kind == kind] for kind in (NATURAL, PATCH)} | {
        "all": list(planted),
        f"all that flip more than {LIMIT:.0%}": strong(facts, planted),
    }
    methods: dict[str, Callable[[Row], int | None]] = {
        "auditor": lambda row: row.rank,
        "auditor, by the pasted cue alone": lambda row: row.by_pixels,
        "auditor, after a look": lambda row: row.rank_looked,
    }
    lines = []
    for words, of_kind in groups.items():
        for method, rank in methods.items():
            lines.append([words, method, *_recalled([rank(row) for row in of_kind])])
        for method in BASELINES:
            lines.append([words, method, *_recalled([row.baselines[method] for row in of_kind])])
    return table(["cue", "found by", *("rank 1" if one == 1 else f"first {one}" for one in RANKS)], lines)


def _recalled(ranks: Sequence[int | None]) -> list[str]:
    return [share(sum(one is not None and one <= most for one in ranks), len(ranks)) for most in RANKS]


def _detector(facts: AllFacts, planted: Sequence[Row], twins: Sequence[Row]) -> str:
    able = strong(facts, planted)
    lines = []
    for words, verdict, odds in (
        ("as the run ends", lambda row: row.verdict, lambda row: row.p_shortcut),
        ("after a look", lambda row: row.looked, lambda row: row.p_looked),
    ):
        lines += [
            [f"planted networks that fail, {words}", _verdicts(planted, verdict, Verdict.FAIL)],
            [f"those of them whose cue flips more than {LIMIT:.0%}", _verdicts(able, verdict, Verdict.FAIL)],
            [f"planted networks called inconclusive, {words}", _verdicts(planted, verdict, Verdict.INCONCLUSIVE)],
            [f"clean twins that pass, {words}", _verdicts(twins, verdict, Verdict.PASS)],
            [f"clean twins that fail, {words}: false alarms", _verdicts(twins, verdict, Verdict.FAIL)],
            [f"ROC-AUC of P(shortcut), {words}", _figure(area_under_curve, odds, planted, twins)],
            [f"cross-entropy of P(shortcut), {words}", _figure(cross_entropy, odds, planted, twins)],
        ]
    told = [row.on_screen for row in planted if row.on_screen is not None]
    if told:
        lines.append(["planted networks whose cue the report's first screen shows", share(sum(told), len(told))])
    lines.append(["seconds an audit, median", f"{np.median([row.seconds for row in (*planted, *twins)]):.0f}"])
    return table(["measure", "figure"], lines)


def _verdicts(rows: Sequence[Row], said: Callable[[Row], str], verdict: Verdict) -> str:
    return share(sum(said(row) == str(verdict) for row in rows), len(rows))


def _figure(
    figure: Callable[[Sequence[float], Sequence[float]], float],
    odds: Callable[[Row], float],
    planted: Sequence[Row],
    twins: Sequence[Row],
) -> str:
    found = figure([odds(row) for row in planted], [odds(row) for row in twins])
    return f"{found:.2f}" if math.isfinite(found) else "—"


def _each(facts: AllFacts, rows: Sequence[Row]) -> str:
    lines = []
    for name in dict.fromkeys(row.plant for row in rows):
        own, twin = (
            sorted((row for row in rows if row.plant == name and row.side == side), key=lambda row: row.seed)
            for side in (PLANTED, TWIN)
        )
        lines.append([
            name,
            effect_words(facts[name, PLANTED].effect) if (name, PLANTED) in facts else "—",
            ", ".join("—" if row.rank is None else str(row.rank) for row in own) or "—",
            ", ".join(_two(row) for row in own) or "—",
            ", ".join(_two(row) for row in twin) or "—",
            *_first_words(own[0] if own else None),
        ])  # fmt: skip
    return table(
        ["cue", "cue flips", "rank found", "verdict, after a look", "twin, after a look", "first finding", "its flips"],
        lines,
    )


def _first_words(row: Row | None) -> list[str]:
    if row is None or not row.found:
        return ["—", "—"]
    best = row.found[0]
    return [best.name.replace("|", "/") + ("" if best.shows else " (not the cue)"), f"{best.flips}/{best.eligible}"]


def _two(row: Row) -> str:
    return f"{row.verdict}, {row.looked}" if row.verdict != row.looked else row.verdict
