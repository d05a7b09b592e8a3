"""Do several crops of one cell in one patch push further than one of them?

    python -m benchmarks.candidates.of_a_cell --runs FOLDER [--config examples/kitchen32.toml]
                                              [--pair barrel bucket] [--out of-a-cell.md] [--update PAGE]

Of a finished audit's atlas of patches as pasted, the cells of the finest level that hold and push most, two dozen at
most. Of each, four crops of four pictures that show no target, those of the highest push foretold, go through the
tail: each for itself, the four two by two (mosaic), one of them four times as small (so that size alone is told apart),
and their mean, pixel by pixel. The eight mosaics that push most are pasted on confirmation pictures, beside what
the audit's own best patches of third classes flip there. Baseline: the best of the four.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from auditor.atlas.kinds import Atlas
from auditor.candidates.confirmation import try_all
from auditor.candidates.crops import CropPlan, cell_names
from auditor.candidates.makers.pairs import squared
from auditor.candidates.scene import Scene, cut_patch, planned_tier
from auditor.cli.console import TerminalProgress
from auditor.core.config import AuditConfig, read_config
from auditor.core.progress import Progress
from auditor.core.records import AuditResult, FloatArray, PixelArray, Placement, Role, Split, Tier
from auditor.run.folder import RunFolder
from auditor.run.stages.candidates import CANDIDATES, open_scene
from auditor.run.stages.trials import open_bench
from auditor.trials.patch import Patch
from benchmarks.candidates.pages import machine, table, update_page, write_out
from benchmarks.candidates.pairs import PAIRS, Opened, Pair, audited, opened, pair_config, run_folder

CELLS, TILES, CONFIRMED = 24, 4, 8


@dataclass(frozen=True, slots=True)
class Numbers:
    """One pair's. (C, 4) pushes of crops by themselves; (C,) of mosaics, of one crop as small, of the mean, logits.

    `crop`, `pair`: the highest push of a crop and of a pair of crops that the audit tried. `flips`: of the mosaics that
    push most; `crop_flips`, `pair_flips`: the most that a crop and a pair flip; all of `eligible`.
    """

    crops: Sequence[Sequence[float]]
    mosaic: Sequence[float]
    smaller: Sequence[float]
    mean: Sequence[float]
    crop: float
    pair: float
    flips: Sequence[int]
    crop_flips: int
    pair_flips: int
    eligible: int


def planned(atlas: Atlas, plans: Sequence[CropPlan], scene: Scene) -> list[list[int]]:
    """Four crops of each cell that is asked, the cell of the highest push first."""
    level = max(cell.level for cell in atlas.cells)
    named = np.array(cell_names(atlas.xy, level))
    cells = [cell for cell in atlas.at_level(level) if cell.holds and cell.predicted_push > 0.0]
    found = []
    for cell in sorted(cells, key=lambda cell: (-cell.predicted_push, cell.name))[:CELLS]:
        members = np.flatnonzero(named == cell.name)
        of_picture: dict[int, int] = {}
        for number in members[np.argsort(-atlas.samples.contrast[members], kind="stable")].tolist():
            if planned_tier(scene, plans[number]) is Tier.THIRD_CLASS:
                of_picture.setdefault(plans[number].image_row, number)
        if len(of_picture) >= TILES:
            found.append(list(of_picture.values())[:TILES])
    return found


def as_plans(atlas: Atlas, scene: Scene, sizes: Sequence[float]) -> list[CropPlan]:
    """A crop of the widest size around each sample: an atlas keeps places, and not the sizes they were cut at."""
    rules = scene.crop_rules(sizes)
    return [rules.plan(*atlas.samples.place(number), sizes[-1]) for number in range(len(atlas.samples))]


def two_by_two(tiles: Sequence[PixelArray]) -> PixelArray:
    pixels: PixelArray = np.concatenate([np.concatenate(tiles[:2], axis=2), np.concatenate(tiles[2:], axis=2)], axis=1)
    return pixels


def measured(one: Opened, result: AuditResult, progress: Progress) -> Numbers:
    scene, atlas = open_scene(one.run), one.run.get(CANDIDATES).pasted
    if atlas is None:
        raise SystemExit(f"{one.run.folder.path} holds no atlas of patches as pasted; audit it anew with this version")
    plans = as_plans(atlas, scene, one.run.config.candidates.sizes)
    cells, tail = planned(atlas, plans, scene), one.tail_screen()
    progress.start("crops of one cell", len(cells))
    pushes: list[FloatArray] = []
    mosaics: list[Patch] = []
    for numbers in cells:
        cut = [cut_patch(scene, plans[number], "", Role.SUGGESTED) for number in numbers]
        side = max(tail.side_px, *(length for patch in cut for length in patch.rgba.shape[1:]))
        whole, small = ([squared(patch.rgba, px) for patch in cut] for px in (side, (side + 1) // 2))
        mean = np.rint(np.mean(np.stack(whole), axis=0)).astype(np.uint8)
        first = cut[0].candidate
        candidate = replace(
            first, id=f"m-{len(mosaics):03d}", name=f"mosaic of {first.name}", parts=(first.image_path,)
        )
        mosaics.append(Patch(candidate, two_by_two(small)))
        pushes.append(tail.screen([*whole, mosaics[-1].rgba, two_by_two([small[0]] * TILES), mean]))
        progress.advance()
    columns = np.array(pushes)
    best = [mosaics[row] for row in np.argsort(-columns[:, TILES])[:CONFIRMED].tolist()]
    bench = open_bench(one.run, RunFolder.within(one.run.folder, "of-a-cell"))
    blocks = try_all(bench, best, Split.CONFIRMATION, Placement.FIXED).values()
    (crop, crop_flips), (pair, pair_flips) = (best_of(result, letter) for letter in "cp")
    mosaic, smaller, of_mean = columns[:, TILES:].T.tolist()
    flips = [int(block.outcomes.sum()) for block in blocks]
    return Numbers(
        columns[:, :TILES].tolist(), mosaic, smaller, of_mean, crop, pair,
        flips, crop_flips, pair_flips, next(iter(blocks)).outcomes.size,
    )  # fmt: skip


def best_of(result: AuditResult, letter: str) -> tuple[float, int]:
    """The highest push and the most flips of the suggested third-class candidates whose ids begin so."""
    own = [
        row
        for row in result.survey
        if row.candidate.id[0] == letter and row.candidate.suggested and row.candidate.tier is Tier.THIRD_CLASS
    ]
    pushes = (row.candidate.predicted_push for row in own)
    return max(pushes, default=float("nan")), max((row.flips for row in own), default=0)


def row_of(pair: Pair, one: Numbers) -> list[str]:
    crops, mosaic = np.array(one.crops), np.array(one.mosaic)
    best = crops.max(axis=1)
    means = [crops.mean(), best.mean(), mosaic.mean(), np.mean(one.smaller), np.mean(one.mean)]
    return [
        f"{pair[0]} → {pair[1]}", str(len(mosaic)), *(f"{value:.2f}" for value in means),
        f"{int((mosaic > best).sum())} of {len(mosaic)}",
        f"{mosaic.max():.2f}", f"{one.crop:.2f}", f"{one.pair:.2f}",
        f"{max(one.flips)} of {one.eligible}", str(one.crop_flips), str(one.pair_flips),
    ]  # fmt: skip


HEAD = [
    "pair", "cells", "push of a crop", "of the best of four", "of the mosaic", "of one crop as small", "of the mean",
    "mosaics above the best of four", "best mosaic", "best crop tried", "best pair tried", "best mosaic flips",
    "best crop flips", "best pair flips",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("examples/kitchen32.toml"))
    parser.add_argument("--runs", type=Path, required=True, help="where runs and measurements are kept and read back")
    parser.add_argument("--pair", nargs=2, action="append", metavar=("SOURCE", "TARGET"))
    parser.add_argument("--out", type=Path, default=Path("of-a-cell.md"))
    parser.add_argument("--update", type=Path, help="a page whose part after of-a-cell:begin is replaced")
    options = parser.parse_args()
    config: AuditConfig = read_config(options.config)
    progress, rows, text = TerminalProgress(Console(stderr=True)), [], ""
    for source, target in options.pair or PAIRS[:5]:
        pair = (source, target)
        own, folder = pair_config(config, pair, None), run_folder(options.runs, pair)
        kept = folder.parent / f"{folder.name}-of-a-cell.json"
        if not kept.exists():
            result = audited(own, folder, progress)
            kept.write_text(json.dumps(asdict(measured(opened(own, folder, progress), result, progress))))
        rows.append(row_of(pair, Numbers(**json.loads(kept.read_text()))))
        text = f"`{options.config.as_posix()}`, {machine(config.device)}.\n\n{table(HEAD, rows)}"
        write_out(options.out, text)
    print(text)
    if options.update:
        update_page(options.update, "of-a-cell", text)


if __name__ == "__main__":
    main()
