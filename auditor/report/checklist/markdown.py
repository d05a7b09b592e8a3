"""The checklist as Markdown: evidence filled in, the gate, open boxes where a person must act, and a place to sign."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.policy import Waiver
from auditor.core.records import AuditResult
from auditor.report.checklist.boxes import person, tested
from auditor.report.checklist.signatures import report_sha256, signatures
from auditor.report.checklist.thumbnails import thumbnail_links
from auditor.report.environment import markdown_environment
from auditor.report.gate import Item, checklist_of
from auditor.report.page import page_of


@dataclass(frozen=True, slots=True)
class Address:
    """A link's address, of characters that Markdown leaves alone; no text, so nothing in it is escaped."""

    to: str

    def __str__(self) -> str:
        return self.to


def checklist_markdown(result: AuditResult) -> str:
    """The checklist as Markdown (GitHub's dialect, for its tables and boxes), ending in a line break."""
    page, sha256 = page_of(result), report_sha256(result)
    template = markdown_environment().get_template("checklist.md.j2")
    return template.render(
        result=result,
        page=page,
        checklist=checklist_of(result, page),
        tested=tuple(tested(result, page)),
        person=tuple(person(result, page)),
        waived_words=waived_words,
        link=lambda item: Address(f"report.html#{item.measured.section}"),
        thumbnails={candidate: Address(link) for candidate, link in thumbnail_links(result).items()},
        report_sha256=sha256,
        signatures=signatures(result, sha256),
    )


def waived_words(item: Item) -> str:
    """Who let an item through, why and until when; and whose word has lapsed. Empty where nobody did."""
    told = [f"waived until {_by(one)}" for one in item.waivers]
    told += [f"a waiver lapsed on {_by(one)}, so the item counts as it is" for one in item.lapsed]
    return "; ".join(told)


def _by(waiver: Waiver) -> str:
    of = f" for patch {waiver.patch}" if waiver.patch else ""
    return f"{waiver.until.isoformat()}{of} by {waiver.by}: {waiver.reason.rstrip('.')}"
