"""What the command line shows of many runs: a list, a history, a comparison. It decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from auditor.cli.console import STYLES, verdict_text
from auditor.cli.terminal import said
from auditor.core.records.comparison import Change, Comparison
from auditor.report.comparison import WORDS, became_sentence, caution_sentence, comparison_sentence
from auditor.report.numbers import points, points_bounds
from auditor.run.catalogue import RunEntry

Pairs = Sequence[tuple[tuple[str, str], Sequence[RunEntry]]]


def runs_listing(runs: Sequence[RunEntry], folder: Path) -> Table:
    """One row a run, which is told from the folder on."""
    table = Table()
    for heading in ("run", "begun", "question", "verdict"):
        table.add_column(heading, overflow="fold")
    table.add_column("strongest, points", justify="right")
    for run in runs:
        table.add_row(_named(run, folder), said(_day(run)), _question(run), _verdict(run), _strongest(run))
    return table


def history_listing(pairs: Pairs, folder: Path) -> list[Table | Text]:
    """One table a pair, one row a run, with what the strongest finding does beside the run before."""
    parts: list[Table | Text] = []
    for (source, target), runs in pairs:
        table = Table(title=said(f"{source} → {target}"), title_justify="left", title_style="bold")
        for heading in ("begun", "run", "model", "verdict"):
            table.add_column(heading, overflow="fold")
        for heading in ("strongest, points", "since before"):
            table.add_column(heading, justify="right")
        for before, run in zip((None, *runs[:-1]), runs, strict=True):
            row = (said(_day(run)), _named(run, folder), _model(run), _verdict(run), _strongest(run))
            table.add_row(*row, _since(before, run))
        parts.append(table)
    parts.append(
        said(
            "Each run searched for itself, so that its strongest finding is of its own patches; 'auditor compare' "
            "holds two runs against each other on the same ones."
        )
    )
    return parts


def _since(before: RunEntry | None, run: RunEntry) -> Text:
    if before is None or before.strongest is None or run.strongest is None:
        return said("")
    return said(points(run.strongest.uplift - before.strongest.uplift).removesuffix(" points"))


def _day(run: RunEntry) -> str:
    return run.begun[:16].replace("T", " ")


def _named(run: RunEntry, folder: Path) -> Text:
    inside = run.path.relative_to(folder)
    return said(str(inside if inside.parts else run.path))


def _question(run: RunEntry) -> Text:
    return said(f"{run.source} → {run.target}\n" if run.source else "", (_called(run), "dim"))


def _model(run: RunEntry) -> Text:
    return said(_called(run), (f"\n{run.weights_sha256[:12]}", "dim"))


def _called(run: RunEntry) -> str:
    """A model's name without the folders and modules that it lies in."""
    return run.model.rsplit(":", 1)[-1] if "://" not in run.model else run.model


def _verdict(run: RunEntry) -> Text:
    if run.problem:
        return said((f"unreadable: {run.problem}", "dim"))
    if run.verdict is None:
        return said((f"unfinished, after {run.stage}" if run.stage else "unfinished", "dim"))
    return said(verdict_text(run.verdict))


def _strongest(run: RunEntry) -> Text:
    best = run.strongest
    if best is None:
        return said("")
    return said(
        points(best.uplift).removesuffix(" points"), (f"\n{best.candidate}, {best.flips}/{best.eligible}", "dim")
    )


def runs_value(runs: Sequence[RunEntry]) -> dict[str, object]:
    """A list of runs for JSON."""
    return {"runs": [_value(run) for run in runs]}


def history_value(pairs: Pairs) -> dict[str, object]:
    """A history for JSON."""
    return {
        "pairs": [
            {"source": source, "target": target, "runs": [_value(run) for run in runs]}
            for (source, target), runs in pairs
        ]
    }


def _value(run: RunEntry) -> dict[str, object]:
    best = run.strongest
    return {
        "run": run.path,
        "begun": run.begun,
        "source": run.source,
        "target": run.target,
        "model": run.model,
        "weights_sha256": run.weights_sha256,
        "stage": run.stage,
        "verdict": run.verdict,
        "strongest": None
        if best is None
        else {
            "candidate": best.candidate,
            "name": best.name,
            "flips": best.flips,
            "eligible": best.eligible,
            "uplift": best.uplift,
            "low": best.interval.low,
            "high": best.interval.high,
        },
        "problem": run.problem,
    }


def comparison_listing(comparison: Comparison) -> list[Table | Text]:
    """The patches of two runs, the worst first, and what to make of them."""
    first, second = comparison.first.run, comparison.second.run
    table = Table(title=said(f"{comparison.source} → {comparison.target}"), title_justify="left", title_style="bold")
    table.add_column("patch")
    for heading in (first, second, "change, points"):
        table.add_column(said(heading), justify="right")
    table.add_column("says")
    for change in comparison.changes:
        table.add_row(*_change_row(change))
    lines = [
        said((f"{comparison_sentence(comparison)}.", STYLES[comparison.verdict])),
        *([said(became)] if (became := became_sentence(comparison)) else []),
        said(caution_sentence(comparison)),
        said(f"{comparison.images} confirmation pictures are eligible in both runs"),
    ]
    if comparison.left_out:
        first_out = comparison.left_out[0]
        more = len(comparison.left_out) - 1
        others = f"; {more} more (--verbose names them)" if more else ""
        lines.append(said(f"confirmed, and not to be compared: {first_out.name} ({first_out.why}){others}"))
    return [table, *lines]


def left_out_lines(comparison: Comparison) -> list[str]:
    """Every patch that one of two runs confirmed and that cannot be compared, with why."""
    return [
        f"not to be compared: {one.name}, {one.placement} placement, "
        f"confirmed in {(comparison.first if one.in_first else comparison.second).run}: {one.why}"
        for one in comparison.left_out
    ]


def _change_row(change: Change) -> tuple[Text, ...]:
    becomes = f" ({change.becomes})" if change.becomes else ""
    bounds = points_bounds(change.interval).removesuffix(" points")
    return (
        said((change.candidate.id, "bold"), f" {change.candidate.name}", (f"\n{change.placement} placement", "dim")),
        said(f"{change.first_flips}/{change.images}"),
        said(f"{change.second_flips}/{change.images}"),
        said(points(change.change).removesuffix(" points"), (f"\n{bounds}", "dim")),
        said((WORDS[change.word] + becomes, STYLES[change.word])),
    )
