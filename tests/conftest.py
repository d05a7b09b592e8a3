"""Hand-weighted classifiers and outcome blocks whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.core.config import TrialsConfig
from auditor.core.records import Candidate, Limits, Origin, Tier
from auditor.core.records.trials import Draws, TrialBlock
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing

torch.set_num_threads(1)


class ChannelSums(nn.Module):
    """Three classes: how much red, green and blue there is. Keeps the batches it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.shown.append(images.clone())
        return images.sum(dim=(2, 3))


@pytest.fixture
def colour_classifier() -> Callable[..., Classifier]:
    def build(
        size: tuple[int, int],
        mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
        std: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Classifier:
        return Classifier(
            ChannelSums(),
            ClassNames(("red", "green", "blue"), ((), (), ())),
            Preprocessing(size, None, "bilinear", mean, std),
            torch.device("cpu"),
        )

    return build


@pytest.fixture
def trials_config() -> Callable[..., TrialsConfig]:
    def build(**settings: object) -> TrialsConfig:
        return TrialsConfig.model_validate(settings)

    return build


@pytest.fixture
def limits() -> Limits:
    return Limits(uplift=0.10, fragility=0.25, confidence=0.95)


@pytest.fixture
def candidate() -> Callable[..., Candidate]:
    def build(identity: str, tier: Tier = Tier.THIRD_CLASS, **facts: object) -> Candidate:
        return Candidate(identity, identity, Origin.CROP, tier, "0" * 64, **facts)

    return build


@pytest.fixture
def flips() -> Callable[[int, Sequence[int]], np.ndarray]:
    def build(images: int, flipped: Sequence[int]) -> np.ndarray:
        outcomes = np.zeros(images, dtype=bool)
        outcomes[list(flipped)] = True
        return outcomes

    return build


@pytest.fixture
def block() -> Callable[..., TrialBlock]:
    def build(outcomes: np.ndarray, before: np.ndarray | None = None, after: np.ndarray | None = None) -> TrialBlock:
        flipped = np.atleast_2d(outcomes)
        variants, images = flipped.shape
        zero = np.zeros(images)
        return TrialBlock(
            image_keys=tuple(f"k{number}" for number in range(images)),
            variants=tuple(f"v{number}" for number in range(variants)),
            draws=tuple(Draws(*(zero + number for _ in range(8))) for number in range(variants)),
            clean=np.zeros(images, dtype=np.int64),
            patched=flipped.astype(np.int64),
            before=np.full(images, 0.1, dtype=np.float32) if before is None else before,
            after=flipped.astype(np.float32) if after is None else np.atleast_2d(after),
            flips=flipped,
        )

    return build
