"""What the formats show beyond the records: orderings, counts and sentences, worked out once. No markup."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from auditor.core.records import (
    AuditResult,
    Candidate,
    Cell,
    Example,
    Finding,
    Interval,
    Placement,
    SkippedImage,
    SplitCount,
    SurveyRow,
    by_push,
)
from auditor.report import order, summary
from auditor.report.bars import RateBar, rate_bar
from auditor.report.first_screen import (
    Step,
    Telling,
    TellingEffect,
    Waiting,
    steps,
    telling,
    telling_effect,
    waiting_beside,
)
from auditor.report.numbers import confidence
from auditor.report.place_drawing import PlaceDrawing, place_drawing
from auditor.report.settling import to_settle
from auditor.report.validity import ValidityWords, validity_words

_CELLS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Page:
    """Everything a template needs and may not work out itself.

    Attributes:
        findings, examples: the most worrying first; survey: largest uplift first.
        skipped_by_reason: reason, count and the pictures, the most frequent reason first.
        pushing_cells: cells of strongest push, by the predicted where it is known, at most ten.
        tried: every candidate tried, by id.
        sections: parts of the page in their order, each with its title; where nothing was searched, none of a search.
        surviving: cells whose contrast survives, and cells for which that was measured.
        intervals: the methods and levels of the findings' intervals, each once.
        places: where and how large a candidate has to be, by id; it is drawn at the finding of `first_placement`.
        layers: that were searched, each with what the keys of its atlases' pictures begin with.
        confirmed: distinct candidates among the findings; ceiling: what a trained patch does, or None; looks: at the
            confirmation pictures before, or None where that is not known.
        telling, telling_effect, rate_bar, steps: the first screen's finding, or the effect that stands in its place,
            with its bar, None without any, and what to do now; waiting: what a person has to look at beside it, or
            None.
        to_settle: what would settle an open verdict, None where pictures are not what is missing.
    """

    verdict_sentence: str
    scope: str
    looks: str | None
    to_settle: str | None
    telling: Telling | None
    telling_effect: TellingEffect | None
    waiting: Waiting | None
    rate_bar: RateBar | None
    steps: tuple[Step, ...]
    does_not_say: tuple[str, ...]
    eligible: int
    confirmed: int
    ceiling: str | None
    splits: tuple[SplitCount, ...]
    findings: tuple[Finding, ...]
    best: tuple[Finding, ...]
    awaiting: tuple[Finding, ...]
    examples: tuple[Example, ...]
    survey: tuple[SurveyRow, ...]
    survey_at_random: int
    survey_pictures: int
    tried: Mapping[str, Candidate]
    validity: ValidityWords | None
    skipped_by_reason: tuple[tuple[str, tuple[SkippedImage, ...]], ...]
    pushing_cells: tuple[Cell, ...]
    levels: tuple[tuple[int, int], ...]
    surviving: tuple[int, int]
    intervals: tuple[str, ...]
    images_used: int
    sections: tuple[tuple[str, str], ...]
    places: Mapping[str, PlaceDrawing]
    first_placement: Mapping[str, Placement]
    layers: Mapping[str, str]


_SECTIONS = (
    ("verdict", "Verdict"),
    ("behind", "What stands behind it"),
    ("accuracy", "The model's own classes"),
    ("headline", "Headline"),
    ("findings", "Findings"),
    ("examples", "Examples"),
    ("fragility", "Fragility"),
    ("whole-pictures", "Whole-picture effects"),
    ("atlas", "Atlas"),
    ("planted", "Would it have been found?"),
    ("validity", "Do the suggestions help?"),
    ("survey", "Survey"),
    ("tried", "What was tried"),
    ("images", "Images"),
    ("sign-off", "Checklist and sign-off"),
    ("reproduce", "Reproduce"),
    ("glossary", "Glossary"),
)
_OF_A_SEARCH = ("atlas", "validity", "survey")


def page_of(result: AuditResult) -> Page:
    """Work out what the templates show of a result."""
    validity, told, effect = result.suggestion_validity, telling(result), telling_effect(result)
    first = effect.effect if effect is not None else told.finding if told is not None else None
    return Page(
        verdict_sentence=summary.verdict_sentence(result),
        scope=summary.scope_sentence(result),
        looks=summary.looks_sentence(result),
        to_settle=to_settle(result),
        telling=told,
        telling_effect=effect,
        waiting=waiting_beside(result),
        rate_bar=None if first is None else rate_bar(first, result.limits.uplift),
        steps=steps(result),
        does_not_say=summary.what_it_does_not_say(result),
        eligible=summary.eligible(result),
        confirmed=len({finding.candidate.id for finding in result.findings}),
        ceiling=summary.ceiling_sentence(result),
        splits=order.ordered_splits(result),
        findings=order.by_concern(result),
        best=order.best_of_tiers(result),
        awaiting=order.awaiting_review(result),
        examples=order.examples_by_concern(result),
        survey=order.survey_by_uplift(result),
        survey_at_random=sum(row.candidate.is_random_crop for row in result.survey),
        survey_pictures=max((row.eligible for row in result.survey), default=0),
        tried={row.candidate.id: row.candidate for row in result.survey},
        validity=None if validity is None else validity_words(validity),
        skipped_by_reason=_skipped_by_reason(result),
        pushing_cells=_pushing_cells(result),
        levels=tuple(sorted(Counter(cell.level for cell in result.cells).items())),
        surviving=_surviving(result),
        intervals=_interval_names(result),
        images_used=sum(split.used for split in result.splits),
        sections=tuple(one for one in _SECTIONS if one[0] not in _left_out(result)),
        places={one.candidate: place_drawing(one, result.findings) for one in result.places},
        layers={
            layer: f"layer-{number}/" if number > 1 else "" for number, layer in enumerate(result.subject.layers, 1)
        },
        first_placement={one.candidate.id: one.placement for one in reversed(order.by_concern(result))},
    )


def _left_out(result: AuditResult) -> tuple[str, ...]:
    """Sections that have nothing to show: of a search where none was made, of an atlas where no layer is mapped."""
    unasked = () if result.planted is not None else ("planted",)
    if summary.all_brought(result):
        return (*unasked, *_OF_A_SEARCH, *(("whole-pictures",) if result.whole is None else ()))
    return unasked if result.subject.layer else (*unasked, "atlas")


def _skipped_by_reason(result: AuditResult) -> tuple[tuple[str, tuple[SkippedImage, ...]], ...]:
    grouped: dict[str, list[SkippedImage]] = {}
    for skipped in result.skipped:
        grouped.setdefault(skipped.reason, []).append(skipped)
    ordered = sorted(grouped.items(), key=lambda group: (-len(group[1]), group[0]))
    return tuple((reason, tuple(pictures)) for reason, pictures in ordered)


def _pushing_cells(result: AuditResult) -> tuple[Cell, ...]:
    measured = [cell for cell in result.cells if math.isfinite(cell.contrast)]
    return by_push(measured)[:_CELLS_SHOWN]


def _surviving(result: AuditResult) -> tuple[int, int]:
    measured = [cell.stability.survives for cell in result.cells if cell.stability is not None]
    return sum(measured), len(measured)


def _interval_names(result: AuditResult) -> tuple[str, ...]:
    """What is bounded by which method, at which confidence; from the lowest to the highest where findings differ."""
    names: dict[str, list[Interval]] = {}
    for finding in result.findings:
        names.setdefault(f"flip rate: {finding.interval.method}", []).append(finding.interval)
        names.setdefault(f"uplift: {finding.uplift_interval.method}", []).append(finding.uplift_interval)
    found = []
    for name, intervals in names.items():
        low, high = (confidence(pick(one.confidence for one in intervals)) for pick in (min, max))
        found.append(f"{name} {low}" if low == high else f"{name} {low} to {high}")
    return tuple(found)
