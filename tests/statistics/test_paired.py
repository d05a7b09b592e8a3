"""Paired counts, the exact McNemar test and Tango's interval against published, independent and exhaustive values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from auditor.core.errors import NoEligibleImagesError
from auditor.statistics.paired import PairedCounts, mcnemar_exact, paired_counts, tango_bounds, tango_interval

# The same examples every time, and no clock: the machine may be busy.
STEADY = settings(deadline=None, derandomize=True)

TABLES = st.builds(PairedCounts, *[st.integers(0, 60)] * 4).filter(lambda counts: counts.n > 0)
LEVELS = st.floats(0.05, 1 - 1e-6)

# Zeros wherever they can be, single images, perfect agreement and disagreement, and ordinary tables.
AWKWARD = [
    (0, 0, 0, 40), (40, 0, 0, 0), (0, 40, 0, 0), (0, 0, 40, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 1, 1, 0),
    (1, 0, 0, 0), (0, 20, 20, 0), (0, 39, 1, 0), (3, 0, 5, 2), (43, 0, 1, 0), (4, 1, 0, 95), (1, 1, 7, 12),
    (0, 3, 0, 997), (5, 30, 2, 3), (0, 0, 7, 1), (10, 9, 8, 7),
]  # fmt: skip


def likeliest_shares(counts: PairedCounts, difference: float) -> tuple[float, float]:
    """Discordant shares of largest likelihood with the given difference, found by search over the second share."""
    agree = counts.both + counts.neither

    def surprise(second: float) -> float:
        shares = (second + difference, second, 1 - 2 * second - difference)
        seen = (counts.first_only, counts.second_only, agree)
        return -sum(n * math.log(max(p, 1e-300)) for n, p in zip(seen, shares, strict=True) if n)

    lowest, highest = max(0.0, -difference), (1 - difference) / 2
    found = optimize.minimize_scalar(surprise, bounds=(lowest, highest), method="bounded", options={"xatol": 1e-12})
    second = min((lowest, float(found.x), highest), key=surprise)
    return second + difference, second


def score(counts: PairedCounts, difference: float) -> float:
    """Score statistic for a hypothetical difference, by the search above."""
    first, second = likeliest_shares(counts, difference)
    variance = first + second - difference**2
    distance = counts.first_only - counts.second_only - counts.n * difference
    return distance / math.sqrt(counts.n * variance)


def test_counts_of_a_hand_made_pair() -> None:
    first = np.array([1, 1, 1, 1, 0, 0, 1, 0], dtype=bool)
    second = np.array([1, 0, 0, 0, 1, 0, 1, 0], dtype=bool)
    counts = paired_counts(first, second)
    assert counts == PairedCounts(both=2, first_only=3, second_only=1, neither=2)
    assert (counts.n, counts.difference) == (8, 0.25)


@STEADY
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=50))
def test_counts_agree_with_a_loop(pairs) -> None:
    table = np.array(pairs, dtype=bool).reshape(-1, 2)
    counts = paired_counts(table[:, 0], table[:, 1])
    assert counts.both == sum(a and b for a, b in pairs)
    assert counts.first_only == sum(a and not b for a, b in pairs)
    assert counts.second_only == sum(b and not a for a, b in pairs)
    assert counts.neither == sum(not a and not b for a, b in pairs)


def test_bad_outcomes_are_named() -> None:
    three = np.zeros(3, dtype=bool)
    with pytest.raises(ValueError, match="same images, got 3 and 4"):
        paired_counts(three, np.zeros(4, dtype=bool))
    with pytest.raises(ValueError, match="second must be one boolean an image, got int64"):
        paired_counts(three, np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match=r"first must be one boolean an image, got bool of shape \(1, 3\)"):
        paired_counts(three[None], three)
    with pytest.raises(ValueError, match="cannot be negative"):
        PairedCounts(1, -1, 0, 0)
    with pytest.raises(NoEligibleImagesError, match="at least one eligible image, got 0"):
        tango_interval(PairedCounts(0, 0, 0, 0))
    with pytest.raises(NoEligibleImagesError):
        _ = PairedCounts(0, 0, 0, 0).difference
    with pytest.raises(ValueError, match="confidence"):
        tango_interval(PairedCounts(0, 0, 0, 1), 1.0)


def test_mcnemar_by_hand() -> None:
    assert mcnemar_exact(PairedCounts(9, 5, 0, 9), "greater") == pytest.approx(1 / 32, rel=1e-12)
    assert mcnemar_exact(PairedCounts(9, 5, 0, 9)) == pytest.approx(2 / 32, rel=1e-12)
    assert mcnemar_exact(PairedCounts(9, 0, 5, 9), "greater") == pytest.approx(1.0, rel=1e-12)
    assert mcnemar_exact(PairedCounts(0, 3, 1, 0), "greater") == pytest.approx(5 / 16, rel=1e-12)


def test_mcnemar_without_discordant_images_is_one() -> None:
    for counts in (PairedCounts(4, 0, 0, 5), PairedCounts(0, 0, 0, 0)):
        assert mcnemar_exact(counts) == 1.0
        assert mcnemar_exact(counts, "greater") == 1.0


def test_mcnemar_agrees_with_statsmodels_and_with_counting_coins() -> None:
    for first, second in itertools.product(range(0, 30, 3), repeat=2):
        counts = PairedCounts(7, first, second, 11)
        expected = mcnemar([[7, first], [second, 11]], exact=True).pvalue
        assert mcnemar_exact(counts) == pytest.approx(expected, rel=1e-10)
        coins = first + second
        one_sided = sum(math.comb(coins, heads) for heads in range(first, coins + 1)) / 2**coins
        assert mcnemar_exact(counts, "greater") == pytest.approx(one_sided, rel=1e-10)


def test_mcnemar_refuses_an_unknown_alternative() -> None:
    with pytest.raises(ValueError, match="'two-sided' or 'greater', got 'less'"):
        mcnemar_exact(PairedCounts(1, 1, 1, 1), "less")  # type: ignore[arg-type]


def test_tango_published_values() -> None:
    """Airway reactivity (Bentur 2009, in Fagerland, Lydersen and Laake 2014), and a value of R's PropCIs 0.3."""
    airway = tango_interval(PairedCounts(1, 1, 7, 12))
    assert (round(airway.low, 3), round(airway.high, 3)) == (-0.517, -0.026)
    large = tango_interval(PairedCounts(300, 28, 25, 265), 0.9)
    assert (round(large.low, 4), round(large.high, 4)) == (-0.0148, 0.0247)
    assert (large.confidence, large.method) == (0.9, "Tango score")


@pytest.mark.parametrize("counts", AWKWARD)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.9999, 1 - 1e-6])
def test_tango_bounds_are_where_the_score_test_turns(counts, confidence) -> None:
    table = PairedCounts(*counts)
    z = stats.norm.isf((1 - confidence) / 2)
    interval = tango_interval(table, confidence)
    step = 1e-5
    for bound, inwards in ((interval.low, step), (interval.high, -step)):
        assert abs(score(table, bound + inwards)) < z
        if abs(bound) < 1:
            assert abs(score(table, bound)) == pytest.approx(z, abs=1e-4)
            assert abs(score(table, max(-0.999999, min(0.999999, bound - inwards)))) > z
    if interval.low == -1:
        assert table.second_only == table.n
    if interval.high == 1:
        assert table.first_only == table.n


@pytest.mark.parametrize("counts", AWKWARD)
def test_tango_holds_exactly_the_differences_the_test_keeps(counts) -> None:
    """No second crossing hides elsewhere: a grid over the whole range, without 0, where the score may be 0/0."""
    table, interval = PairedCounts(*counts), tango_interval(PairedCounts(*counts), 0.99)
    for difference in np.linspace(-0.99, 0.99, 66):
        kept = abs(score(table, float(difference))) <= stats.norm.isf(0.005)
        assert kept == (interval.low <= difference <= interval.high)


def test_tango_closed_forms() -> None:
    z2 = stats.norm.isf(0.025) ** 2
    nothing = tango_interval(PairedCounts(3, 0, 0, 37))
    assert (nothing.low, nothing.high) == pytest.approx((-z2 / (40 + z2), z2 / (40 + z2)), rel=1e-12)
    everything = tango_interval(PairedCounts(0, 40, 0, 0))
    assert (everything.low, everything.high) == pytest.approx(((40 - z2) / (40 + z2), 1.0), rel=1e-10)


def test_tango_agreement_does_not_matter_only_its_count() -> None:
    assert tango_interval(PairedCounts(30, 4, 1, 5)) == tango_interval(PairedCounts(5, 4, 1, 30))


@STEADY
@given(TABLES, LEVELS)
def test_tango_contains_the_estimate_widens_with_confidence_and_mirrors(table, confidence) -> None:
    interval = tango_interval(table, confidence)
    assert -1 <= interval.low <= table.difference <= interval.high <= 1
    wider = tango_interval(table, (1 + confidence) / 2)
    assert wider.low <= interval.low
    assert interval.high <= wider.high
    swapped = PairedCounts(table.both, table.second_only, table.first_only, table.neither)
    mirrored = tango_interval(swapped, confidence)
    assert (mirrored.low, mirrored.high) == (-interval.high, -interval.low)


@STEADY
@given(TABLES, LEVELS, st.floats(1.01, 1000))
def test_tango_of_a_larger_sample_lies_inside(table, confidence, factor) -> None:
    shares = table.first_only / table.n, table.second_only / table.n
    low, high = tango_bounds(*shares, table.n, confidence)
    inner_low, inner_high = tango_bounds(*shares, table.n * factor, confidence)
    assert low - 1e-12 <= inner_low <= inner_high <= high + 1e-12


@pytest.mark.parametrize("size", [1, 10**3, 10**6, 10**9])
def test_tango_survives_extreme_samples(size) -> None:
    for counts in ((size, 0, 0), (size - 1, 1, 0), (size - 1, 0, 1), (0, size, 0), (0, size - 1, 1), (0, 0, size)):
        agree, first, second = counts
        table = PairedCounts(agree, first, second, 0)
        interval = tango_interval(table, 1 - 1e-6)
        assert -1 <= interval.low <= table.difference <= interval.high <= 1
        assert interval.low < interval.high


@pytest.mark.parametrize(
    ("first", "second"), [(0.15, 0.05), (0.3, 0.3), (0.12, 0.02), (0.5, 0.1), (0.05, 0.05), (0.1, 0.2)]
)
def test_tango_covers_about_its_level(first, second) -> None:
    """Coverage over every possible sample of 50 images, weighted by its probability: no luck of the draw."""
    images, covered = 50, 0.0
    for b in range(images + 1):
        row = stats.multinomial.pmf(
            [(b, c, images - b - c) for c in range(images + 1 - b)], images, (first, second, 1 - first - second)
        )
        for c in np.flatnonzero(row > 1e-6):
            low, high = tango_bounds(b / images, c / images, images, 0.95)
            covered += row[c] * (low <= first - second <= high)
    assert 0.935 < covered < 0.975
