"""The pairs on which the candidate search is measured, their audits, and what is measured beside them. Prints no table.

The pairs follow a rule that looks at clean predictions alone: every class of the configuration whose confirmation
photographs hold at least 60 that the clean model gets right, to the class for which its other photographs are mistaken
most often (of equals the first by index), where at least 8 are mistaken so. `pairs_by_rule` computes them;
`python -m benchmarks.candidates.search pairs` compares them with the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from auditor.atlas.positions import crop_box
from auditor.candidates.confirmation import try_all
from auditor.candidates.crops import CropPlan, prepared_crops
from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.brought import read_user_patches
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import AuditResult, ImagePool, IntArray, PixelArray, Placement, Split
from auditor.core.records.trials import Clean
from auditor.core.shelf import slug
from auditor.inputs.opening import Inputs, open_inputs
from auditor.run.audit import audit, continue_run, new_run, open_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.pipeline import forget
from auditor.run.stage import Run
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import screening_rows
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES
from auditor.run.stages.report import stored_result
from auditor.run.stages.trials import open_bench
from auditor.run.tables import candidates_from_table

Pair = tuple[str, str]

FEWEST_ELIGIBLE, FEWEST_MISTAKEN = 60, 8
PAIRS: tuple[Pair, ...] = (
    ("barrel", "bucket"),
    ("bucket", "barrel"),
    ("cauliflower", "mashed potato"),
    ("frying pan", "wok"),
    ("guacamole", "plate"),
    ("ice cream", "mashed potato"),
    ("mashed potato", "plate"),
    ("meat loaf", "mashed potato"),
    ("pizza", "meat loaf"),
    ("plate", "mashed potato"),
    ("potpie", "mashed potato"),
    ("teapot", "water jug"),
    ("water jug", "teapot"),
    ("wok", "frying pan"),
    ("wooden spoon", "wok"),
)
"""What the rule gives for examples/kitchen32.toml, by the name of the source."""

PILOTS = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's model and pictures, and the screens its search uses, for measurements beside the run."""

    run: Run
    inputs: Inputs
    pool: ImagePool
    clean: Clean

    @property
    def screening_rows(self) -> IntArray:
        """The source pictures that candidates are screened on: eligible ones of discovery, then of selection."""
        return screening_rows(self.run)

    def tail_screen(self) -> TailScreen:
        config = self.inputs.config
        pixels = self.pool.pixels[self.screening_rows]
        return TailScreen(self.inputs.cut, pixels, self.inputs.target, config.trials.size, config.compute.batch_size)

    def linear_screen(self, tail: TailScreen) -> LinearScreen:
        """Its pilots are random crops of their own: none of those that are measured."""
        return LinearScreen(tail, self.random_crops(PILOTS, "pilots"))

    def random_crops(self, count: int, key: str) -> list[PixelArray]:
        """(3, s, s) uint8 crops at random places of random discovery pictures outside the source."""
        return self.random_crops_with_rows(count, key)[0]

    def random_crops_with_rows(self, count: int, key: str) -> tuple[list[PixelArray], IntArray]:
        """The same, and the rows (count,) of the pictures that they were cut from."""
        generator = keyed_generator(self.inputs.config.seed, "benchmark", key)
        rows = [row for row in self.pool.rows(Split.DISCOVERY).tolist() if not self._of_source(row)]
        _, tall, wide = self.inputs.cut.feature_shape
        input_size = (int(self.pool.pixels.shape[2]), int(self.pool.pixels.shape[3]))
        sizes = self.inputs.config.candidates.sizes
        plans = []
        for _ in range(count):
            row = rows[int(generator.integers(len(rows)))]
            y, x = int(generator.integers(tall)), int(generator.integers(wide))
            size = sizes[int(generator.integers(len(sizes)))]
            box = crop_box(y, x, (tall, wide), input_size, size)
            plans.append(CropPlan(row, y, x, size, box, "", float("nan")))
        return prepared_crops(self.pool, plans), np.array([plan.image_row for plan in plans], dtype=np.int64)

    def _of_source(self, row: int) -> bool:
        return self.pool.images[row].label in self.inputs.source.indices


@torch.inference_mode()
def pairs_by_rule(config: AuditConfig, progress: Progress) -> tuple[list[tuple[Pair, int, int]], int]:
    """The pairs the rule gives, each with its eligible and its mistaken photographs, and the number of classes."""
    inputs = open_inputs(config, progress)
    names = inputs.class_names
    folders = sorted(config.path(config.images.confirmation or "").iterdir())
    found = []
    progress.start("clean predictions", len(folders))
    for folder in folders:
        label = inputs.classifier.class_names.group(folder.name).indices[0]
        prepared = []
        for path in sorted(folder.iterdir()):
            with Image.open(path) as photo:
                prepared.append(inputs.classifier.preprocessing.prepare(photo.convert("RGB")))
        pixels = torch.from_numpy(np.stack(prepared)).to(inputs.classifier.device).float() / 255
        called = np.bincount(inputs.classifier.logits(pixels).argmax(dim=1).cpu().numpy(), minlength=len(names))
        eligible, called[label] = int(called[label]), 0
        mistaken = int(called.argmax())
        if eligible >= FEWEST_ELIGIBLE and called[mistaken] >= FEWEST_MISTAKEN:
            found.append(((names[label], names[mistaken]), eligible, int(called[mistaken])))
        progress.advance()
    return sorted(found), len(folders)


def pair_config(config: AuditConfig, pair: Pair, screened: int | None) -> AuditConfig:
    """The configuration of one pair, at the fixed placement and without what no finding comes from.

    Left out are icons on the atlas, looks, a trained patch, removals, maps of places, and which flips survive.
    """
    sections: dict[str, dict[str, Any]] = {
        "atlas": {"icons": 0, "looks": 0},
        "candidates": {"trained": 0},
        "trials": {"placements": (Placement.FIXED,)},
        "needed": {"pictures": 0},
        "places": {"findings": 0},
        "survival": {"findings": 0},
    }
    if screened is not None:
        sections["candidates"]["screened"] = screened
    smaller = {name: getattr(config, name).model_copy(update=values) for name, values in sections.items()}
    return config.model_copy(update={"source": pair[0], "target": pair[1], **smaller})


def with_sources(config: AuditConfig, drawn: int | None, pool: Path | None) -> AuditConfig:
    """The configuration with so many of the library's drawings tried, and a pool; None: as it is."""
    candidates, images = config.candidates, config.images
    if drawn is not None:
        candidates = candidates.model_copy(update={"drawn": drawn})
    if pool is not None:
        images = images.model_copy(update={"pool": str(pool.resolve())})
    return config.model_copy(update={"candidates": candidates, "images": images})


def run_folder(runs: Path, pair: Pair) -> Path:
    return runs / f"{slug(pair[0])}-to-{slug(pair[1])}"


def audited(config: AuditConfig, folder: Path, progress: Progress) -> AuditResult:
    """A pair's audit: read back where it is finished; an interrupted one searches anew, so that its seconds are true.

    Raises:
        AuditorError: the audit cannot be made; SystemExit: the folder holds a run of other settings.
    """
    if not folder.exists():
        return audit(config, folder, progress).result
    run = RunFolder.open(folder)
    if stored_config(run) != config:
        raise SystemExit(f"{folder} was run with other settings; give another folder by --runs")
    if not run.has("result.json"):
        forget(run, ATLAS)
        return continue_run(run, config, progress).result
    return stored_result(run)


def opened(config: AuditConfig, folder: Path, progress: Progress) -> Opened:
    """A run's model, pictures and clean predictions; begun where there is no run yet, and searched by `audited` later.

    Raises:
        AuditorError: they cannot be opened.
    """
    run = open_run(RunFolder.open(folder) if folder.exists() else new_run(config, folder), config, progress)
    return Opened(run, run.inputs, run.get(IMAGES), run.get(CLEAN))


def noodle_flips(one: Opened, patches: Path) -> dict[str, int]:
    """Flips of the paper's noodle patches on the run's confirmation pictures, at the fixed placement, by name."""
    noodles = [patch for patch in read_user_patches(patches) if patch.candidate.name.startswith("noodles")]
    bench = open_bench(one.run, RunFolder.within(one.run.folder, "noodles"))
    blocks = try_all(bench, noodles, Split.CONFIRMATION, Placement.FIXED)
    return {patch.candidate.name: int(blocks[patch.candidate.id].outcomes.sum()) for patch in noodles}


def linear_pushes(one: Opened) -> dict[str, float]:
    """The linear rung's push of every plain crop that the run tried, by id: a run keeps the tail's alone."""
    crops = [
        each for each in candidates_from_table(one.run.folder.read_table("candidates.parquet")) if each.is_plain_crop
    ]
    pixels = [_pixels(one.run.folder, each.id) for each in crops]
    one.run.progress.start("linear pushes of the crops tried", len(crops))
    pushes = one.linear_screen(one.tail_screen()).screen(pixels)
    return {crop.id: float(push) for crop, push in zip(crops, pushes, strict=True)}


def _pixels(run: RunFolder, identity: str) -> PixelArray:
    with Image.open(run.path / "candidates" / f"{identity}.png") as picture:
        return np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8).transpose(2, 0, 1))
