"""Which tier a candidate belongs to: what it shows decides whether a flip is news."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.records import ClassGroup, Tier
from auditor.core.records.images import NO_LABEL

OBJECT_SHARE = 0.05
"""From this share of its pixels on, an annotated target object counts as shown."""

Shares = tuple[tuple[str, float], ...]


def crop_tier(label: int, target: ClassGroup, class_names: Sequence[str], shows: Shares | None) -> Tier:
    """The tier of a crop.

    Args:
        label: class index of the picture it was cut from, `NO_LABEL` where nobody said.
        shows: annotated things and the shares of the crop they cover; None where the picture has no annotation.
    """
    if label == NO_LABEL:
        return Tier.UNLABELLED
    target_names = target.class_names(class_names)
    if shows is not None and sum(share for name, share in shows if name in target_names) >= OBJECT_SHARE:
        return Tier.TARGET_OBJECT
    if label not in target.indices:
        return Tier.THIRD_CLASS
    return Tier.TARGET_IMAGE if shows is None else Tier.TARGET_CONTEXT
