"""The uplift over every covering: p-values from single coverings, bounds that agree with them and keep their level."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auditor.core.errors import NoEligibleImagesError
from auditor.statistics.covering import (
    covering_uplift,
    p_uplift_at_least,
    p_uplift_at_most,
    smallest_difference,
    uplift_lower_bound,
    uplift_upper_bound,
)
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.paired import PairedCounts, paired_counts, tango_bounds

STEADY = settings(deadline=None, derandomize=True, max_examples=25)

# 60 images, 20 flips: noise flips 2 of them; a source crop 3 of them and 3 others; grey none.
NOISE, CROP, GREY = PairedCounts(2, 18, 0, 40), PairedCounts(3, 17, 3, 37), PairedCounts(0, 20, 0, 40)


def test_above_every_covering_is_as_sure_as_above_the_one_that_is_nearest() -> None:
    singles = [p_at_most(table, 0.1) for table in (NOISE, CROP, GREY)]
    assert p_uplift_at_most([NOISE, CROP, GREY], 0.1) == max(singles) == singles[1]
    assert smallest_difference([NOISE, CROP, GREY]) == pytest.approx(14 / 60)


def test_below_some_covering_pays_for_several_unless_all_say_so() -> None:
    low, high = PairedCounts(0, 1, 0, 79), PairedCounts(0, 14, 0, 66)
    alone, other = p_at_least(low, 0.1), p_at_least(high, 0.1)
    assert alone < 0.01 < other
    assert p_uplift_at_least([low, high, high, high], 0.1) == pytest.approx(4 * alone)
    assert p_uplift_at_least([low, low, low], 0.1) == alone
    assert p_uplift_at_least([low], 0.1) == alone


TABLES = st.lists(
    st.builds(
        lambda both, first, second: PairedCounts(both, first, second, 60 - both - first - second),
        st.integers(0, 15), st.integers(0, 30), st.integers(0, 15),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


@STEADY
@given(tables=TABLES, level=st.sampled_from([0.05, 0.01, 0.0005]), limit=st.sampled_from([0.1, 0.02, 0.3]))
def test_a_bound_lies_beyond_the_limit_exactly_where_the_p_value_says_so(tables, level, limit) -> None:
    low, high = uplift_lower_bound(tables, level, limit), uplift_upper_bound(tables, level, limit)
    assert -1 <= low <= smallest_difference(tables) <= high <= 1
    assert (low > limit) == (p_uplift_at_most(tables, limit) < level)
    assert (high < limit) == (p_uplift_at_least(tables, limit) < level)
    # at the bound itself the p-value is the level, as nearly as one step of the tables allows
    if -1 < low < smallest_difference(tables):
        assert p_uplift_at_most(tables, low - 1e-4) <= level <= p_uplift_at_most(tables, low + 1e-4)
    if smallest_difference(tables) < high < 1:
        assert p_uplift_at_least(tables, high + 1e-4) <= level <= p_uplift_at_least(tables, high - 1e-4)


def test_bounds_are_near_tangos_where_there_are_many_images() -> None:
    table = PairedCounts(20, 180, 40, 760)
    low, high = tango_bounds(0.18, 0.04, 1000, 0.95)
    assert uplift_lower_bound([table], 0.025, 0.1) == pytest.approx(low, abs=0.002)
    assert uplift_upper_bound([table], 0.025, 0.1) == pytest.approx(high, abs=0.002)


@pytest.mark.parametrize("limit", [0.1, 0.4])
def test_bounds_miss_the_uplift_no_more_often_than_they_say(limit: float) -> None:
    """Over every table of 12 images, at several true shares: exact chances, whatever the limit."""
    images, level = 12, 0.05
    tables = [PairedCounts(0, b, c, images - b - c) for b, c in itertools.product(range(13), repeat=2) if b + c <= 12]
    lows = np.array([uplift_lower_bound([table], level, limit) for table in tables])
    highs = np.array([uplift_upper_bound([table], level, limit) for table in tables])
    counts = np.array([(table.first_only, table.second_only, table.neither) for table in tables])
    for first, second in ((0.1, 0.0), (0.2, 0.1), (0.3, 0.02), (0.5, 0.3), (0.6, 0.2), (0.02, 0.02)):
        chance = stats.multinomial.pmf(counts, images, [first, second, 1 - first - second])
        assert chance[lows > first - second + 1e-5].sum() <= level
        assert chance[highs < first - second - 1e-5].sum() <= level


def test_nothing_flips_by_hand() -> None:
    """Upper bound u of 40 images without any flip: (1 − u)^40 = 5%."""
    quiet = PairedCounts(0, 0, 0, 40)
    assert uplift_upper_bound([quiet, quiet], 0.05, 0.1) == pytest.approx(1 - 0.05 ** (1 / 40), abs=1e-5)
    assert uplift_lower_bound([quiet, quiet], 0.05, 0.1) == pytest.approx(0.05 ** (1 / 40) - 1, abs=1e-5)


def test_few_images_bound_nothing() -> None:
    assert uplift_upper_bound([PairedCounts(0, 1, 0, 0)], 0.04, 0.1) == 1
    assert uplift_lower_bound([PairedCounts(0, 0, 1, 0)], 0.04, 0.1) == -1


def test_entry_into_the_top_five_over_coverings_by_hand() -> None:
    """A watermark brings the target among the five likeliest classes of 13 of 146 photographs; coverings of 1 and 0."""
    entered, noise, grey = (np.arange(146) < count for count in (13, 1, 0))
    of_each = {"grey": paired_counts(entered, grey), "noise": paired_counts(entered, noise)}
    uplift = covering_uplift(of_each, 0.05, 0.05)
    assert (uplift.covering, uplift.hits, uplift.covering_hits, uplift.eligible) == ("noise", 13, 1, 146)
    assert uplift.uplift == pytest.approx(12 / 146)
    tables = [PairedCounts(0, 13, 0, 133), PairedCounts(1, 12, 0, 133)]
    assert uplift.interval.low == uplift_lower_bound(tables, 0.05, 0.0) > 0.04
    assert uplift.interval.high == uplift_upper_bound(tables, 0.05, 0.0) < 0.14
    assert uplift.interval.confidence == pytest.approx(0.9)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one covering"):
        p_uplift_at_most([], 0.1)
    with pytest.raises(ValueError, match="at least one covering"):
        uplift_upper_bound([], 0.05, 0.1)
    with pytest.raises(NoEligibleImagesError):
        p_uplift_at_least([PairedCounts(0, 0, 0, 0)], 0.1)
    with pytest.raises(ValueError, match=r"between 0 and 0\.5, both excluded, got 0\.95"):
        uplift_lower_bound([NOISE], 0.95, 0.1)
