"""Markdown of the candidate benchmarks, and its place in a page between two marks. Measures nothing."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from auditor.core.records import GroupMean, TierComparison
from auditor.inputs.model.device import choose_device, describe_device
from benchmarks.candidates.pair_numbers import Against, PairNumbers, mean_over_pairs

AFTER_SEARCH = "survey and confirmation"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def bar_page(numbers: Sequence[PairNumbers], pairs: int, device: str, config: str) -> str:
    """The bar's tables over the pairs that are finished, with what was run and where."""
    passed = sum(one.best is not None and one.best.twice_both for one in numbers)
    first = sum(one.first is not None and one.first.twice_both for one in numbers)
    beaten = sum(one.validity.headline.better_than_chance for one in numbers)
    noodle_seconds = np.mean([one.noodle_seconds for one in numbers])
    opening = (
        f"{len(numbers)} of {pairs} pairs, `{config}`, {machine(device)}. "
        f"The best third-class finding flips at least twice what its strongest control and the best noodle flip on "
        f"**{passed} of {len(numbers)}** pairs; the one that selection pictures put first, on {first}. "
        f"The search does better than chance, by crops of third classes, on {beaten}. "
        f"Measuring the ten noodles without controls took {noodle_seconds:.0f} s a pair on average.\n"
    )
    return "\n".join([opening, _bar(numbers), _help(numbers), _ranking(numbers)])


def _bar(numbers: Sequence[PairNumbers]) -> str:
    rows = []
    for one in numbers:
        noodle = f"{one.best_noodle}: {one.noodles[one.best_noodle]}"
        best = ["none confirmed", "—", noodle, "—", "—", "no"]
        if one.best is not None:
            control = one.best.finding.control
            best = [
                _named(one.best), f"{control.name}: {control.flips}", noodle,
                f"{one.best.over_control:.1f}", f"{one.best.over_noodle:.1f}", _yes(one.best),
            ]  # fmt: skip
        rows.append([_pair(one), str(one.eligible), *best, _first(one.first)])
    head = ["pair", "eligible", "best third-class finding", "its strongest control", "best noodle", "× control",
            "× noodle", "at least twice both", "first by selection: flips, control"]  # fmt: skip
    return table(head, rows)


def _help(numbers: Sequence[PairNumbers]) -> str:
    """Suggested against random crops of third classes, and all tiers with the suggestions' mix."""
    rows = []
    for one in numbers:
        third, together = one.validity.headline, one.validity.comparisons[-1]
        contrast = one.validity.strongest_contrast
        rows.append(
            [_pair(one), _rate(third.suggested), _rate(third.random), _difference(third), _difference(together),
             "—" if contrast is None else _rate(contrast)]
        )  # fmt: skip
    found = [one.validity for one in numbers]
    columns = (
        [each.headline.suggested.rate for each in found],
        [each.headline.random.rate for each in found],
        [each.headline.difference for each in found],
        [each.difference for each in found],
        [each.strongest_contrast.rate if each.strongest_contrast else math.nan for each in found],
    )
    means = [mean_over_pairs(column) for column in columns]
    rates = [f"{100 * mean:.1f}%" for mean, *_ in (means[0], means[1], means[4])]
    gaps = [f"**{_points(mean)}** ({_points(low)} to {_points(high)})" for mean, low, high, _ in means[2:4]]
    rows.append([f"mean over {len(numbers)} pairs (95% t)", *rates[:2], *gaps, rates[2]])
    head = ["pair", "suggested crops of third classes flip", "random ones flip", "difference, points (95%)",
            "difference, all tiers", "strongest contrast flips"]  # fmt: skip
    return table(head, rows)


def _ranking(numbers: Sequence[PairNumbers]) -> str:
    columns = [(name, group) for group in ("random", "all") for name in ("tail", "linear", "contrast")]
    names = ("tail", "linear", "contrast", "random")
    rows = [
        [
            _pair(one),
            *(_correlation(one.correlation[column]) for column in columns),
            *(f"{one.precision[name][0]}/{one.precision[name][1]}" for name in names),
        ]
        for one in numbers
    ]
    means = []
    for column in columns:
        mean, low, high, known = mean_over_pairs([one.correlation[column] for one in numbers])
        between = f" ({low:+.2f} to {high:+.2f})" if math.isfinite(low) else ""
        fewer = f", {known} pairs" if known < len(numbers) else ""
        means.append(f"{_correlation(mean)}{between}{fewer}")
    summed = [tuple(sum(one.precision[name][part] for one in numbers) for part in (0, 1)) for name in names]
    rows.append(["mean (95% t) or sum", *means, *(f"{hits}/{tried}" for hits, tried in summed)])
    head = ["pair", *(f"{name}, {group} crops" for name, group in columns), *(f"p@10 {name}" for name in names[:-1]),
            "random that beat the control"]  # fmt: skip
    return table(head, rows)


def seconds_table(searches: Sequence[tuple[str, int, Mapping[str, float]]]) -> str:
    """Whole searches: a pair's name, how many crops entered, and seconds by part, the sum before what follows."""
    parts = list(dict.fromkeys(part for _, _, seconds in searches for part in seconds))
    parts.sort(key=lambda part: (part in ("search", AFTER_SEARCH), part == AFTER_SEARCH))
    rows = [
        [pair, str(crops), *(f"{seconds.get(part, 0.0):.1f}" for part in parts)] for pair, crops, seconds in searches
    ]
    if len(searches) > 1:
        medians = [f"{np.median([seconds.get(part, 0.0) for _, _, seconds in searches]):.1f}" for part in parts]
        rows.append(["median", "", *medians])
    return table(["pair", "crops", *(f"{part}, s" for part in parts)], rows)


def _pair(one: PairNumbers) -> str:
    return f"{one.pair[0]} → {one.pair[1]}"


def _named(one: Against) -> str:
    candidate = one.finding.candidate
    return f"{candidate.id} {candidate.name}: {one.finding.flips}/{one.finding.eligible}"


def _first(one: Against | None) -> str:
    if one is None:
        return "none confirmed"
    return f"{one.finding.candidate.id}: {one.finding.flips}, {one.finding.control.flips} ({_yes(one)})"


def _yes(one: Against) -> str:
    return "yes" if one.twice_both else "no"


def _rate(group: GroupMean) -> str:
    return f"{group.flips}/{group.trials} = {100 * group.rate:.1f}%" if group.trials else "—"


def _difference(one: TierComparison) -> str:
    if one.interval is None:
        return "—"
    return f"{_points(one.difference)} ({_points(one.interval.low)} to {_points(one.interval.high)})"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _correlation(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "—"


def machine(device: str) -> str:
    """What the numbers were measured on, for the line above a table."""
    return f"{describe_device(choose_device(device))} of {os.cpu_count()} cores, torch {torch.__version__}"


def write_out(path: Path | None, text: str) -> None:
    """Write the tables, whole or not at all."""
    if path is not None:
        beside = path.with_name(path.name + ".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)


def update_page(page: Path, mark: str, text: str) -> None:
    """Put a text between `<!-- mark:begin -->` and `<!-- mark:end -->` of a page.

    Raises:
        SystemExit: the page has not exactly one such place.
    """
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    before = page.read_text(encoding="utf-8")
    if before.count(begin) != 1 or before.count(end) != 1 or before.index(begin) > before.index(end):
        raise SystemExit(f"{page} needs one {begin} and one {end} after it")
    place = re.escape(begin) + ".*" + re.escape(end)
    write_out(page, re.sub(place, lambda _: f"{begin}\n{text}{end}", before, flags=re.DOTALL))
