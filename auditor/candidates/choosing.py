"""Who goes on: diverse picks in the order of a score, the tiers taking turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from auditor.core.records import FloatArray, Tier

ALIKE = 0.95
"""From this cosine of their features on, less the features' mean, two patches look the same to the network."""

TIER_ORDER = (
    Tier.THIRD_CLASS,
    Tier.UNLABELLED,
    Tier.TARGET_CONTEXT,
    Tier.TARGET_IMAGE,
    Tier.USER,
    Tier.SYNTHETIC,
    Tier.TARGET_OBJECT,
)
"""Turns are taken in this order, from what would be most news to what would be least."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What ranking needs to know of a candidate.

    Attributes:
        cell: "" for none; look: its near-duplicate group.
        refuted: whether other pictures do not bear out that its cell pushes: those come after all others of their tier.
    """

    score: float
    tier: Tier
    cell: str
    image_row: int
    look: int
    refuted: bool = False


def choose_diverse(
    contenders: Sequence[Contender],
    count: int,
    per_cell: int | None = None,
    per_image: int | None = None,
    features: FloatArray | None = None,
) -> list[int]:
    """Indices of at most `count` contenders: the tiers take turns, each giving its best that is still allowed.

    Its best is that of highest score among those whose cell is not refuted; the others fill up.

    Args:
        per_cell, per_image: at most this many from one cell or one picture (None: any number). Of contenders
            that look alike, only the first that comes up is taken.
        features: (contenders, D) what the network sees in each; of those within `ALIKE`, only the first is taken.
    Returns:
        Indices in the order of being chosen. Ties in score go to the earlier contender.
    """
    waiting = {
        tier: sorted(
            (index for index, contender in enumerate(contenders) if contender.tier is tier),
            key=lambda index: (contenders[index].refuted, -contenders[index].score, index),
        )
        for tier in TIER_ORDER
    }
    cells: Counter[str] = Counter()
    images: Counter[int] = Counter()
    looks: set[int] = set()
    chosen: list[int] = []
    directions = None if features is None or not len(features) else directions_of(features)

    def allowed(index: int) -> bool:
        contender = contenders[index]
        return (
            contender.look not in looks
            and (per_cell is None or not contender.cell or cells[contender.cell] < per_cell)
            and (per_image is None or contender.image_row < 0 or images[contender.image_row] < per_image)
            and (directions is None or not chosen or float((directions[chosen] @ directions[index]).max()) < ALIKE)
        )

    while len(chosen) < count and any(waiting.values()):
        for tier in TIER_ORDER:
            while waiting[tier] and len(chosen) < count:
                index = waiting[tier].pop(0)
                if allowed(index):
                    chosen.append(index)
                    cells[contenders[index].cell] += 1
                    images[contenders[index].image_row] += 1
                    looks.add(contenders[index].look)
                    break
    return chosen


def directions_of(features: FloatArray) -> FloatArray:
    """Features (N ≥ 1, D) less their mean, each of length 1; what is the mean itself is like nothing."""
    centred = features - features.mean(axis=0)
    directions: FloatArray = centred / np.maximum(
        np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(np.float32).tiny
    )
    return directions


def rank_agreement(first: Sequence[float] | FloatArray, second: Sequence[float] | FloatArray) -> float | None:
    """Spearman's rank correlation of two scores of the same candidates, in [−1, 1].

    None where it says nothing: fewer than three candidates, or one score is the same for all.
    """
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(stats.spearmanr(first, second).statistic)
