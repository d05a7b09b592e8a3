"""Flip rates to be expected of crops: what their log-odds foretell, and what was counted of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize
from scipy.special import betaln, expit

_BELIEVED = ((0.0, 2.0), (1.0, 0.5), (float(np.log(10.0)), 1.5))
"""Mean and standard deviation of level, slope and log weight before any count: the rate is what the log-odds say, and
weighs ten pictures. With hundreds of counts it decides little; with few, or if nothing flips, it keeps them finite."""

_BOUNDS = ((-10.0, 10.0), (0.0, 4.0), (0.0, float(np.log(1e4))))
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Foretold:
    """Flip rates as a function of mean log-odds on other pictures, and how closely they keep to it.

    A crop's rate is thought to be drawn from a beta distribution of mean expit(level + slope · log-odds), which
    weighs as much as `weight` pictures.
    """

    level: float
    slope: float
    weight: float

    @classmethod
    def fit(cls, log_odds: ArrayLike, flips: ArrayLike, eligible: ArrayLike) -> Foretold:
        """The likeliest one, of crops counted on pictures that had no part in choosing them.

        Args:
            log_odds: (N,) mean log-odds of the target on other pictures, logits; N may be 0.
            flips, eligible: (N,) counts, eligible at least 1.

        Source: regression of beta-binomial counts (Prentice 1986, JASA 81, 321–327); as the prior of many rates of
        which the largest are looked at, Efron 2011, doi:10.1198/jasa.2011.tm11181.
        """
        odds, hits, counted = (np.asarray(one, dtype=np.float64) for one in (log_odds, flips, eligible))

        def unlikely(at: NDArray[np.float64]) -> float:
            first, second = _beta(_rate(at[0], at[1], odds), np.exp(at[2]))
            fits = float((betaln(first + hits, second + counted - hits) - betaln(first, second)).sum())
            far = sum(((one - mean) / width) ** 2 for one, (mean, width) in zip(at, _BELIEVED, strict=True))
            return float(0.5 * far - fits)

        start = np.array([mean for mean, _ in _BELIEVED])
        found = optimize.minimize(unlikely, start, method="L-BFGS-B", bounds=_BOUNDS).x
        return cls(float(found[0]), float(found[1]), float(np.exp(found[2])))

    def rates(self, log_odds: ArrayLike) -> NDArray[np.float64]:
        """(N,) rates in (0, 1), of crops that were not counted."""
        return _rate(self.level, self.slope, np.asarray(log_odds, dtype=np.float64))

    def with_counts(self, log_odds: ArrayLike, flips: ArrayLike, eligible: ArrayLike) -> NDArray[np.float64]:
        """(N,) rates in (0, 1) to be expected on further pictures; eligible 0: the crop was not counted.

        A rate is the mean of what its log-odds foretell and what was counted, each weighed by its pictures. It is right
        on average also for those that were looked at because their counts are large, as far as rates keep to the curve.
        """
        hits, counted = (np.asarray(one, dtype=np.float64) for one in (flips, eligible))
        first, second = _beta(self.rates(log_odds), self.weight)
        return np.asarray((first + hits) / (first + second + counted), dtype=np.float64)


def _rate(level: float, slope: float, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip(expit(level + slope * log_odds), _LEAST, 1.0 - _LEAST), dtype=np.float64)


def _beta(rate: NDArray[np.float64], weight: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return rate * weight, (1.0 - rate) * weight
