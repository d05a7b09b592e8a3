"""What the atlas needs of a network: a cut at one layer. Loading and cutting networks is the subject's work."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class OnDevice(Protocol):
    """Something that lives on a device."""

    @property
    def device(self) -> torch.device: ...


class CutNetwork(Protocol):
    """A classifier in two halves: up to the mapped layer, and the tail after it. `LayerCut` is one."""

    @property
    def feature_shape(self) -> tuple[int, int, int]:
        """Width D of an activation, then height and width of the layer's grid."""

    @property
    def classifier(self) -> OnDevice:
        """The whole classifier; the atlas only asks on which device it is."""

    def features(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] to activations (B, D, H', W')."""

    def logits(self, features: Tensor) -> Tensor:
        """Activations (B, D, H', W') to logits (B, K), by the tail alone; differentiable. They are not modified."""
