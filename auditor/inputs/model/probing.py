"""Try a network on a few pictures before anything is measured with it: does it answer, and always in the same way?"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from auditor.core.errors import ModelError
from auditor.core.records import Outputs
from auditor.inputs.model.classifier import Classifier

# Far above what other kernels for another batch size, or TF32, make of the same numbers.
_TOLERANCE_IN_COMPANY = 0.02
# The same kernels on the same numbers.
_TOLERANCE_REPEATED = 1e-3
_LEAST_TOLERANCE = 1e-4
# Of the sum of probabilities that a network in half precision puts out.
_TOLERANCE_OF_SUM = 0.01


def probe(classifier: Classifier) -> None:
    """Run a picture of noise alone, once more, and among pictures as unlike it as can be, and check what comes out.

    A network that normalises by the batch at hand takes a picture among others like it for the same, and more so the
    larger they are; black, white and smooth company changes its answer.

    Raises:
        ModelError: the network raises, takes only one batch size, does not answer with (B, K) finite logits, answers
            otherwise the second time, as where it draws random numbers, or otherwise in company, as a network in
            training mode does; or it answers with probabilities where logits were announced, or the other way round.
    """
    images = classifier.normalise_(unlike_pictures(*classifier.preprocessing.output_size).to(classifier.device))
    with torch.no_grad():
        alone, company = _answers(classifier, images)
        again = classifier.forward_normalised(images[:1].clone())
    difference = float((alone - again).abs().max())
    if difference > _TOLERANCE_REPEATED * float(alone.abs().max()) + _LEAST_TOLERANCE:
        raise ModelError(
            f"{classifier.name} gives the same picture other logits the second time (by up to {difference:.3g}): it "
            "draws random numbers, its dropout is in training mode, or observers of a quantisation still follow its "
            "pictures: call eval() before it is exported, take the noise out, or convert the network"
        )
    difference = float((alone[0] - company[0]).abs().max())
    if difference > _TOLERANCE_IN_COMPANY * float(company.abs().max()) + _LEAST_TOLERANCE:
        raise ModelError(
            f"{classifier.name} gives the same picture other logits among other pictures (by up to {difference:.3g}): "
            "it mixes the pictures of a batch, or its batch norm is in training mode: call eval() before it is exported"
        )


def unlike_pictures(height_px: int, width_px: int) -> Tensor:
    """(4, 3, H, W) in [0, 1]: noise, black, white, and soft blots of colour, as photographs have them."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, 3, height_px, width_px, generator=generator)
    blots = functional.interpolate(torch.rand(1, 3, 5, 5, generator=generator), (height_px, width_px), mode="bilinear")
    return torch.cat([noise, torch.zeros_like(noise), torch.ones_like(noise), blots])


def _answers(classifier: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of the first picture alone, (1, K), and of all together, (B, K)."""
    outputs: dict[int, object] = {}
    failures: dict[int, ModelError] = {}
    for batch in (1, len(images)):
        try:
            outputs[batch] = classifier.run(images[:batch].clone())
        except ModelError as error:
            failures[batch] = error
    rows = {batch: len(output) for batch, output in outputs.items() if isinstance(output, Tensor) and output.ndim}
    served = [batch for batch in outputs if rows.get(batch, batch) == batch]
    if len(served) == 1 and (failures or rows.get(1) == rows.get(len(images))):
        raise ModelError(
            f"{classifier.name} answers batches of {served[0]} picture{'s' if served[0] > 1 else ''} only; "
            "trace or export it with a dynamic batch dimension"
        ) from next(iter(failures.values()), None)
    for failure in failures.values():
        raise failure
    alone, company = (classifier.read(output, batch) for batch, output in outputs.items())
    _check_kind(classifier, outputs[len(images)])
    return alone, company


def are_probabilities(output: object) -> bool:
    """Whether every row of (B, K), K at least 2, holds numbers from 0 on that add up to 1."""
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] < 2 or not output.is_floating_point():
        return False
    sums = output.float().sum(dim=1)
    return bool((output >= 0).all()) and bool(((sums - 1).abs() <= _TOLERANCE_OF_SUM).all())


def _check_kind(classifier: Classifier, output: object) -> None:
    if classifier.outputs is Outputs.LOGITS and are_probabilities(output):
        raise ModelError(
            f"{classifier.name} answers with probabilities (every row adds up to 1), not with logits; let it return "
            'what stands before its softmax, or set outputs = "probabilities" under [model]'
        )
    if classifier.outputs is Outputs.PROBABILITIES and not are_probabilities(output):
        raise ModelError(
            f'[model] outputs is "probabilities", but what {classifier.name} answers with is not: rows must be 0 or '
            "more and add up to 1; leave outputs out if these are logits"
        )
