"""Where time and memory of the atlas of everything go, from collected shards to what its icons start from.

    python -m benchmarks.atlas.million FOLDER [--samples 1000000] [--width 512] [--classes 100]

Made-up activations (as `benchmarks.atlas.layout` has them) are written as shards of 1024 to FOLDER, by another process,
so that making them counts for nothing. Then an atlas is made of them as `auditor atlas --kind full` makes it: all
shards put together, laid out, binned at 10, 20, 40 and 80, kept in the run folder's two files, read back, and the
second moment taken by which icons are whitened. Of each step the processor seconds, and the most memory that the
process had during it. Icons and sheets cost by the cell, whatever lies in it. With --quality the share of neighbours
kept and trustworthiness of the layout, on 1000 samples. FOLDER's shards stay, for another call.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import unit_vectors
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.kinds import AtlasKind, full_atlas
from auditor.atlas.shards import Shards
from auditor.core.config import AtlasConfig
from auditor.core.progress import Silence
from auditor.core.shelf import Inside
from auditor.run.folder import RunFolder
from auditor.run.stages.atlas import read_atlas, write_atlas
from benchmarks.atlas.layout import LEVELS, made_up, quality

SHARD, TOGETHER = 1024, 64
"""Samples of a shard, and shards that are made up at once."""

Result = TypeVar("Result")


def write_shards(folder: Path, samples: int, width: int, classes: int) -> None:
    """The shards that are not there yet; each batch has clusters of its own."""
    shards = Shards(Inside(RunFolder(folder), "activations"), -(-samples // SHARD))
    for first in range(0, shards.count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, shards.count))
        if all(shards.has(number) for number in numbers):
            continue
        made = made_up(len(numbers) * SHARD, width, classes, seed=first)
        for place, number in enumerate(numbers):
            kept = np.zeros(len(made), dtype=np.bool_)
            kept[place * SHARD : place * SHARD + min(SHARD, samples - number * SHARD)] = True
            part = made.where(kept)
            rows = number * SHARD + np.arange(len(part))
            shards.write(number, ActivationSet(**{**_columns(part), "image_row": rows}))


def _columns(samples: ActivationSet) -> dict[str, Any]:
    return {name: getattr(samples, name) for name in ActivationSet.__dataclass_fields__}


def told(step: str, do: Callable[[], Result]) -> Result:
    """What a step gives, after saying what it took."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    started = time.process_time()
    result = do()
    seconds = time.process_time() - started
    status = Path("/proc/self/status").read_text().splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("Vm", "Rss"))}
    peak, now, own = (held[name] / 1e6 for name in ("VmHWM", "VmRSS", "RssAnon"))
    print(f"| {step} | {seconds:.1f} | {peak:.2f} | {now:.2f} | {own:.2f} |", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--quality", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    making = multiprocessing.get_context("spawn").Process(
        target=write_shards, args=(options.folder, options.samples, options.width, options.classes)
    )
    making.start()
    making.join()
    folder = RunFolder(options.folder)
    shards = Shards(Inside(folder, "activations"), -(-options.samples // SHARD))
    config = AtlasConfig(levels=LEVELS)
    pool: Any = SimpleNamespace(keys=[f"{row:032x}" for row in range(options.samples)])
    print("| step | processor s | most memory, GB | after it, GB | of it not of files, GB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    told("nothing", lambda: None)
    cells = make(folder, shards, config, pool, options.quality)
    again = told(
        "read back", lambda: read_atlas(folder, options.samples, AtlasKind.FULL, "samples.safetensors", "cells.parquet")
    )
    told("whitened", lambda: Whitening.fit(again.samples.vectors))
    print(f"\n{options.samples} activations of {options.width} numbers and {options.classes} classes; {cells} cells")


def make(folder: RunFolder, shards: Shards, config: AtlasConfig, pool: Any, asked: bool) -> int:
    """Make and keep the atlas, and count its cells; nothing of it stays in memory."""
    samples = told("shards put together", shards.whole)
    atlas = told("laid out and binned", lambda: full_atlas(samples, config, 0, Silence()))
    told("kept", lambda: write_atlas(folder, atlas, pool, "samples.safetensors", "cells.parquet"))
    if asked:
        kept, trust = quality(unit_vectors(samples.vectors), atlas.xy)
        print(f"\nneighbours kept {kept:.3f}, trustworthiness {trust:.3f}\n")
    return len(atlas.cells)


if __name__ == "__main__":
    main()
