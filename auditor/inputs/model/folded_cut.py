"""A network with its batch norms folded, cut where the audited one is if it sees the same there: for forward passes."""

from __future__ import annotations

import torch
from torch import Tensor

from auditor.core.errors import LayerError
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.folding import TOLERANCE
from auditor.inputs.model.probes import noise


def folded_cut(cut: LayerCut, folded: Classifier) -> LayerCut:
    """The same cut of the folded network where it puts out the same there; the cut itself where it does not.

    They are compared on the noise by which a layer's cut is verified. The layer may be a convolution whose norm is
    folded into it: then it puts out what the norm did.

    Args:
        folded: the copy of the cut's classifier, which answers as it does; or that classifier itself.
    """
    if folded is cut.classifier:
        return cut
    try:
        other = LayerCut(folded, cut.layer)
    except LayerError:
        return cut
    if other.feature_shape != cut.feature_shape:
        return cut
    with torch.no_grad():
        own, same = (one.features(noise(cut.classifier)) for one in (cut, other))
    pairs = list(zip((own.grid, *own.beside), (same.grid, *same.beside), strict=True))
    return other if all(_equal(one, another) for one, another in pairs) else cut


def _equal(one: Tensor, other: Tensor) -> bool:
    """Within `TOLERANCE` of the largest number, or of 1."""
    return bool((one - other).abs().max() <= TOLERANCE * one.abs().max().clamp(min=1.0))
