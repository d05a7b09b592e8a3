"""What was chosen, pasted on confirmation pictures that had no part in it, beside what covering does there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from auditor.core.draws import keyed_generator
from auditor.core.records import IntArray, Split
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.survey.crops import CROPS
from auditor.run.survey.pasting import DRAWS, Pasting, Some, in_parts, open_pasting
from auditor.run.survey.pictures import pictures_of
from auditor.run.survey.shards import make_shards
from auditor.run.survey.tried import TRIED, Leading

FOLDER = "pastes"
PART = 16
RANDOM = 2
"""Random crops of each class's pictures to be, beside the chosen: what the search is compared with."""


def random_crops(run: Run, source: int) -> IntArray:
    """The numbers of a few crops that nobody chose, of pictures of other classes."""
    others = np.flatnonzero(run.get(CROPS).labels != source)
    drawn = keyed_generator(run.config.seed, "random crops of a survey", source).permutation(others)
    return np.sort(drawn[:RANDOM])


def crops_on(run: Run, leading: Leading, source: int) -> list[int]:
    """The numbers of all crops that go on a class's confirmation pictures, sorted."""
    numbers = set(leading.news.crop[leading.news.source == source].tolist())
    labels = run.get(CROPS).labels
    numbers |= {crop for crop, target in leading.features.tolist() if source not in (target, labels[crop])}
    return sorted(numbers | set(random_crops(run, source).tolist()))


def _parts(run: Run) -> dict[str, Some]:
    leading, pictures = run.get(TRIED), pictures_of(run)
    found: dict[str, Some] = {}
    for source in pictures.sources:
        count = len(pictures.rows[Split.CONFIRMATION][source])
        found[f"{FOLDER}/{source:04d}-covering.parquet"] = Some(Split.CONFIRMATION, source, (), count)
        parts = in_parts(Split.CONFIRMATION, source, crops_on(run, leading, source), count, PART)
        found |= {f"{FOLDER}/{source:04d}-{number:04d}.parquet": part for number, part in enumerate(parts)}
    return found


def _steps(some: Some) -> int:
    return some.pastes or some.pictures * (2 * DRAWS + 1)


def _paste(pasting: Pasting, some: Some) -> pa.Table:
    if not some.crops:
        blocks = [
            _block(pasting, some, -1, control.name, draw, pasting.covering(some, control, draw).argmax(axis=1))
            for control, draws in pasting.coverings(some.source)
            for draw in range(draws)
        ]
        return pa.concat_tables(blocks)
    called = pasting.logits(some).argmax(axis=2)
    return pa.concat_tables(
        [_block(pasting, some, number, "", 0, said) for number, said in zip(some.crops, called, strict=True)]
    )


def _block(pasting: Pasting, some: Some, crop: int, control: str, draw: int, called: IntArray) -> pa.Table:
    keys = [pasting.pool.images[row].key for row in pasting.rows(some.split, some.source)]
    count = len(keys)
    return pa.table(
        {
            "source": pa.array([some.source] * count, pa.int32()),
            "crop": pa.array([crop] * count, pa.int32()),
            "control": pa.array([control] * count, pa.string()),
            "draw": pa.array([draw] * count, pa.int32()),
            "image": pa.array(keys, pa.string()),
            "called": pa.array(called, pa.int32()),
        }
    )


def _make(run: Run, folder: RunFolder) -> Facts:
    parts = _parts(run)
    make_shards(run, folder, "crops on confirmation pictures", parts, open_pasting, _paste, _steps)
    return {"pastes": sum(map(_steps, parts.values())), "shards": len(parts)}


def _read(run: Run) -> tuple[str, ...]:
    """The files of pastes, class by class."""
    return run.folder.files_of(CONFIRMED.name)


def pastes(run: Run) -> Iterator[tuple[int, pa.Table]]:
    """Class by class its pastes: one row each, crops before coverings, the pictures in one order."""
    files: dict[int, list[str]] = {}
    for file in run.get(CONFIRMED):
        files.setdefault(int(file.removeprefix(f"{FOLDER}/")[:4]), []).append(file)
    for source, of_source in sorted(files.items()):
        yield source, pa.concat_tables([run.folder.read_table(file) for file in of_source])


CONFIRMED = Stage(
    "confirmation of a survey",
    (CROPS, TRIED),
    (f"{FOLDER}/*.parquet",),
    _make,
    _read,
    needed=(f"{FOLDER}/*.parquet",),
)
