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
from auditor.inputs.model.quick import Quick, QuickComparison, quickened
from auditor.inputs.opening import Inputs
from auditor.run.folder import Json, RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.images import IMAGES
from auditor.run.stages.report import TRIALS_RUN
from auditor.trials.sweep import predict_clean

_FILE = "cache/clean.safetensors"
_FOLDED, _CHANGE = "folded", "largest_change"
"""What the manifest notes: how many batch norms are folded for trials, and how far that changed a logit at most."""

_QUICK, _WITHIN, _DIFFERING = "quick", "within", "differing"
"""Noted where a quicker copy was asked for: whether trials run it, and what else `Quick` holds."""

_NOTED = (_FOLDED, TRIALS_RUN, _CHANGE, _QUICK, _WITHIN, _DIFFERING)


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
    """What the model says, and beside it whether copies of it say the same: this is decided once a run."""
    before = run.folder.facts("clean")
    if before is not None:
        kept = {name: before[name] for name in _NOTED if name in before}
        return predict_pictures(run.inputs, pool, rows, run.progress), kept
    beside = _Beside(run)
    clean = predict_pictures(run.inputs, pool, rows, run.progress, beside.see)
    return clean, beside.facts(len(rows))


class _Beside:
    """Copies of the network that trials may run, beside it on the clean pictures."""

    def __init__(self, run: Run) -> None:
        compute, classifier = run.config.compute, run.inputs.classifier
        self._say = run.progress.say
        self._folded = Comparison(classifier) if compute.fold_batch_norms else None
        base = classifier if self._folded is None else self._folded.network
        self._copied = base is not classifier
        asked = (compute.compile or compute.precision != "float32") and not run.config.whole
        self._quick = QuickComparison(base, compute, run.inputs.target.indices) if asked else None

    def see(self, images: Tensor, logits: Tensor) -> None:
        """As `Comparison.see`."""
        for one in (self._folded, self._quick):
            if one is not None:
                one.see(images, logits)

    def facts(self, pictures: int) -> Facts:
        """What follows from all that was seen, as the manifest notes it; it is said too, where something was tried."""
        folding = Folding(words=f"{AS_IT_IS}: compute.fold_batch_norms is off")
        if self._folded is not None:
            folding = self._folded.folding(pictures)
        quick = Quick() if self._quick is None else self._quick.quick(pictures)
        if quick.used and self._copied and not folding.norms:
            quick = Quick(words="not quicker either, since the copy had its batch norms folded: switch that off")
        words = "; ".join(filter(None, [folding.words, quick.words]))
        if self._folded is not None or quick.words:
            self._say(f"trials run {words}")
        facts: dict[str, Json] = {_FOLDED: folding.norms, TRIALS_RUN: words}
        if folding.norms:
            facts[_CHANGE] = float(f"{folding.largest_change:.1e}")
        if quick.words:
            facts |= {_QUICK: quick.used, _WITHIN: quick.within, _DIFFERING: quick.differing}
        return facts


def folded_network(run: Run) -> Classifier:
    """The network of passes that go forward alone: the audited one, or its folded copy where that proved equal."""
    folded = (run.folder.facts("clean") or {}).get(_FOLDED)
    return fold(run.inputs.classifier)[0] if folded else run.inputs.classifier


def network_of_trials(run: Run) -> Classifier:
    """The network that a run's trials go through: the folded one, or the quicker copy of it that was asked for."""
    network, facts = run.open(folded_network), run.folder.facts("clean") or {}
    if not facts.get(_QUICK):
        return network
    return quickened(network, run.config.compute, float(str(facts[_WITHIN])))


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
