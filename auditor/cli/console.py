"""What the command line shows: progress while it works, tables when it is done. It decides nothing."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column, Table
from rich.text import Text

from auditor.cli.terminal import said
from auditor.core.records import AuditResult, Candidate, Correlation, Finding, Verdict
from auditor.report.needed import needed_summary
from auditor.report.numbers import logits, percent, seconds
from auditor.report.order import by_concern, held_back, is_held_back
from auditor.report.places import places_lines
from auditor.report.summary import (
    accuracy_sentence,
    ceiling_sentence,
    fragility_sentence,
    looks_sentence,
    scope_sentence,
    verdict_sentence,
)
from auditor.report.survival import survival_line
from auditor.report.validity import validity_words
from auditor.report.whole_pictures import whole_sentence

if TYPE_CHECKING:  # a listing needs no network, and every command waits for what is imported here
    from auditor.run.beside.transfer import Count, Transfer
    from auditor.run.finished import Audit

STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.PASS: "bold green",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.NOT_HELD: "dim",
}


_COUNTS_AND_TIMES = 32
"""Columns beside words and bar: `45441/45441 0:01:30 00:42`, and the spaces between."""


@dataclass(slots=True)
class Piece:
    """A piece of work that is under way: how many steps of how many are done, and when it began, in seconds."""

    name: str
    total: int | None
    begun: float
    done: int = 0

    def words(self, now: float) -> str:
        """How far it is, and about how long it will take from now on."""
        if not self.name:
            return "at work"
        if not self.total:
            return f"{self.name}, going on"
        counted = f"{self.name}, {self.done} of {self.total}"
        if not 0 < self.done < self.total:
            return counted
        return f"{counted}, about {seconds((now - self.begun) * (self.total - self.done) / self.done)} left"


class TerminalProgress:
    """Progress on a console.

    Where a person watches, one bar a piece of work, with the time left. Where output goes to a file, a line a piece,
    and another each half minute, so that whoever reads it sees that it goes on.
    """

    def __init__(self, console: Console, beat: float = 30.0) -> None:
        """Args: beat: seconds without a line after which there is another."""
        self._console = console
        self._live = console.is_terminal
        bar = max(8, min(30, console.width - 80))
        words = max(16, min(72, console.width - bar - _COUNTS_AND_TIMES))
        self._bars = RichProgress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", min_width=words, max_width=words),
            ),
            BarColumn(bar_width=bar),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
        )
        self._task: TaskID | None = None
        self._started = time.monotonic()
        self._piece = Piece("", None, self._started)
        self._beat, self._told, self._ended = beat, self._started, threading.Event()
        self._heart = threading.Thread(target=self._go_on_telling, name="heartbeat", daemon=True)

    def __enter__(self) -> TerminalProgress:
        if self._live:
            self._bars.start()
        else:
            self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finish_task()
        if self._live:
            self._bars.stop()
        elif self._heart.is_alive():
            self._ended.set()
            self._heart.join()

    def start(self, stage: str, total: int | None = None) -> None:
        self._finish_task()
        if self._live:
            self._task = self._bars.add_task(str(said(stage)), total=total)
        else:
            self._piece = Piece(stage, total, time.monotonic())
            self._line(f"{stage}{'' if total is None else f' ({total})'}")

    def advance(self, steps: int = 1) -> None:
        self._piece.done += steps
        if self._task is not None:
            self._bars.advance(self._task, steps)

    def say(self, message: str) -> None:
        self._console.print(said(message), style="dim", soft_wrap=True)

    def _line(self, words: str) -> None:
        self._told = time.monotonic()
        self._console.print(said(f"{self._told - self._started:7.1f} s  {words}"), soft_wrap=True)

    def _go_on_telling(self) -> None:
        while not self._ended.wait(max(0.0, self._told + self._beat - time.monotonic())):
            if time.monotonic() >= self._told + self._beat:
                self._line(self._piece.words(time.monotonic()))

    def _finish_task(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._task]
            if task.total is None:  # unknown until now: one piece of work, and done
                self._bars.update(self._task, total=max(1, task.completed), completed=max(1, task.completed))
            if task.total is not None and task.completed < task.total:
                self._bars.stop_task(self._task)
            self._task = None


def verdict_text(verdict: Verdict) -> tuple[str, str]:
    """A verdict's word, with its style."""
    return str(verdict).upper(), STYLES[verdict]


def audit_parts(finished: Audit, quiet: bool) -> list[str | Table | Text]:
    """What a finished audit shows, and where its report lies; quiet: of the former the verdict alone."""
    result = finished.result
    shown = [verdict_line(result)] if quiet else summary(result)
    return [*shown, f"report: {finished.report}"]


def verdict_line(result: AuditResult) -> Text:
    """The verdict in a sentence."""
    return said((verdict_sentence(result), STYLES[result.verdict]))


def summary(result: AuditResult) -> list[Table | Text]:
    """What a finished audit shows: the findings, then what a person should know beside them."""
    tables: list[Table | Text] = [findings_table(result)] if result.findings else []
    return tables + list(summary_lines(result))


def findings_table(result: AuditResult) -> Table:
    """The findings, one row each, those of a candidate together, the most worrying candidate first; rates with their
    counts. It fits in 80 columns."""
    table = _table(f"{result.source.name} → {result.target.name}")
    table.add_column("finding")
    for heading in ("flips", "control", "uplift, points"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    layers = bool(result.subject.further_layers)
    for _, findings in groupby(by_concern(result), key=lambda finding: finding.candidate.id):
        table.add_section()
        for turn, finding in enumerate(findings):
            waits = is_held_back(finding, result.limits)
            table.add_row(*_finding_row(finding, layers, again=turn > 0, waits=waits))
    return table


def _table(title: str) -> Table:
    return Table(title=said(title), title_justify="left", title_style="bold")


def _finding_row(finding: Finding, layers: bool, again: bool, waits: bool) -> tuple[Text, ...]:
    """Args: layers: several were searched, and a finding's is told; again: the row above is the same patch's; waits:
    a person's look alone keeps it from failing."""
    uplift = finding.uplift_interval
    spot = finding.candidate.spot
    where = f" {spot.words}" if spot is not None else ""
    before = f", tried before as one of {finding.hypotheses}" if finding.hypotheses > 1 else ""
    look = ("\nneeds a look", "dim") if waits else ""
    layer = f", {finding.candidate.layer}" if layers and finding.candidate.layer else ""
    first = _named(finding.candidate, f"{finding.tier}, {finding.placement}{where}{layer}{before}")
    return (
        said(("the same, ", "dim"), str(finding.placement)) if again else first,
        _two_lines(f"{finding.flips}/{finding.eligible}", percent(finding.rate)),
        _two_lines(f"{finding.control.flips}/{finding.control.eligible}", finding.control.name),
        _two_lines(f"{100 * finding.uplift:+.1f}", f"{100 * uplift.low:+.1f} … {100 * uplift.high:+.1f}"),
        # a green "pass" beside a patch that flips everything would be read as praise
        said(verdict_text(finding.verdict) if finding.held_to_limit else ("not held", "dim"), look),
    )


def _named(candidate: Candidate, below: str = "") -> Text:
    return said((candidate.id, "bold"), f" {candidate.name}", (f"\n{below}" if below else "", "dim"))


def _two_lines(above: str, below: str) -> Text:
    return said(f"{above}\n", (below, "dim"))


def candidates_listing(candidates: Sequence[Candidate]) -> Table:
    """The candidates with both readings of push."""
    table = _table("candidates (r-…, random crops, and k-…, of strongest contrast, are for comparison)")
    layers = len({one.layer for one in candidates if one.layer}) > 1
    for heading in ("candidate", "tier", "cell"):
        table.add_column(heading)
    for heading in ("predicted\npush", "observed\npush"):
        table.add_column(heading, justify="right")
    for one in candidates:
        pushes = logits(one.predicted_push), logits(one.observed_push)
        cell = _two_lines(one.cell, one.layer) if layers and one.cell else said(one.cell)
        table.add_row(_named(one), str(one.tier), cell, *pushes)
    return table


def transfer_listing(transfer: Transfer) -> list[Table | Text]:
    """A run's candidates on another network, beside what they do on the run's own."""
    table = _table(f"{transfer.source} → {transfer.target}, {transfer.placement} placement")
    table.add_column("candidate")
    for heading in (transfer.own_model, transfer.other_model, "its control"):
        table.add_column(said(heading), justify="right")
    for row in transfer.rows:
        one = row.candidate
        flips = f"{row.control_flips}/{row.other.eligible}"
        control = said("") if row.control_flips is None else _two_lines(flips, row.control)
        name = _named(one, f"{one.tier}{', confirmed' if row.confirmed else ''}")
        table.add_row(name, _flips(row.own), _flips(row.other), control)
    agreement = _rank(transfer.correlation)
    return [
        table,
        said(
            f"{transfer.eligible} confirmation pictures that {transfer.other_model} calls {transfer.source}; "
            f"rank correlation of the flips on both networks {agreement}"
        ),
    ]


def _flips(count: Count) -> Text:
    low, high = 100 * count.interval.low, 100 * count.interval.high
    return _two_lines(f"{count.flips}/{count.eligible} = {percent(count.rate)}", f"{low:.1f} … {high:.1f}")


def summary_lines(result: AuditResult) -> list[Text]:
    """What a person should know beside the table."""
    lines = [verdict_line(result), said(scope_sentence(result))]
    lines += _to_look_at(result)
    looks = looks_sentence(result)
    if looks is not None:
        lines.append(said(looks))
    if result.fragility is not None:
        fragility = result.fragility
        told = f": {fragility_sentence(fragility)}"
        lines.append(said("fragility: ", verdict_text(fragility.verdict), told))
    if result.accuracy is not None:
        lines.append(said(f"the model: {accuracy_sentence(result, result.accuracy)}"))
    if result.whole is not None:
        lines.append(said(f"whole pictures: {whole_sentence(result)}"))
    lines += [said(f"places: {line}") for line in places_lines(result)]
    survives = survival_line(result)
    lines += [said(f"survival: {survives}")] if survives is not None else []
    ceiling = ceiling_sentence(result)
    if ceiling is not None:
        lines.append(said(ceiling))
    needed = needed_summary(result)
    if needed is not None:
        lines.append(said(f"needed: {needed}"))
    validity = result.suggestion_validity
    if validity is not None:
        lines.append(
            said(
                f"suggestions: {validity_words(validity).headline} Rank correlation with uplift: predicted push "
                f"{_rank(validity.predicted_push)}, observed push {_rank(validity.observed_push)}"
            )
        )
    if result.skipped:
        reasons = Counter(skipped.reason for skipped in result.skipped)
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        lines.append(said(f"pictures skipped: {len(result.skipped)} ({counted}); the report names them"))
    if result.left_out:
        counted = "; ".join(f"{why}: {count}" for why, count in sorted(result.left_out.items()))
        lines.append(said(f"left out unopened: {counted}"))
    return lines + [said(f"note: {note}") for note in result.notes]


def _to_look_at(result: AuditResult) -> list[Text]:
    """What a look alone keeps from failing, in a line; none where nothing does."""
    waiting = ", ".join(finding.candidate.id for finding in held_back(result))
    return [said(f"for a person to look at: {waiting} (auditor review asks what they show)")] if waiting else []


def _rank(measured: Correlation) -> str:
    return f"{measured.value:+.2f}" if math.isfinite(measured.value) else "without a value, since all flip alike"
