"""Numbers that a card draws itself: those of NumPy's keyed generators bit by bit, many for each of many pictures.

A generator's state is a number of 128 bits that each step multiplies and adds to, so that the k-th state follows from
the first at once: by the multiplier's k-th power, and the sum of the powers before it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from auditor.core.draws import MULTIPLIER, keyed_states

Halves = tuple[Tensor, Tensor]
"""Numbers of 128 bits as their high and low half, int64 tensors whose bits are meant."""

_MOST = 2**23
"""Words that are drawn at once."""


def uniforms(seed: int, keys: Sequence[tuple[str | int, ...]], count: int, device: torch.device) -> Tensor:
    """(B, count) float32 in [0, 1): what `keyed_generator(seed, *keys[i]).random(count, dtype=np.float32)` draws.

    Only the states go to the device.

    Source: O'Neill 2014, as `auditor.core.draws`; going ahead by powers: Brown 1994, "Random number generation with
    arbitrary strides".
    """
    states = torch.from_numpy(keyed_states(seed, keys).view("int64")).to(device)
    drawn = torch.empty((len(keys), count), dtype=torch.float32, device=device)
    words = -(-count // 2)
    powers, sums = _ahead(words, device)
    together = max(1, _MOST // max(words, 1))
    for first in range(0, len(keys), together):
        high, low, step_high, step_low = states[:, first : first + together, None]
        ahead = _plus(_times((high, low), powers), _times((step_high, step_low), sums))
        bits = _said(ahead)
        # a word gives two numbers, its low half first; each keeps 24 bits
        pairs = torch.stack([_right(bits, 8, 24), _right(bits, 40, 24)], dim=2)
        drawn[first : first + together] = pairs.float().mul_(2.0**-24).flatten(1)[:, :count]
    return drawn


@functools.lru_cache(maxsize=16)
def _ahead(count: int, device: torch.device) -> tuple[Halves, Halves]:
    """(1, count) powers of the multiplier from the first on, and the sums of those before each, made on the device."""
    with torch.inference_mode(False):
        powers, sums = _number(MULTIPLIER, device), _number(1, device)
        while powers[0].shape[1] < count:
            last_power, last_sum = _last(powers), _last(sums)
            # (i + n)-th: x^(i+n) = x^i x^n; 1 + … + x^(i+n−1) = x^i (1 + … + x^(n−1)) + (1 + … + x^(i−1))
            further = _times(powers, last_power), _plus(_times(powers, last_sum), sums)
            powers, sums = _joined(powers, further[0]), _joined(sums, further[1])
        return (powers[0][:, :count], powers[1][:, :count]), (sums[0][:, :count], sums[1][:, :count])


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
