"""How many shortcuts `auditor plant` plants in clean twins of the planted worlds the same search catches.

    python -m benchmarks.worlds.copies SCORED --out FOLDER [--worlds NAME ...] [--count 4] [--update docs/planted.md]
    python -m benchmarks.worlds.copies SCORED --out FOLDER --whole-pictures 6 [--update docs/planted.md]

SCORED is a folder of `auditor worlds score --seeds 3`. Of each world the audit of its twin is taken, of seeds 0, 1 and
2 by turns, copied to FOLDER/WORLD-SEED, and planted there. What is there already is kept, so that a run that was
stopped goes on. --update puts the table between copies:begin and copies:end of a page. With --whole-pictures changes of
whole pictures are planted instead, and the table goes between whole:begin and whole:end.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from auditor.core.progress import Silence
from auditor.core.records import Verdict
from auditor.core.records.planted import WHOLE, WITHIN, PlantedShortcut
from auditor.report.numbers import rate_bounds
from auditor.run.folder import RunFolder
from auditor.run.planted.plant import plant
from auditor.run.planted.stored import planted_shortcuts
from auditor.run.review import reviewed_result
from auditor.run.worlds.score import run_folder
from auditor.statistics.fragility import clustered_interval
from benchmarks.candidates.pages import update_page

WORLDS = (
    "noodles", "rice", "grapes", "sticker", "frame", "date", "bread", "plaster", "spot", "ruler", "mark", "tag",
)  # fmt: skip
SEEDS = 3

Row = tuple[str, Callable[[PlantedShortcut], bool]]
ROWS: Sequence[Row] = (
    ("caught: a finding that shows it fails the copy", lambda one: one.caught),
    ("caught, or it fails by what it takes for the cue", lambda one: one.noticed),
    ("it is the first finding", lambda one: one.rank == 1),
    (f"it is among the first {WITHIN}", lambda one: one.rank is not None and one.rank <= WITHIN),
    ("the copy passes: overlooked", lambda one: one.verdict is Verdict.PASS),
)
WHOLE_ROWS: Sequence[Row] = (
    ("named: an effect of its kind keeps the copy from passing", lambda one: one.caught),
    ("named, or another effect does that does less in the model itself", lambda one: one.noticed),
    ("the strongest effect is of its kind", lambda one: one.rank == 1),
    ("no effect is above the limit: overlooked", lambda one: one.verdict is Verdict.PASS),
)


def planted(
    scored: Path, out: Path, world: str, seed: int, count: int, whole: int = 0
) -> tuple[list[PlantedShortcut], int]:
    """The shortcuts planted in a twin whose cue flips more than the limit, and how many others there are."""
    place = out / f"{world}-{seed}"
    if not place.is_dir():
        run = run_folder(scored, world, "twin", seed)
        if not run.is_dir():
            raise SystemExit(
                f"{run} is not there; score with: auditor worlds score {world} --seeds {SEEDS} --out {scored}"
            )
        shutil.copytree(run, place)
    folder = RunFolder.open(place)

    def there() -> list[PlantedShortcut]:
        return [one for one in planted_shortcuts(folder) if one.is_whole == bool(whole)][: whole or count]

    if len(there()) < (whole or count):
        plant(folder, 0 if whole else count, whole, Silence())
    limit, rows = reviewed_result(folder).limits.uplift, there()
    counted = [one for one in rows if one.above(limit)]
    return counted, len(rows) - len(counted)


Copies = Sequence[tuple[str, PlantedShortcut]]
"""Shortcuts, each with the world in whose twin it was planted."""


def table(found: Copies, weak: int, rows: Sequence[Row] = ROWS, kinds: Sequence[str] = ("thing", "sticker")) -> str:
    """Counts by how much a cue was meant to flip, and by kind, each with an interval by network (Korn–Graubard)."""
    shares = sorted({one.share for _, one in found}, reverse=True)
    groups = [(f"meant to flip {share:.0%}", [both for both in found if both[1].share == share]) for share in shares]
    plural = "" if kinds == WHOLE else "s"
    groups += [(f"{kind}{plural}", [both for both in found if both[1].kind == kind]) for kind in kinds]
    groups = [("all", list(found)), *groups]
    lines = [f"| | {' | '.join(name for name, _ in groups)} |", f"| --- |{' ---: |' * len(groups)}"]
    lines += [f"| {words} | {' | '.join(_share(own, holds) for _, own in groups)} |" for words, holds in rows]
    return "\n".join([*lines, "", f"Cues that flip no more than the limit, which count for nothing: {weak}."])


def _share(own: Copies, holds: Callable[[PlantedShortcut], bool]) -> str:
    if not own:
        return "—"
    by_network: dict[str, list[bool]] = {}
    for world, one in own:
        by_network.setdefault(world, []).append(holds(one))
    interval = clustered_interval(np.array([np.mean(of_network) for of_network in by_network.values()]), 0.025, 0.025)
    return f"{sum(map(sum, by_network.values()))} of {len(own)} ({rate_bounds(interval)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scored", type=Path, metavar="SCORED")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=WORLDS, metavar="NAME")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--whole-pictures", type=int, default=0, help="changes of whole pictures, in place of copies")
    parser.add_argument("--update", type=Path, help="a page whose part between the marks is replaced")
    options = parser.parse_args()
    found: list[tuple[str, PlantedShortcut]] = []
    weak = 0
    for world in options.worlds:
        many = options.count, options.whole_pictures
        own, others = planted(options.scored, options.out, world, WORLDS.index(world) % SEEDS, *many)
        print(f"{world}: {sum(one.caught for one in own)} of {len(own)} caught", flush=True)
        found, weak = [*found, *((world, one) for one in own)], weak + others
    text = table(found, weak, WHOLE_ROWS, WHOLE) if options.whole_pictures else table(found, weak)
    print(text)
    if options.update:
        update_page(options.update, "whole" if options.whole_pictures else "copies", text)


if __name__ == "__main__":
    main()
