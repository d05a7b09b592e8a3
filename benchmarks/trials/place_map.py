"""Whether a place map of few pictures a place agrees with the full grid: errors of pooled estimates and of raw rates.

    python -m benchmarks.trials.place_map RUN [--finding 0] [--pictures 6 12 24 48] [--draws 40]

Of one finding of a finished run all eligible confirmation pictures are pasted at every place of the grid, with the
patch and with its covering. From these each draw takes what a map would have measured, and compares both estimates of
the uplift with the full grid's: the root of the mean square error over places and draws; in how many places the full
grid lies within the bounds; and the words of the draws.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from auditor.candidates.controls import Making, make_controls
from auditor.candidates.places import Mapped, measure_places
from auditor.core.progress import Silence
from auditor.core.records import Split
from auditor.core.records.places import PlaceMap, PlaceOutcomes
from auditor.core.shelf import MemoryShelf
from auditor.run.audit import open_run, stored_config
from auditor.run.stage import Run
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene
from auditor.run.stages.places import mapped_findings
from auditor.run.stages.trials import TRIALS, open_bench
from auditor.run.upgrade import open_folder
from auditor.statistics.place_map import place_map


def full_grid(run: Run, number: int) -> PlaceOutcomes:
    """All eligible confirmation pictures at every place."""
    finding = mapped_findings(run, run.get(TRIALS))[number]
    bench = open_bench(run, MemoryShelf())
    places = run.config.places.model_copy(
        update={"pictures": bench.eligible(Split.CONFIRMATION), "dose_pictures": 2, "dose_sizes": (), "opacities": ()}
    )
    inputs = dataclasses.replace(run.inputs, config=run.config.model_copy(update={"places": places}))
    bench.table = dataclasses.replace(bench.table, inputs=inputs)
    patches = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    controls = {one.name: one for one in make_controls(Making(open_scene(run), atlas_of_controls(run)))}
    started = time.perf_counter()
    outcomes, _ = measure_places(bench, Mapped(patches[finding.candidate.id], controls[finding.control.name]))
    pastes = 2 * outcomes.flips.size
    print(f"{finding.candidate.id}: the full grid took {pastes:,} pastes and {time.perf_counter() - started:.1f} s")
    return outcomes


def few(full: PlaceOutcomes, pictures: int, seed: int) -> PlaceOutcomes:
    """What a map of so many pictures a place would have measured, with pictures and their turns drawn by a seed."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(full.flips.shape[1])
    turns = len(order) // pictures
    a_size = full.grid**2
    parts = np.concatenate([generator.permutation(a_size) % turns for _ in range(len(full.places) // a_size)])
    columns = np.stack([order[part * pictures : (part + 1) * pictures] for part in parts])
    taken: dict[str, Any] = {
        name: np.take_along_axis(getattr(full, name), columns, axis=1)
        for name in ("flips", "covering_flips", "after", "covering_after")
    }
    return dataclasses.replace(full, parts=parts.astype(np.int64), **taken)


def words_of(found: PlaceMap) -> dict[float, str]:
    return {word.size: word.word for word in found.words}


def compare(full: PlaceOutcomes, pictures: int, draws: int, limit: float) -> None:
    """Print errors, coverage and words of maps with so many pictures a place."""
    truth = full.flips.mean(axis=1) - full.covering_flips.mean(axis=1)
    errors: dict[str, list[np.ndarray]] = {"raw": [], "pooled": []}
    inside, words, seconds = [], Counter[tuple[float, str]](), 0.0
    for seed in range(draws):
        measured = few(full, pictures, seed)
        started = time.perf_counter()
        found = place_map(measured, (), limit, 0.95, seed)
        seconds += time.perf_counter() - started
        raw = measured.flips.mean(axis=1) - measured.covering_flips.mean(axis=1)
        errors["raw"].append(raw - truth)
        errors["pooled"].append(np.array([place.uplift.value for place in found.places]) - truth)
        inside.append(
            [
                place.uplift.low - 1e-9 <= true <= place.uplift.high + 1e-9
                for place, true in zip(found.places, truth, strict=True)
            ]
        )
        words.update(words_of(found).items())
    size = full.places[:, 2]
    for one in (*np.unique(size), None):
        rows = slice(None) if one is None else size == one
        raw, pooled = (
            float(np.sqrt((np.stack(errors[name])[:, rows] ** 2).mean())) * 100 for name in ("raw", "pooled")
        )
        within = 100 * float(np.array(inside)[:, rows].mean())
        told = "" if one is None else f"; {', '.join(f'{w} {n}' for (s, w), n in words.most_common() if s == one)}"
        name = "all sizes" if one is None else f"size {one:g}"
        print(
            f"  {pictures:3d} pictures, {name}: raw {raw:4.1f}, pooled {pooled:4.1f} points; within {within:.0f}%{told}"
        )
    print(f"  a map takes {seconds / draws:.2f} s to pool")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trials.place_map",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--finding", type=int, default=0, help="which of those whose places are measured, from 0")
    parser.add_argument("--pictures", type=int, nargs="+", default=[6, 12, 24, 48])
    parser.add_argument("--draws", type=int, default=40)
    given = parser.parse_args()
    folder = open_folder(given.run)
    run = open_run(folder, stored_config(folder), Silence())
    full = full_grid(run, given.finding)
    for pictures in given.pictures:
        compare(full, pictures, given.draws, run.config.limits.uplift)


if __name__ == "__main__":
    main()
