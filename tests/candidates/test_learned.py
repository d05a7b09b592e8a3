"""The push that is learnt from a few patches through the tail, and which patches are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from auditor.candidates.choosing import rank_agreement
from auditor.candidates.ladder import PER_IMAGE_ON_SHORTLIST, Draw, Entry, Tail, _ask_in_rounds
from auditor.candidates.learned import LEAST_TO_LEARN, Columns, cross_fitted, folds_of, foretold
from auditor.candidates.pasted_shards import Pasted, PastedShards
from auditor.core.draws import keyed_generator
from auditor.core.records import FloatArray, PixelArray, Tier

PATCHES = 600


def world(count: int = PATCHES) -> tuple[Pasted, FloatArray]:
    """Patches whose push bends where the first-order one is straight: x + x·y, of which the latter knows x alone."""
    drawn = keyed_generator(3, "learned").standard_normal((count, 6)).astype(np.float32)
    pushes = drawn[:, 0] + 2.0 * drawn[:, 0] * drawn[:, 1]
    return Pasted(drawn[:, 0].copy(), drawn, drawn[:, :3].copy()), pushes.astype(np.float32)


def columns_of(pasted: Pasted, size: int = 1024) -> Columns:
    return Columns(PastedShards.holding(pasted, size))


def test_what_the_first_order_leaves_is_learnt() -> None:
    pasted, pushes = world()
    columns = columns_of(pasted)
    measured, others = np.arange(300), np.arange(300, PATCHES)
    found = foretold(columns, measured, pushes[:300], others)
    linear = rank_agreement(pasted.push[others], pushes[others])
    learned = rank_agreement(found, pushes[others])
    assert linear is not None
    assert learned is not None
    assert linear < 0.6 < 0.85 < learned
    # which of them came first decides nothing
    backwards = foretold(columns, measured[::-1], pushes[:300][::-1], others)
    np.testing.assert_allclose(backwards, found, atol=0.02 * float(pushes.std()))


def test_of_few_patches_nothing_is_learnt_beside_a_line() -> None:
    pasted, bent = world(60)
    pushes = 2.0 * pasted.push + 0.3 * bent
    columns, few = columns_of(pasted), np.arange(LEAST_TO_LEARN - 1)
    found = foretold(columns, few, pushes[few], np.arange(60))
    slope, start = np.polyfit(pasted.push[few], pushes[few], 1)
    assert slope > 0.0
    np.testing.assert_allclose(found, start + slope * pasted.push, atol=1e-4)
    # of none, or of few that say the contrary, the first order's order is kept
    for measured in (few[:0], few):
        kept = foretold(columns, measured, -pushes[measured], np.arange(60))
        assert rank_agreement(kept, pasted.push) == pytest.approx(1.0)


def test_where_the_first_order_says_all_nothing_is_added() -> None:
    pasted, _ = world(200)
    exact = (3.0 * pasted.push - 1.0).astype(np.float32)
    found = foretold(columns_of(pasted), np.arange(40), exact[:40], np.arange(200))
    np.testing.assert_allclose(found, exact, atol=1e-5)


def test_no_patch_is_placed_by_its_own_measurement() -> None:
    pasted, pushes = world(200)
    columns, measured = columns_of(pasted), np.arange(150)
    fold = np.arange(200) % 4
    before = cross_fitted(columns, measured, pushes[:150], fold)
    changed = pushes.copy()
    changed[fold == 2] += 100.0
    after = cross_fitted(columns, measured, changed[:150], fold)
    np.testing.assert_array_equal(after[fold == 2], before[fold == 2])
    assert (after != before)[fold != 2].all()


def test_patches_of_one_picture_share_a_fold_whatever_else_there_is() -> None:
    keys = [f"picture {number}" for number in range(40)]
    rows = [number % 40 for number in range(100)]
    folds = folds_of(rows, keys, 5)
    assert {folds[row] == folds[row + 40] for row in range(40)} == {True}
    assert set(folds.tolist()) == {0, 1, 2, 3}
    np.testing.assert_array_equal(folds_of(rows[7:9], keys, 5), folds[7:9])
    assert (folds_of(rows, keys, 6) != folds).any()


class KnownScreen:
    """A tail whose answer stands in the patch's first pixel."""

    def __init__(self, pushes: FloatArray) -> None:
        self.pushes, self.asked = pushes, [0] * len(pushes)

    def screen(self, patches: Sequence[PixelArray], names: Sequence[str] = ()) -> FloatArray:
        numbers = [int(patch[0, 0, 0]) * 256 + int(patch[1, 0, 0]) for patch in patches]
        for number in numbers:
            self.asked[number] += 1
        return self.pushes[np.array(numbers, dtype=np.int64)]


def entry(number: int, picture: int) -> Entry:
    pixels = np.array([number // 256, number % 256, 0], dtype=np.uint8).reshape(3, 1, 1)
    return Entry(pixels, Tier.THIRD_CLASS, "", picture)


def asked(columns: Columns, linear: FloatArray, pushes: FloatArray, count: int) -> tuple[list[int], KnownScreen]:
    entries = [entry(number, number // 2) for number in range(len(pushes))]
    screen = KnownScreen(pushes)
    tail = Tail(entries, screen)  # type: ignore[arg-type]
    draw = Draw(0, [f"{number}" for number in range(len(pushes))])
    _ask_in_rounds(tail, entries, columns, linear, count, draw)
    return list(tail.pushes), screen


def test_the_tail_is_asked_for_as_many_as_allowed_and_for_none_twice() -> None:
    pasted, pushes = world()
    columns = columns_of(pasted)
    for count in (1, 7, 80, PATCHES, 2 * PATCHES):
        order, screen = asked(columns, pasted.push, pushes, count)
        assert len(order) == len(set(order)) == min(count, PATCHES)
        assert max(screen.asked) == 1
    first, _ = asked(columns, pasted.push, pushes, 80)
    assert first[:10] == np.argsort(-pasted.push, kind="stable")[:10].tolist()
    assert asked(columns, pasted.push, pushes, 80)[0] == first


def test_more_of_the_best_are_found_than_by_the_first_order() -> None:
    pasted, pushes = world()
    best = set(np.argsort(-pushes)[:30].tolist())
    order, _ = asked(columns_of(pasted), pasted.push, pushes, 100)
    by_linear = set(np.argsort(-pasted.push)[:100].tolist())
    assert len(best & by_linear) < 20 < 25 <= len(best & set(order))


def test_a_picture_gives_few_crops() -> None:
    pasted, pushes = world()
    entries = [entry(number, number % 3) for number in range(PATCHES)]
    tail = Tail(entries, KnownScreen(pushes))  # type: ignore[arg-type]
    _ask_in_rounds(tail, entries, columns_of(pasted), pasted.push, 100, Draw(0, ["one", "two", "three"]))
    assert Counter(number % 3 for number in tail.pushes) == dict.fromkeys(range(3), PER_IMAGE_ON_SHORTLIST)
