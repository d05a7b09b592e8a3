"""A result held to a policy: the items of the checklist, each with its state, and the gate over them."""

from auditor.report.gate.held import checklist_of, is_waived, waiver_words, waivers_of
from auditor.report.gate.states import Checklist, Item, State

__all__ = ["Checklist", "Item", "State", "checklist_of", "is_waived", "waiver_words", "waivers_of"]
