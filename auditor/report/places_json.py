"""Where and how large a candidate has to be, as findings.json holds it."""

from __future__ import annotations

from auditor.core.plain_text import plain
from auditor.core.records.places import Bounded, DoseResponse, PlaceMap, PlaceRate
from auditor.report.json_values import Json
from auditor.report.json_values import number_json as _number


def places_json(found: PlaceMap) -> dict[str, Json]:
    """One map, in the order of `schema.json`."""
    return {
        "covering": plain(found.covering),
        "limit": _number(found.limit),
        "confidence": _number(found.confidence),
        "grid": int(found.grid),
        "anywhere_from": None if found.anywhere_from is None else _number(found.anywhere_from),
        "words": [
            {
                "size": _number(word.size),
                "word": word.word,
                "above": int(word.above),
                "below": int(word.below),
                "open": int(word.open),
            }
            for word in found.words
        ],
        "places": [_place(place) for place in found.places],
        "responses": [_response(one) for one in found.responses],
        "on_object": [
            {
                "placement": one.placement.value,
                "flips": int(one.flips),
                "covering_flips": int(one.covering_flips),
                "images": int(one.images),
                "uplift": _bounded(one.uplift),
            }
            for one in found.on_object
        ],
    }


def _place(place: PlaceRate) -> dict[str, Json]:
    return {
        "size": _number(place.size),
        "down": _number(place.down),
        "across": _number(place.across),
        "flips": int(place.flips),
        "covering_flips": int(place.covering_flips),
        "images": int(place.images),
        "rate": _bounded(place.rate),
        "uplift": _bounded(place.uplift),
        "log_odds": _bounded(place.log_odds),
    }


def _bounded(one: Bounded) -> dict[str, Json]:
    return {"value": _number(one.value), "low": _number(one.low), "high": _number(one.high)}


def _response(response: DoseResponse) -> dict[str, Json]:
    half = (response.half, response.half_low, response.half_high)
    value, low, high = (None if dose is None else _number(dose) for dose in half)
    return {
        "of": response.of,
        "placement": response.placement.value,
        "doses": [
            {
                "dose": _number(one.dose),
                "flips": int(one.flips),
                "covering_flips": None if one.covering_flips is None else int(one.covering_flips),
                "images": int(one.images),
                "fitted": _number(one.fitted),
            }
            for one in response.doses
        ],
        "half": {"value": value, "low": low, "high": high},
        "falls": bool(response.falls),
    }
