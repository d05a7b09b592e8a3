"""What an icon is steered by and scored by, and the whitening of directions. Pure tensors; no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from auditor.atlas.vectors import in_parts, second_moment
from auditor.core.errors import LayerError
from auditor.core.records import FloatArray

# Below this cosine only the dot product pulls, so that an icon that starts on the wrong side still finds its way.
_LEAST_COSINE = 0.1


def centre(grid: Tensor) -> Tensor:
    """The positions over the picture's centre: one where a side is odd, two where it is even.

    Args:
        grid: (N, D, H', W').
    Returns:
        (N, D, P), P = 1, 2 or 4.
    """
    rows, columns = grid.shape[-2:]
    middle = grid[..., (rows - 1) // 2 : rows // 2 + 1, (columns - 1) // 2 : columns // 2 + 1]
    return middle.flatten(2)


def objective(at_centre: Tensor, directions: Tensor, power: float) -> Tensor:
    """(h·v)^(n+1) / (‖h‖‖v‖)^n as h·v × cosine^n, the mean over the positions; v is taken at length 1.

    A cosine below 0.1 counts as 0.1 (also where it is negative), so that there is a slope everywhere.

    Args:
        at_centre: (N, D, P) activations h. directions: (N, D) v. power: n, 0 or more.
    Returns:
        (N,).
    Source: Carter et al., "Activation Atlas", Distill 2019, doi:10.23915/distill.00015.
    """
    dot = torch.einsum("ndp,nd->np", at_centre, torch.nn.functional.normalize(directions, dim=1))
    cosine = dot / at_centre.norm(dim=1).clamp_min(1e-12)
    value: Tensor = (dot * cosine.clamp_min(_LEAST_COSINE).pow(power)).mean(dim=1)
    return value


def cosine(at_centre: Tensor, directions: Tensor) -> Tensor:
    """Cosine between h and v, the mean over the positions; 0 where h or v is 0.

    Args:
        at_centre: (N, D, P). directions: (N, D).
    Returns:
        (N,) in [-1, 1].
    """
    return torch.nn.functional.cosine_similarity(at_centre, directions[:, :, None], dim=1, eps=1e-12).mean(dim=1)


@dataclass(frozen=True, slots=True)
class Whitening:
    """The second moment of a layer's activations, by which directions are whitened.

    Directions that many activations share (what is common to all pictures) count less afterwards, so that icons show
    what is special to their direction.

    Attributes:
        moment: (D, D) float64, the mean of h hᵀ.
    """

    moment: np.ndarray[tuple[int, int], np.dtype[np.float64]]

    @classmethod
    def fit(cls, vectors: FloatArray) -> Whitening:
        """Measure the second moment.

        Args:
            vectors: (S, D) activations, S at least 1.
        Raises:
            LayerError: there are no activations, or they are not finite.
        """
        if vectors.ndim != 2 or len(vectors) == 0 or not np.isfinite(vectors).all():
            raise LayerError(
                f"whitening needs (S, D) finite activations, got shape {vectors.shape}"
                f"{'' if len(vectors) == 0 else ' with NaN or infinities' if vectors.ndim == 2 else ''}; "
                "collect activations of this layer first"
            )
        return cls(second_moment(in_parts(vectors)))

    def whitened(self, directions: FloatArray, ridge: float) -> FloatArray:
        """Solve (M + ridge · mean eigenvalue of M · I) x = v, and give x the length of v.

        Args:
            directions: (N, D) v. ridge: 0 whitens fully; large values leave the direction as it is.
        Returns:
            (N, D).
        """
        width = len(self.moment)
        ridged = self.moment + ridge * np.trace(self.moment) / width * np.eye(width)
        solved = np.linalg.solve(ridged, directions.astype(np.float64).T).T
        lengths = np.linalg.norm(solved, axis=1, keepdims=True)
        wanted = np.linalg.norm(directions, axis=1, keepdims=True)
        whitened: FloatArray = (solved * (wanted / np.maximum(lengths, 1e-300))).astype(np.float32)
        return whitened
