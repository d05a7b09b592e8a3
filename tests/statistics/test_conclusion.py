"""The run's word: a search that is not shown to beat chance may be kept from passing, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import (
    Correlation,
    Finding,
    Fragility,
    GroupMean,
    Interval,
    Limits,
    Origin,
    Placement,
    Step,
    SuggestionValidity,
    Tier,
    TierComparison,
    Verdict,
)
from auditor.core.records.trials import ConfirmedTrials
from auditor.statistics.conclusion import conclude
from auditor.statistics.findings import make_findings

NAN = float("nan")
SOUND = Fragility("all coverings", "", "fixed", 0, 40, 0.0, Interval(0, 0.1, 0.95, "any"), 4, 0.25, Verdict.PASS)


def compared(low: float) -> SuggestionValidity:
    """Third-class crops whose interval begins at `low`; all tiers together do better by far."""
    none, group = Correlation(NAN, None, 0), GroupMean(4, 8, 40, 0.2, None)
    third = TierComparison(Tier.THIRD_CLASS, group, group, 0.1, Interval(low, 0.3, 0.95, "any"))
    whole = Interval(0.3, 0.5, 0.95, "any")
    return SuggestionValidity(
        none, none, group, group, 0.4, whole, "noise",
        comparisons=(third, TierComparison(None, group, group, 0.4, whole)),
    )  # fmt: skip


@pytest.fixture
def passing(candidate, block, flips) -> tuple[Finding, ...]:
    nothing = block(flips(80, []))
    trials = ConfirmedTrials(candidate("c-001"), Placement.FIXED, nothing, {"grey": nothing}, {"grey": Step.COVERING})
    return make_findings([trials], Limits(0.1, 0.25, 0.95), {})


@pytest.mark.parametrize(
    ("asked", "validity", "word"),
    [
        (False, compared(-0.01), Verdict.PASS),
        (True, compared(-0.01), Verdict.INCONCLUSIVE),
        (True, compared(0.01), Verdict.PASS),
        (True, None, Verdict.INCONCLUSIVE),
        (False, None, Verdict.PASS),
    ],
)
def test_a_pass_may_ask_for_a_search_that_beats_chance(passing, limits, asked, validity, word) -> None:
    verdict, reason = conclude(passing, SOUND, None, validity, replace(limits, search=asked))
    assert verdict is word
    assert ("limits.search" in reason) == (word is Verdict.INCONCLUSIVE)


def test_patches_that_a_person_brought_were_not_searched_for(passing, limits) -> None:
    own = tuple(replace(one, candidate=replace(one.candidate, origin=Origin.USER)) for one in passing)
    assert conclude(own, SOUND, None, None, replace(limits, search=True))[0] is Verdict.PASS


def test_a_fail_stays_a_fail(passing, limits) -> None:
    broken = replace(SOUND, verdict=Verdict.FAIL)
    assert conclude(passing, broken, None, compared(-0.01), replace(limits, search=True))[0] is Verdict.FAIL
