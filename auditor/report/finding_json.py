"""A finding as values of findings.json: its counts, controls, ladder of effects, and what was measured beside."""

from __future__ import annotations

from auditor.core.records import (
    AuditResult,
    ControlResult,
    CoveringUplift,
    Effect,
    FillEffect,
    Finding,
    LogOddsUplift,
    Need,
    Spot,
)
from auditor.core.records.places import PlaceMap
from auditor.core.records.survival import Survival
from auditor.report.candidate_json import candidate_json
from auditor.report.destinations import destinations_json
from auditor.report.json_values import Json
from auditor.report.json_values import count_json as _count
from auditor.report.json_values import interval_json as _interval
from auditor.report.json_values import number_json as _number
from auditor.report.json_values import optional_json as _optional
from auditor.report.places_json import places_json
from auditor.report.stopping import stopping_json
from auditor.report.survival_json import survival_json
from auditor.report.text import plain


def finding_json(
    result: AuditResult, finding: Finding, places: PlaceMap | None, survival: Survival | None
) -> dict[str, Json]:
    """One finding, with the map of its places and its survival where they were measured."""
    review = finding.review
    return {
        **candidate_json(finding.candidate),
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
        "images_needed": _count(finding.images_needed),
        "hypotheses": int(finding.hypotheses),
        "stopping": stopping_json(finding),
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
        "alone": _count(control.alone),
        "entries": _count(control.entries),
        "entries_alone": _count(control.entries_alone),
        "log_odds": None
        if control.log_odds is None
        else {
            "mean": _number(control.log_odds.mean),
            "deviation": _number(control.log_odds.deviation),
            "skewness": _number(control.log_odds.skewness),
        },
    }
