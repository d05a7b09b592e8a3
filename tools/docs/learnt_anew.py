"""Write the table that holds the scoreboard of docs/ground-truth.md against that of worlds learnt anew elsewhere.

python -m tools.docs.learnt_anew         # from benchmarks/worlds/rows.json and rows-anew.json
python -m tools.docs.learnt_anew SCORED  # new rows from a folder of `worlds score`
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from auditor.run.worlds.baselines import METHODS
from auditor.run.worlds.board import NAMED, PATCHES, board
from auditor.run.worlds.score import Row, rows_from_json, rows_to_json
from benchmarks.candidates.pages import table, update_page
from tools.docs.ground_truth import PAGE, ROOT, ROWS, tell_known

ANEW = ROOT / "benchmarks" / "worlds" / "rows-anew.json"
MARK = "anew"

Cells = tuple[str, ...]

_STRONG = "all that flip more than 10%"
_UPLIFT = "of P(shortcut) by the largest uplift, as the other worlds teach it, planted against twins"
LINES: Mapping[str, tuple[Cells, int]] = {
    "the cue flips more than 10%: it is the first finding": ((_STRONG, PATCHES), 0),
    "it is the first of all that a report names": ((_STRONG, NAMED), 0),
    "it is among the first three": ((_STRONG, NAMED), 1),
    **{f"first by {method}": ((_STRONG, method), 0) for method in METHODS},
    **{f"first findings less {method}": ((PATCHES, method), 0) for method in METHODS},
    "the network fails": (("those of them whose cue flips more than 10%",), 0),
    "it passes, overlooked": (("those of them whose cue flips more than 10%: overlooked",), 0),
    "a clean twin passes": (("clean twins that pass",), 0),
    "it fails, by whatever": (("clean twins that fail, by whatever",), 0),
    "it fails by nothing that fresh pictures bear out": (
        ("clean twins that fail by nothing that fresh pictures bear out: false alarms",),
        0,
    ),
    "a FAIL is true on fresh pictures": (("a FAIL is true on fresh pictures",), 0),
    "a PASS's findings stay below the limit there": (
        ("a PASS's findings stay below the limit on fresh pictures",),
        0,
    ),
    "audits whose every corrected interval covers": (("audits of which every such interval does",), 0),
    "the first finding's 95% interval covers": (
        ("the first finding's 95% interval covers its rate on fresh pictures",),
        0,
    ),
    "so many would, if nothing had been chosen": (
        ("so many would, if nothing had been chosen by these pictures",),
        0,
    ),
    "ROC-AUC by the largest uplift": ((f"ROC-AUC {_UPLIFT}",), 0),
    "cross-entropy by the largest uplift": ((f"cross-entropy {_UPLIFT}",), 0),
}
"""By what the table calls it, a line of a scoreboard, as the cells before its figures, and which of these is told."""


def figures(rows: Sequence[Row]) -> dict[str, str]:
    """What the scoreboard of some rows says, by `LINES`.

    Raises:
        KeyError: the scoreboard has no such line, as where a method was not measured.
    """
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in board(rows).splitlines()]
    known: dict[Cells, list[str]] = {}
    for cells in lines:
        for heads in (1, 2):
            known.setdefault(tuple(cells[:heads]), cells[heads:])
    return {words: known[line][figure] for words, (line, figure) in LINES.items()}


def side_by_side(rows: Sequence[Row], anew: Sequence[Row]) -> str:
    """The two boards, and that of both: the networks of a world, which share its pictures, count as one cluster."""
    each = [figures(some) for some in (rows, anew, [*rows, *anew])]
    head = ["", "the board above", "learnt anew", "both"]
    return table(head, [[words, *(found[words] for found in each)] for words in LINES])


def main(arguments: list[str] | None = None) -> None:
    """The command line: from where new rows come, if any."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs.learnt_anew", description=__doc__)
    parser.add_argument("scored", type=Path, nargs="?", help="folder of `auditor worlds score`")
    options = parser.parse_args(arguments)
    if options.scored is not None:
        new = rows_from_json((options.scored / "scoreboard.json").read_bytes())
        ANEW.write_text(rows_to_json(new), encoding="utf-8")
    rows, anew = (rows_from_json(file.read_bytes()) for file in (ROWS, ANEW))
    update_page(PAGE, MARK, side_by_side(rows, anew))
    tell_known([*rows, *anew])
    print(f"wrote the table of {len(rows)} rows beside {len(anew)} to {PAGE.name}")


if __name__ == "__main__":
    main()
