"""What several exports say alike. No format is written here."""

from __future__ import annotations

import json
from collections.abc import Mapping

from auditor.core.errors import StoreError
from auditor.core.records import AuditResult, Finding
from auditor.report.text import plain, shown_path


def as_json(document: Mapping[str, object]) -> str:
    """JSON indented by two, ending in a line break; every number in it has to be finite."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pair(result: AuditResult) -> str:
    """The question in three words: `frying pan to wok`."""
    return plain(f"{result.source.name} to {result.target.name}")


def model_name(result: AuditResult) -> str:
    """The model without the machine's folders."""
    return shown_path(result.subject.model)


def finding_name(finding: Finding) -> str:
    """A finding among the others of its run: `c-002 noodles (fixed)`."""
    return plain(f"{finding.candidate.id} {finding.candidate.name} ({finding.placement.value})")


def weights_sha256(result: AuditResult, form: str) -> str:
    """The hash of the audited weights.

    Raises:
        StoreError: the run did not record one, so that nothing can be attested of them.
    """
    sha256 = result.subject.weights_sha256
    if not sha256:
        raise StoreError(
            f"{form} speaks of weights by their SHA-256, and this run recorded none: its model was given without a "
            "file of weights. Name the file by [model] weights, and audit again"
        )
    return sha256
