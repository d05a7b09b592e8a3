"""What a checklist holds: items with their states, and the gate's word over them. Values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from auditor.core.policy import Waiver
from auditor.core.records import Interval, Verdict
from auditor.core.records.policy import PolicyInForce


class State(StrEnum):
    """How an item stands."""

    PASS = "pass"  # noqa: S105 - a state, not a password
    FAIL = "fail"
    OPEN = "open"
    NOT_RUN = "not run"
    WAIVED = "waived"


OF_VERDICT = {
    Verdict.PASS: State.PASS,
    Verdict.FAIL: State.FAIL,
    Verdict.INCONCLUSIVE: State.OPEN,
    Verdict.NOT_HELD: State.NOT_RUN,
}
"""What a verdict makes of an item."""

_GATE = {State.FAIL: Verdict.FAIL, State.OPEN: Verdict.INCONCLUSIVE, State.NOT_RUN: Verdict.INCONCLUSIVE}
_SEVERITY = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)


@dataclass(frozen=True, slots=True)
class Measured:
    """What an item is found to be, before anybody waives it.

    Attributes:
        state: by the evidence alone.
        evidence: in a sentence or two, what was measured.
        limit: what it is held to, in words; limit_value: the same as a number, None where it has none.
        shown: the number in words, with its interval; number: itself, None where there is none.
        section: the name in the report by which links find it.
        parts: of the item `uplift`, each finding's patch (sha256) and its own state.
        beside: a state that stands whatever becomes of the parts.
    """

    state: State
    evidence: str
    limit: str
    shown: str
    section: str
    limit_value: float | None = None
    number: float | None = None
    interval: Interval | None = None
    parts: tuple[tuple[str, State], ...] = ()
    beside: State = State.PASS


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a checklist.

    Attributes:
        id: its table in the policy; asks: what it asks, in a few words.
        decides: whether the gate waits for it.
        waivers: in force, and used; lapsed: those whose day is over, and which would be used.
    """

    id: str
    asks: str
    measured: Measured
    state: State
    decides: bool
    waivers: tuple[Waiver, ...] = ()
    lapsed: tuple[Waiver, ...] = ()

    @property
    def ticked(self) -> bool:
        """A tick claims what was measured: never what was waived."""
        return self.measured.state is State.PASS


@dataclass(frozen=True, slots=True)
class Checklist:
    """The items under one policy, and what the gate says.

    Attributes:
        policy: what it was made by; given: whether somebody gave it, or it is the one that ships.
        gate: FAIL, INCONCLUSIVE or PASS over what decides.
        unused: waivers in force that nothing needs.
    """

    policy: PolicyInForce
    given: bool
    items: tuple[Item, ...]
    gate: Verdict
    unused: tuple[Waiver, ...] = field(default=())


def worst(states: Sequence[State]) -> State:
    """FAIL before OPEN before NOT_RUN before everything else."""
    return next((one for one in (State.FAIL, State.OPEN, State.NOT_RUN) if one in states), State.PASS)


def gate_word(states: Sequence[State], at_least: Verdict = Verdict.PASS) -> Verdict:
    """The gate over the states of what decides; never better than `at_least`."""
    word = _GATE.get(worst(states), Verdict.PASS)
    return max(word, at_least, key=_SEVERITY.index)
