"""UMAP on any device of PyTorch's, by TorchDR. The only module that loads that library, which is an extra.

TorchDR (Van Assel, Courty, Flamary, Garivier, Massias, Vayer and others; BSD licence) moves all activations at once by
steps of gradient descent, where umap-learn moves them along one edge after the other: the same graph, the same
attraction and repulsion, and work that a card does in parallel. Three things are done otherwise than it does them:
neighbours are found by blocks, the graph is held as a list of edges, and no generator but the layout's own is seeded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import scipy.linalg
import torch
import torchdr
from numpy.typing import NDArray
from torch import Tensor
from torchdr import UMAP, NegativeSamplingNeighborEmbedding, UMAPAffinity
from torchdr.utils.sparse import flatten_sparse, merge_symmetry

from auditor.atlas.neighbours import nearest_others
from auditor.core.records import FloatArray

VERSION: str = torchdr.__version__
STEPS = 500
"""With 200 as many neighbours are not kept (docs/atlas.md)."""

_SAME = 1e-6
"""Unit vectors in float32 that spread less than this differ by rounding alone."""

_TOGETHER = 2**16


def umap_at_once(
    unit: FloatArray, dimensions: int, neighbours: int, min_dist: float, seed: int, device: torch.device
) -> NDArray[np.float64]:
    """UMAP (McInnes, Healy, Melville 2018, arXiv:1802.03426) of all vectors at once, on cosine distance.

    Args:
        unit: (S, D) vectors of length 1.
        dimensions: 1 or more.
        neighbours: from 2 to S - 2; as in umap-learn a sample counts among its own.
        min_dist: UMAP's.
        seed: decides every draw; no other generator of this process is touched.
        device: where it is computed. The same seed on the same device gives the same places.
    Returns:
        (S, dimensions), all 0 where all vectors are the same.
    Raises:
        torch.cuda.OutOfMemoryError: the device does not hold it.
    """
    there = torch.from_numpy(np.ascontiguousarray(unit)).to(device)
    start = _first_components(there, dimensions)
    if not float(start[:, 0].std()) > _SAME:
        return np.zeros((len(unit), dimensions))
    affinity = _CosineAffinity(
        n_neighbors=neighbours, max_iter=100, symmetrize=False, distributed=False, _pre_processed=True
    )
    reducer = _UmapOfEdges(
        n_neighbors=neighbours,
        n_components=dimensions,
        min_dist=min_dist,
        init=start,
        max_iter=STEPS,
        backend=None,
        distributed=False,
        random_state=None,  # with one it would seed Python, NumPy and PyTorch, and have cuDNN pick kernels by timing
        process_duplicates=False,  # duplicates are activations like others, and finding them costs a sort of all
    )
    reducer.affinity_in = affinity
    for one in (reducer, affinity):
        one.logger.disabled = True
    with drawing(device, seed):
        places = reducer.fit_transform(there)
    return np.asarray(places.detach().cpu().numpy(), dtype=np.float64)


@contextlib.contextmanager
def drawing(device: torch.device, seed: int) -> Iterator[None]:
    """Within the body PyTorch draws on a device by a seed; afterwards its generators go on where they were."""
    card = device.type == "cuda"
    index = (torch.cuda.current_device() if device.index is None else device.index) if card else 0
    with torch.random.fork_rng(devices=[index] if card else []):
        generator = torch.cuda.default_generators[index] if card else torch.default_generator
        generator.manual_seed(seed)
        yield


class _CosineAffinity(UMAPAffinity):  # type: ignore[misc]
    """UMAP's affinity to the nearest by cosine. Without faiss the library would hold all S × S distances at once."""

    def _distance_matrix(self, unit: Tensor, k: int, return_indices: bool = True) -> tuple[Tensor, Tensor]:
        """Squared distances (S, k) to the k nearest others, d² = 2 − 2 cos, and their rows (S, k)."""
        assert return_indices
        cosines, rows = nearest_others(unit, k)
        return cosines.mul_(-2.0).add_(2.0).clamp_(min=0.0), rows


class _UmapOfEdges(UMAP):  # type: ignore[misc]
    """UMAP whose symmetric graph is a list of edges from the start.

    The library's own has as many columns a sample as the one with most edges needs. A few samples that are neighbours
    of very many, as the duplicates of a plain background are, would make that table larger than any card.
    """

    def on_affinity_computation_end(self) -> None:
        """What `torchdr.UMAP` makes of its padded table here, from the (S, k) affinities as they were computed."""
        NegativeSamplingNeighborEmbedding.on_affinity_computation_end(self)
        rows, columns, values = flatten_sparse(self.affinity_in_, self.NN_indices_)
        del self.affinity_in_, self.NN_indices_
        source, target, there, back = merge_symmetry(rows, columns, values, self.n_samples_in_)
        strength = there + back - there * back
        strongest = strength.max()
        steps_between = strength.reciprocal().mul_(strongest)
        steps_between.masked_fill_(strength <= strongest / self.max_iter, torch.inf)  # never drawn
        edges = {
            "attractive_source_": source,
            "attractive_target_": target,
            "attractive_counts_": torch.bincount(source, minlength=self.n_samples_in_),
            "epochs_per_sample": steps_between,
            "epoch_of_next_sample": steps_between.clone(),
        }
        for name, tensor in edges.items():
            self.register_buffer(name, tensor, persistent=False)
        self._negative_sampling_offset_ = 0


def _first_components(unit: Tensor, dimensions: int) -> Tensor:
    """Scores (S, dimensions) of S vectors (S, D) along their first principal components; 0 beyond the D-th.

    Each is signed so that its largest loading is positive. By the second moment in double precision, a part at a time:
    the library's own takes the singular vectors of all of them.
    """
    parts = [unit[start : start + _TOGETHER] for start in range(0, len(unit), _TOGETHER)]
    mean = torch.stack([part.sum(dim=0, dtype=torch.float64) for part in parts]).sum(dim=0) / len(unit)
    width = unit.shape[1]
    moment = torch.zeros((width, width), dtype=torch.float64, device=unit.device)
    for part in parts:
        centred = part - mean  # in double precision, as the mean is
        moment += centred.T @ centred
    there = min(dimensions, width)
    _, found = scipy.linalg.eigh(moment.cpu().numpy(), subset_by_index=(width - there, width - 1))
    directions = found[:, ::-1]
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(there)])
    axes = torch.from_numpy(directions * signs).to(unit.device)
    scores = torch.zeros((len(unit), dimensions), dtype=torch.float32, device=unit.device)
    scores[:, :there] = torch.cat([((part - mean) @ axes).float() for part in parts])
    return scores
