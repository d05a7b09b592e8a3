"""Where time and memory of the atlas of everything go, from collected shards to what its icons start from.

    python -m benchmarks.atlas.million FOLDER [--samples 1000000] [--width 512] [--classes 100]
    python -m benchmarks.atlas.million FOLDER --layout torchdr --device cuda

Made-up activations (as `benchmarks.atlas.layout` has them) are written as shards of 1024 to FOLDER, by other processes,
so that making them counts for nothing. Then an atlas is made of them as `auditor atlas --kind full` makes it: all
shards put together, laid out, binned at 10, 20, 40 and 80, kept in the run folder's two files, read back, and the
second moment taken by which icons are whitened. Of each step the seconds of the processor and of the clock, the most
memory that the process had during it, and that of the card where there is one. Icons and sheets cost by the cell,
whatever lies in it. With --quality the share of neighbours kept and trustworthiness of the layout, on as many samples
(1000). FOLDER's shards stay, for another call.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import torch

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import METHODS, unit_vectors
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.kinds import AtlasKind, full_atlas
from auditor.atlas.shards import Shards
from auditor.atlas.torchdr_layout import check_torchdr
from auditor.core.config import AtlasConfig
from auditor.core.progress import Silence
from auditor.core.shelf import Inside
from auditor.inputs.model.device import choose_device, describe_device
from auditor.run.folder import RunFolder
from auditor.run.stages.atlas import read_atlas, write_atlas
from benchmarks.atlas.layout import LEVELS, made_up, quality

SHARD, TOGETHER = 1024, 64
"""Samples of a shard, and shards that are made up at once."""

Result = TypeVar("Result")


def write_shards(folder: Path, samples: int, width: int, classes: int, first: int) -> None:
    """Those of `TOGETHER` shards from the first on that are not there yet; each batch has clusters of its own."""
    shards = Shards(Inside(RunFolder(folder), "activations"), -(-samples // SHARD))
    numbers = range(first, min(first + TOGETHER, shards.count))
    if all(shards.has(number) for number in numbers):
        return
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
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    started = time.process_time(), time.perf_counter()
    result = do()
    seconds, by_clock = time.process_time() - started[0], time.perf_counter() - started[1]
    card = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    status = Path("/proc/self/status").read_text().splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("Vm", "Rss"))}
    peak, now, own = (held[name] / 1e6 for name in ("VmHWM", "VmRSS", "RssAnon"))
    taken = f"{seconds:.1f} | {by_clock:.1f} | {peak:.2f} | {now:.2f} | {own:.2f} | {card:.2f}"
    print(f"| {step} | {taken} |", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--layout", default="umap", choices=list(METHODS))
    parser.add_argument("--device", default="cpu", help="where a layout that can runs")
    parser.add_argument("--quality", type=int, nargs="?", const=1000, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    check_torchdr(options.layout)
    device, cores = choose_device(options.device), len(os.sched_getaffinity(0))
    # a process that forked would share what torch has begun
    with ProcessPoolExecutor(min(8, cores), multiprocessing.get_context("spawn")) as making:
        batches = range(0, -(-options.samples // SHARD), TOGETHER)
        write = partial(write_shards, options.folder, options.samples, options.width, options.classes)
        list(making.map(write, batches))
    folder = RunFolder(options.folder)
    shards = Shards(Inside(folder, "activations"), -(-options.samples // SHARD))
    config = AtlasConfig(levels=LEVELS, layout=options.layout)
    print(f"device: {describe_device(device)}, torch {torch.__version__}; layout: {options.layout}\n")
    pool: Any = SimpleNamespace(keys=[f"{row:032x}" for row in range(options.samples)])
    print(
        "| step | processor s | clock s | most memory, GB | after it, GB | of it not of files, GB | of the card, GB |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    told("nothing", lambda: None)
    cells = make(folder, shards, config, pool, device, options.quality)
    again = told(
        "read back", lambda: read_atlas(folder, options.samples, AtlasKind.FULL, "samples.safetensors", "cells.parquet")
    )
    told("whitened", lambda: Whitening.fit(again.samples.vectors))
    print(f"\n{options.samples} activations of {options.width} numbers and {options.classes} classes; {cells} cells")


def make(folder: RunFolder, shards: Shards, config: AtlasConfig, pool: Any, device: torch.device, asked: bool) -> int:
    """Make and keep the atlas, and count its cells; nothing of it stays in memory."""
    samples = told("shards put together", shards.whole)
    atlas = told("laid out and binned", lambda: full_atlas(samples, config, 0, Silence(), device=device))
    told("kept", lambda: write_atlas(folder, atlas, pool, "samples.safetensors", "cells.parquet"))
    if asked:
        kept, trust = quality(unit_vectors(samples.vectors), atlas.xy, asked=asked)
        print(f"\nneighbours kept {kept:.3f}, trustworthiness {trust:.3f}\n")
    return len(atlas.cells)


if __name__ == "__main__":
    main()
