"""Every crop screened on pictures of every class, for all targets at once: one shard of answers for a few crops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from auditor.candidates.answers import Answers, answers_of
from auditor.candidates.crops import prepared_crops
from auditor.candidates.every_target import EveryTarget, EveryTargetInPixels
from auditor.candidates.taken_out import TakenOut
from auditor.core.progress import Progress
from auditor.core.records import ImagePool, IntArray, Split
from auditor.inputs.model.folded_cut import folded_cut
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.clean import CLEAN, folded_network
from auditor.run.stages.images import IMAGES
from auditor.run.survey.crops import CROPS, Crops, own_objects
from auditor.run.survey.pictures import pictures_of, targets_kept
from auditor.run.survey.shards import make_shards

FOLDER = "screened"
SHARD = 32
"""Crops of a shard: what an interruption may cost, and what one worker does at a time."""


@dataclass(frozen=True, slots=True)
class Screening:
    """What a worker screens on: the pictures of all sources, in the network; and what is taken out of crops.

    Attributes:
        sources, shown: of each picture, the source that it is one of and the class that it shows.
        most: targets kept of each crop and source, beside those that it flips to.
    """

    screen: EveryTarget | EveryTargetInPixels
    sources: IntArray
    shown: IntArray
    most: int
    crops: Crops
    pool: ImagePool
    taken_out: TakenOut
    progress: Progress

    def look(self, numbers: range) -> pa.Table:
        """The answers of some crops, by number."""
        parts = []
        for start in range(0, len(numbers), self.screen.patches_together):
            some = numbers[start : start + self.screen.patches_together]
            plans = [self.crops.plans[number] for number in some]
            boxes = [plan.box for plan in plans] if some[0] >= self.crops.in_corner else []
            prepared = zip(plans, prepared_crops(self.pool, plans), strict=True)
            patches = [self.taken_out.screened(plan, pixels) for plan, pixels in prepared]
            logits = self.screen.logits(patches, boxes).float().cpu().numpy()
            of_these = np.array(some, dtype=np.int64)
            labels = self.crops.labels[of_these]
            answers = answers_of(logits, of_these, labels, self.sources, self.shown, self.most)
            # at its own place a crop counts for its own class alone
            parts.append(answers.at(self.crops.labels[answers.crop] == answers.target) if boxes else answers)
            self.progress.advance(len(some))
        return Answers.joined(parts).table()


def open_screening(run: Run) -> Screening:
    """The screening of this process, or of one that shares the work."""
    inputs, config, pool = run.inputs, run.config, run.get(IMAGES)
    pictures = pictures_of(run)
    rows, sources = pictures.together(Split.DISCOVERY)
    network, size, batch = run.open(folded_network), config.trials.size, config.compute.batch_size
    names, pixels = pool.paths(rows), pool.pixels[rows]
    screen = (
        EveryTarget(folded_cut(inputs.cut, network), pixels, size, batch, names)
        if inputs.mapped
        else EveryTargetInPixels(network, pixels, size, batch, names)
    )
    shown, crops, most = pictures.labels[rows], run.get(CROPS), targets_kept(run)
    return Screening(screen, sources, shown, most, crops, pool, run.open(own_objects), run.progress)


def shards_of(crops: Crops) -> dict[str, range]:
    """The crops of each shard, by its file; none holds crops of the corner and others together."""
    both = (range(crops.in_corner), range(crops.in_corner, len(crops)))
    parts = [some[start : start + SHARD] for some in both for start in range(0, len(some), SHARD)]
    return {f"{FOLDER}/{number:05d}.parquet": part for number, part in enumerate(parts)}


def _make(run: Run, folder: RunFolder) -> Facts:
    crops, pictures = run.get(CROPS), pictures_of(run)
    shards = shards_of(crops)
    make_shards(run, folder, "screening for every target", shards, open_screening, Screening.look, len)
    rows, _ = pictures.together(Split.DISCOVERY)
    return {"crops": len(crops), "pictures": len(rows), "shards": len(shards)}


def _read(run: Run) -> tuple[str, ...]:
    """The shards, in the order of their crops."""
    return run.folder.files_of(SCREENED.name)


def screened(run: Run) -> Iterator[Answers]:
    """The answers of all crops, a shard at a time."""
    for file in run.get(SCREENED):
        yield Answers.of_table(run.folder.read_table(file))


SCREENED = Stage(
    "screening of a survey",
    (IMAGES, CLEAN, CROPS),
    (f"{FOLDER}/*.parquet",),
    _make,
    _read,
    needed=(f"{FOLDER}/*.parquet",),
)
