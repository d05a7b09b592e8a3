"""Who goes on: diverse picks in the order of a score, the tiers taking turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.records import Tier

TIER_ORDER = (
    Tier.THIRD_CLASS,
    Tier.TARGET_CONTEXT,
    Tier.TARGET_IMAGE,
    Tier.USER,
    Tier.SYNTHETIC,
    Tier.TARGET_OBJECT,
)
"""Turns are taken in this order, from what would be most news to what would be least."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What ranking needs to know of a candidate; `look` is its near-duplicate group, `cell` "" for none."""

    score: float
    tier: Tier
    cell: str
    image_row: int
    look: int


def choose_diverse(
    contenders: Sequence[Contender], count: int, per_cell: int | None = None, per_image: int | None = None
) -> list[int]:
    """Indices of at most `count` contenders: the tiers take turns, each giving its best that is still allowed.

    Args:
        per_cell, per_image: at most this many from one cell or one picture (None: any number). Of contenders
            that look alike, only the first that comes up is taken.
    Returns:
        Indices in the order of being chosen. Ties in score go to the earlier contender.
    """
    waiting = {
        tier: sorted(
            (index for index, contender in enumerate(contenders) if contender.tier is tier),
            key=lambda index: (-contenders[index].score, index),
        )
        for tier in TIER_ORDER
    }
    cells: Counter[str] = Counter()
    images: Counter[int] = Counter()
    looks: set[int] = set()
    chosen: list[int] = []

    def allowed(contender: Contender) -> bool:
        return (
            contender.look not in looks
            and (per_cell is None or not contender.cell or cells[contender.cell] < per_cell)
            and (per_image is None or contender.image_row < 0 or images[contender.image_row] < per_image)
        )

    while len(chosen) < count and any(waiting.values()):
        for tier in TIER_ORDER:
            while waiting[tier] and len(chosen) < count:
                index = waiting[tier].pop(0)
                if allowed(contenders[index]):
                    chosen.append(index)
                    cells[contenders[index].cell] += 1
                    images[contenders[index].image_row] += 1
                    looks.add(contenders[index].look)
                    break
    return chosen
