"""Markdown of the matrix: totals, what did not come to the end, and a row a network. It tries none."""

from __future__ import annotations

import os
from collections.abc import Sequence

import timm
import torch
import torchvision
import transformers

from auditor.inputs.model.sources import source_of
from benchmarks.candidates.pages import table
from benchmarks.models.rows import CRASHED, NOT_TRIED, OK, OUTCOMES, Row

_VERSIONS = {"torchvision": torchvision, "timm": timm, "Hugging Face": transformers}


def matrix_page(rows: Sequence[Row], names: int) -> str:
    """The rows there are of so many networks, with what was run and where."""
    tried = [row for row in rows if row.outcome != NOT_TRIED]
    fine, crashed = (sum(row.outcome == outcome for row in tried) for outcome in (OK, CRASHED))
    opening = (
        f"**{fine} of {len(tried)} networks come to the end** ({100 * fine / max(len(tried), 1):.1f}%); "
        f"{crashed} crash. {len(rows)} of {names} are in the table. torch {torch.__version__}, one thread of a CPU of "
        f"{os.cpu_count()} cores; {sum(row.seconds for row in rows) / 60:.0f} minutes of the processor for all.\n"
    )
    parts = [opening, _totals(rows)]
    if any(row.outcome != OK for row in rows):
        parts += ["### What does not come to the end\n", _others(rows)]
    for source in _VERSIONS:
        own = [row for row in rows if _source(row) == source]
        if own:
            parts += [f"### {source}, every network\n", _every(own)]
    return "\n".join(parts)


def _source(row: Row) -> str:
    return source_of(row.name).label


def _totals(rows: Sequence[Row]) -> str:
    counted = []
    for source, library in _VERSIONS.items():
        own = [row.outcome for row in rows if _source(row) == source]
        counted.append(
            [f"{library.__name__} {library.__version__}", *map(str, map(own.count, OUTCOMES)), str(len(own))]
        )
    every = [row.outcome for row in rows]
    counted.append(["all", *map(str, map(every.count, OUTCOMES)), str(len(every))])
    return table(["source", *OUTCOMES, "networks"], counted)


def _others(rows: Sequence[Row]) -> str:
    said = [[_called(row), row.outcome, row.passed.step, _one_line(row.said)] for row in rows if row.outcome != OK]
    return _left_aligned(["network", "outcome", "at", "what is said"], said)


def _every(rows: Sequence[Row]) -> str:
    cells = []
    for row in rows:
        passed = row.passed
        grid = f"{passed.shape[1]}×{passed.shape[2]}" if passed.shape else "—"
        found = "tried" if "trying" in passed.rule else "rule"
        layer = f"`{passed.layer}` ({found})" if passed.layer else "—"
        difference = f"{passed.difference:.0e}" if passed.method else "—"
        size = "×".join(map(str, dict.fromkeys(passed.size))) or "—"
        outcome = row.outcome if row.outcome == OK else f"**{row.outcome}**"
        millions = f"{passed.parameters / 1e6:.1f}" if passed.parameters else "—"
        cells.append([
            _called(row), millions, size, layer, grid, difference, outcome, f"{row.seconds:.0f}",
        ])  # fmt: skip
    head = ["network", "millions", "px", "layer", "grid", "attribution off by", "outcome", "s"]
    return table(head, cells)


def _called(row: Row) -> str:
    """Its name, and marks: † preprocessing by hand; ‡ no forward-mode derivative."""
    by_hand, backward = row.passed.table, row.passed.method and "forward" not in row.passed.method
    return f"`{row.name}`{' †' if by_hand else ''}{' ‡' if backward else ''}"


def _one_line(said: str) -> str:
    return " ".join(said.split()).replace("|", "\\|")


def _left_aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"
