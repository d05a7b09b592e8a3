"""Random generators keyed by what they are for, so that a draw does not depend on when it happens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""Numbers of 128 bits: their high and their low half."""


def keyed_generator(seed: int, *keys: str | int) -> np.random.Generator:
    """A generator that depends on the seed and the keys alone.

    Two draws with the same seed and keys are the same whatever was drawn between them, in whatever batch
    and order (docs/design.md, section 5, rule 8).
    """
    return np.random.default_rng(int.from_bytes(_digest(seed, keys), "big"))


def keyed_uniforms(seed: int, keys: Sequence[tuple[str | int, ...]], count: int) -> NDArray[np.float64]:
    """(B, count) uniform in [0, 1): row i is the first that `keyed_generator(seed, *keys[i])` would draw.

    All rows at once, since making a generator takes ten times as long as a few numbers from it do.
    """
    return uniform(keyed_bits(seed, keys, count))


def keyed_choices(
    seed: int, keys: Sequence[tuple[str | int, ...]], among: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """One of 0 to before `among` for each key, (B,), and (B, count) numbers uniform in [0, 1) drawn after it.

    Row i is what `keyed_generator(seed, *keys[i])` gives for `integers(among)` and then `random(count)`.

    Source of the first: Lemire 2019, "Fast random integer generation in an interval", as NumPy has it.
    """
    bits = keyed_bits(seed, keys, count + 1)
    if among == 1:  # nothing is drawn where there is no choice
        return np.zeros(len(keys), dtype=np.int64), uniform(bits[:, :count])
    product = (bits[:, 0] & _u64(0xFFFFFFFF)) * _u64(among)
    chosen, shares = (product >> _u64(32)).astype(np.int64), uniform(bits[:, 1:])
    for row in np.flatnonzero((product & _u64(0xFFFFFFFF)) < among):  # one in 2³² / among: it may have to draw again
        generator = keyed_generator(seed, *keys[int(row)])
        chosen[row], shares[row] = generator.integers(among), generator.random(count)
    return chosen, shares


def keyed_bits(seed: int, keys: Sequence[tuple[str | int, ...]], count: int) -> NDArray[np.uint64]:
    """(B, count) the first words of 64 bits in which the generators of these keys draw."""
    high, low, *step = keyed_states(seed, keys)
    state, drawn = (high, low), np.empty((len(keys), count), dtype=np.uint64)
    for column in range(count):
        state = _plus(_times(state, _MULTIPLIER), (step[0], step[1]))
        drawn[:, column] = _said(state)
    return drawn


def uniform(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """What a generator makes of a word where it draws a number in [0, 1)."""
    return np.asarray((bits >> _u64(11)) * 2.0**-53, dtype=np.float64)


def keyed_states(seed: int, keys: Sequence[tuple[str | int, ...]]) -> NDArray[np.uint64]:
    """(4, B) states of NumPy's own generators of these keys, bit by bit: PCG64 (XSL RR 128/64) after `SeedSequence`.

    Rows: high and low half of the state, high and low half of what each step adds.

    Source: O'Neill 2014, "PCG: A family of simple fast space-efficient statistically good algorithms for random number
    generation"; for the seeding O'Neill 2015, "Developing a seed_seq alternative".
    """
    digests = b"".join(_digest(seed, each) for each in keys)
    entropy = np.frombuffer(digests, dtype=">u4").reshape(-1, 4)[:, ::-1].astype(np.uint32)
    state, step = _seeded(entropy)
    return np.stack([*state, *step])


def _digest(seed: int, keys: tuple[str | int, ...]) -> bytes:
    text = "\x1f".join([str(seed), *(str(key) for key in keys)])
    return hashlib.sha256(text.encode("utf-8")).digest()[:16]


_u64 = np.uint64
MULTIPLIER = 2549297995355413924 << 64 | 4865540595714422341
"""Of PCG64: its state is multiplied by it in each step."""

_MULTIPLIER: Halves = (np.array(MULTIPLIER >> 64, dtype=np.uint64), np.array(MULTIPLIER & 2**64 - 1, dtype=np.uint64))


def _seeded(entropy: Words) -> tuple[Halves, Halves]:
    """State and step of a PCG64 for each of (B, 4) words, the lowest first."""
    words = _words_of(_pool(entropy), 8).astype(np.uint64)
    high, low, step_high, step_low = (words[:, 2 * each] | words[:, 2 * each + 1] << _u64(32) for each in range(4))
    step = step_high << _u64(1) | step_low >> _u64(63), step_low << _u64(1) | _u64(1)
    return _plus(_times(_plus(step, (high, low)), _MULTIPLIER), step), step


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


def _words_of(pool: Words, count: int) -> Words:
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


def _said(state: Halves) -> NDArray[np.uint64]:
    """What a state gives out: its halves crossed, turned by its highest six bits."""
    crossed, turn = state[0] ^ state[1], state[0] >> _u64(58)
    left = np.left_shift(crossed, (_u64(64) - turn) & _u64(63))
    turned: NDArray[np.uint64] = np.bitwise_or(np.right_shift(crossed, turn), left)
    return turned


def _plus(one: Halves, other: Halves) -> Halves:
    low = one[1] + other[1]
    return one[0] + other[0] + (low < one[1]), low


def _times(one: Halves, other: Halves) -> Halves:
    """The lowest 128 bits of the product."""
    mask, half = _u64(0xFFFFFFFF), _u64(32)
    (a, b), (c, d) = ((low >> half, low & mask) for low in (one[1], other[1]))
    across = b * c + (b * d >> half)
    further = a * d + (across & mask)
    high = a * c + (across >> half) + (further >> half)
    return high + one[0] * other[1] + one[1] * other[0], one[1] * other[1]
