"""The policy that a run's checklist is held to, and a person's signature under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from auditor.core.policy import Policy


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy with the sha256 of its file, the file's name, and the day on which its waivers are looked at (UTC)."""

    policy: Policy
    sha256: str
    file: str
    on: date


class Decision(StrEnum):
    """What a person decides of a model after an audit."""

    APPROVE = "approve"
    CONDITIONAL = "conditional"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class SignOff:
    """A person's decision, under one report.

    Attributes:
        day: when (UTC), ISO 8601.
        rationale: of the limits. mitigation, owner: what is done about what was found, and by whom; "" where nothing.
        again: when to test again: a day, or an occasion in words.
        verdict: the run's word when it was signed; gate: the gate's.
        report_sha256: of report.html; policy_sha256: of the policy its checklist was held to.
    """

    decision: Decision
    name: str
    role: str
    day: str
    rationale: str
    mitigation: str
    owner: str
    again: str
    verdict: str
    gate: str
    report_sha256: str
    policy_sha256: str
