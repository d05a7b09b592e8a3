"""Estimates at many places, each measured on few pictures, pooled by a Gaussian process over the places. No counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# What the process may be like; each is weighed by how well it explains the means.
_SMOOTH, _ROUGH = (0.1, 0.3, 1.0, 3.0), (0.0, 0.1, 0.3, 1.0)
_REACH = (0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Pooled:
    """(P,) estimates of the places' means, and their standard deviations."""

    mean: Numbers
    deviation: Numbers


def pooled_means(values: Numbers, parts: NDArray[np.int64], places: Numbers, least_variance: float = 0.0) -> Pooled:
    """Estimate the mean at every place from all places: near ones are alike, as far as the numbers say.

    The means of P places are Y = β + f + t + ε: β one level, f a Gaussian process over the places with a covariance of
    s² exp(−d²/2l²) for places d apart, t what each place has of its own, ε the error of few pictures. ε of places that
    share their pictures are correlated. s², l and the variance of t are not chosen: estimates are averaged over a table
    of them, by their restricted likelihood.

    Args:
        values: (P, n) one number a place and picture.
        parts: (P,) which pictures a place was measured on: places of one part share theirs, in the same order.
        places: (P, 2) down and across, as shares.
        least_variance: of one number; keeps places without any spread from being taken as certain.

    Raises:
        ValueError: shapes that do not fit, fewer than two places or pictures.

    Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, sections 2.2 and 2.7.
    """
    count, pictures = values.shape if values.ndim == 2 else (0, 0)
    if count < 2 or pictures < 2 or parts.shape != (count,) or places.shape != (count, 2):
        raise ValueError(
            "pooling needs (P, n) values with at least 2 of each, P parts and (P, 2) places, got shapes "
            f"{values.shape}, {parts.shape} and {places.shape}"
        )
    means, noise = values.mean(axis=1), noise_of(values, parts, least_variance)
    # of the means' own spread, which is noise too: a process of twice what is there is among what is tried
    scale = max(float(means.var()), float(noise.diagonal().mean()))
    if scale == 0:
        return Pooled(means, np.zeros(count))
    each = [_under(scale * prior, noise, means) for prior in _covariances(places)]
    share = np.exp([likelihood - max(one for _, _, one in each) for _, _, likelihood in each])
    share /= share.sum()
    fitted, spread = (np.stack([one[part] for one in each]) for part in (0, 1))
    mean = share @ fitted
    return Pooled(mean, np.sqrt(np.maximum(share @ (spread + fitted**2) - mean**2, 0.0)))


def _under(prior: Numbers, noise: Numbers, means: Numbers) -> tuple[Numbers, Numbers, float]:
    """Estimates and their variances if the places' own covariance were `prior`, and its restricted log-likelihood."""
    total = prior + noise
    inverse = np.linalg.inv(total)
    ones = inverse.sum(axis=1)
    weight = float(ones.sum())
    level = float(ones @ means) / weight
    explained = inverse @ (means - level)
    spread = prior.diagonal() - np.einsum("ij,jk,ik->i", prior, inverse, prior, optimize=True)
    unsure = 1.0 - prior @ ones
    likelihood = -0.5 * (float(np.linalg.slogdet(total)[1]) + np.log(weight) + float((means - level) @ explained))
    return level + prior @ explained, np.maximum(spread, 0.0) + unsure**2 / weight, likelihood


def noise_of(values: Numbers, parts: NDArray[np.int64], least_variance: float = 0.0) -> Numbers:
    """(P, P) covariance of the errors of the places' means; arguments as for `pooled_means`.

    The variance of one number is the same at all places, the mean of their own: a place whose few pictures all flip has
    none, and would count as certain. A picture that flips easily flips at many places, so the errors of places that
    share their pictures have one correlation, which is estimated from all pairs of such places.
    """
    count, pictures = values.shape
    residual = values - values.mean(axis=1, keepdims=True)
    own = (residual**2).sum(axis=1) / (pictures - 1)
    variance = max(float(own.mean()), least_variance) / pictures
    together = (parts[:, None] == parts[None, :]) & ~np.eye(count, dtype=np.bool_)
    deviation = np.sqrt(own)
    most = float((np.outer(deviation, deviation) * together).sum())
    shared = float((residual @ residual.T / (pictures - 1) * together).sum())
    correlation = min(max(shared / most, 0.0), 0.95) if most > 0 else 0.0
    return np.asarray(variance * np.where(together, correlation, np.eye(count)), dtype=np.float64)


def _covariances(places: Numbers) -> Iterator[Numbers]:
    """(P, P) covariances of f and t together, one for each way they may be like, as shares of a variance."""
    apart = ((places[:, None] - places[None, :]) ** 2).sum(axis=2)
    for rough in _ROUGH:
        own = rough * np.eye(len(places))
        yield own
        for smooth, reach in itertools.product(_SMOOTH, _REACH):
            yield smooth * np.exp(-apart / (2 * reach**2)) + own
