"""Place activations in one or two dimensions by likeness: UMAP, t-SNE, principal components. Raw coordinates only.

t-SNE is scikit-learn's: it comes with umap-learn, and up to the samples fitted here it keeps neighbours as well as
openTSNE 1.0, whose FFT method pays off above that, at the price of one more compiled package. UMAP is umap-learn's, on
one core, or TorchDR's, which is an extra and can use a card.

A new method is one function here, one entry in `METHODS`, and its name among those that `atlas.layout` may have.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from auditor.atlas.vectors import Vectors, all_of, are_many, in_parts, second_moment
from auditor.core.draws import keyed_generator
from auditor.core.errors import ConfigError, DeviceMemoryError, first_line, out_of_memory
from auditor.core.records import FloatArray, IntArray

FloatMatrix = NDArray[np.float64]

TOO_FEW = 10
"""Fewer samples than this have no neighbourhood to speak of and are placed by their principal components."""

NEAREST = 3
Nearest = Callable[[FloatArray, FloatArray, int], tuple[FloatArray, IntArray]]
_BLOCK = 1024
RIDGE = 0.01
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Likeness:
    """How likeness of activations becomes distance in a layout.

    Attributes:
        method: a key of `METHODS`.
        neighbours: UMAP's n_neighbors, shrunk where there are fewer samples; min_dist: UMAP's.
        perplexity: t-SNE's, shrunk to a third of the samples.
        whitened: take the vectors times the inverse square root of their second moment, so that directions in which
            all activations vary together count no more than others.
        fitted: samples the method sees at most, a random subset of more; the others take the mean place of their
            nearest of them. None: as many as the method takes a quarter of a minute for on one core, or, on a card, as
            many as it was tried with.
        device: the run's, on which a method is computed that can use a card.
    """

    method: str = "umap"
    neighbours: int = 20
    min_dist: float = 0.01
    perplexity: float = 50.0
    whitened: bool = False
    fitted: int | None = None
    device: torch.device = CPU

    @property
    def fitted_at_most(self) -> int:
        """`fitted`, or its default for the method on the device."""
        method = METHODS[self.method]
        return self.fitted or (method.fitted if self.card is None else method.fitted_on_card)

    @property
    def card(self) -> torch.device | None:
        """The device, where it is a card and the method uses one."""
        return self.device if self.device.type == "cuda" and METHODS[self.method].fitted_on_card else None


PAPER_FULL = Likeness()
"""The Activation Atlas' UMAP for all classes (Carter et al. 2019)."""

PAPER_CLASS = Likeness(neighbours=50, min_dist=0.05)
"""Its UMAP for the sparser atlas of one class; its t-SNE for that is `Likeness(method="tsne")`."""


def embed(vectors: FloatArray | Vectors, dimensions: int, likeness: Likeness, seed: int) -> FloatMatrix:
    """Coordinates in which like activations lie close.

    Up to `likeness.fitted_at_most` samples are placed by the method itself. Of more, a random subset of that size is,
    and each further sample takes the mean place of its three nearest placed ones, weighted by cosine; of those one
    part is in memory at a time.

    Args:
        vectors: S activations, (S, D) or in parts.
        dimensions: 1 or 2.
        seed: decides the subset and the method's own draws; the same seed gives the same coordinates.
    Returns:
        (S, dimensions), in the method's own units.
    """
    every = in_parts(vectors)
    samples = len(every)
    turned = _whitening(every) if likeness.whitened and samples else None

    def unit(some: FloatArray) -> FloatArray:
        return unit_vectors(some if turned is None else (some @ turned).astype(np.float32))

    if samples < TOO_FEW:
        few = all_of(every)
        return principal_components(few if turned is None else (few @ turned).astype(np.float32), dimensions)
    if samples <= likeness.fitted_at_most:
        return _fit(unit(all_of(every)), dimensions, likeness, seed)
    generator = keyed_generator(seed, "layout", samples)
    fitted = np.sort(generator.choice(samples, likeness.fitted_at_most, replace=False)).astype(np.int64)
    known = unit(every.at(fitted))
    extended = np.empty((samples, dimensions))
    extended[fitted] = places = _fit(known, dimensions, likeness, seed)
    joining = np.ones(samples, dtype=np.bool_)
    joining[fitted] = False
    nearest: Nearest = nearest_of_many if are_many(every) else nearest_of
    if likeness.card is not None:
        nearest = functools.partial(nearest_of_many, device=likeness.card)
    for rows, part in every:
        others = np.flatnonzero(joining[rows])
        if len(others):
            extended[rows.start + others] = _joined(known, places, unit(part[others]), nearest)
    return extended


def unit_vectors(vectors: FloatArray) -> FloatArray:
    """The vectors (S, D) at length 1, so that Euclidean neighbours are cosine neighbours; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32, copy=False)
    return unit


def whiten(vectors: FloatArray, ridge: float = RIDGE) -> FloatArray:
    """The vectors (S, D) times (M + ridge · mean eigenvalue · I)^(−1/2), M their second moment.

    The ridge keeps directions that hardly occur from being blown up to the size of all others.
    """
    turned = _whitening(in_parts(vectors), ridge) if len(vectors) else None
    return vectors if turned is None else (vectors @ turned).astype(np.float32)


def _whitening(vectors: Vectors, ridge: float = RIDGE) -> FloatArray | None:
    """(D, D) what `whiten` multiplies by; None where all vectors are zeros."""
    values, directions = np.linalg.eigh(second_moment(vectors))
    values = np.maximum(values, 0.0)
    if values.mean() == 0.0:
        return None
    scale = 1.0 / np.sqrt(values + ridge * values.mean())
    turned: FloatArray = ((directions * scale) @ directions.T).astype(np.float32)
    return turned


def principal_components(vectors: FloatArray, dimensions: int) -> FloatMatrix:
    """Scores (S, dimensions) along the first principal components, each signed so that its largest loading is positive.

    Components that the samples do not have are 0.
    """
    scores = np.zeros((len(vectors), dimensions))
    if len(vectors) == 0:
        return scores
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    for column, direction in enumerate(np.linalg.svd(centred, full_matrices=False)[2][:dimensions]):
        scores[:, column] = centred @ direction * np.sign(direction[np.abs(direction).argmax()])
    return scores


def nearest_of(unit: FloatArray, others: FloatArray, count: int) -> tuple[FloatArray, IntArray]:
    """The `count` of `unit` (S, D) that are nearest each of `others` (T, D), exactly, nearest first.

    Returns:
        Cosines (T, count) and rows of `unit` (T, count).
    """
    from sklearn.neighbors import NearestNeighbors  # loads slowly, so only a run that lays something out pays for it

    # Euclidean on unit vectors is the library's fast, parallel path; d² = 2 − 2 cos.
    distance, rows = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(unit).kneighbors(others)
    return (1.0 - distance**2 / 2.0).astype(np.float32), rows.astype(np.int64)


def nearest_of_many(
    unit: FloatArray, others: FloatArray, count: int, device: torch.device = CPU
) -> tuple[FloatArray, IntArray]:
    """As `nearest_of` in half the time: cosines in single precision, so that two within 1e-6 may change places."""
    known = torch.from_numpy(unit).to(device).T.contiguous()
    blocks = [torch.from_numpy(others[start : start + _BLOCK]).to(device) for start in range(0, len(others), _BLOCK)]
    found = [(block @ known).topk(count, dim=1) for block in blocks]
    cosine: FloatArray = torch.cat([one.values for one in found]).cpu().numpy()
    rows: IntArray = torch.cat([one.indices for one in found]).cpu().numpy()
    return cosine, rows


def extend(unit: FloatArray, fitted: IntArray, places: FloatMatrix) -> FloatMatrix:
    """Coordinates of all samples (S, D) from those of the fitted ones, by the nearest fitted by cosine."""
    extended = np.zeros((len(unit), places.shape[1]))
    others = np.setdiff1d(np.arange(len(unit)), fitted)
    extended[others] = _joined(unit[fitted], places, unit[others], nearest_of)
    extended[fitted] = places
    return extended


def _joined(known: FloatArray, places: FloatMatrix, others: FloatArray, nearest: Nearest) -> FloatMatrix:
    """Coordinates of `others` (T, D) among those of `known` (S, D)."""
    cosine, rows = nearest(known, others, NEAREST)
    weight = np.maximum(cosine, 1e-6).astype(np.float64)
    joined: FloatMatrix = (places[rows] * weight[:, :, np.newaxis]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
    return joined


def _fit(unit: FloatArray, dimensions: int, likeness: Likeness, seed: int) -> FloatMatrix:
    # An activation of zeros is like nothing, and cosine distance has no number for it: it goes to the middle.
    nonzero = np.flatnonzero(unit.any(axis=1))
    if len(nonzero) < TOO_FEW:
        return principal_components(unit, dimensions)
    fit = METHODS[likeness.method].fit
    found = np.nan_to_num(fit(unit[nonzero], dimensions, likeness, seed))
    places = np.tile(found.mean(axis=0), (len(unit), 1))
    places[nonzero] = found
    return places


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """UMAP warns of what is wanted here: one thread because of the seed, one dimension, unlike groups."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def threads_kept() -> Iterator[None]:
    """Afterwards PyTorch has as many threads as before.

    numba, on which UMAP runs, sets OpenMP's number of threads to that of the cores. PyTorch shares OpenMP, so all that
    came after a layout ran on another number of threads than a run that reads the layout back.
    """
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@functools.cache
def keep_compiled() -> None:
    """Have numba keep, in its own cache, what it compiles of UMAP's slow functions, for the processes to come.

    UMAP asks for that for one function alone; the others cost each process more than half a dozen seconds, and those of
    AlignedUMAP eight more. Where no place for a cache can be written to, or a version of UMAP has other functions, they
    are compiled as before.
    """
    from umap import aligned_umap, layouts, umap_

    for module, name in (
        (umap_, "smooth_knn_dist"),
        (umap_, "compute_membership_strengths"),
        (layouts, "_nb_optimize_layout_euclidean_single_epoch"),
        (aligned_umap, "in1d"),
        (aligned_umap, "procrustes_align"),
        (aligned_umap, "build_neighborhood_similarities"),
        (aligned_umap, "init_from_existing_internal"),
    ):
        compiled = getattr(module, name, None)
        if compiled is not None and hasattr(compiled, "enable_caching"):
            with contextlib.suppress(RuntimeError):
                compiled.enable_caching()


def _umap(unit: FloatArray, dimensions: int, likeness: Likeness, seed: int) -> FloatMatrix:
    """McInnes, Healy, Melville 2018, arXiv:1802.03426, on cosine distance."""
    neighbours = max(2, min(likeness.neighbours, len(unit) - 2))
    cosine, rows = nearest_of(unit, unit, neighbours)
    with quiet(), threads_kept():
        import umap  # takes seconds

        keep_compiled()
        reducer = umap.UMAP(
            n_components=dimensions,
            n_neighbors=neighbours,
            min_dist=likeness.min_dist,
            metric="cosine",
            random_state=seed,
            n_jobs=1,
            # exact neighbours by matrix products: as fast as the approximate ones at this size, and nothing to compile
            precomputed_knn=(rows, np.maximum(1.0 - cosine, 0.0), None),
        )
        return np.asarray(reducer.fit_transform(unit), dtype=np.float64)


def _tsne(unit: FloatArray, dimensions: int, likeness: Likeness, seed: int) -> FloatMatrix:
    """van der Maaten, Hinton 2008, JMLR 9, on cosine distance."""
    with quiet(), threads_kept():
        from sklearn.manifold import TSNE

        reducer = TSNE(
            n_components=dimensions,
            perplexity=min(likeness.perplexity, (len(unit) - 1) / 3),
            metric="cosine",
            init="pca",
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(reducer.fit_transform(unit), dtype=np.float64)


def _torchdr(unit: FloatArray, dimensions: int, likeness: Likeness, seed: int) -> FloatMatrix:
    """UMAP again, on the card where there is one: `auditor.atlas.torchdr_layout` says how."""
    neighbours = max(2, min(likeness.neighbours, len(unit) - 2))
    layout = torchdr_layout()
    with quiet(), threads_kept():
        try:
            places: FloatMatrix = layout.umap_at_once(
                unit, dimensions, neighbours, likeness.min_dist, seed, likeness.card or CPU
            )
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise DeviceMemoryError(
                f"memory of {likeness.card or CPU} does not hold a layout of {len(unit)} activations by TorchDR "
                f'({first_line(error)}); [atlas] layout = "umap" lays a part of them out, on the processor'
            ) from error
    return places


@functools.cache
def torchdr_layout() -> ModuleType:
    """The module that lays out by TorchDR, loaded when it is first asked for.

    Raises:
        ConfigError: the library is not installed, or another version than the one that the module was written for.
    """
    fonts = logging.getLogger("matplotlib")  # which TorchDR loads to draw with; it tells of fonts and caches
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    needs = '[atlas] layout = "torchdr" needs'
    try:
        with quiet():
            from auditor.atlas import torchdr_layout as layout
    except ModuleNotFoundError as error:
        package = str(error.name).split(".")[0]
        missing = {"torchdr": "TorchDR", "matplotlib": "Matplotlib, which TorchDR loads"}.get(package, package)
        raise ConfigError(f'{needs} {missing}, which is not installed; pip install "auditor[torchdr]"') from error
    except ImportError as error:
        raise ConfigError(
            f'{needs} TorchDR 0.5, and what is installed is other ({first_line(error)}); pip install "auditor[torchdr]"'
        ) from error
    finally:
        fonts.setLevel(level)
    if not layout.VERSION.startswith("0.5"):
        raise ConfigError(f'{needs} TorchDR 0.5, and {layout.VERSION} is installed; pip install "auditor[torchdr]"')
    return layout


def check_layout(method: str) -> None:
    """Look whether what a method of `METHODS` needs is installed, before anything is computed for it.

    Raises:
        ConfigError: it is not; says what to install.
    """
    METHODS[method].check()


@dataclass(frozen=True, slots=True)
class Method:
    """A method of placing activations by likeness.

    Attributes:
        fit: coordinates (S, dimensions) of S unit vectors (S, D), none of them zero; it takes the dimensions (1 or 2),
            the settings and a seed, which decides every draw.
        fitted: samples it sees at most where the settings do not say; a quarter of a minute on one core.
        fitted_on_card: the same where the run's device is a card; 0: it uses none.
        check: raises ConfigError where what it needs is not installed.
    """

    fit: Callable[[FloatArray, int, Likeness, int], FloatMatrix]
    fitted: int
    fitted_on_card: int = 0
    check: Callable[[], object] = lambda: None


METHODS: Mapping[str, Method] = {
    "umap": Method(_umap, 10_000),
    "tsne": Method(_tsne, 3000),
    "torchdr": Method(_torchdr, 10_000, fitted_on_card=1_000_000, check=torchdr_layout),
}
"""By the name that `atlas.layout` gives them."""
