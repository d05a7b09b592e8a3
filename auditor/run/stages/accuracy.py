"""What the unpatched model says of every discovery picture, once: whether it knows its own classes."""

from __future__ import annotations

import numpy as np

from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.records import CleanAccuracy, Split
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.clean import CLEAN, predict_pictures
from auditor.run.stages.images import IMAGES
from auditor.statistics.accuracy import clean_accuracy

_FILE = "cache/discovery.safetensors"


def _make(run: Run, folder: RunFolder) -> Facts:
    """The source's pictures were predicted already, so the other classes' are left."""
    inputs, clean = run.inputs, run.get(CLEAN)
    pool = run.get(IMAGES)
    rows = pool.rows(Split.DISCOVERY)
    of_source = np.isin(rows, clean.rows)
    others = rows[~of_source]
    run.progress.start("clean predictions of other classes", len(others))
    predicted = np.empty(len(rows), dtype=np.int64)
    predicted[of_source] = clean.of(rows[of_source]).predicted
    predicted[~of_source] = predict_pictures(inputs, pool, others, run.progress).predicted
    folder.write(_FILE, arrays_to_bytes({"rows": rows, "predicted": predicted}))
    accuracy = _read(run)
    for doubt in accuracy.doubts:
        run.progress.say(f"{doubt}{'' if accuracy.accepted else ': such a run cannot pass (limits.unknown_target)'}")
    return {"pictures": len(rows), "right": accuracy.overall.count}


def _read(run: Run) -> CleanAccuracy:
    arrays = arrays_from_bytes(run.folder.read(_FILE))
    images, inputs = run.get(IMAGES).images, run.inputs
    labels = np.array([images[row].label for row in arrays["rows"]], dtype=np.int64)
    return clean_accuracy(
        labels,
        arrays["predicted"],
        inputs.source,
        inputs.target,
        inputs.class_names,
        inputs.limits,
        run.config.limits.unknown_target,
    )


ACCURACY = Stage("accuracy", (IMAGES, CLEAN), (_FILE,), _make, _read, needed=(_FILE,))
