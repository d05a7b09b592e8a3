"""Where time and memory of the atlas of everything go, from collected shards to what its icons start from.

    python -m benchmarks.atlas.million FOLDER [--samples 1000000] [--width 512] [--classes 100] [--layout umap]
        [--device cpu] [--quality [1000]]

Made-up activations (as `benchmarks.atlas.layout` has them) are written as shards of 1024 to FOLDER, by other processes,
so that making them counts for nothing. Then an atlas is made of them as `auditor atlas --kind full` makes it: all
shards put together, laid out, binned at 10, 20, 40 and 80, kept in the run folder's two files, read back, and the
second moment taken by which icons are whitened. Of each step the processor seconds, and the most memory that the
process had during it. Icons and sheets cost by the cell, whatever lies in it. With --quality the share of neighbours
kept and trustworthiness of the layout, on 1000 samples or as many as asked for. FOLDER's shards stay, for another
call.

With `--layout torchdr --device cuda` all are laid out at once on a card; then seconds by the clock and the most memory
of the card are told as well, since the processor waits.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import torch

from auditor.atlas.activations import ActivationSet
from auditor.atlas.embedding import METHODS, check_layout, unit_vectors
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.kinds import AtlasKind, full_atlas
from auditor.atlas.shards import Shards
from auditor.core.config import AtlasConfig
from auditor.core.progress import Silence
from auditor.core.shelf import Inside
from auditor.inputs.model.device import choose_device, describe_device
from auditor.run.folder import RunFolder
from auditor.run.stages.atlas import read_atlas, write_atlas
from benchmarks.atlas.layout import LEVELS, made_up, quality

SHARD, TOGETHER = 1024, 64
"""Samples of a shard, and shards that are made up at once."""

MAKING_GB = 1.5
"""Memory of a process that makes up as many, of 512 numbers."""

Result = TypeVar("Result")


def write_shards(folder: Path, samples: int, width: int, classes: int) -> None:
    """The shards that are not there yet, by a process a core as far as memory goes.

    Each batch has clusters and draws of its own, so the files are the same whoever writes them.
    """
    batches = range(0, -(-samples // SHARD), TOGETHER)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 1e9
    processes = max(1, min(len(batches), os.cpu_count() or 1, int(memory / MAKING_GB)))
    write = functools.partial(write_batch, folder, samples, width, classes)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for _ in pool.imap_unordered(write, batches):
            pass


def write_batch(folder: Path, samples: int, width: int, classes: int, first: int) -> None:
    """The shards of one batch, from its first number on, unless all are there."""
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


def show_head(device: torch.device) -> None:
    names = ["step", "processor s", "most memory, GB", "after it, GB", "of it not of files, GB"]
    names += ["s by the clock", "most of the card, GB"] if device.type == "cuda" else []
    print(f"| {' | '.join(names)} |")
    print(f"| --- |{' ---: |' * (len(names) - 1)}")


def told(step: str, device: torch.device, do: Callable[[], Result]) -> Result:
    """What a step gives, after saying what it took."""
    card = device.type == "cuda"
    with contextlib.suppress(OSError):  # some containers have no such file; then the peak is that of all steps so far
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    if card:
        torch.cuda.reset_peak_memory_stats(device)
    clock, started = time.perf_counter(), time.process_time()
    result = do()
    if card:
        torch.cuda.synchronize(device)
    seconds, waited = time.process_time() - started, time.perf_counter() - clock
    numbers = [f"{seconds:.1f}", *(f"{gb:.2f}" for gb in _memory())]
    if card:
        numbers += [f"{waited:.1f}", f"{torch.cuda.max_memory_allocated(device) / 1e9:.2f}"]
    print(f"| {step} | {' | '.join(numbers)} |", flush=True)
    return result


def _memory() -> list[float]:
    """GB at most, now, and now of no file; not a number where the system does not tell."""
    status = Path("/proc/self/status").read_text().splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("Vm", "Rss"))}
    return [held.get(name, float("nan")) / 1e6 for name in ("VmHWM", "VmRSS", "RssAnon")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--layout", choices=tuple(METHODS), default="umap")
    parser.add_argument("--device", default="cpu", help="as in a configuration; a card is for --layout torchdr alone")
    parser.add_argument("--quality", type=int, nargs="?", const=1000, default=0, help="samples that are asked about")
    options = parser.parse_args()
    check_layout(options.layout)
    # an audit's settings of the allocator, which come with its device, keep memory: the processor's figures are without
    device = torch.device("cpu") if options.device == "cpu" else choose_device(options.device)
    options.folder.mkdir(parents=True, exist_ok=True)
    write_shards(options.folder, options.samples, options.width, options.classes)
    folder = RunFolder(options.folder)
    shards = Shards(Inside(folder, "activations"), -(-options.samples // SHARD))
    config = AtlasConfig(levels=LEVELS, layout=options.layout)
    pool: Any = SimpleNamespace(keys=[f"{row:032x}" for row in range(options.samples)])
    show_head(device)
    told("nothing", device, lambda: None)
    cells = make(folder, shards, config, pool, device, options.quality)
    again = told(
        "read back",
        device,
        lambda: read_atlas(folder, options.samples, AtlasKind.FULL, "samples.safetensors", "cells.parquet"),
    )
    told("whitened", device, lambda: Whitening.fit(again.samples.vectors))
    print(
        f"\n{options.samples} activations of {options.width} numbers and {options.classes} classes; {cells} cells; "
        f"{options.layout} on {describe_device(device)}"
    )


def make(folder: RunFolder, shards: Shards, config: AtlasConfig, pool: Any, device: torch.device, asked: int) -> int:
    """Make and keep the atlas, and count its cells; nothing of it stays in memory."""
    samples = told("shards put together", device, shards.whole)
    atlas = told("laid out and binned", device, lambda: full_atlas(samples, config, 0, Silence(), device=device))
    told("kept", device, lambda: write_atlas(folder, atlas, pool, "samples.safetensors", "cells.parquet"))
    if asked:
        kept, trust = quality(unit_vectors(samples.vectors), atlas.xy, asked=asked)
        print(f"\nneighbours kept {kept:.3f}, trustworthiness {trust:.3f}\n")
    return len(atlas.cells)


if __name__ == "__main__":
    main()
