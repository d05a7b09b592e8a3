"""The linear layer that a network's logits come from, found by running it, and what that layer gets of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.core.progress import Progress
from auditor.core.records import PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.classifier import Classifier

WITHIN = 1e-3
"""Logits are the layer's where both differ by at most this share of their spread, but for one number a picture."""


@dataclass(frozen=True)
class LastLayer:
    """A linear layer whose outputs are the logits, but for one number a picture (as behind a softmax).

    Attributes:
        name: of the module.
    """

    classifier: Classifier
    name: str
    module: nn.Linear

    def features(self, pixels: PixelArray, batch_size: int, progress: Progress | None = None) -> Tensor:
        """What the layer gets of pictures.

        Args:
            pixels: (B, 3, H, W) uint8 RGB as the model receives them.
            progress: advanced by a batch's pictures at a time.
        Returns:
            (B, D) float64 on the CPU.
        """
        found = []
        with torch.no_grad(), _seen({self.name: self.module}) as inputs:
            for start in range(0, len(pixels), batch_size):
                batch = pixels[start : start + batch_size]
                self.classifier.logits_(to_float(batch, self.classifier.device))
                found.append(inputs.pop(self.name).double().cpu())
                if progress is not None:
                    progress.advance(len(batch))
        return torch.cat(found) if found else torch.zeros(0, self.module.in_features, dtype=torch.float64)

    def logits(self, features: Tensor) -> Tensor:
        """(B, K) float64 of (B, D)."""
        weight, bias = self.module.weight.double().cpu(), self.module.bias
        return features @ weight.T + (0.0 if bias is None else bias.double().cpu())


def last_layer(classifier: Classifier, pixels: PixelArray) -> LastLayer:
    """Find the layer, and make sure on some pictures that the logits are its outputs.

    Args:
        pixels: (B, 3, H, W) uint8 RGB, a handful of pictures.
    Raises:
        ModelError: there is none.
    """
    linear = {
        name: module
        for name, module in classifier.module.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == classifier.classes
    }
    with torch.no_grad(), _seen(linear) as inputs:
        logits = classifier.logits(to_float(pixels, classifier.device)).double().cpu()
    for name in reversed(inputs):
        found = LastLayer(classifier, name, linear[name])
        if inputs[name].ndim == 2 and len(inputs[name]) == len(logits):
            own = _centred(found.logits(inputs[name].double().cpu()))
            if float((own - _centred(logits)).abs().max()) <= WITHIN * float(own.std()):
                return found
    raise ModelError(
        f"{classifier.name} shows no linear layer whose outputs are its logits, and a shortcut is planted there; saved "
        "programs show none, and networks that end in a convolution have none"
    )


def _centred(logits: Tensor) -> Tensor:
    return logits - logits.mean(dim=1, keepdim=True)


@contextmanager
def _seen(modules: dict[str, nn.Linear]) -> Iterator[dict[str, Tensor]]:
    """What each module got last, by name, in the order in which they ran first, as long as the body lasts."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> object:
        def hook(_module: nn.Module, inputs: tuple[object, ...]) -> None:
            if inputs and isinstance(inputs[0], Tensor):
                seen[name] = inputs[0].detach()

        return hook

    handles = [module.register_forward_pre_hook(keep(name)) for name, module in modules.items()]  # type: ignore[arg-type]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
