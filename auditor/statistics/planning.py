"""How many eligible images a verdict takes. Plans, no promises: new images bring new shares."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

from auditor.statistics.exact import p_of_root, root_of
from auditor.statistics.multiplicity import simes
from auditor.statistics.paired import PairedCounts

# From so many images on the normal distribution differs from the exact test by a few hundredths of the number.
_EXACT_UP_TO = 3000
_STEPS = 40


def images_that_pass(level: float, limit: float) -> int:
    """Fewest eligible images with which a candidate that never flips can pass, its coverings never flipping either.

    With fewer no candidate can pass, however many are confirmed and however many coverings there are, short of flipping
    less than its coverings.

    Args:
        level: chance to pass wrongly, as `error_budget` gives it; in (0, 1).
        limit: uplift, as a fraction in (0, 1).

    Returns:
        The smallest n with (1 − limit)ⁿ < level: the chance that none of n images flips where one in 1 / limit does.

    Raises:
        ValueError: an argument is out of its range; a limit of 0 cannot be passed by any number of images.
    """
    if not 0 < limit < 1:
        raise ValueError(f"a limit that can be passed lies between 0 and 1, both excluded, got {limit:g}")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, both excluded, got {level:g}")
    return math.floor(math.log(level) / math.log1p(-limit)) + 1


def images_that_settle(
    tables: Sequence[PairedCounts], level_above: float, level_below: float, limit: float, most: int = 1_000_000
) -> int | None:
    """Eligible images at which the same shares of discordant images would fail or pass.

    The roots of the likelihood ratio grow as the root of the number of images; from where a normal distribution would
    settle it, the number is raised until the exact test does.

    Args:
        tables: the candidate (first) with each covering (second), of at least one image.
        level_above, level_below: at which it is tested; `level_below` as it will be once nothing else is open.
        limit: uplift, as a fraction in (-1, 1).
        most: give up above this many.

    Returns:
        A number above that of the images seen, or None where `most` would not do, as when the uplift equals the limit.

    Raises:
        NoEligibleImagesError: there are no images.
    """
    seen = tables[0].n
    away = sorted(root_of(table, limit) / math.sqrt(seen) for table in tables)  # the strongest covering first
    fewest = min(
        _normal_images(away[0], level_above),
        *(_normal_images(-one, level_below * rank / len(away)) for rank, one in enumerate(away, start=1)),
    )
    if fewest > most:
        return None
    images = max(seen + 1, math.ceil(fewest))
    for _ in range(_STEPS):
        if images > _EXACT_UP_TO or _settles(away, images, level_above, level_below, limit):
            break
        images += max(1, images // 50)
    return images


def _settles(away: Sequence[float], images: int, level_above: float, level_below: float, limit: float) -> bool:
    """Whether exact tests settle it, given the roots for one image over each covering, rising."""
    roots = [one * math.sqrt(images) for one in away]
    if p_of_root(roots[0], images, limit) < level_above:
        return True
    return simes([p_of_root(-root, images, -limit) for root in roots]) < level_below


def _normal_images(away: float, level: float) -> float:
    """Images at which a root that is `away` for one image reaches a normal quantile; infinite if it points away."""
    return (float(stats.norm.isf(level)) / away) ** 2 if away > 0 else math.inf
