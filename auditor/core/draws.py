"""Random generators keyed by what they are for, so that a draw does not depend on when it happens."""

from __future__ import annotations

import hashlib

import numpy as np


def keyed_generator(seed: int, *keys: str | int) -> np.random.Generator:
    """A generator that depends on the seed and the keys alone.

    Two draws with the same seed and keys are the same whatever was drawn between them, in whatever batch
    and order (docs/design.md, section 5, rule 8).
    """
    return np.random.default_rng(int.from_bytes(keyed_digest(seed, *keys), "big"))


def keyed_digest(seed: int, *keys: str | int) -> bytes:
    """16 bytes that depend on the seed and the keys alone: what the generator of these keys is seeded with."""
    text = "\x1f".join([str(seed), *(str(key) for key in keys)])
    return hashlib.sha256(text.encode("utf-8")).digest()[:16]
