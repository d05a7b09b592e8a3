"""The small convolutional network of the kitchen world; training it is `train`'s business."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from auditor.inputs.world.kitchen import CLASS_NAMES

MEAN: tuple[float, float, float] = (0.5, 0.47, 0.44)
STD: tuple[float, float, float] = (0.25, 0.25, 0.25)
"""The normalisation the bundled networks were trained with; pixels in [0, 1]."""

LAYER = "features.4"
"""The layer to map: (B, 96, 8, 8), and the logits depend on the picture through it alone."""

_WIDTHS = (24, 48, 64, 96, 96)
_STRIDES = (2, 2, 1, 2, 1)


class KitchenNetwork(nn.Module):
    """Five convolution blocks, a global mean and a linear layer: (B, 3, 64, 64) normalised pixels to (B, K) logits."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        inputs = (3, *_WIDTHS[:-1])
        blocks = [_block(*shape) for shape in zip(inputs, _WIDTHS, _STRIDES, strict=True)]
        self.features = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(_WIDTHS[-1], num_classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, K) logits of (B, 3, H, W) normalised pixels."""
        pooled: Tensor = self.pool(self.features(pixels))
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


def demo_network(num_classes: int = len(CLASS_NAMES)) -> nn.Module:
    """An untrained network of the kitchen world, with about 180 000 parameters.

    Args:
        num_classes: width K of the logits.
    """
    return KitchenNetwork(num_classes)


def _block(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            norm=nn.BatchNorm2d(outputs),
            act=nn.ReLU(),
        )
    )
