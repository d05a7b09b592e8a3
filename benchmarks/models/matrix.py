"""Every torchvision classifier, one network of every family of timm, and transformers, through what an audit does.

    python -m benchmarks.models.matrix --rows rows.jsonl [--update docs/models.md] [--only NAME…] [--again OUTCOME…]

Which networks, is said in families.py. Each gets random weights and runs in a process of its own (rows.py): it is
opened as an audit opens it, its default layer is found and cut, attribution is compared with gradients, a crop is
screened, an icon rendered (passage.py). Rows that are kept in `--rows` are not tried again, so the matrix goes on where
it was interrupted, and nothing but the page is written once all are there. It runs on the CPU, with one thread.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.candidates.pages import update_page
from benchmarks.models.families import all_names
from benchmarks.models.pages import matrix_page
from benchmarks.models.rows import Processes, keep_row, read_rows

MARK = "matrix"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="file of rows, one a line, read back and added to")
    parser.add_argument("--update", type=Path, help="page to put the table into")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="try these alone, again if they were tried")
    parser.add_argument("--again", nargs="+", default=[], metavar="OUTCOME", help="try rows of these outcomes again")
    parser.add_argument("--memory", type=float, default=8.0, help="GiB that one network may take")
    parser.add_argument("--seconds", type=int, default=600, help="of the processor that one network may take")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = "1"  # read when the libraries are loaded, which is in other processes
    rows, names = read_rows(options.rows), all_names()
    missing = options.only or [name for name in names if name not in rows or rows[name].outcome in options.again]
    processes = Processes(options.memory, options.seconds)
    for at, name in enumerate(missing, 1):
        row = processes.row(name)
        keep_row(options.rows, row)
        rows[name] = row
        where = f" at {row.passed.step}: {row.said}" if row.said else ""
        print(f"{at}/{len(missing)} {name}: {row.outcome}{where} ({row.seconds} s)", file=sys.stderr, flush=True)
    page = matrix_page([rows[name] for name in names if name in rows], len(names))
    if options.update is not None:
        update_page(options.update, MARK, page)
    else:
        print(page)


if __name__ == "__main__":
    main()
