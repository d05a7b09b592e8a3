"""Lay several layers out together, so that a concept keeps its place from layer to layer. Binning comes after.

The Activation Atlas names the lack of this as a limitation of its own. Each image gives every layer the activation at
one place of the picture; AlignedUMAP (umap-learn) lays the layers out at once and draws an image's points together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from auditor.atlas.activations import ActivationSet
from auditor.atlas.attribution import attribution_method, contrast_of, logits_and_attribution
from auditor.atlas.collection import Mapped
from auditor.atlas.embedding import (
    PAPER_FULL,
    TOO_FEW,
    Likeness,
    extend,
    keep_compiled,
    quiet,
    threads_kept,
    unit_vectors,
    whiten,
)
from auditor.atlas.layout import fit_square
from auditor.atlas.network import CutNetwork
from auditor.atlas.shards import Shards
from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError
from auditor.core.records import ClassGroup, FloatArray, IntArray, PixelArray
from auditor.core.shelf import MemoryShelf, Shelf
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.device import off_the_device
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming

ALIGNED_FITTED = 4000
"""Images laid out by AlignedUMAP itself; it searches for approximate neighbours, and compiles that search, above."""

PULL = 0.01
"""AlignedUMAP's alignment_regularisation: how strongly an image's points of neighbouring layers attract each other."""


def shared_positions(keys: Sequence[str], grids: Sequence[tuple[int, int]], seed: int) -> tuple[IntArray, ...]:
    """One place in each picture, as the position that covers it in the grid of every layer.

    The place is uniform over the interior of the coarsest grid, so it is interior in the finer ones as well.

    Args:
        keys: of the N pictures.
        grids: height and width of each layer's grid.
        seed: with a picture's key it decides the place.
    Returns:
        (N, 2) positions as y, x for each grid.
    """
    coarsest = np.array([min(height for height, _ in grids), min(width for _, width in grids)])
    border = np.where(coarsest >= 3, 1 / coarsest, 0.0)
    drawn = np.array([keyed_generator(seed, "place in the picture", key).random(2) for key in keys]).reshape(-1, 2)
    places = border + drawn * (1 - 2 * border)
    # 1e-9: a place on the first interior row is not to fall out of it by rounding
    return tuple(np.floor(places * np.array(grid) + 1e-9).astype(np.int64) for grid in grids)


def collect_layers(layers: Sequence[Mapped], rows: IntArray, shelf: Shelf | None = None) -> tuple[ActivationSet, ...]:
    """The activation at one shared place of each picture, in every layer; row i of each set is picture `rows[i]`.

    Args:
        layers: one network cut after each layer, with the same pictures.
        rows: (R,) the pictures to use, as rows of the pool.
        shelf: keeps each layer's set as one shard, by the layer's place in `layers`; those that are there are not
            collected again. None: memory.
    Returns:
        A set for each layer, with weight 1 for each picture.
    """
    shards = Shards(MemoryShelf() if shelf is None else shelf, len(layers))
    first = layers[0]
    keys = [first.pool.images[row].key for row in rows]
    grids = [(one.cut.feature_shape[1], one.cut.feature_shape[2]) for one in layers]
    positions = shared_positions(keys, grids, first.seed)
    first.progress.start("layers", len(layers) * len(rows))
    for number, (one, at) in enumerate(zip(layers, positions, strict=True)):
        if shards.has(number):
            first.progress.advance(len(rows))
            continue
        parts: list[ActivationSet] = []

        def collect(batch: slice, one: Mapped = one, at: IntArray = at) -> ActivationSet:
            return _at_positions(one.cut, one.pool.pixels, rows[batch], at[batch], one.pair)

        named = naming(collect, one.pool.paths(rows))
        for _, part in Batches(one.batch_size).each(len(rows), named, first.progress):
            parts.append(part)
            first.progress.advance(len(part))
        shards.write(number, ActivationSet.joined(parts))
    return tuple(shards)


def aligned_layouts(
    layers: Sequence[FloatArray], likeness: Likeness = PAPER_FULL, seed: int = 0, pull: float = PULL
) -> tuple[FloatArray, ...]:
    """One layout for each of several layers, in the same coordinates.

    Args:
        layers: (N, D) activations of each layer, in the order of the network; row i of each is the same image.
        likeness: UMAP's settings. More than 4000 images (or `likeness.fitted`): a random subset is laid out and the
            others join their nearest in each layer.
        seed: decides every draw; the same seed gives the same coordinates.
        pull: 0 lets the layers forget each other, apart from a common start.
    Returns:
        (N, 2) in [0, 1] for each layer.
    Raises:
        ImageError: fewer than two layers, layers of different length, or fewer than 10 images.
    """
    images = len(layers[0]) if layers else 0
    if len(layers) < 2 or any(len(layer) != images for layer in layers) or images < TOO_FEW:
        raise ImageError(
            f"layers are laid out together from two or more, each with the same {TOO_FEW} images or more, but got "
            f"{[len(layer) for layer in layers]} images a layer; collect them with collect_layers"
        )
    units = [unit_vectors(whiten(layer) if likeness.whitened else layer) for layer in layers]
    most = min(images, likeness.fitted or ALIGNED_FITTED)
    fitted = np.sort(keyed_generator(seed, "layers", images).choice(images, most, replace=False)).astype(np.int64)
    places = _aligned_umap([unit[fitted] for unit in units], likeness, seed, pull)
    if most < images:
        places = [extend(unit, fitted, placed) for unit, placed in zip(units, places, strict=True)]
    together = fit_square(np.concatenate(places))
    return tuple(np.split(together, len(layers)))


def movement(first: FloatArray, second: FloatArray) -> float:
    """How far an image's point moves between two layouts (N, 2) each, as a share of how far apart images lie.

    The median distance between an image's two points, over that between its point in the first and another image's in
    the second: 0 is no movement, 1 is a second layout that knows nothing of the first.
    """
    apart = [np.linalg.norm(first - np.roll(second, shift, axis=0), axis=1) for shift in range(1, min(len(first), 50))]
    return float(np.median(np.linalg.norm(first - second, axis=1)) / np.median(np.concatenate(apart)))


def superposed(first: FloatArray, second: FloatArray) -> FloatArray:
    """The second layout moved, turned, mirrored and scaled onto the first (Procrustes, least squares)."""
    centre, other_centre = first.mean(axis=0), second.mean(axis=0)
    turned, scale = orthogonal_procrustes(second - other_centre, first - centre)
    length = float(np.square(second - other_centre).sum())
    moved: FloatArray = (centre + (second - other_centre) @ turned * (scale / length if length else 1.0)).astype(
        np.float32
    )
    return moved


def _at_positions(
    cut: CutNetwork,
    pixels: PixelArray,
    rows: IntArray,
    positions: IntArray,
    pair: tuple[ClassGroup, ClassGroup] | None,
) -> ActivationSet:
    device = cut.classifier.device
    with torch.no_grad():
        features = cut.features(to_float(pixels[rows], device))
    index = torch.arange(len(rows), device=device)
    y, x = torch.from_numpy(positions.T.copy()).to(device)
    method = attribution_method(cut, features)
    logits, attribution = logits_and_attribution(cut, features, y, x, method=method, chunk=len(rows))
    contrast = torch.full_like(logits[:, 0], torch.nan) if pair is None else contrast_of(logits, attribution, *pair)
    numbers = off_the_device(features.grid[index, :, y, x], attribution, contrast.unsqueeze(1))
    return ActivationSet(
        vectors=numbers[0],
        attribution=numbers[1],
        contrast=numbers[2][:, 0],
        image_row=rows,
        y=positions[:, 0],
        x=positions[:, 1],
        weight=np.ones(len(rows), dtype=np.float32),
        strongest=np.zeros(len(rows), dtype=np.bool_),
    )


def _aligned_umap(layers: list[FloatArray], likeness: Likeness, seed: int, pull: float) -> list[NDArray[np.float64]]:
    images = len(layers[0])
    with quiet(), threads_kept():
        import umap  # takes seconds

        keep_compiled()
        reducer = umap.AlignedUMAP(
            n_components=2,
            n_neighbors=max(2, min(likeness.neighbours, images - 2)),
            min_dist=likeness.min_dist,
            metric="cosine",
            alignment_regularisation=pull,
            random_state=seed,
        )
        reducer.fit(layers, relations=[{image: image for image in range(images)}] * (len(layers) - 1))
    return [np.nan_to_num(np.asarray(placed, dtype=np.float64)) for placed in reducer.embeddings_]
