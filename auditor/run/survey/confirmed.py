"""What was chosen, pasted on confirmation pictures that had no part in it, beside what covering does there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from auditor.core.draws import keyed_generator
from auditor.core.records import FloatArray, IntArray, Split, Spot
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.survey.crops import CROPS, Crops
from auditor.run.survey.pasting import CORNER, DRAWS, Pasting, Some, in_parts, open_pasting, place_of
from auditor.run.survey.pictures import pictures_of
from auditor.run.survey.shards import make_shards
from auditor.run.survey.tried import TRIED, Leading

FOLDER = "pastes"
PART = 16
RANDOM = 2
"""Random crops of each class's pictures to be, beside the chosen: what the search is compared with."""


def random_crops(run: Run, source: int) -> IntArray:
    """The numbers of a few crops that nobody chose, of pictures of other classes, in the corner."""
    crops = run.get(CROPS)
    others = np.flatnonzero(crops.labels[: crops.in_corner] != source)
    drawn = keyed_generator(run.config.seed, "random crops of a survey", source).permutation(others)
    return np.sort(drawn[:RANDOM])


def crops_on(run: Run, leading: Leading, source: int) -> list[int]:
    """The numbers of all crops that go on a class's confirmation pictures, sorted."""
    numbers = set(leading.news.crop[leading.news.source == source].tolist())
    labels = run.get(CROPS).labels
    numbers |= {crop for crop, target in leading.features.tolist() if source not in (target, labels[crop])}
    return sorted(numbers | set(random_crops(run, source).tolist()))


def covered_places(crops: Crops, numbers: Sequence[int]) -> tuple[tuple[Spot, int], ...]:
    """The own places of some crops, with the draws of each covering there: as many as crops take turns with them."""
    spots = [spot for spot in map(crops.spot, numbers) if spot is not None]
    counted, by_place = Counter(map(place_of, spots)), {place_of(spot): spot for spot in spots}
    return tuple((by_place[place], min(DRAWS, count)) for place, count in counted.items())


def _parts(run: Run) -> dict[str, Some]:
    leading, pictures = run.get(TRIED), pictures_of(run)
    halves = 2 if run.config.survey.together else 1
    found: dict[str, Some] = {}
    for source in pictures.sources:
        count, numbers = len(pictures.rows[Split.CONFIRMATION][source]), crops_on(run, leading, source)
        named, own = f"{FOLDER}/{source:04d}", covered_places(run.get(CROPS), numbers)
        found[f"{named}-covering.parquet"] = Some(Split.CONFIRMATION, source, (), count, ((None, DRAWS),), halves)
        for part, start in enumerate(range(0, len(own), PART)):
            some = Some(Split.CONFIRMATION, source, (), count, own[start : start + PART], halves)
            found[f"{named}-covering-{part:04d}.parquet"] = some
        parts = in_parts(Split.CONFIRMATION, source, numbers, count, PART)
        found |= {f"{named}-{number:04d}.parquet": part for number, part in enumerate(parts)}
    return found


def _paste(pasting: Pasting, some: Some) -> pa.Table:
    blocks = [
        _block(pasting, some, -1, spot, pasting.covering(some, control, draw, spot), control.name, draw)
        for spot, most in some.covered
        for control, draws in pasting.coverings(some.source, most)
        for draw in draws
    ]
    if some.crops:
        spots = map(pasting.crops.spot, some.crops)
        for number, spot, logits in zip(some.crops, spots, pasting.logits(some), strict=True):
            blocks.append(_block(pasting, some, number, spot, logits))
    return pa.concat_tables(blocks)


def _block(
    pasting: Pasting, some: Some, crop: int, spot: Spot | None, logits: FloatArray, control: str = "", draw: int = 0
) -> pa.Table:
    """One row a picture, of (S, K) logits."""
    keys = [pasting.pool.images[row].key for row in pasting.rows(some.split, some.source)]
    count = len(keys)
    return pa.table(
        {
            "source": pa.array([some.source] * count, pa.int32()),
            "crop": pa.array([crop] * count, pa.int32()),
            "control": pa.array([control] * count, pa.string()),
            "draw": pa.array([draw] * count, pa.int32()),
            "place": pa.array([place_of(spot)] * count, pa.string()),
            "image": pa.array(keys, pa.string()),
            "called": pa.array(logits.argmax(axis=1), pa.int32()),
        }
    )


def _make(run: Run, folder: RunFolder) -> Facts:
    parts = _parts(run)
    make_shards(run, folder, "crops on confirmation pictures", parts, open_pasting, _paste, lambda some: some.pastes)
    return {"pastes": sum(part.pastes for part in parts.values()), "shards": len(parts)}


def _read(run: Run) -> tuple[str, ...]:
    """The files of pastes, source by source."""
    return run.folder.files_of(CONFIRMED.name)


def pastes(run: Run) -> Iterator[tuple[int, pa.Table]]:
    """Source by source its pastes: one row each, crops before coverings, the pictures in one order."""
    files: dict[int, list[str]] = {}
    for file in run.get(CONFIRMED):
        number, _, _ = file.removeprefix(f"{FOLDER}/").partition("-")
        files.setdefault(int(number), []).append(file)
    for source, of_source in sorted(files.items()):
        yield source, pa.concat_tables([_placed(run.folder.read_table(file)) for file in of_source])


def _placed(table: pa.Table) -> pa.Table:
    """A table with places; earlier versions pasted in the corner alone, and named none."""
    if "place" in table.column_names:
        return table
    return table.add_column(4, "place", pa.array([CORNER] * len(table), pa.string()))


CONFIRMED = Stage(
    "confirmation of a survey",
    (CROPS, TRIED),
    (f"{FOLDER}/*.parquet",),
    _make,
    _read,
    needed=(f"{FOLDER}/*.parquet",),
)
