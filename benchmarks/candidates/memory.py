"""What features as pasted take in memory and time, by the number of crops; the network's part is left out.

    python -m benchmarks.candidates.memory [--crops 2500 10000 40000] [--width 96]

For each number a process of its own draws features of so many crops shard by shard into files, learns the push from 458
of them, foretells that of all, and lays the atlas of patches as pasted out, as a search does. Told are the most memory
of that process beside files and libraries (RssAnon, sampled, less what was there before the first shard), its seconds
of processor time, and what the features of all crops take as numbers. Baseline: the same with all of them in memory
(`--held`), which is how it was.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from auditor.candidates.crops import CropPlan
from auditor.candidates.ladder import Climb
from auditor.candidates.learned import Columns, cross_fitted
from auditor.candidates.pasted import place_crops
from auditor.candidates.pasted_shards import SHARD_PATCHES, Pasted, PastedShards
from auditor.core.config import AtlasConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Silence
from auditor.run.folder import RunFolder
from benchmarks.candidates.pages import table

MEASURED, PICTURES, KINDS = 458, 4950, 12


def drawn(rows: slice, width: int) -> Pasted:
    """Features of crops of a dozen kinds, which decide most of the push."""
    generator = keyed_generator(0, "benchmark", "memory", rows.start)
    kinds = keyed_generator(0, "benchmark", "kinds").standard_normal((KINDS, 4 * width))
    count = rows.stop - rows.start
    mixed = generator.random((count, KINDS)) ** 4
    change = (mixed @ kinds + 0.3 * generator.standard_normal((count, 4 * width))).astype(np.float32)
    push = (mixed @ np.linspace(-2, 3, KINDS)).astype(np.float32)
    return Pasted(push, change, np.abs(change[:, :width]))


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """The highest RssAnon, bytes, in the body."""
    found, ended = [_rss()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            found[0] = max(found[0], _rss())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _rss() -> int:
    lines = Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def search(count: int, width: int, held: bool) -> tuple[int, float]:
    """Bytes at most, and seconds of processor time, of what a search does with the features of so many crops."""
    with tempfile.TemporaryDirectory() as scratch:
        place(300, PastedShards.holding(drawn(slice(0, 300), width)))  # what is compiled and loaded once
        before, started = _rss(), time.process_time()
        with most_memory() as most:
            if held:
                parts = [drawn(rows, width) for rows in PastedShards(count).slices]
                shards = PastedShards.holding(Pasted.joined(parts), count)
            else:
                shards = PastedShards(count, RunFolder(Path(scratch)), SHARD_PATCHES)
                for number, rows in enumerate(shards.slices):
                    shards.write(number, drawn(rows, width))
            place(count, shards)
        return most[0] - before, time.process_time() - started


def place(count: int, shards: PastedShards) -> None:
    """Learn the push of all crops from a few, and lay them out."""
    generator = keyed_generator(0, "benchmark", "crops")
    plans = [CropPlan(int(generator.integers(PICTURES)), 1, 1, 0.3, (0, 0, 9, 9), "", 0.0) for _ in range(count)]
    rows = generator.permutation(count)[:MEASURED]
    pushes = shards.push[rows] * (1.0 + shards.at(rows).change[:, 0] / 4.0)
    foretold = cross_fitted(Columns(shards), rows, pushes, np.array([plan.image_row % 4 for plan in plans]))
    climbed = Climb((), shards, foretold, None, ())  # type: ignore[arg-type]
    place_crops(plans, climbed, 0.0, AtlasConfig(), 0, Silence())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, nargs="+", default=[2500, 10_000, 40_000])
    parser.add_argument("--width", type=int, default=96, help="numbers of an activation")
    parser.add_argument("--held", action="store_true", help="all features in memory")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(*search(options.crops[0], options.width, options.held))
        return
    rows = []
    for count in options.crops:
        command = [sys.executable, "-m", "benchmarks.candidates.memory", "--one", "--crops", str(count)]
        command += ["--width", str(options.width), *(["--held"] if options.held else [])]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        features = count * (1 + 5 * options.width) * 4
        rows.append([f"{count:,}", f"{features / 1e6:.0f}", f"{int(said[0]) / 1e6:.0f}", f"{float(said[1]):.1f}"])
        print(*rows[-1], flush=True)
    print(table(["crops", "their features, MB", "memory at most, MB", "processor s"], rows))
    print(f"most of a child process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
