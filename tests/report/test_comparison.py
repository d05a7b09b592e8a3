"""A comparison in words: how many failing findings are new, fixed or unchanged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core import records as r
from auditor.core.records.comparison import Change, Comparison, Side
from auditor.report.comparison import became_sentence, comparison_html, comparison_value

FAIL, PASS = r.Verdict.FAIL, r.Verdict.PASS


def comparison(result: r.AuditResult, *words: tuple[r.Verdict | None, r.Verdict | None, float]) -> Comparison:
    side = Side("released", "model", "", "", 61, PASS)
    bounds, patch, word = r.Interval(-0.1, 0.2, 0.95, "exact paired"), result.findings[0].candidate, PASS
    change = Change(patch, "c-1", "fixed", 1, 50, 5, 8, 0.0, bounds, 0.4, 0.3, None, None, word)
    changes = (replace(change, first_word=one, second_word=two, change=moved) for one, two, moved in words)
    return Comparison("a", "b", side, side, tuple(changes), (), 50, 0.05, 0.95, r.Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([(PASS, PASS, 0.1), (None, PASS, 0.0)], ""),
        ([(PASS, FAIL, 0.3), (FAIL, PASS, -0.2), (FAIL, PASS, -0.3), (FAIL, FAIL, 0.0)], "1 new, 2 fixed, 1 unchanged"),
        ([(PASS, FAIL, 0.0)], ""),  # it fails by a person's mark alone, and flips no more
        ([(r.Verdict.NOT_HELD, FAIL, 0.3), (None, FAIL, 0.3)], "1 new, 0 fixed, 0 unchanged"),
    ],
)
def test_new_fixed_and_unchanged_are_counted(
    full_result: r.AuditResult, words: list[tuple[r.Verdict | None, r.Verdict | None, float]], said: str
) -> None:
    one = comparison(full_result, *words)
    wanted = f"Failing findings: {said} (they fail in both runs)." if said else ""
    assert became_sentence(one) == wanted
    page = comparison_html([one], {})
    assert (wanted in page) if wanted else ("Failing findings" not in page)
    (told,) = comparison_value([one])["comparisons"]  # type: ignore[attr-defined]
    assert ", ".join(f"{count} {name}" for name, count in told["became"].items()) == (
        said or "0 new, 0 fixed, 0 unchanged"
    )
