"""Do the cells of an atlas push as they say, on crops that had no part in them?

    python -m benchmarks.atlas.cells --runs FOLDER [--config examples/kitchen32.toml] [--pair "frying pan" wok]
                                     [--like SqueezeNet examples/squeezenet.toml] [--out cells.md]
                                     [--pictures 1000] [--update docs/atlas.md]

`--like` adds a row for another audit, by its configuration or by the folder of a run that has its settings.

The pictures that may give crops are split in two. From the first half each kind of cell is made, and says a push; from
the second half five crops of other pictures fall into each cell, and are pasted in pixels on the eligible selection
pictures. Reported are Spearman's correlation over cells of the push said with what the five do (their mean flips, and
their mean gain in the target's log-odds), and the share of cells on whose side of covering the five lie. The kinds:

- pasted: cells of the atlas of patches as pasted; push: foretold, over covering.
- contrast: cells of the paper's atlas, activations in their own photographs; push: mean contrast. A crop is the widest
  of the settings around an activation of the second half that falls into the cell.
- k-means, NMF: as many groups of features as pasted as the first has cells; push: the mean foretold, over covering.

Covering in pixels is the strongest mean gain of noise, grey and places of source pictures. Intervals draw cells
(bootstrap, percentiles); of shares Wilson's. Baseline: the paper's cells.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF

from auditor.atlas.embedding import nearest_of, unit_vectors
from auditor.candidates.choosing import rank_agreement
from auditor.candidates.crops import CropPlan, cell_names, prepared_crops
from auditor.candidates.ladder import PILOTS, Draw, Entry, climb
from auditor.candidates.learned import Columns, folds_of, foretold
from auditor.candidates.linear import LinearScreen
from auditor.candidates.pasted import covering_patches, covering_push, place_crops
from auditor.candidates.pasted_shards import Pasted, PastedShards
from auditor.cli.console import TerminalProgress
from auditor.core.config import AuditConfig, read_config
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress, Silence
from auditor.core.records import FloatArray, IntArray, PixelArray, Placement, Split, Tier
from auditor.core.records.trials import eligible_rows
from auditor.core.shelf import slug
from auditor.run.audit import stored_config
from auditor.run.folder import RunFolder
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import open_scene
from auditor.statistics.intervals import wilson_interval
from auditor.trials.blocks import odds_gain
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep
from benchmarks.candidates.pages import machine, table, update_page, write_out
from benchmarks.candidates.pairs import Opened, Pair, opened, pair_config, run_folder

CROPS, LEVEL, FIVE = 2500, 10, 5
KINDS = ("pasted", "contrast", "k-means", "NMF")
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Said:
    """A kind of cells: what each says, and the crops of the second half that fall into it."""

    pushes: Mapping[str, float]
    crops: Mapping[str, Sequence[CropPlan]]


@dataclass(frozen=True, slots=True)
class Numbers:
    """One kind on one pair: of each cell the push it says, and what its five crops do, over covering."""

    cells: int
    push: Sequence[float]
    flips: Sequence[float]
    gain: Sequence[float]


class Halves:
    """Crops of two halves of the pictures that may give them, as the network sees them where they are pasted."""

    def __init__(self, one: Opened, progress: Progress) -> None:
        self.one, self.scene = one, open_scene(one.run)
        self.screen, config = one.tail_screen(), one.inputs.config
        keys = one.pool.keys
        givers = [row for row in one.pool.rows(Split.DISCOVERY).tolist() if self.scene.may_give_crops(row)]
        half = folds_of(givers, keys, config.seed, 2)
        self.first_rows = {row for row, fold in zip(givers, half.tolist(), strict=True) if fold == 0}
        self.second_rows = set(givers) - self.first_rows
        self.plans = [self._planned(rows, name) for rows, name in ((self.first_rows, "a"), (self.second_rows, "b"))]
        entries = [self._entries(plans) for plans in self.plans]
        settings = config.candidates.model_copy(update={"screened": CROPS})
        self.first = climb(entries[0], (), self.screen, settings, Draw(config.seed, keys), progress)
        pilots = [entry.pixels for entry in entries[0][:: CROPS // PILOTS][:PILOTS]]
        self.second = LinearScreen(self.screen, pilots).pasted([entry.pixels for entry in entries[1]]).whole()
        self.seen = self.first.pasted.whole().seen
        both = PastedShards.holding(Pasted.joined([self.first.pasted.whole(), self.second]))
        (rows, pushes), wanted = self.first.tail.measured(), np.arange(len(self.plans[0]), len(both))
        self.second_push = foretold(Columns(both), rows, pushes, wanted)
        self.covering = covering_push(self.scene, self.screen)

    def _planned(self, rows: set[int], key: str) -> list[CropPlan]:
        generator = keyed_generator(self.one.inputs.config.seed, "benchmark", "halves", key)
        rules, givers = self.scene.crop_rules(self.one.inputs.config.candidates.sizes), sorted(rows)
        return [rules.plan(*rules.anywhere(givers, generator), rules.any_size(generator)) for _ in range(CROPS)]

    def _entries(self, plans: Sequence[CropPlan]) -> list[Entry]:
        pixels = prepared_crops(self.one.pool, plans)
        return [Entry(one, Tier.THIRD_CLASS, "", plan.image_row) for one, plan in zip(pixels, plans, strict=True)]

    def pasted(self) -> Said:
        config = self.one.inputs.config.atlas.model_copy(update={"levels": (LEVEL,)})
        atlas = place_crops(self.plans[0], self.first, self.covering, config, self.scene.seed, Silence())
        scale = float(np.percentile(np.abs(atlas.samples.contrast), 99))
        x = (np.clip((self.second_push - self.covering) / scale, -1.0, 1.0) + 1.0) / 2.0
        y = _nearest_height(self.seen, atlas.xy, self.second.seen)
        names = cell_names(np.stack([x, y], axis=1).astype(np.float32), LEVEL)
        pushes = {cell.name: cell.predicted_push for cell in atlas.cells}
        return Said(pushes, _by_name(names, self.plans[1]))

    def contrast(self) -> Said:
        atlas = self.one.run.get(ATLAS)
        names, samples = cell_names(atlas.xy, LEVEL), atlas.samples
        first = np.array([row in self.first_rows for row in samples.image_row.tolist()])
        named = np.array(names)
        pushes = {}
        for name in np.unique(named[first]).tolist():
            inside = first & (named == name)
            if inside.sum() >= self.one.inputs.config.atlas.min_count:
                pushes[name] = float(np.average(samples.contrast[inside], weights=samples.weight[inside]))
        rules, crops = self.scene.crop_rules(self.one.inputs.config.candidates.sizes), {}
        widest = max(self.one.inputs.config.candidates.sizes)
        plans = [rules.plan(*samples.place(number), widest) for number in range(len(samples))]
        second = [number for number, row in enumerate(samples.image_row.tolist()) if row in self.second_rows]
        crops = _by_name([names[number] for number in second], [plans[number] for number in second])
        return Said(pushes, crops)

    def groups(self, group_of: Callable[[FloatArray, FloatArray], tuple[IntArray, IntArray]]) -> Said:
        """Groups of features as pasted, learnt on the first half."""
        mine, theirs = group_of(self.seen, self.second.seen)
        over = self.first.foretold - self.covering
        pushes = {str(one): float(over[mine == one].mean()) for one in np.unique(mine).tolist()}
        return Said(pushes, _by_name([str(one) for one in theirs.tolist()], self.plans[1]))


def _nearest_height(known: FloatArray, xy: FloatArray, seen: FloatArray) -> FloatArray:
    """The height of crops in an atlas: the mean of the three of it that look most like each."""
    _, near = nearest_of(unit_vectors(known), unit_vectors(seen), 3)
    heights: FloatArray = xy[near, 1].mean(axis=1)
    return heights


def _by_name(names: Sequence[str], plans: Sequence[CropPlan]) -> dict[str, list[CropPlan]]:
    crops: dict[str, list[CropPlan]] = {}
    for name, plan in zip(names, plans, strict=True):
        crops.setdefault(name, []).append(plan)
    return crops


def k_means(count: int) -> Callable[[FloatArray, FloatArray], tuple[IntArray, IntArray]]:
    def group(mine: FloatArray, theirs: FloatArray) -> tuple[IntArray, IntArray]:
        found = KMeans(count, n_init=3, random_state=0).fit(mine)
        return found.labels_, found.predict(theirs)

    return group


def nmf(count: int) -> Callable[[FloatArray, FloatArray], tuple[IntArray, IntArray]]:
    def group(mine: FloatArray, theirs: FloatArray) -> tuple[IntArray, IntArray]:
        low = np.minimum(mine.min(axis=0), theirs.min(axis=0))  # a linear layer puts out negative numbers too
        learnt = NMF(min(count, mine.shape[1]), init="nndsvda", random_state=0, max_iter=300).fit(mine - low)
        # parts have no common scale: each counts in units of its mean over the first half
        parts = [learnt.transform(one - low) for one in (mine, theirs)]
        unit = np.maximum(parts[0].mean(axis=0), 1e-9)
        return (parts[0] / unit).argmax(axis=1), (parts[1] / unit).argmax(axis=1)

    return group


def measured(halves: Halves, said: Mapping[str, Said], most: int, progress: Progress) -> dict[str, Numbers]:
    """Paste five crops of each cell on at most so many pictures, and set what they do beside what it says."""
    one, config = halves.one, halves.one.inputs.config
    rows = eligible_rows(one.pool, one.clean, Split.SELECTION)
    rows = rows[:: math.ceil(len(rows) / most)]
    keys = [one.pool.images[row].key for row in rows.tolist()]
    sweep = Sweep(one.inputs.classifier, one.inputs.criterion, one.pool.pixels[rows], keys, one.clean.of(rows),
                  config.trials, config.seed)  # fmt: skip
    tried: dict[tuple[int, tuple[int, int, int, int]], tuple[float, float]] = {}

    def paste(pixels: PixelArray) -> tuple[float, float]:
        opaque = np.full((1, *pixels.shape[1:]), 255, dtype=np.uint8)
        variants = variants_of(Placement.FIXED, config.trials)
        block = sweep.run(np.concatenate([pixels, opaque]), variants, "benchmark", Silence())
        return float(block.outcomes.sum()) / len(rows), odds_gain(block)

    kinds = covering_patches(halves.scene, halves.screen.side_px)
    covering = max(float(np.mean([paste(patch)[1] for patch in kind])) for kind in kinds)
    found = {}
    for kind, cells in said.items():
        full = {name: _five(cells.crops.get(name, ()), f"{kind} {name}") for name in cells.pushes}
        full = {name: crops for name, crops in full.items() if len(crops) == FIVE}
        progress.start(f"{kind}: five crops of each cell", len(full))
        flips, gain = [], []
        for crops in full.values():
            for plan in crops:
                if (plan.image_row, plan.box) not in tried:
                    tried[plan.image_row, plan.box] = paste(prepared_crops(one.pool, [plan])[0])
            did = np.array([tried[plan.image_row, plan.box] for plan in crops])
            flips.append(float(did[:, 0].mean()))
            gain.append(float(did[:, 1].mean()) - covering)
            progress.advance()
        found[kind] = Numbers(len(cells.pushes), [cells.pushes[name] for name in full], flips, gain)
    return found


def _five(plans: Sequence[CropPlan], key: str) -> list[CropPlan]:
    """Five crops of five pictures, drawn at random; fewer where there are no more."""
    order = keyed_generator(0, "benchmark", "five", key).permutation(len(plans)).tolist()
    chosen: dict[int, CropPlan] = {}
    for number in order:
        chosen.setdefault(plans[number].image_row, plans[number])
    return list(chosen.values())[:FIVE]


def correlation(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Spearman's, with a 95% bootstrap interval over cells."""
    one, other = np.array(first), np.array(second)
    generator = keyed_generator(0, "benchmark", "cells")
    value = rank_agreement(one, other)
    if value is None:
        return float("nan"), float("nan"), float("nan")
    drawn = [generator.integers(len(one), size=len(one)) for _ in range(RESAMPLES)]
    again = [rank_agreement(one[rows], other[rows]) or 0.0 for rows in drawn]
    return value, float(np.percentile(again, 2.5)), float(np.percentile(again, 97.5))


def same_side(numbers: Numbers) -> tuple[int, int]:
    """Cells whose five crops lie on the side that the cell says, and cells asked."""
    sides = np.sign(np.array(numbers.push)) == np.sign(np.array(numbers.gain))
    return int(sides.sum()), len(sides)


def rows_of(pair: str, found: Mapping[str, Numbers]) -> list[list[str]]:
    rows = []
    for kind, numbers in found.items():
        by_flips, by_gain = (correlation(numbers.push, did) for did in (numbers.flips, numbers.gain))
        same, asked = same_side(numbers)
        inside = wilson_interval(same, asked)
        rows.append([
            pair, kind, f"{asked} of {numbers.cells}", _signed(by_flips), _signed(by_gain),
            f"{same}/{asked} = {100 * same / asked:.0f}% ({100 * inside.low:.0f} to {100 * inside.high:.0f})",
        ])  # fmt: skip
    return rows


def _signed(values: tuple[float, float, float]) -> str:
    return f"{values[0]:+.2f} ({values[1]:+.2f} to {values[2]:+.2f})"


def audited_kinds(one: Opened, most: int, progress: Progress) -> dict[str, Numbers]:
    halves = Halves(one, progress)
    pasted = halves.pasted()
    count = len(pasted.pushes)
    said = {"pasted": pasted, "contrast": halves.contrast(),
            "k-means": halves.groups(k_means(count)), "NMF": halves.groups(nmf(count))}  # fmt: skip
    return measured(halves, said, most, progress)


def audits(options: argparse.Namespace) -> list[tuple[str, AuditConfig, Path]]:
    """What is measured: the name of its row, its settings, and the folder of its run."""
    config = read_config(options.config)
    pairs: list[Pair] = [(a, b) for a, b in options.pair or [("frying pan", "wok")]]
    asked = [(f"{a} → {b}", pair_config(config, (a, b), None), run_folder(options.runs, (a, b))) for a, b in pairs]
    for name, folder in options.like or []:
        given = Path(folder)
        other = read_config(given) if given.is_file() else stored_config(RunFolder.open(given))
        own = pair_config(other, (str(other.source), str(other.target)), None)
        asked.append((name, own, options.runs / slug(name)))
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("examples/kitchen32.toml"))
    parser.add_argument("--runs", type=Path, required=True, help="where runs are kept and read back")
    parser.add_argument("--pair", nargs=2, action="append", metavar=("SOURCE", "TARGET"))
    parser.add_argument("--like", nargs=2, action="append", metavar=("NAME", "TOML_OR_RUN"))
    parser.add_argument("--pictures", type=int, default=1000, help="selection pictures pasted on, at most")
    parser.add_argument("--out", type=Path, default=Path("cells.md"))
    parser.add_argument("--update", type=Path, help="a page whose part between cells:begin and cells:end is replaced")
    options = parser.parse_args()
    progress, rows, text = TerminalProgress(Console(stderr=True)), [], ""
    for name, config, folder in audits(options):
        kept = folder.parent / f"{folder.name}-cells.json"
        if kept.exists():
            found = {kind: Numbers(**values) for kind, values in json.loads(kept.read_text()).items()}
        else:
            found = audited_kinds(opened(config, folder, progress), options.pictures, progress)
            values = {kind: {each: getattr(one, each) for each in Numbers.__slots__} for kind, one in found.items()}
            kept.write_text(json.dumps(values))
        rows += rows_of(name, found)
        head = ["pair", "cells of", "cells with five crops", "rank correlation with flips (95%)",
                "with gain in log-odds (95%)", "on the side they say (95%)"]  # fmt: skip
        text = f"`{options.config.as_posix()}`, {machine(config.device)}.\n\n{table(head, rows)}"
        write_out(options.out, text)
    print(text)
    if options.update:
        update_page(options.update, "cells", text)


if __name__ == "__main__":
    main()
