"""Where the model ranks a pair's target on the picture that its crop was cut from.

A beagle's crop that makes pictures a basset does so because the two look alike, and on the beagle's own picture the
model ranks basset high already. So it does where a shortcut lies on that picture: the rank tells where to look, and a
person which of the two it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from auditor.core.records import ClassGroup, IntArray
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import group_rank
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.images import IMAGES
from auditor.run.survey.crops import CROPS
from auditor.run.survey.tried import TRIED

FILE = "cache/likened.parquet"


def _make(run: Run, folder: RunFolder) -> Facts:
    crops, news = run.get(CROPS), run.get(TRIED).news
    rows, place = np.unique(crops.pictures[news.crop], return_inverse=True)
    logits = _logits(run, rows)[place] if len(rows) else np.empty((0, 1), dtype=np.float32)
    columns = {"crop": news.crop, "target": news.target, "rank": ranks(logits, news.target)}
    folder.write_table(FILE, pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()}))
    return {"pictures": len(rows)}


def ranks(logits: NDArray[np.float32], classes: IntArray) -> IntArray:
    """(N,) place of a class in each of (N, K) logits, as `group_rank` tells it."""
    said, asked = torch.from_numpy(logits), classes.tolist()
    places = [group_rank(said[[row]], ClassGroup("", (one,))).item() for row, one in enumerate(asked)]
    return np.array(places, dtype=np.int64)


def _logits(run: Run, rows: IntArray) -> NDArray[np.float32]:
    """(N, K) of some of the pool's pictures without a patch."""
    pool, classifier = run.get(IMAGES), run.inputs.classifier
    pixels = pool.pixels[rows]
    run.progress.start("pictures that crops were cut from", len(rows))

    @torch.no_grad()
    def seen(some: slice) -> NDArray[np.float32]:
        logits = classifier.logits(to_float(pixels[some], classifier.device)).float().cpu().numpy()
        run.progress.advance(len(logits))
        return np.asarray(logits, dtype=np.float32)

    parts = Batches(run.config.compute.batch_size).each(len(rows), naming(seen, pool.paths(rows)))
    return np.concatenate([part for _, part in parts])


def _read(run: Run) -> Mapping[tuple[int, int], int]:
    """The rank by crop and target."""
    table = run.folder.read_table(FILE)
    crops, targets, found = (table[name].to_pylist() for name in ("crop", "target", "rank"))
    return dict(zip(zip(crops, targets, strict=True), found, strict=True))


LIKENED = Stage(
    "own pictures of a survey's crops",
    (IMAGES, CROPS, TRIED),
    (FILE,),
    _make,
    _read,
    needed=(FILE,),
)
