"""A person's decision under a finished run's report: checked, kept, and shown in its checklist. Loads no network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from auditor.core.errors import ConfigError, StoreError
from auditor.core.hashing import sha256_of_file
from auditor.core.policy_file import today
from auditor.core.records import AuditResult, Verdict
from auditor.core.records.policy import Decision, SignOff
from auditor.report import FORMATS
from auditor.report.checklist.signatures import Signature, report_sha256, signatures
from auditor.report.gate import checklist_of
from auditor.report.words import GATES
from auditor.run.folder import RunFolder, json_file
from auditor.run.policy import SIGN_OFF, decisions
from auditor.run.review import reviewed_result

REPORT = FORMATS["html"].file_name
CHECKLISTS = ("checklist", "checklist-json")


@dataclass(frozen=True, slots=True)
class Deciding:
    """What a person says when signing; `mitigation`, `owner` and `again` may be empty where nothing is due."""

    decision: Decision
    name: str
    role: str
    rationale: str
    mitigation: str = ""
    owner: str = ""
    again: str = ""


def sign_run(folder: RunFolder, deciding: Deciding) -> Signature:
    """Sign the report that lies in a run folder. Earlier decisions stay.

    Raises:
        ConfigError: a name, a role or a rationale is missing, or what a conditional approval, or an approval in spite
            of a fail, has to say.
        StoreError: the run is not finished, or its report is not what the run makes.
    """
    with folder.alone():
        result = reviewed_result(folder)
        sha256 = _signable(folder, result)
        _refuse_incomplete(deciding, result)
        checklist = checklist_of(result)
        new = SignOff(
            **asdict(deciding),
            day=today().isoformat(),
            verdict=str(result.verdict),
            gate=GATES[checklist.gate],
            report_sha256=sha256,
            policy_sha256=checklist.policy.sha256,
        )
        signed = (*decisions(folder), new)
        result = replace(result, signed=signed)
        texts = {SIGN_OFF: json_file([asdict(one) for one in signed])}
        texts |= {FORMATS[name].file_name: FORMATS[name].write(result) for name in CHECKLISTS}
        folder.write_together({file: text.encode() for file, text in texts.items()})
        return Signature(new, True)


def signed_so_far(folder: RunFolder) -> tuple[Signature, ...]:
    """The decisions under a run's reports, each held against the report that lies there now."""
    path = folder.path / REPORT
    return signatures(reviewed_result(folder), sha256_of_file(path) if path.is_file() else "")


def _signable(folder: RunFolder, result: AuditResult) -> str:
    """The sha256 of the report that lies there.

    Raises:
        StoreError: there is none, or another one than this run makes: nobody should sign what nothing stands behind.
    """
    path = folder.path / REPORT
    made = report_sha256(result)
    if not path.is_file() or sha256_of_file(path) != made:
        what = "is not the report that this run makes" if path.is_file() else "is gone"
        raise StoreError(f"{path} {what}; 'auditor report {folder.path}' writes it anew, then read it and sign")
    return made


def _refuse_incomplete(deciding: Deciding, result: AuditResult) -> None:
    said = asdict(deciding)
    missing = [name for name in ("name", "role", "rationale") if not said[name].strip()]
    conditional = deciding.decision is Decision.CONDITIONAL
    if conditional or (deciding.decision is Decision.APPROVE and result.verdict is Verdict.FAIL):
        missing += [name for name in ("mitigation", "owner") if not said[name].strip()]
    if missing:
        why = "" if conditional or missing[0] in ("name", "role", "rationale") else f" in spite of a {result.verdict}"
        flags = ", ".join(f"--{name}" for name in missing)
        raise ConfigError(f"to {_VERBS[deciding.decision]}{why}, give {flags} as well; nothing was signed")


_VERBS = {
    Decision.APPROVE: "approve",
    Decision.CONDITIONAL: "approve under conditions",
    Decision.REJECT: "reject",
}
