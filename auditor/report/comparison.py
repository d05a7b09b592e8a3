"""Comparisons of runs as sentences, as JSON and as one HTML page of their own. It computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from auditor.core.plain_text import plain
from auditor.core.records import Verdict
from auditor.report.album import Album
from auditor.report.environment import html_environment
from auditor.report.numbers import how_many, plain_points

if TYPE_CHECKING:
    from auditor.core.records.comparison import Change, Comparison

WORDS = {
    Verdict.FAIL: "worse",
    Verdict.PASS: "not worse",
    Verdict.INCONCLUSIVE: "open",
}
"""What a change's word, or a comparison's verdict, is called here: nothing passes or fails an audit by it."""


def comparison_sentence(comparison: Comparison) -> str:
    """What became of the first run's findings, in one sentence."""
    margin, second = plain_points(comparison.margin), comparison.second.run
    compared = f"Of {how_many(len(comparison.changes), 'patch', 'patches')} that can be compared,"
    if comparison.verdict is Verdict.PASS:
        return f"{compared} none flips more in {second} by {margin} or more"
    count = sum(change.word is comparison.verdict for change in comparison.changes)
    more = f"{'flips' if count == 1 else 'flip'} more in {second}, by more than {margin}"
    if comparison.verdict is Verdict.FAIL:
        return f"{compared} {count} {more}"
    they = "it" if count == 1 else "they"
    return f"{compared} {count} may have become worse: these pictures cannot tell whether {they} {more}"


def became_sentence(comparison: Comparison) -> str:
    """How many patches fail in one of the runs alone, or in both; "" where none fails."""
    words = [change.becomes for change in comparison.changes]
    fixed, new, both = (words.count(word) for word in ("fixed", "new", "both fail"))
    if not fixed + new + both:
        return ""
    return f"Failing findings: {new} new, {fixed} fixed, {both} unchanged (they fail in both runs)."


def caution_sentence(comparison: Comparison) -> str:
    """What a comparison does not say."""
    return (
        "These patches were found on one of the two models. That they do less to another model does not say that "
        f"others do: an audit of its own says that of {comparison.second.run}."
    )


def comparison_value(comparisons: Sequence[Comparison]) -> dict[str, object]:
    """Everything measured, for JSON; rates and bounds are fractions."""
    return {"comparisons": [_as_json(one) for one in comparisons]}


def _as_json(one: Comparison) -> dict[str, object]:
    sides = {
        name: {
            "run": plain(side.run),
            "model": plain(side.model),
            "weights_sha256": side.weights_sha256,
            "begun": side.begun,
            "eligible": side.eligible,
            "verdict": str(side.verdict),
        }
        for name, side in (("first", one.first), ("second", one.second))
    }
    return {
        "source": plain(one.source),
        "target": plain(one.target),
        **sides,
        "images": one.images,
        "margin": one.margin,
        "confidence": one.confidence,
        "says": WORDS[one.verdict],
        "became": {
            name: sum(change.becomes == word for change in one.changes)
            for name, word in (("new", "new"), ("fixed", "fixed"), ("unchanged", "both fail"))
        },
        "changes": [_change_as_json(change) for change in one.changes],
        "left_out": [
            {
                "patch": plain(out.name),
                "sha256": out.sha256,
                "placement": out.placement,
                "in_first": out.in_first,
                "why": plain(out.why),
            }
            for out in one.left_out
        ],
    }


def _change_as_json(change: Change) -> dict[str, object]:
    return {
        "candidate": plain(change.candidate.id),
        "name": plain(change.candidate.name),
        "sha256": change.candidate.sha256,
        "in_second": plain(change.other_id),
        "placement": change.placement,
        "images": change.images,
        "first_flips": change.first_flips,
        "second_flips": change.second_flips,
        "change": change.change,
        "low": change.interval.low,
        "high": change.interval.high,
        "method": change.interval.method,
        "p_worse_adjusted": change.p_worse,
        "p_not_worse": change.p_not_worse,
        "first_verdict": None if change.first_word is None else str(change.first_word),
        "second_verdict": None if change.second_word is None else str(change.second_word),
        "becomes": change.becomes,
        "says": WORDS[change.word],
    }


def comparison_html(comparisons: Sequence[Comparison], pictures: Mapping[str, bytes]) -> str:
    """One page that opens offline, with a table a comparison.

    Args:
        pictures: PNG of each patch, `candidate-<id>` of the first run.
    """
    template = html_environment().get_template("comparison.html.j2")
    return template.render(
        comparisons=comparisons,
        album=Album(pictures),
        words=WORDS,
        sentence=comparison_sentence,
        caution=caution_sentence,
        became=became_sentence,
    )
