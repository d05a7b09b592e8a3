"""The checklist as JSON, for programs: the same items, states and signatures as in checklist.md."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources

from auditor.core.policy import Waiver
from auditor.core.records import AuditResult
from auditor.report.checklist.boxes import Box, person, tested
from auditor.report.checklist.signatures import report_sha256, signatures
from auditor.report.gate import Checklist, Item, checklist_of
from auditor.report.json_values import Json, interval_json, number_json
from auditor.report.page import page_of
from auditor.report.text import plain
from auditor.report.words import GATES

SCHEMA_VERSION = "1.0"


def checklist_json(result: AuditResult) -> str:
    """One object, ending in a line break; rates are fractions, null is what was not measured or has no number."""
    page, sha256 = page_of(result), report_sha256(result)
    checklist = checklist_of(result, page)
    document: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "run": plain(result.run),
        "source": plain(result.source.name),
        "target": plain(result.target.name),
        "verdict": str(result.verdict),
        "sentence": plain(page.verdict_sentence),
        "gate": GATES[checklist.gate],
        "policy": _policy(checklist),
        "items": [_item(item) for item in checklist.items],
        "tested": [_box(box) for box in tested(result, page)],
        "person": [_box(box) for box in person(result, page)],
        "report": {"file": "report.html", "sha256": sha256},
        "signed": [
            {**{name: plain(str(value)) for name, value in dataclasses.asdict(one.signed).items()}, "fits": one.fits}
            for one in signatures(result, sha256)
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def checklist_schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of checklist.json."""
    text = resources.files("auditor.report.checklist").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Json] = json.loads(text)
    return loaded


def _policy(checklist: Checklist) -> Json:
    held = checklist.policy
    return {
        "given": checklist.given,
        "file": plain(held.file),
        "title": plain(held.policy.title),
        "sha256": held.sha256,
        "fail_on": held.policy.fail_on,
        "waivers_looked_at": held.on.isoformat() if held.policy.waivers else None,
        "unused_waivers": [_waiver(one) for one in checklist.unused],
    }


def _item(item: Item) -> Json:
    measured = item.measured
    return {
        "id": item.id,
        "asks": item.asks,
        "state": str(item.state),
        "own_state": str(measured.state),
        "decides": item.decides,
        "evidence": plain(measured.evidence),
        "number": None if measured.number is None else number_json(measured.number),
        "interval": interval_json(measured.interval),
        "measured": plain(measured.shown),
        "limit": plain(measured.limit),
        "limit_value": None if measured.limit_value is None else number_json(measured.limit_value),
        "link": f"report.html#{measured.section}",
        "waivers": [_waiver(one) for one in item.waivers],
        "lapsed_waivers": [_waiver(one) for one in item.lapsed],
    }


def _waiver(waiver: Waiver) -> Json:
    return {
        "item": waiver.item,
        "patch": waiver.patch,
        "by": plain(waiver.by),
        "reason": plain(waiver.reason),
        "until": waiver.until.isoformat(),
    }


def _box(box: Box) -> Json:
    return {"ticked": box.ticked, "text": plain(box.text)}
