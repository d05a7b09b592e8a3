"""People's decisions under a report, and whether they still fit it. It writes no file."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.hashing import sha256_of
from auditor.core.records import AuditResult
from auditor.core.records.policy import SignOff
from auditor.report.html import report_html

FITS = "The signature fits report.html."
NO_LONGER_FITS = "Signature no longer fits: report.html was changed after it was signed."


@dataclass(frozen=True, slots=True)
class Signature:
    """A decision, and whether the report is still the one that was signed."""

    signed: SignOff
    fits: bool

    @property
    def words(self) -> str:
        return FITS if self.fits else NO_LONGER_FITS


def report_sha256(result: AuditResult) -> str:
    """The sha256 of report.html as this result makes it."""
    return sha256_of(report_html(result).encode("utf-8"))


def signatures(result: AuditResult, sha256: str) -> tuple[Signature, ...]:
    """A result's decisions in their order, held against the report's sha256."""
    return tuple(Signature(one, one.report_sha256 == sha256) for one in result.signed)
