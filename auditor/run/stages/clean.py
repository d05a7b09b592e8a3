"""What the unpatched model says of every source picture, once."""

from __future__ import annotations

import numpy as np

from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.progress import Progress
from auditor.core.records import ImagePool, IntArray, Split
from auditor.core.records.trials import Clean, Predictions
from auditor.inputs.opening import Inputs
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.images import IMAGES
from auditor.trials.sweep import predict_clean

_FILE = "cache/clean.safetensors"


def _make(run: Run, folder: RunFolder) -> Facts:
    inputs, pool = run.inputs, run.get(IMAGES)
    rows = np.sort(np.concatenate([pool.rows(split, inputs.source.indices) for split in Split]))
    run.progress.start("clean predictions", len(rows))
    clean = predict_pictures(inputs, pool, rows, run.progress)
    arrays = {"rows": rows, "predicted": clean.predicted, "probability": clean.probability, "rank": clean.rank}
    folder.write(_FILE, arrays_to_bytes(arrays))
    return {"pictures": len(rows), "eligible": int(inputs.criterion.eligible(clean.predicted).sum())}


def predict_pictures(inputs: Inputs, pool: ImagePool, rows: IntArray, progress: Progress) -> Predictions:
    """What the unpatched model says of some of a pool's pictures.

    Raises:
        ModelError: it fails; names the picture that it fails on, where it is one.
    """
    batch_size, names = inputs.config.compute.batch_size, pool.paths(rows)
    return predict_clean(inputs.classifier, pool.pixels[rows], inputs.criterion, batch_size, progress, names)


def _read(run: Run) -> Clean:
    arrays = arrays_from_bytes(run.folder.read(_FILE))
    rows, predicted = arrays["rows"], arrays["predicted"]
    rank = arrays["rank"] if "rank" in arrays else np.zeros(len(rows), dtype=np.int64)  # not kept by earlier versions
    said = Predictions(predicted, arrays["probability"], rank)
    return Clean(rows, said, rows[run.inputs.criterion.eligible(predicted)])


CLEAN = Stage("clean", (IMAGES,), (_FILE,), _make, _read, needed=(_FILE,))
