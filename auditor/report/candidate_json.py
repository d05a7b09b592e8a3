"""A candidate as values of findings.json, and a row of its survey."""

from __future__ import annotations

from auditor.core.records import Candidate, SurveyRow
from auditor.report.json_values import Json
from auditor.report.json_values import number_json as _number
from auditor.report.text import plain, shown_path


def candidate_json(candidate: Candidate) -> dict[str, Json]:
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
        "taken_out": _number(candidate.taken_out),
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


def survey_row_json(row: SurveyRow) -> dict[str, Json]:
    """A candidate's row in the survey: what it did on selection and on confirmation pictures."""
    return {
        **candidate_json(row.candidate),
        "selection_flips": int(row.selection_flips),
        "selection_eligible": int(row.selection_eligible),
        "flips": int(row.flips),
        "eligible": int(row.eligible),
        "uplift": _number(row.uplift),
        "p_value": _number(row.p_value),
        "q_value": _number(row.q_value),
        "confirmed": bool(row.confirmed),
    }
