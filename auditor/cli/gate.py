"""What a policy makes of a finished audit on the command line: its exit code, and what is said beside it."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.cli.edge import EXIT_CODES, FAIL, FAIL_ON, FAILED, INCONCLUSIVE, NEVER, OPEN, PASSED
from auditor.core.errors import ConfigError
from auditor.core.policy import Waiver
from auditor.core.records import AuditResult
from auditor.report.checklist.signatures import report_sha256, signatures
from auditor.report.findings_json import findings_document
from auditor.report.gate import Checklist, State, checklist_of
from auditor.report.summary import verdict_sentence
from auditor.report.words import GATES
from auditor.run.finished import Audit


def exit_code(result: AuditResult, fail_on: str | None = None) -> int:
    """The code behind a verdict that was written.

    Without a policy it is the verdict's; with one the gate's.

    Args:
        fail_on: what counts as failed, one of `FAIL_ON`; None: as the policy says.
    """
    held = result.policy
    word = result.verdict if held is None else checklist_of(result).gate
    asked = fail_on or (FAIL if held is None else held.policy.fail_on)
    code = EXIT_CODES[word]
    if asked == NEVER:
        return PASSED
    return FAILED if asked == OPEN and code == INCONCLUSIVE else code


def audit_value(finished: Audit, code: int) -> dict[str, object]:
    """A finished audit for `--json`: where it lies, what it ends with, and all that findings.json says."""
    result = finished.result
    checklist = checklist_of(result) if result.policy is not None else None
    return {
        "run": finished.folder,
        "report": finished.report,
        "verdict": result.verdict,
        "verdict_sentence": verdict_sentence(result),
        "gate": None if checklist is None else GATES[checklist.gate],
        "exit_code": code,
        "findings": findings_document(result),
    }


def checked_fail_on(fail_on: str | None) -> str | None:
    """What was given for `--fail-on`.

    Raises:
        ConfigError: it is none of `FAIL_ON`.
    """
    if fail_on is not None and fail_on not in FAIL_ON:
        raise ConfigError(f"--fail-on takes {', '.join(FAIL_ON[:-1])} or {FAIL_ON[-1]}, got {fail_on!r}")
    return fail_on


def gate_lines(finished: Audit) -> Iterator[str]:
    """What a person should know of the gate and of signatures; nothing where there is neither."""
    result = finished.result
    if result.policy is not None:
        yield gate_sentence(checklist_of(result))
    if result.signed:
        last = signatures(result, report_sha256(result))[-1]
        if not last.fits:
            yield f"{last.words} {last.signed.name} signed on {last.signed.day}; 'auditor sign {finished.folder}'"


def gate_sentence(checklist: Checklist) -> str:
    """The gate's word, and the items that make it."""
    named = []
    for state in (State.FAIL, State.OPEN, State.NOT_RUN, State.WAIVED):
        items = [item.id for item in checklist.items if item.state is state and item.decides]
        named += [f"{state.value}: {', '.join(items)}"] * bool(items)
    told = f" ({'; '.join(named)})" if named else ""
    return f"gate: {GATES[checklist.gate].upper()} by {checklist.policy.file}{told}"


def refuse_unused(result: AuditResult) -> None:
    """Make sure that every waiver in force lets something through.

    Raises:
        ConfigError: one does not; it names all of them.
    """
    unused = checklist_of(result).unused if result.policy is not None else ()
    if unused:
        told = "; ".join(map(_waiver, unused))
        raise ConfigError(
            f"{'a waiver' if len(unused) == 1 else f'{len(unused)} waivers'} of the policy with nothing to let "
            f"through in this run: {told}; take it out, and report again. The reports are written"
        )


def _waiver(waiver: Waiver) -> str:
    of = f" for patch {waiver.patch}" if waiver.patch else ""
    return f"{waiver.item!r}{of} until {waiver.until.isoformat()} by {waiver.by}"
