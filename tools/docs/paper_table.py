"""Writes the paper's published counts beside ours into docs/real-models.md: two measurements, never one number of both.

    python -m tools.docs.paper_table --published ../shared/real/paper_table.csv NAME=RUN/…/table.csv …

Published are InceptionV1's counts on other pictures (Carter et al. 2019), as the file has them, without any control.
Ours are what `auditor trial --patches` wrote, with its intervals and its uplift over the strongest control. Only the
marked block of the page is rewritten.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.docs.settings import with_block

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/real-models.md"
NOISE, NOISE_FILE = "noise", "random"
"""What the paper calls its patch of noise, and what its file is called."""

PLACEMENTS = ("fixed", "best")
NONE = "—"

Row = Mapping[str, str]
Rows = Mapping[tuple[str, str], Row]
"""By patch and placement."""


def read_rows(path: Path) -> dict[tuple[str, str, str], Row]:
    """Rows of the paper's file, or of one of ours, by source and target, patch and placement."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {NOISE_FILE: NOISE}
    return {
        (f"{row['source']} → {row['target']}", names.get(row["patch"], row["patch"]), row["placement"]): row
        for row in rows
    }


def of_pair(rows: Mapping[tuple[str, str, str], Row], pair: str) -> Rows:
    """The rows of one pair."""
    return {(patch, placement): row for (of, patch, placement), row in rows.items() if of == pair}


def side_by_side(published: Rows, ours: Mapping[str, Rows]) -> list[str]:
    """A line a patch and placement: the published count, and of each of ours the flips, the covering and the uplift."""
    patches = sorted({patch for patch, _ in published}, key=lambda patch: (patch == NOISE, patch))
    heads = ["patch", "placement", "published: InceptionV1"]
    for name in ours:
        heads += [name, "strongest covering", "uplift, points"]
    lines = [_line(heads), _line(["---"] * 3 + ["---:"] * (len(heads) - 3))]
    for placement in PLACEMENTS:
        for patch in patches:
            there = published.get((patch, placement))
            cells = [patch, placement, NONE if there is None else _count(there)]
            for rows in ours.values():
                cells += _own(rows.get((patch, placement)))
            lines.append(_line(cells))
    return lines


def multiplied(published: Mapping[str, Rows], ours: Mapping[str, Rows]) -> list[str]:
    """How many times as many pictures a patch flips where it may take the best of twelve places."""
    lines = [_line(["what", "fixed", "best of 12", "times"]), _line(["---", "---:", "---:", "---:"])]
    for whose, all_rows in (("published", published), ("ours", ours)):
        for name, rows in all_rows.items():
            patches = {patch for patch, _ in rows} - {NOISE}
            groups = [("noise", (NOISE,)), (f"all {len(patches)} patches together", tuple(patches))]
            for what, members in groups:
                told = _times(rows, members, "flipped")
                lines += [_line([f"{whose}, {name}: {what}", *told])] if told else []
            told = _times(rows, (NOISE, *patches), "control_flipped") if whose == "ours" else None
            lines += [_line([f"{whose}, {name}: the strongest covering of each", *told])] if told else []
    return lines


def _times(rows: Rows, members: Sequence[str], column: str) -> list[str] | None:
    """Both counts of some patches together, and their ratio; None where not all were measured at both."""
    if not members or any((patch, placement) not in rows for patch in members for placement in PLACEMENTS):
        return None
    of = sum(int(rows[patch, "fixed"]["correct_before"]) for patch in members)
    fixed, best = (sum(int(rows[patch, placement][column]) for patch in members) for placement in PLACEMENTS)
    return [f"{fixed:,}/{of:,}", f"{best:,}/{of:,}", f"{best / fixed:.1f}" if fixed else NONE]


def _count(row: Row) -> str:
    return f"{row['flipped']}/{row['correct_before']} = {row['percent_flipped']}%"


def _own(row: Row | None) -> list[str]:
    if row is None:
        return [NONE] * 3
    return [
        f"{_count(row)} ({row['interval_low']}–{row['interval_high']})",
        f"{row['strongest_control']}: {row['control_flipped']}",
        f"{float(row['uplift']):+.1f} ({float(row['uplift_low']):+.1f} to {float(row['uplift_high']):+.1f})",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--pair", default="frying pan → wok", help="the published pair that stands beside ours")
    parser.add_argument("ours", nargs="+", help="NAME=table.csv, several tables of one name are joined")
    options = parser.parse_args()
    published = read_rows(options.published)
    pairs = {pair: of_pair(published, pair) for pair in dict.fromkeys(pair for pair, _, _ in published)}
    ours: dict[str, dict[tuple[str, str], Row]] = {}
    for given in options.ours:
        name, _, file = given.rpartition("=")
        ours.setdefault(name, {}).update({key[1:]: row for key, row in read_rows(Path(file)).items()})
    block = "\n".join([*side_by_side(pairs[options.pair], ours), "", *multiplied(pairs, ours), ""])
    page = ROOT / PAGE
    page.write_text(with_block(page.read_text(encoding="utf-8"), block, "paper_table"), encoding="utf-8")
    print(f"wrote the block of {PAGE}")


if __name__ == "__main__":
    main()
