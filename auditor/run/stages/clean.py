"""What the unpatched model says of every source picture, once; and which network the trials run, decided on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from auditor.core.arrays import arrays_from_bytes, arrays_to_bytes
from auditor.core.progress import Progress
from auditor.core.records import ImagePool, IntArray, Split
from auditor.core.records.trials import Clean, Predictions
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.folding import AS_IT_IS, Comparison, Folding, fold
from auditor.inputs.opening import Inputs
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.images import IMAGES
from auditor.run.stages.report import TRIALS_RUN
from auditor.trials.sweep import predict_clean

_FILE = "cache/clean.safetensors"
_FOLDED, _CHANGE = "folded", "largest_change"
"""What the manifest notes: how many batch norms are folded for trials, and how far that changed a logit at most."""


def _make(run: Run, folder: RunFolder) -> Facts:
    inputs, pool = run.inputs, run.get(IMAGES)
    rows = np.sort(np.concatenate([pool.rows(split, inputs.source.indices) for split in Split]))
    run.progress.start("clean predictions", len(rows))
    clean, folding = _predict(run, pool, rows)
    arrays = {"rows": rows, "predicted": clean.predicted, "probability": clean.probability, "rank": clean.rank}
    folder.write(_FILE, arrays_to_bytes(arrays))
    eligible = int(inputs.criterion.eligible(clean.predicted).sum())
    return {"pictures": len(rows), "eligible": eligible, **folding}


def _predict(run: Run, pool: ImagePool, rows: IntArray) -> tuple[Predictions, Facts]:
    """What the model says, and beside it whether its folded copy says the same: this is decided once a run."""
    before = run.folder.facts("clean")
    if before is not None or not run.config.compute.fold_batch_norms:
        kept = {name: before[name] for name in (_FOLDED, TRIALS_RUN, _CHANGE) if name in before} if before else {}
        off = {} if before is not None else _facts(Folding(words=f"{AS_IT_IS}: compute.fold_batch_norms is off"))
        return predict_pictures(run.inputs, pool, rows, run.progress), {**off, **kept}
    comparison = Comparison(run.inputs.classifier)
    clean = predict_pictures(run.inputs, pool, rows, run.progress, comparison.see)
    folding = comparison.folding(len(rows))
    run.progress.say(f"trials run {folding.words}")
    return clean, _facts(folding)


def _facts(folding: Folding) -> Facts:
    change = float(f"{folding.largest_change:.1e}")
    return {_FOLDED: folding.norms, TRIALS_RUN: folding.words, **({_CHANGE: change} if folding.norms else {})}


def network_of_trials(run: Run) -> Classifier:
    """The network that a run's trials go through: the audited one, or its folded copy where that proved equal."""
    folded = (run.folder.facts("clean") or {}).get(_FOLDED)
    return fold(run.inputs.classifier)[0] if folded else run.inputs.classifier


def predict_pictures(
    inputs: Inputs,
    pool: ImagePool,
    rows: IntArray,
    progress: Progress,
    see: Callable[[Tensor, Tensor], None] | None = None,
) -> Predictions:
    """What the unpatched model says of some of a pool's pictures.

    Args:
        see: as for `predict_clean`.
    Raises:
        ModelError: it fails; names the picture that it fails on, where it is one.
    """
    batch_size, names = inputs.config.compute.batch_size, pool.paths(rows)
    return predict_clean(inputs.classifier, pool.pixels[rows], inputs.criterion, batch_size, progress, names, see)


def _read(run: Run) -> Clean:
    arrays = arrays_from_bytes(run.folder.read(_FILE))
    rows, predicted = arrays["rows"], arrays["predicted"]
    rank = arrays["rank"] if "rank" in arrays else np.zeros(len(rows), dtype=np.int64)  # not kept by earlier versions
    said = Predictions(predicted, arrays["probability"], rank)
    return Clean(rows, said, rows[run.inputs.criterion.eligible(predicted)])


CLEAN = Stage("clean", (IMAGES,), (_FILE,), _make, _read, needed=(_FILE,))
