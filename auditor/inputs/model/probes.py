"""What the whole network makes of the pictures on which cuts are verified: once for any number of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.layers import Captured, capture_all

# Both passes run the same kernels behind the layer on the same numbers; only a batch of another size may choose
# other kernels in front of it.
_TOLERANCE_OF_CHANGE = 1e-4
_TOLERANCE_OF_SIZE = 1e-5
# Of a coarse type's least steps; one processor's kernels were seen 2.5 apart in float16.
_STEPS = 4
_PICTURES = 2


@dataclass(frozen=True, slots=True)
class Probes:
    """Two pictures of noise, what the network says of them, and what some of its layers put out on the way.

    Attributes:
        images: (2, 3, H, W) in [0, 1], on the device.
        logits: (2, K).
        change: the largest difference of a logit from a black picture's.
    """

    classifier: Classifier
    images: Tensor
    logits: Tensor
    change: float
    captured: dict[str, Captured]
    _changed: dict[tuple[int, int], dict[str, Captured]] = field(default_factory=dict)

    def allowed(self, rounding: float) -> float:
        """By how much a tail's logits may differ from these.

        Args:
            rounding: the least step above 1 of the numbers that the layer puts out. The tail computes attention by
                other kernels, which round otherwise.
        """
        of_size = max(_TOLERANCE_OF_SIZE, _STEPS * rounding)
        return _TOLERANCE_OF_CHANGE * self.change + of_size * float(self.logits.abs().max())

    def changed_at(self, layer: str, places: Sequence[tuple[int, int]], grid: tuple[int, int]) -> Captured:
        """What a layer puts out for the first picture, and for copies of it with one patch inverted in each.

        Args:
            places: (row, column) on the grid of the patch that is inverted in each copy.
        """
        if grid not in self._changed:
            image, (rows, columns) = self.images[:1], grid
            height, width = image.shape[2:]
            copies = image.repeat(len(places), 1, 1, 1)
            for each, (y, x) in zip(copies, places, strict=True):
                top, left = y * height // rows, x * width // columns
                patch = each[:, top : (y + 1) * height // rows, left : (x + 1) * width // columns]
                patch.copy_(1 - patch)
            with capture_all(self.classifier.module, list(self.captured)) as captured:
                self.classifier.logits(torch.cat((image, copies)))
            self._changed[grid] = captured
        return self._changed[grid][layer]


def probe_layers(classifier: Classifier, layers: Sequence[str]) -> Probes:
    """Run the pictures, and keep what these layers put out.

    Raises:
        UnknownNameError: no such layer.
        LayerError: one puts out neither a tensor nor several. ModelError: the network fails.
    """
    images = noise(classifier)
    with torch.inference_mode(False), torch.no_grad():
        black = classifier.logits(torch.zeros_like(images[:1]))
        with capture_all(classifier.module, layers) as captured:
            logits = classifier.logits(images)
    return Probes(classifier, images, logits, float((logits - black).abs().max()), captured)


def noise(classifier: Classifier) -> Tensor:
    """(2, 3, H, W) in [0, 1] on the device, always the same."""
    generator = torch.Generator().manual_seed(0)
    size = classifier.preprocessing.output_size
    return torch.rand(_PICTURES, 3, *size, generator=generator).to(classifier.device)
