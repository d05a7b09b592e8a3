"""Effects over whole pictures as they stand in findings.json."""

from __future__ import annotations

from auditor.core.records import ControlResult, WholeControl, WholeFinding, WholePictures
from auditor.report.json_values import Json, count_json, interval_json, number_json
from auditor.report.text import plain
from auditor.report.whole_pictures import whole_words


def whole_pictures_json(whole: WholePictures) -> dict[str, Json]:
    """The object that the schema calls `whole_pictures`."""
    return {
        "held": bool(whole.held),
        "may_heed": [plain(kind) for kind in whole.may_heed],
        "missing": plain(whole.missing) or None,
        "findings": [_whole_finding(one, whole) for one in whole.findings],
        "tried": [
            {
                "effect": plain(one.id),
                "kind": plain(one.kind),
                "dose": plain(one.dose),
                "words": plain(one.words),
                "flips": int(one.flips),
                "eligible": int(one.eligible),
                "log_odds_gain": number_json(one.gain),
            }
            for one in whole.tried
        ],
    }


def _whole_finding(finding: WholeFinding, whole: WholePictures) -> dict[str, Json]:
    trial = finding.trial
    return {
        "effect": plain(trial.effect.id),
        "words": plain(trial.effect.words),
        "may_show_target": bool(trial.effect.shows_target),
        "flips": int(trial.flips),
        "eligible": int(trial.eligible),
        "rate": number_json(finding.rate),
        "interval": interval_json(finding.interval),
        "change_levels": number_json(trial.change),
        "control": plain(finding.control.name),
        "controls": [
            _whole_control(counted, measured)
            for counted, measured in zip(trial.controls, finding.controls, strict=True)
        ],
        "uplift": number_json(finding.uplift),
        "uplift_interval": interval_json(finding.uplift_interval),
        "p_value": number_json(finding.p_value),
        "p_adjusted": number_json(finding.p_adjusted),
        "p_below": number_json(finding.p_below),
        "p_below_adjusted": number_json(finding.p_below_adjusted),
        "probability_before": number_json(trial.probability_before),
        "probability_after": number_json(trial.probability_after),
        "images_needed": count_json(finding.images_needed),
        "held": finding in whole.held_findings,
        "keeps_from_passing": finding in whole.in_the_way,
        "against_limit": whole_words(finding),
    }


def _whole_control(counted: WholeControl, measured: ControlResult) -> dict[str, Json]:
    return {
        "name": plain(counted.name),
        "flips": int(counted.flips),
        "alone": int(counted.alone),
        "change_levels": number_json(counted.change),
        "uplift": number_json(measured.uplift),
        "uplift_interval": interval_json(measured.uplift_interval),
        "p_value": number_json(measured.p_value),
    }
