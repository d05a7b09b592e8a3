"""An audit's findings as JSON, byte for byte the same for the same result, and the schema it obeys.

Keys stand in the order of `schema.json`, which explains each of them; lists keep the result's order. Numbers are
rounded to 10 significant digits, what was not measured is null, and a path keeps no folder of the machine. Times, the
run's name, the pictures and the atlas's cells are left out: they change from run to run or have files of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from importlib import resources

from auditor.core.records import (
    AuditResult,
    Candidate,
    CleanAccuracy,
    ControlResult,
    Correlation,
    CoveringRate,
    CoveringUplift,
    Effect,
    FillEffect,
    Finding,
    Fragility,
    GroupMean,
    LogOddsUplift,
    Need,
    Share,
    Spot,
    SuggestionValidity,
    SurveyRow,
)
from auditor.core.records.places import PlaceMap
from auditor.core.records.survival import Survival
from auditor.report.destinations import destinations_json
from auditor.report.json_values import Json
from auditor.report.json_values import interval_json as _interval
from auditor.report.json_values import number_json as _number
from auditor.report.places_json import places_json
from auditor.report.summary import eligible, ordered_splits
from auditor.report.survival import survival_of_finding
from auditor.report.survival_json import survival_json
from auditor.report.text import plain, shown_detail, shown_path
from auditor.report.whole_json import whole_pictures_json

SCHEMA_VERSION = "2.2"


def findings_json(result: AuditResult) -> str:
    """The findings as a JSON document that `schema()` describes, indented by two, ending in a line break."""
    return json.dumps(findings_document(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of findings.json."""
    text = resources.files("auditor.report").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Json] = json.loads(text)
    return loaded


def findings_document(result: AuditResult) -> dict[str, Json]:
    """What `findings_json` writes, as values."""
    fragility, validity = result.fragility, result.suggestion_validity
    maps = {one.candidate: one for one in result.places}
    return {
        "schema_version": SCHEMA_VERSION,
        "source": {"name": plain(result.source.name), "classes": _class_names(result, result.source.indices)},
        "target": {"name": plain(result.target.name), "classes": _class_names(result, result.target.indices)},
        "subject": _subject(result),
        "verdict": result.verdict.value,
        "verdict_reason": plain(result.verdict_reason),
        "limit": _number(result.limits.uplift),
        "limits": {
            "uplift": _number(result.limits.uplift),
            "fragility": _number(result.limits.fragility),
            "fragility_best": _optional(result.limits.fragility_best),
            "log_odds": _optional(result.limits.log_odds),
            "search": bool(result.limits.search),
            "whole_pictures": bool(result.limits.whole_pictures),
            "confidence": _number(result.limits.confidence),
        },
        "eligible": eligible(result),
        "eligibility": plain(result.eligibility),
        "hypotheses_tried": int(result.hypotheses_tried),
        "hypotheses_confirmed": int(result.hypotheses_confirmed),
        "images": _images(result),
        "images_needed": _whole(result.images_needed),
        "clean_accuracy": None if result.accuracy is None else _accuracy(result, result.accuracy),
        "suggestion_validity": None if validity is None else _validity(validity),
        "findings": [
            _finding(result, one, maps.get(one.candidate.id), survival_of_finding(result, one))
            for one in result.findings
        ],
        "fragility": None if fragility is None else _fragility(fragility),
        "whole_pictures": None if result.whole is None else whole_pictures_json(result.whole),
        "survey": [_survey_row(row) for row in result.survey],
        "examples": _examples(result),
        "rungs": [
            {
                "name": plain(rung.name),
                "seen": int(rung.seen),
                "passed": int(rung.passed),
                "by": plain(rung.by),
                "correlation": _optional(rung.correlation),
                "compared": int(rung.compared),
            }
            for rung in result.rungs
        ],
        "notes": [plain(note) for note in result.notes],
        "versions": {plain(name): plain(result.versions[name]) for name in sorted(result.versions)},
        "seed": int(result.seed),
    }


def _class_names(result: AuditResult, indices: Iterable[int]) -> list[Json]:
    names = result.class_names
    return [plain(names[index]) if index < len(names) else str(index) for index in indices]


def _subject(result: AuditResult) -> dict[str, Json]:
    subject = result.subject
    return {
        "model": shown_path(subject.model),
        "weights": shown_path(subject.weights),
        "weights_sha256": subject.weights_sha256,
        "layer": plain(subject.layer),
        "layers": [plain(layer) for layer in subject.layers],
        "layer_rule": plain(subject.layer_rule),
        "device": plain(subject.device),
        "input_size": [int(side) for side in subject.input_size],
        "preprocessing": plain(subject.preprocessing),
        "classes": int(subject.classes),
        "trials_run": plain(subject.trials_run or "the network as it is"),
    }


def _images(result: AuditResult) -> dict[str, Json]:
    reasons = Counter(plain(skipped.reason) for skipped in result.skipped)
    return {
        "used": {
            split.split.value: {"used": int(split.used), "source": int(split.source), "eligible": int(split.eligible)}
            for split in ordered_splits(result)
        },
        "skipped": [
            {
                "path": shown_path(skipped.path),
                "reason": plain(skipped.reason),
                "detail": shown_detail(skipped.detail, skipped.path),
            }
            for skipped in result.skipped
        ],
        "skipped_by_reason": {reason: reasons[reason] for reason in sorted(reasons)},
        "left_out": {plain(why): int(count) for why, count in sorted(result.left_out.items())},
    }


def _accuracy(result: AuditResult, accuracy: CleanAccuracy) -> dict[str, Json]:
    (answer,) = _class_names(result, [accuracy.answer])
    return {
        "overall": _share(accuracy.overall),
        "source": _share(accuracy.source),
        "target": _share(accuracy.target),
        "others_called_target": _share(accuracy.others_called_target),
        "most_frequent_answer": answer,
        "answered": _share(accuracy.answered),
        "answered_others": _share(accuracy.answered_others),
        "classes": _class_names(result, accuracy.classes),
        "table": [[int(count) for count in row] for row in accuracy.table],
        "confusions": [
            {
                "label": label,
                "answer": instead,
                "count": int(one.count),
                "pictures": int(one.pictures),
            }
            for one in accuracy.confusions
            for label, instead in [_class_names(result, (one.label, one.answer))]
        ],
        "doubts": [plain(doubt) for doubt in accuracy.doubts],
        "accepted": bool(accuracy.accepted),
    }


def _share(share: Share) -> dict[str, Json]:
    return {
        "count": int(share.count),
        "pictures": int(share.pictures),
        "rate": _number(share.rate),
        "interval": _interval(share.interval),
    }


def _finding(
    result: AuditResult, finding: Finding, places: PlaceMap | None, survival: Survival | None
) -> dict[str, Json]:
    review = finding.review
    return {
        **candidate_value(finding.candidate),
        "tier": finding.tier.value,
        "placement": finding.placement.value,
        "spot": None if finding.candidate.spot is None else _spot(finding.candidate.spot),
        "flips": int(finding.flips),
        "eligible": int(finding.eligible),
        "rate": _number(finding.rate),
        "interval": _interval(finding.interval),
        "review": None
        if review is None
        else {"mark": review.mark.value, "reviewer": plain(review.reviewer), "why": plain(review.why)},
        "control": {
            "name": plain(finding.control.name),
            "flips": int(finding.control.flips),
            "eligible": int(finding.control.eligible),
        },
        "controls": [_control(control) for control in finding.controls],
        "uplift": _number(finding.uplift),
        "uplift_interval": _interval(finding.uplift_interval),
        "p_value": _number(finding.p_value),
        "p_adjusted": _number(finding.p_adjusted),
        "p_below": _optional(finding.p_below),
        "p_below_adjusted": _optional(finding.p_below_adjusted),
        "place": int(finding.place),
        "probability_before": _number(finding.probability_before),
        "probability_after": _number(finding.probability_after),
        "held": finding.held_to_limit,
        "verdict": finding.word.value,
        "reason": plain(finding.reason),
        "images_needed": _whole(finding.images_needed),
        "hypotheses": int(finding.hypotheses),
        "ladder": [_effect(effect) for effect in finding.ladder],
        "does_it": None if finding.does_it is None else finding.does_it.value,
        "log_odds": None if finding.log_odds is None else _log_odds(finding.log_odds),
        "top_five": None if finding.top_five is None else _top_five(finding.top_five),
        "suffices": finding.suffices,
        "needed": None if finding.needed is None else _need(finding.needed),
        "places": None if places is None else places_json(places),
        "survival": None if survival is None else survival_json(survival),
        "destinations": destinations_json(result, finding),
    }


def _spot(spot: Spot) -> dict[str, Json]:
    return {"down": _number(spot.down), "across": _number(spot.across), "size": _number(spot.size)}


def _need(need: Need) -> dict[str, Json]:
    headline = need.headline
    return {
        "is_needed": need.is_needed,
        "counts": None if headline is None else plain(headline.fill),
        "pictures": int(need.images),
        "share": _number(need.share),
        "located": plain(need.located) or None,
        "why_not": plain(need.why_not) or None,
        "held_out": bool(need.asked.held_out),
        "target_pictures": int(need.asked.pictures),
        "recognised": int(need.asked.recognised),
        "asked": int(need.asked.of),
        "left_out": {"cut_from": int(need.own), "absent": int(need.absent), "without_room": int(need.without_room)},
        "findings": int(need.findings),
        "fills": [_fill_effect(one) for one in need.fills],
    }


def _fill_effect(one: FillEffect) -> dict[str, Json]:
    return {
        "fill": plain(one.fill),
        "lost": int(one.lost),
        "lost_elsewhere": int(one.lost_elsewhere),
        "alone": int(one.alone),
        "difference": _number(one.difference),
        "interval": _interval(one.interval),
        "p_value": _number(one.p_value),
        "p_adjusted": _number(one.p_adjusted),
        "needed": bool(one.needed),
    }


def _log_odds(measured: LogOddsUplift) -> dict[str, Json]:
    return {
        "covering": plain(measured.covering),
        "uplift": _number(measured.uplift),
        "interval": _interval(measured.interval),
        "verdict": None if measured.verdict is None else measured.verdict.value,
        "p_adjusted": _optional(measured.p_adjusted),
        "p_below_adjusted": _optional(measured.p_below_adjusted),
    }


def _top_five(measured: CoveringUplift) -> dict[str, Json]:
    return {
        "entries": int(measured.hits),
        "outside_before": int(measured.eligible),
        "covering": plain(measured.covering),
        "covering_entries": int(measured.covering_hits),
        "uplift": _number(measured.uplift),
        "interval": _interval(measured.interval),
    }


def candidate_value(candidate: Candidate) -> dict[str, Json]:
    """A candidate, as it stands in findings and in the survey."""
    return {
        "candidate": plain(candidate.id),
        "name": plain(candidate.name),
        "origin": candidate.origin.value,
        "tier": candidate.tier.value,
        "suggested": bool(candidate.suggested),
        "read_as_target": bool(candidate.read_as_target),
        "called_target": bool(candidate.called_target),
        "shows": [{"thing": plain(thing), "share": _number(share)} for thing, share in candidate.shows],
        "observed_push": _number(candidate.observed_push),
        "predicted_push": _number(candidate.predicted_push),
        "provenance": {
            "image": shown_path(candidate.image_path) or None,
            "image_key": candidate.image_key or None,
            "image_label": plain(candidate.image_label) or None,
            "box": None if candidate.box is None else [int(edge) for edge in candidate.box],
            "cell": plain(candidate.cell) or None,
            "layer": plain(candidate.layer) or None,
            "sha256": candidate.sha256,
            "licence": plain(candidate.licence) or None,
            "parts": [plain(part) for part in candidate.parts],
        },
    }


def _effect(effect: Effect) -> dict[str, Json]:
    return {
        "step": "patch" if effect.step is None else effect.step.value,
        "control": plain(effect.control) or None,
        "flips": int(effect.flips),
        "eligible": int(effect.eligible),
        "over_covering": _number(effect.over_covering),
        "interval": _interval(effect.interval),
    }


def _control(control: ControlResult) -> dict[str, Json]:
    return {
        "name": plain(control.name),
        "step": None if control.step is None else control.step.value,
        "flips": int(control.flips),
        "eligible": int(control.eligible),
        "uplift": _number(control.uplift),
        "uplift_interval": _interval(control.uplift_interval),
        "p_value": _number(control.p_value),
        "alone": _whole(control.alone),
        "entries": _whole(control.entries),
        "entries_alone": _whole(control.entries_alone),
        "log_odds": None
        if control.log_odds is None
        else {
            "mean": _number(control.log_odds.mean),
            "deviation": _number(control.log_odds.deviation),
            "skewness": _number(control.log_odds.skewness),
        },
    }


def _fragility(fragility: Fragility) -> dict[str, Json]:
    return {
        "control": plain(fragility.control),
        "candidate": plain(fragility.candidate),
        "placement": plain(fragility.placement),
        "flips": int(fragility.flips),
        "eligible": int(fragility.eligible),
        "rate": _number(fragility.rate),
        "interval": _interval(fragility.interval),
        "compared": int(fragility.compared),
        "limit": _number(fragility.limit),
        "verdict": fragility.verdict.value,
        "images": int(fragility.images),
        "coverings": [_covering_rate(one) for one in fragility.coverings],
        "any_class": None if fragility.any_class is None else _covering_rate(fragility.any_class),
    }


def _covering_rate(one: CoveringRate) -> dict[str, Json]:
    return {
        "covering": plain(one.covering),
        "flips": int(one.flips),
        "trials": int(one.trials),
        "images": int(one.images),
        "rate": _number(one.rate),
        "interval": _interval(one.interval),
    }


def _validity(validity: SuggestionValidity) -> dict[str, Json]:
    return {
        "observed_push": _correlation(validity.observed_push),
        "predicted_push": _correlation(validity.predicted_push),
        "suggested": _group(validity.suggested),
        "random": _group(validity.random),
        "difference": _number(validity.difference),
        "difference_interval": _interval(validity.difference_interval),
        "control": plain(validity.control),
        "strongest_contrast": None if validity.strongest_contrast is None else _group(validity.strongest_contrast),
        "precision_at_10": {
            name: {"beat_control": int(hits), "crops": int(crops)}
            for name, (hits, crops) in (
                ("predicted_push", validity.precision_predicted),
                ("observed_push", validity.precision_observed),
                ("random", validity.precision_random),
            )
        },
        "comparisons": [
            {
                "tier": None if one.tier is None else one.tier.value,
                "suggested": _group(one.suggested),
                "random": _group(one.random),
                "difference": _number(one.difference),
                "interval": _interval(one.interval),
            }
            for one in validity.comparisons
        ],
        "better_than_chance": validity.headline.better_than_chance,
    }


def _correlation(measured: Correlation) -> dict[str, Json]:
    return {
        "value": _number(measured.value),
        "interval": _interval(measured.interval),
        "candidates": int(measured.candidates),
    }


def _group(group: GroupMean) -> dict[str, Json]:
    return {
        "candidates": int(group.candidates),
        "flips": int(group.flips),
        "trials": int(group.trials),
        "rate": _number(group.rate),
        "interval": _interval(group.interval),
    }


def _survey_row(row: SurveyRow) -> dict[str, Json]:
    return {
        **candidate_value(row.candidate),
        "selection_flips": int(row.selection_flips),
        "selection_eligible": int(row.selection_eligible),
        "flips": int(row.flips),
        "eligible": int(row.eligible),
        "uplift": _number(row.uplift),
        "p_value": _number(row.p_value),
        "q_value": _number(row.q_value),
        "confirmed": bool(row.confirmed),
    }


def _examples(result: AuditResult) -> list[Json]:
    return [
        {
            "candidate": plain(example.candidate),
            "placement": plain(example.placement),
            "image": shown_path(example.image_path),
            "clean_class": plain(example.clean_class),
            "patched_class": plain(example.patched_class),
            "probability_before": _number(example.probability_before),
            "probability_after": _number(example.probability_after),
        }
        for example in result.examples
    ]


def _optional(value: float | None) -> float | None:
    return None if value is None else _number(value)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)
