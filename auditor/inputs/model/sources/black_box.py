"""A network that answers and shows nothing of itself: pictures in as numbers, numbers out. No layer of it is mapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auditor.core.errors import ModelError

Answer = Callable[[NDArray[np.float32]], Any]
"""(B, 3, H, W) normalised pictures -> (B, K) logits or probabilities, as anything that numpy reads."""


class BlackBox(nn.Module):
    """An answer in the place of a network. It has no parameters, and gives no gradient."""

    def __init__(self, answer: Answer, name: str) -> None:
        super().__init__()
        self._answer, self._name = answer, name

    def forward(self, images: Tensor) -> Tensor:
        """
        Raises:
            ModelError: what came out is no array of numbers. Whatever the answer itself raises passes.
        """
        said = self._answer(np.ascontiguousarray(images.detach().cpu().numpy(), dtype=np.float32))
        try:
            numbers = np.asarray(said, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{self._name} must answer with (B, K) numbers, but answered with a {type(said).__name__}"
            ) from error
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(images.device)
