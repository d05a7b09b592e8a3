"""Simulated audits: flips of confirmed candidates and of their coverings, with everything that ties trials together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

FINDINGS, TRIED = 8, 145
AT_ONCE = 250  # audits, so that memory stays small
LIMIT = 0.10

Rates = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """What is true of every audit of one setting.

    Attributes:
        coverings: flip rate of each covering.
        uplifts: of all that is tried over the strongest covering: one number for all, or `one`: one candidate of 20
            points among others of 2 to 7, `spread`: one of 20 points, the others falling exponentially, mean 3.
        image_effect: share of the latent variance that belongs to the image, which then flips under anything.
        family_effect: share that candidates of one family (three of them) have in common on an image.
        variants: placements of which the best counts, for candidates and coverings alike; rates are those of the best.
    """

    coverings: tuple[float, ...]
    uplifts: float | str = LIMIT
    image_effect: float = 0.4
    family_effect: float = 0.2
    variants: int = 1


@dataclass(frozen=True)
class Audits:
    """A audits of one world.

    Attributes:
        first_only, second_only: (A, findings, coverings) images that the candidate flips and the covering does not,
            and the reverse, in the order of selection.
        uplift: (A, findings) true uplift over the strongest covering.
        covered: (A, images) share of an image's covering draws that flip it.
    """

    first_only: NDArray[np.int64]
    second_only: NDArray[np.int64]
    uplift: Rates
    covered: Rates


def simulate(world: World, images: int, audits: int, seed: int) -> Audits:
    """Draw audits; the same seed draws the same ones."""
    parts = list(_parts(world, images, audits, seed))
    return Audits(*(np.concatenate([getattr(part, name) for part in parts]) for name in Audits.__annotations__))


def _parts(world: World, images: int, audits: int, seed: int) -> Iterator[Audits]:
    generator = np.random.default_rng([seed, images])
    for start in range(0, audits, AT_ONCE):
        yield _some(world, images, min(AT_ONCE, audits - start), generator)


def _some(world: World, images: int, audits: int, generator: np.random.Generator) -> Audits:
    strongest = max(world.coverings)
    rates = strongest + _uplifts(world, audits, generator)
    chosen = selected(rates, images, generator)
    rates = np.take_along_axis(rates, chosen, 1)
    image = _normal(generator, (audits, 1, images)) * world.image_effect**0.5
    families = _normal(generator, (audits, 3, images)) * world.family_effect**0.5
    own = 1 - world.image_effect - world.family_effect
    latent = (
        image + families[:, np.arange(FINDINGS) % 3] + _best(generator, (audits, FINDINGS, images), world) * own**0.5
    )
    flips = latent > _threshold(world, own, world.family_effect)(rates)[..., None]
    first, second, covered = [], [], np.zeros((audits, images))
    for place, rate in enumerate(world.coverings):
        # grey is one patch for all candidates; what is drawn is drawn for each
        drawn = 1 if place == 0 and len(world.coverings) > 1 else FINDINGS
        noise = _best(generator, (audits, drawn, images), world) * (1 - world.image_effect) ** 0.5
        hit = image + noise > _threshold(world, 1 - world.image_effect, 0.0)(np.array([rate]))[0]
        first.append((flips & ~hit).sum(-1))
        second.append((~flips & hit).sum(-1))
        covered += hit.mean(1) / len(world.coverings)
    return Audits(np.stack(first, -1), np.stack(second, -1), rates - strongest, covered)


def selected(rates: Rates, images: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """(A, findings) the best of all that is tried, best first, by successive halving on three quarters as many images.

    A score is the mean gain in the target's log-odds, here the latent strength with the noise of so many images.
    """
    strength = special.ndtri(rates)
    pictures = max(12, 3 * images // 4)
    steps = [min(16, pictures), min(32, pictures), pictures]
    total, seen, alive = np.zeros_like(strength), 0, np.ones(strength.shape, dtype=bool)
    for step, keep in zip(steps, (73, 37, FINDINGS), strict=True):
        new = step - seen
        if new:
            total = total + new * strength + np.sqrt(0.6 * new) * generator.standard_normal(strength.shape)
        seen = step
        order = np.argsort(np.where(alive, -total, np.inf), axis=1)[:, :keep]
        alive = np.zeros_like(alive)
        np.put_along_axis(alive, order, True, axis=1)
    return order


def _uplifts(world: World, audits: int, generator: np.random.Generator) -> Rates:
    shape = (audits, TRIED)
    if isinstance(world.uplifts, float):
        return np.full(shape, world.uplifts)
    if world.uplifts == "one":
        uplifts = 0.02 + np.minimum(0.05, generator.exponential(0.015, shape))
    elif world.uplifts == "spread":
        uplifts = np.minimum(0.2, generator.exponential(0.03, shape))
    else:
        raise ValueError(f"uplifts are a number, 'one' or 'spread', got {world.uplifts!r}")
    uplifts[:, 0] = 0.2
    return uplifts


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return generator.standard_normal(shape, dtype=np.float32)


def _best(generator: np.random.Generator, shape: tuple[int, ...], world: World) -> NDArray[np.float32]:
    """The largest of a trial's variants: half of what is its own is shared by its variants."""
    if world.variants == 1:
        return _normal(generator, shape)
    largest = special.ndtri(generator.random(shape, dtype=np.float32) ** np.float32(1 / world.variants))
    return np.asarray(0.5**0.5 * (_normal(generator, shape) + np.minimum(largest, 6.0)), dtype=np.float32)


class _Quantile:
    """From a rate to the latent height that a trial passes that often."""

    def __init__(self, heights: NDArray[np.float64] | None) -> None:
        self.heights = heights

    def __call__(self, rates: Rates) -> Rates:
        if self.heights is None:
            return np.asarray(-special.ndtri(rates), dtype=np.float64)
        return np.interp(1 - rates, (np.arange(self.heights.size) + 0.5) / self.heights.size, self.heights)


@cache
def _threshold(world: World, own: float, family: float) -> _Quantile:
    if world.variants == 1:
        return _Quantile(None)
    generator = np.random.default_rng(0)
    size = (4_000_000,)
    latent = _normal(generator, size) * (world.image_effect + family) ** 0.5 + _best(generator, size, world) * own**0.5
    return _Quantile(np.sort(latent.astype(np.float64)))
