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
    CleanAccuracy,
    Correlation,
    CoveringRate,
    Fragility,
    GroupMean,
    Share,
    SuggestionValidity,
)
from auditor.report.candidate_json import survey_row_json
from auditor.report.finding_json import finding_json
from auditor.report.json_values import Json
from auditor.report.json_values import count_json as _count
from auditor.report.json_values import interval_json as _interval
from auditor.report.json_values import number_json as _number
from auditor.report.json_values import optional_json as _optional
from auditor.report.order import ordered_splits
from auditor.report.summary import eligible
from auditor.report.survival import survival_of_finding
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
            "may_heed": [plain(kind) for kind in result.limits.may_heed],
            "confidence": _number(result.limits.confidence),
        },
        "eligible": eligible(result),
        "eligibility": plain(result.eligibility),
        "hypotheses_tried": int(result.hypotheses_tried),
        "hypotheses_confirmed": int(result.hypotheses_confirmed),
        "images": _images(result),
        "images_needed": _count(result.images_needed),
        "clean_accuracy": None if result.accuracy is None else _accuracy(result, result.accuracy),
        "suggestion_validity": None if validity is None else _validity(validity),
        "findings": [
            finding_json(result, one, maps.get(one.candidate.id), survival_of_finding(result, one))
            for one in result.findings
        ],
        "fragility": None if fragility is None else _fragility(fragility),
        "whole_pictures": None if result.whole is None else whole_pictures_json(result.whole),
        "survey": [survey_row_json(row) for row in result.survey],
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
