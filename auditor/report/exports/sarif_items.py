"""Parts of SARIF beside the findings: items of the checklist, waivers as suppressions, a comparison as states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.core.policy import Waiver
from auditor.core.records import Finding
from auditor.core.records.comparison import Change, Comparison, LeftOut
from auditor.report.comparison import WORDS
from auditor.report.gate import Checklist, Item, State, waiver_words
from auditor.report.json_values import number_json
from auditor.report.numbers import counts
from auditor.report.text import plain

RULE = "checklist/"
_KINDS = {State.PASS: "pass", State.FAIL: "fail", State.OPEN: "open", State.NOT_RUN: "review"}
"""By an item's own state: what was not run, a person has to decide about."""

Result = dict[str, object]


def item_rule(item: Item) -> Result:
    """The rule that an item is."""
    level = "error" if item.decides else "warning"
    return {
        "id": f"{RULE}{item.id}",
        "shortDescription": {"text": item.asks},
        "defaultConfiguration": {"level": level},
    }


def item_result(item: Item, checklist: Checklist, index: int, location: Result) -> Result:
    """How an item stands; one that decides nothing, or under no policy of the team's, warns at most."""
    measured, failed = item.measured, item.measured.state is State.FAIL
    level = "error" if item.decides and checklist.given else "warning"
    return {
        "ruleId": f"{RULE}{item.id}",
        "ruleIndex": index,
        "kind": _KINDS[measured.state],
        "level": level if failed else "none",
        "message": {"text": plain(measured.evidence)},
        "locations": [location],
        "partialFingerprints": {"checklistItem/v1": item.id},
        **suppressions(item.waivers),
        "properties": {
            "state": str(item.state),
            "measured": plain(measured.shown),
            "limit": plain(measured.limit),
            "decides": item.decides,
            "section": f"report.html#{measured.section}",
            "lapsedWaivers": [waiver_words(one) for one in item.lapsed],
        },
    }


def suppressions(waivers: Sequence[Waiver]) -> Result:
    """Waivers in force as a result's suppressions; nothing where there is none."""
    told = [{"kind": "external", "status": "accepted", "justification": waiver_words(one)} for one in waivers]
    return {"suppressions": told} if told else {}


def changes_by_finding(comparison: Comparison | None) -> Mapping[tuple[str, str], Change]:
    """What became of each patch and placement since the baseline, by its id in this run."""
    changes = () if comparison is None else comparison.changes
    return {(change.other_id, change.placement): change for change in changes}


def baseline_state(change: Change | None, left_out: LeftOut | None = None) -> str:
    """`new` where the baseline did not confirm it, else whether it says the same of it, if they can be compared."""
    if left_out is not None:
        return "updated" if left_out.in_first else "new"
    if change is None or change.first_word is None:
        return "new"
    return "unchanged" if change.first_word is change.second_word else "updated"


def change_properties(change: Change | None, left_out: LeftOut | None = None) -> Result:
    """The paired change of the flip rate, a fraction, and whether it is worse; or why it is not known."""
    if change is None:
        return {"comparedWithBaseline": False, **({} if left_out is None else {"whyNotCompared": plain(left_out.why)})}
    return {
        "comparedWithBaseline": True,
        "change": number_json(change.change),
        "changeLow": number_json(change.interval.low),
        "changeHigh": number_json(change.interval.high),
        "sinceBaseline": WORDS[change.word],
    }


def left_out_of(comparison: Comparison, finding: Finding) -> LeftOut | None:
    """What is known of a finding whose flips could not be held against the baseline's."""
    key = (finding.candidate.sha256, str(finding.placement))
    return next((one for one in comparison.left_out if (one.sha256, one.placement) == key), None)


def not_compared(comparison: Comparison) -> list[Result]:
    """What either run confirmed and could not be held against the other: which, under which placement, and why."""
    return [
        {"patch": plain(one.name), "placement": one.placement, "why": plain(one.why)} for one in comparison.left_out
    ]


def absent_results(comparison: Comparison | None, rule: str, location: Result) -> list[Result]:
    """What the baseline confirmed and this run, which tried it too, did not."""
    gone = [one for one in comparison.changes if one.second_word is None] if comparison is not None else []
    return [
        {
            "ruleId": rule,
            "ruleIndex": 0,
            "kind": "informational",
            "level": "none",
            "baselineState": "absent",
            "message": {"text": _absent(one)},
            "locations": [location],
            "partialFingerprints": {"patchAndPlacement/v1": f"{one.candidate.sha256}:{one.placement}"},
            "properties": change_properties(one),
        }
        for one in gone
    ]


def _absent(change: Change) -> str:
    return plain(
        f"{change.candidate.id} {change.candidate.name} ({change.placement}) was confirmed in the baseline, and is not "
        f"in this run: it flipped {counts(change.first_flips, change.images)}, and flips "
        f"{counts(change.second_flips, change.images)} of the same pictures, {WORDS[change.word]}"
    )
