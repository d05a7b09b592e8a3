"""What layout, grids and labels of a full atlas cost as the activations grow, and what a shorter layout loses.

    python -m benchmarks.atlas.layout [--width 512] [--classes 100] [--sizes 1000 10000 100000] [--check 10000]

Activations are made up: clusters of unlike sizes with a few directions of their own, none negative. Seconds are
processor seconds of this process over all threads, so that a busy machine changes them little; the first, compiling
calls are left out. A million is drawn on from the two largest sizes. Quality: the share of each sample's 15 nearest
by cosine that are among its 15 nearest in the layout, and trustworthiness (Venna, Kaski 2001), both on 1000 samples,
for the layout of a subset that the others join and for a layout of all of them.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.atlas.activations import ActivationSet
from auditor.atlas.cell_labels import cell_labels
from auditor.atlas.embedding import Likeness, nearest_of, unit_vectors
from auditor.atlas.grid import build_cells
from auditor.atlas.layout import pair_layout, plane_layout
from auditor.core.records import FloatArray

LEVELS = (10, 20, 40, 80)
RANKED_TOGETHER = 2**24
"""Likenesses that are put in order at once: with their places half a GB."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of one size, and the process' peak in GB after it."""

    samples: int
    layout: float
    grids: float
    labels: float
    pair: float
    peak_gb: float


def made_up(samples: int, width: int, classes: int, seed: int = 0, clusters: int = 200) -> ActivationSet:
    """Samples in clusters of unlike sizes, each spread over four directions of its own."""
    generator = np.random.default_rng(seed)
    centres = generator.gamma(0.4, size=(clusters, width)).astype(np.float32)
    directions = generator.normal(scale=0.5, size=(clusters, 4, width)).astype(np.float32)
    share = generator.dirichlet(np.full(clusters, 0.8))
    cluster = generator.choice(clusters, samples, p=share)
    vectors = centres[cluster] + generator.normal(scale=0.1, size=(samples, width)).astype(np.float32)
    for column in range(4):
        vectors += generator.normal(size=(samples, 1)).astype(np.float32) * directions[cluster, column]
    attribution = generator.normal(size=(clusters, classes)).astype(np.float32)[cluster]
    attribution += generator.normal(size=(samples, classes)).astype(np.float32)
    return ActivationSet(
        vectors=np.maximum(vectors, 0.0),
        attribution=attribution,
        contrast=attribution[:, 1] - attribution[:, 0],
        image_row=np.arange(samples) // 2,
        y=np.zeros(samples, dtype=np.int64),
        x=np.zeros(samples, dtype=np.int64),
        weight=np.full(samples, 0.5, dtype=np.float32),
        strongest=np.zeros(samples, dtype=np.bool_),
    )


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def cost(samples: ActivationSet) -> Cost:
    """Lay the samples out in a plane, bin and label them; then once more as a pair."""
    started = time.process_time()
    xy = plane_layout(samples.vectors, Likeness(), 0)
    laid_out = time.process_time()
    cells = [cell for level in LEVELS for cell in build_cells(samples, xy, level, 3, 12)]
    binned = time.process_time()
    for cell in cells:
        cell_labels(cell, 3)
    labelled = time.process_time()
    pair_layout(samples.vectors, samples.contrast, Likeness(fitted=2000), 0)
    pair = time.process_time() - labelled
    return Cost(len(samples), laid_out - started, binned - laid_out, labelled - binned, pair, peak_gb())


def quality(unit: FloatArray, xy: FloatArray, nearest: int = 15, asked: int = 1000) -> tuple[float, float]:
    """Share of neighbours kept, and trustworthiness, on `asked` samples, of which few are in memory at once."""
    rows = np.random.default_rng(0).choice(len(unit), min(asked, len(unit)), replace=False)
    parts = np.array_split(rows, -(-len(rows) * len(unit) // RANKED_TOGETHER))
    ranks = np.concatenate([_ranks_of_close(unit, xy, part, nearest) for part in parts])
    worst = len(rows) * nearest * (2 * len(unit) - 3 * nearest - 1) / 2
    return float((ranks < nearest).mean()), float(1 - np.maximum(ranks + 1 - nearest, 0).sum() / worst)


def _ranks_of_close(unit: FloatArray, xy: FloatArray, rows: NDArray[np.int64], nearest: int) -> NDArray[np.int64]:
    """(R, nearest) places by likeness of the samples that lie nearest to some in the layout."""
    likeness = unit[rows] @ unit.T
    likeness[np.arange(len(rows)), rows] = -np.inf
    order = np.argsort(-likeness, axis=1)
    rank: NDArray[np.int64] = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(unit))[np.newaxis], axis=1)
    distance = np.square(xy[rows, np.newaxis] - xy[np.newaxis]).sum(axis=2)
    distance[np.arange(len(rows)), rows] = np.inf
    close = np.argpartition(distance, nearest, axis=1)[:, :nearest]
    return np.take_along_axis(rank, close, axis=1)


def show_curve(costs: list[Cost]) -> None:
    print("samples    layout   grids  labels    pair layout   peak GB   (processor seconds)")
    for one in costs:
        print(
            f"{one.samples:8d} {one.layout:8.1f} {one.grids:7.1f} {one.labels:7.2f} {one.pair:14.1f} {one.peak_gb:9.2f}"
        )
    if len(costs) < 2:
        return
    before, last = costs[-2:]

    def drawn_on(first: float, second: float) -> float:
        """Straight on from the last two sizes, since what still grows there is proportional to the samples."""
        return second + (second - first) * (1_000_000 - last.samples) / (last.samples - before.samples)

    print(
        f" 1000000 {drawn_on(before.layout, last.layout):8.1f} {drawn_on(before.grids, last.grids):7.1f} "
        f"{drawn_on(before.labels, last.labels):7.2f} {drawn_on(before.pair, last.pair):14.1f} "
        f"{drawn_on(before.peak_gb, last.peak_gb):9.2f}   extrapolated, not measured"
    )


def show_quality(samples: ActivationSet) -> None:
    unit = unit_vectors(samples.vectors)
    print(f"\nfitted of {len(samples)}   seconds   neighbours kept   trustworthiness")
    for fitted in (len(samples) // 10, len(samples) // 3, len(samples)):
        started = time.process_time()
        xy = plane_layout(samples.vectors, replace(Likeness(), fitted=fitted), 0)
        seconds = time.process_time() - started
        kept, trust = quality(unit, xy)
        print(f"{fitted:14d} {seconds:9.1f} {kept:17.3f} {trust:17.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--check", type=int, default=10_000, help="samples for the comparison of quality; 0: none")
    options = parser.parse_args()
    compiled = made_up(200, 16, 2)
    plane_layout(compiled.vectors, Likeness(), 0)
    pair_layout(compiled.vectors, compiled.contrast, Likeness(), 0)
    nearest_of(unit_vectors(compiled.vectors), unit_vectors(compiled.vectors), 3)
    show_curve([cost(made_up(size, options.width, options.classes)) for size in sorted(options.sizes)])
    if options.check:
        show_quality(made_up(options.check, options.width, 2))


if __name__ == "__main__":
    main()
