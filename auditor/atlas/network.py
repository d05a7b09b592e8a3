"""What the atlas and its icons need of a network: a cut at one layer. Loading and cutting is done in inputs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from torch import Tensor

from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.features import Features


class CutNetwork(Protocol):
    """A classifier in two halves: up to the mapped layer, and the tail after it. `LayerCut` is one."""

    @property
    def feature_shape(self) -> tuple[int, int, int]:
        """Width D of an activation, then height and width of the layer's grid for the classifier's own pictures."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(H, W) of the classifier's own pictures."""

    @property
    def classifier(self) -> Classifier:
        """The whole classifier."""

    def features(self, images: Tensor) -> Features:
        """Images (B, 3, H, W) in [0, 1] to the layer's activations, differentiable."""

    def logits(self, features: Features) -> Tensor:
        """Activations of B pictures to logits (B, K), by the tail alone; differentiable. They are not modified."""

    def apart(self) -> AbstractContextManager[CutNetwork]:
        """The same cut of a copy of the network, for pictures of another size; ModelError: it cannot be copied."""
