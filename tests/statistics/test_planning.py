"""How many images a verdict takes: by hand, and against the exact tests on that many."""

from __future__ import annotations

import pytest

from auditor.core.errors import NoEligibleImagesError
from auditor.statistics.covering import p_uplift_at_least, p_uplift_at_most
from auditor.statistics.exact import p_at_least
from auditor.statistics.looks import error_budget
from auditor.statistics.paired import PairedCounts
from auditor.statistics.planning import images_that_pass, images_that_settle


def scaled(table: PairedCounts, images: int) -> PairedCounts:
    factor = images / table.n
    both, first, second = (round(factor * one) for one in (table.both, table.first_only, table.second_only))
    return PairedCounts(both, first, second, images - both - first - second)


def test_thirty_images_pass_at_the_usual_limit() -> None:
    """0.9^29 = 4.7% and 0.9^30 = 4.2%, on either side of 4.5%."""
    assert images_that_pass(error_budget(0.95).passing, 0.10) == 30
    assert images_that_pass(0.05, 0.10) == 29
    assert images_that_pass(0.5, 0.5) == 2  # a half is not below a half


@pytest.mark.parametrize(("level", "limit"), [(0.045, 0.1), (0.045, 0.05), (0.01, 0.3), (0.001, 0.1)])
def test_it_is_where_the_exact_test_begins_to_pass(level: float, limit: float) -> None:
    needed = images_that_pass(level, limit)
    assert p_at_least(PairedCounts(0, 0, 0, needed), limit) < level
    assert p_at_least(PairedCounts(0, 0, 0, needed - 1), limit) >= level


@pytest.mark.parametrize(
    ("tables", "fails"),
    [
        ([PairedCounts(1, 9, 1, 29)], True),
        ([PairedCounts(1, 9, 1, 29), PairedCounts(0, 10, 3, 27), PairedCounts(0, 10, 0, 30)], True),
        ([PairedCounts(0, 2, 1, 37)], False),
        ([PairedCounts(0, 2, 1, 37), PairedCounts(0, 2, 0, 38), PairedCounts(1, 1, 2, 36)], False),
    ],
)
def test_the_same_shares_settle_at_about_that_number(tables: list[PairedCounts], fails: bool) -> None:
    needed = images_that_settle(tables, 0.034, 0.045, 0.1)
    assert needed is not None
    assert needed > 40
    p_value = p_uplift_at_most if fails else p_uplift_at_least
    level = 0.034 if fails else 0.045
    more, fewer = round(1.2 * needed), round(0.65 * needed)
    assert p_value([scaled(table, more) for table in tables], 0.1) < level
    assert p_value([scaled(table, fewer) for table in tables], 0.1) > level


def test_an_uplift_at_the_limit_is_settled_by_no_number() -> None:
    assert images_that_settle([PairedCounts(0, 4, 0, 36)], 0.034, 0.045, 0.1) is None
    assert images_that_settle([PairedCounts(0, 41, 0, 359)], 0.034, 0.045, 0.1, most=1000) is None


@pytest.mark.parametrize("seen", [5, 20, 29])
def test_where_nothing_flips_it_is_the_exact_number(seen: int) -> None:
    """A normal distribution would be content with 14 images; none of 30 flips where one in ten does with 4.2%."""
    quiet = PairedCounts(0, 0, 0, seen)
    assert images_that_settle([quiet, quiet], 0.034, 0.045, 0.1) == 30


def test_many_images_are_planned_by_the_normal_distribution() -> None:
    needed = images_that_settle([PairedCounts(0, 215, 100, 685)], 0.034, 0.045, 0.1)
    assert needed is not None
    assert 3000 < needed < 6000


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="limit that can be passed"):
        images_that_pass(0.05, 0.0)
    with pytest.raises(ValueError, match="a level lies between"):
        images_that_pass(1.0, 0.1)
    with pytest.raises(NoEligibleImagesError):
        images_that_settle([PairedCounts(0, 0, 0, 0)], 0.034, 0.045, 0.1)
