"""The checklist of an audit: to attach to a model review, to paste into a pull request, and to sign."""

from auditor.report.checklist.as_json import checklist_json
from auditor.report.checklist.markdown import checklist_markdown

__all__ = ["checklist_json", "checklist_markdown"]
