"""What NumPy's keyed generators draw, for many keys at once, on a processor or a card: the same numbers bit by bit.

Making a generator takes ten times as long as a few numbers from it do, and a card would wait for it. The generator is
PCG64 (XSL RR 128/64) after `SeedSequence`. Its state is a number of 128 bits that each step multiplies and adds to, so
that the k-th state follows from the first at once: by the multiplier's k-th power, and the sum of the powers before it.

Source: O'Neill 2014, "PCG: A family of simple fast space-efficient statistically good algorithms for random number
generation"; for the seeding O'Neill 2015, "Developing a seed_seq alternative"; going ahead by powers: Brown 1994,
"Random number generation with arbitrary strides".
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.draws import keyed_digest, keyed_generator
from auditor.core.records import IntArray

Keys = Sequence[tuple[str | int, ...]]
Words = NDArray[np.uint32]
Halves = tuple[Tensor, Tensor]
"""Numbers of 128 bits as their high and low half, int64 tensors whose bits are meant."""

_MULTIPLIER = 2549297995355413924 << 64 | 4865540595714422341
"""Of PCG64: its state is multiplied by it in each step."""

_MOST = 2**23
"""Words that are drawn at once."""

_CPU = torch.device("cpu")


def uniforms(seed: int, keys: Keys, count: int) -> NDArray[np.float64]:
    """(B, count) in [0, 1): row i is `keyed_generator(seed, *keys[i]).random(count)`."""
    return _doubles(_words(seed, keys, count))


def choices(seed: int, keys: Keys, among: int, count: int) -> tuple[IntArray, NDArray[np.float64]]:
    """One of 0 to before `among` for each key, (B,), and (B, count) numbers uniform in [0, 1) drawn after it.

    Row i is what `keyed_generator(seed, *keys[i])` gives for `integers(among)` and then `random(count)`.

    Source of the first: Lemire 2019, "Fast random integer generation in an interval", as NumPy has it.
    """
    words = _words(seed, keys, count + 1)
    if among == 1:  # nothing is drawn where there is no choice
        return np.zeros(len(keys), dtype=np.int64), _doubles(words[:, :count])
    product = (words[:, 0] & 0xFFFFFFFF) * among
    chosen, shares = _right(product, 32, 32).numpy(), _doubles(words[:, 1:])
    for row in np.flatnonzero((product & 0xFFFFFFFF) < among):  # one in 2³² / among: it may have to draw again
        generator = keyed_generator(seed, *keys[int(row)])
        chosen[row], shares[row] = generator.integers(among), generator.random(count)
    return chosen, shares


def uniforms_on(device: torch.device, seed: int, keys: Keys, count: int) -> Tensor:
    """(B, count) float32 in [0, 1): row i is `keyed_generator(seed, *keys[i]).random(count, dtype=np.float32)`.

    Only the generators' states go to the device.
    """
    drawn = torch.empty((len(keys), count), dtype=torch.float32, device=device)
    for rows, words in _in_parts(seed, keys, -(-count // 2), device):
        # a word gives two numbers, its low half first; each keeps 24 bits
        pairs = torch.stack([_right(words, 8, 24), _right(words, 40, 24)], dim=2)
        drawn[rows] = pairs.float().mul_(2.0**-24).flatten(1)[:, :count]
    return drawn


def _words(seed: int, keys: Keys, count: int) -> Tensor:
    """(B, count) int64: the first words of 64 bits in which the generators of these keys draw."""
    parts = [words for _, words in _in_parts(seed, keys, count, _CPU)]
    return torch.cat([torch.empty((0, count), dtype=torch.int64), *parts])


def _doubles(words: Tensor) -> NDArray[np.float64]:
    """What a generator makes of words where it draws numbers in [0, 1)."""
    drawn: NDArray[np.float64] = _right(words, 11, 53).double().mul_(2.0**-53).numpy()
    return drawn


def _in_parts(seed: int, keys: Keys, count: int, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
    """Some rows at a time of the (B, count) words that the generators of these keys draw."""
    states = torch.from_numpy(_seeds(seed, keys)).to(device)
    powers, sums = _ahead(count, device)
    together = max(1, _MOST // max(count, 1))
    for first in range(0, len(keys), together):
        rows = slice(first, first + together)
        high, low, step_high, step_low = states[:, rows, None]
        step = (step_high << 1) | _right(step_low, 63, 1), (step_low << 1) | 1
        yield rows, _said(_plus(_times(_plus(step, (high, low)), powers), _times(step, sums)))


def _seeds(seed: int, keys: Keys) -> NDArray[np.int64]:
    """(4, B) what `SeedSequence` gives for these keys: high and low half of the seed, and of what is to be added."""
    digests = b"".join(keyed_digest(seed, *each) for each in keys)
    entropy = np.frombuffer(digests, dtype=">u4").reshape(-1, 4)[:, ::-1].astype(np.uint32)
    words = _spread(_pool(entropy), 8).astype(np.int64)
    return np.stack([words[:, 2 * each] | (words[:, 2 * each + 1] << 32) for each in range(4)])


def _pool(entropy: Words) -> Words:
    """(B, 4) words mixed so that each depends on all."""
    hashed, pool = _Hash(0x43B0D7E5, 0x931E8875), entropy.copy()
    for place in range(4):
        pool[:, place] = hashed(pool[:, place])
    for source in range(4):
        for place in range(4):
            if place != source:
                mixed = pool[:, place] * np.uint32(0xCA01F9DD) - hashed(pool[:, source]) * np.uint32(0x4973F715)
                pool[:, place] = mixed ^ mixed >> np.uint32(16)
    return pool


def _spread(pool: Words, count: int) -> Words:
    """(B, count) words from (B, 4) mixed ones."""
    hashed = _Hash(0x8B51F9DD, 0x58F38DED)
    return np.stack([hashed(pool[:, place % 4]) for place in range(count)], axis=1)


class _Hash:
    """Scatters the bits of words, each time otherwise."""

    def __init__(self, constant: int, multiplier: int) -> None:
        self._constant, self._multiplier = constant, multiplier

    def __call__(self, words: Words) -> Words:
        words = words ^ np.uint32(self._constant)
        self._constant = self._constant * self._multiplier & 0xFFFFFFFF
        words = words * np.uint32(self._constant)
        return words ^ words >> np.uint32(16)


@functools.lru_cache(maxsize=16)
def _ahead(count: int, device: torch.device) -> tuple[Halves, Halves]:
    """(1, count) powers of the multiplier, and the sums of those before each, made on the device.

    From the second on: a generator makes one step before it draws.
    """
    with torch.inference_mode(False):
        powers, sums = _number(_MULTIPLIER, device), _number(1, device)
        while powers[0].shape[1] <= count:
            last_power, last_sum = _last(powers), _last(sums)
            # (i + n)-th: x^(i+n) = x^i x^n; 1 + … + x^(i+n−1) = x^i (1 + … + x^(n−1)) + (1 + … + x^(i−1))
            further = _times(powers, last_power), _plus(_times(powers, last_sum), sums)
            powers, sums = _joined(powers, further[0]), _joined(sums, further[1])
        ours = slice(1, count + 1)
        return (powers[0][:, ours], powers[1][:, ours]), (sums[0][:, ours], sums[1][:, ours])


def _number(value: int, device: torch.device) -> Halves:
    def half(bits: int) -> Tensor:
        signed = bits - 2**64 if bits >= 2**63 else bits
        return torch.full((1, 1), signed, dtype=torch.int64, device=device)

    return half(value >> 64), half(value & 2**64 - 1)


def _last(one: Halves) -> Halves:
    return one[0][:, -1:], one[1][:, -1:]


def _joined(one: Halves, other: Halves) -> Halves:
    return torch.cat([one[0], other[0]], dim=1), torch.cat([one[1], other[1]], dim=1)


def _right(bits: Tensor, places: int, keep: int) -> Tensor:
    """Bits moved to the right, of which the lowest are kept: what comes in from the left is none of them."""
    return (bits >> places).bitwise_and_((1 << keep) - 1)


def _said(state: Halves) -> Tensor:
    """What a state gives out: its halves crossed, turned by its highest six bits."""
    crossed, turn = state[0] ^ state[1], _right(state[0], 58, 6)
    # of a signed number the sign comes in from the left: taken away again by a mask as long as the rest
    right = (crossed >> turn) & ~((_LEAST >> turn) << 1)
    return right | crossed << ((64 - turn) & 63)


_LEAST = -(2**63)


def _plus(one: Halves, other: Halves) -> Halves:
    low = one[1] + other[1]
    carry = (low ^ _LEAST) < (one[1] ^ _LEAST)  # as if they had no sign
    return one[0] + other[0] + carry, low


def _times(one: Halves, other: Halves) -> Halves:
    """The lowest 128 bits of the product."""
    (a, b), (c, d) = ((_right(low, 32, 32), low & 0xFFFFFFFF) for low in (one[1], other[1]))
    across = b * c + _right(b * d, 32, 32)
    further = a * d + (across & 0xFFFFFFFF)
    high = a * c + _right(across, 32, 32) + _right(further, 32, 32)
    return high + one[0] * other[1] + one[1] * other[0], one[1] * other[1]
