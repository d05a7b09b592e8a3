"""Two candidates in one patch, since a single cell loses how features combine. What a pair does is measured later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.candidates.makers.maker import Found, Maker
from auditor.core.records import Candidate, FloatArray, Origin, PixelArray, Tier
from auditor.trials.patch import Patch, resize_patch

_SEAM = 0.12
"""Width of a seam as a share of the patch's side."""

_NEWS = (
    Tier.THIRD_CLASS,
    Tier.UNLABELLED,
    Tier.USER,
    Tier.SYNTHETIC,
    Tier.TARGET_CONTEXT,
    Tier.TARGET_IMAGE,
    Tier.TARGET_OBJECT,
)
"""From what would be most news to what would be least; a pair is as little news as its lesser part."""

Share = NDArray[np.float64]


def _beside(side_px: int) -> Share:
    """(s, s) share of the first part: the left half, crossing over to the right one within the seam."""
    across = (np.arange(side_px) + 0.5) / side_px
    return np.broadcast_to(_crossing(across - 0.5), (side_px, side_px)).copy()


def _diagonal(side_px: int) -> Share:
    """The first part at the top left, the second at the bottom right of the rising diagonal."""
    along = (np.arange(side_px) + 0.5) / side_px
    return _crossing((along[:, None] + along[None, :] - 1.0) / np.sqrt(2.0))


def _over(side_px: int) -> Share:
    """The first part as a soft disc in the middle, of 0.35 of the side in radius, on the second."""
    from_middle = (np.arange(side_px) + 0.5) / side_px - 0.5
    return _crossing(np.hypot(from_middle[:, None], from_middle[None, :]) - 0.35)


def _crossing(distance: Share) -> Share:
    """1 where the distance to the seam, in sides, is below −seam / 2, 0 above seam / 2, a half cosine between."""
    place = np.clip(distance / _SEAM, -0.5, 0.5)
    return np.asarray(0.5 - 0.5 * np.sin(np.pi * place))


ARRANGEMENTS: Mapping[str, Callable[[int], Share]] = {"beside": _beside, "diagonal": _diagonal, "over": _over}
"""How two parts share a patch. A new one is a function of the side that says how much of the first part shows where."""


def plan_pairs(
    candidates: Sequence[Candidate], scores: FloatArray, most: int, per_part: int = 3
) -> list[tuple[int, int]]:
    """Which candidates to combine: the best pairs by the sum of their scores, from different cells and pictures.

    Args:
        scores: (N,) higher is better, such as measured or predicted push.
        most: at most this many pairs. per_part: at most this many pairs with the same candidate in them, so that
            one strong candidate is not in all of them.
    Returns:
        Pairs of indices, the better one first; equal sums in the order of the candidates.
    """
    order = sorted(range(len(candidates)), key=lambda index: (-float(scores[index]), index))
    pairs = [
        (first, second)
        for place, first in enumerate(order)
        for second in order[place + 1 :]
        if _differ(candidates[first], candidates[second])
    ]
    pairs.sort(key=lambda pair: -float(scores[pair[0]] + scores[pair[1]]))
    used: Counter[int] = Counter()
    planned: list[tuple[int, int]] = []
    for pair in pairs:
        if len(planned) < most and max(used[pair[0]], used[pair[1]]) < per_part:
            planned.append(pair)
            used.update(pair)
    return planned


def _differ(first: Candidate, second: Candidate) -> bool:
    cells = not first.cell or (first.layer, first.cell) != (second.layer, second.cell)
    return cells and (not first.image_key or first.image_key != second.image_key)


def combine(first: Patch, second: Patch, arrangement: str, side_px: int, identity: str) -> Patch:
    """One square patch that shows two: where the first does not show, the second does, with a soft seam.

    Each part keeps its proportions (its middle is taken where it is not square) and its alpha. Picture, box and cell
    are those of the part that decides the tier, the first where both do; `parts` names both.

    Args:
        arrangement: one of `ARRANGEMENTS`.
        side_px: height and width of the patch; parts are not enlarged for the sake of it, so take a crop's own size.
    """
    rgba = _blend(squared(first.rgba, side_px), squared(second.rgba, side_px), ARRANGEMENTS[arrangement](side_px))
    deciding = max((first.candidate, second.candidate), key=lambda part: _NEWS.index(part.tier))
    candidate = replace(
        deciding,
        id=identity,
        name=f"{first.candidate.name} + {second.candidate.name} ({arrangement})",
        sha256="",
        observed_push=float("nan"),
        predicted_push=float("nan"),
        shows=_shared(first.candidate, second.candidate),
        read_as_target=False,
        called_target=first.candidate.called_target or second.candidate.called_target,
        role=first.candidate.role if second.candidate.suggested else second.candidate.role,
        parts=(first.candidate.id, second.candidate.id),
        taken_out=(first.candidate.taken_out + second.candidate.taken_out) / 2,
    )
    return Patch(candidate, rgba)


def _shared(first: Candidate, second: Candidate) -> tuple[tuple[str, float], ...]:
    """What both show, each at half its share: parts take about half of the patch."""
    shares: dict[str, float] = {}
    for name, share in (*first.shows, *second.shows):
        shares[name] = shares.get(name, 0.0) + share / 2
    return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def squared(rgba: PixelArray, side_px: int) -> PixelArray:
    """The middle (4, s, s) of a patch, at another size."""
    height, width = rgba.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize_patch(np.ascontiguousarray(rgba[:, top : top + side, left : left + side]), side_px, side_px)


def _blend(first: PixelArray, second: PixelArray, share: Share) -> PixelArray:
    """Mix two (4, s, s) patches by the first one's share at each pixel; colours count by their opacity."""
    weights = (first[3] * share, second[3] * (1.0 - share))
    alpha = weights[0] + weights[1]
    colours = (first[:3] * weights[0] + second[:3] * weights[1]) / np.where(alpha > 0, alpha, 1.0)
    blended: PixelArray = np.rint(np.concatenate([colours, alpha[None]])).astype(np.uint8)
    return blended


def _make(found: Found) -> list[Patch]:
    """The crops that push most, two in one patch, in every arrangement."""
    pushes = np.array([crop.candidate.predicted_push for crop in found.crops], dtype=np.float32)
    planned = plan_pairs([crop.candidate for crop in found.crops], pushes, found.config.candidates.pairs)
    found.progress.start("pairs of crops", len(planned))
    identities = iter(PAIRS.identities(len(planned) * len(ARRANGEMENTS)))
    made = []
    for first, second in planned:
        one, other = found.crops[first], found.crops[second]
        side = max(*one.rgba.shape[1:], *other.rgba.shape[1:], found.side_px)
        made += [combine(one, other, arrangement, side, next(identities)) for arrangement in ARRANGEMENTS]
        found.progress.advance()
    return made


PAIRS = Maker("p", Origin.CROP, "two crops in one patch", _make)
