"""A layout that runs on a card: UMAP's, descended by TorchDR on neighbours that matrix products find there.

TorchDR's own search for neighbours needs Faiss, or every distance in memory at once; here they come block by block.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.errors import ConfigError
from auditor.core.records import FloatArray

if TYPE_CHECKING:
    from auditor.atlas.embedding import Likeness

STEPS = 500
"""Of the descent: with as many a layout is as good as umap-learn's, with 200 it is not (docs/atlas.md)."""

_TOGETHER_BYTES = 2**31
"""Of likenesses that are in memory at once. It is fixed: a card's last bits may depend on the size of a block."""


def check_torchdr(layout: str) -> None:
    """Make sure that the library is there which a layout needs.

    Raises:
        ConfigError: it is not.
    """
    missing = [name for name in ("torchdr", "matplotlib") if importlib.util.find_spec(name) is None]
    if layout == "torchdr" and missing:
        raise ConfigError(
            f'atlas.layout = "torchdr" needs {" and ".join(missing)}, not installed here; '
            'pip install "auditor[torchdr]", or leave the layout out for umap'
        )


def by_torchdr(unit: FloatArray, dimensions: int, likeness: Likeness, seed: int) -> NDArray[np.float64]:
    """(S, dimensions) coordinates of S unit vectors (S, D), on the likeness' device; the same seed, the same places.

    It begins at the principal components. Draws are made by generators of this call; the process' own stay as they are.

    Source: McInnes, Healy, Melville 2018, arXiv:1802.03426; TorchDR (Van Assel et al. 2024), whose steps move all
    points at once where umap-learn moves one after the other.
    """
    check_torchdr("torchdr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchdr  # takes seconds

    vectors = torch.from_numpy(np.ascontiguousarray(unit)).to(likeness.device)
    start = _principal_components(vectors, dimensions)
    if not bool(start[:, 0].std() > 0.0):  # all alike: there is nothing to lay out
        return np.zeros((len(unit), dimensions))
    neighbours = max(3, min(likeness.neighbours, len(unit) - 2))

    class Neighbours(torchdr.UMAPAffinity):  # type: ignore[misc]
        """UMAP's weights of neighbours, which are found block by block."""

        def _distance_matrix(self, unit: Tensor, k: int, **_: Any) -> tuple[Tensor, Tensor]:
            return nearest_others(unit, k)

    settings = {"n_neighbors": neighbours, "device": str(likeness.device), "backend": None, "distributed": False}
    cards = range(torch.cuda.device_count()) if likeness.device.type == "cuda" else ()
    with warnings.catch_warnings(), torch.random.fork_rng(devices=cards):
        warnings.simplefilter("ignore")
        torch.manual_seed(seed % 2**63)
        reducer = torchdr.UMAP(
            n_components=dimensions,
            min_dist=likeness.min_dist,
            max_iter=STEPS,
            init=start,
            process_duplicates=False,
            **settings,
        )
        reducer.affinity_in = Neighbours(**settings)
        places: Tensor = reducer.fit_transform(vectors).detach()
    return places.double().cpu().numpy()


def nearest_others(unit: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` nearest of (S, D) unit vectors to each of them but itself, nearest first.

    Returns:
        Squared distances (S, count), 2 less twice the cosine, and rows (S, count).
    """
    distances = unit.new_empty((len(unit), count))
    rows = torch.empty((len(unit), count), dtype=torch.int64, device=unit.device)
    together = max(1, _TOGETHER_BYTES // (unit.element_size() * len(unit)))
    for first in range(0, len(unit), together):
        some = slice(first, min(first + together, len(unit)))
        cosines = unit[some] @ unit.T
        cosines[:, some].fill_diagonal_(-torch.inf)
        found = cosines.topk(count, dim=1)
        distances[some], rows[some] = (2.0 - 2.0 * found.values).clamp_(min=0.0), found.indices
    return distances, rows


def _principal_components(vectors: Tensor, dimensions: int) -> Tensor:
    """(S, dimensions) scores, each signed so that its largest loading is positive; computed in double precision."""
    mean = vectors.mean(dim=0, dtype=torch.float64)
    spread = torch.zeros((vectors.shape[1],) * 2, dtype=torch.float64, device=vectors.device)
    for part in torch.split(vectors, 2**16):
        centred = part.double() - mean
        spread += centred.T @ centred
    directions = torch.linalg.eigh(spread).eigenvectors.flip(1)[:, :dimensions]
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    directions = directions * largest.sign()
    scores = torch.cat([(part.double() - mean) @ directions for part in torch.split(vectors, 2**16)])
    if scores.shape[1] < dimensions:
        scores = torch.nn.functional.pad(scores, (0, dimensions - scores.shape[1]))
    return scores.to(vectors.dtype)
