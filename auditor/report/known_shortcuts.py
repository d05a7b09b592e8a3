"""What a word is worth: how audits of networks ended whose shortcuts are known (docs/ground-truth.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from auditor.core.records import Verdict

FILE = "known-shortcuts.json"
"""Shares with their intervals, beside this module; `tools/docs/ground_truth.py` writes them from measured rows."""


@cache
def known_shares() -> Mapping[str, str]:
    """Shares of audits of planted networks and of their clean twins, such as `0/42 (0–27%)`, by what they are of."""
    found: dict[str, str] = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return found


def known_sentence(verdict: Verdict) -> str:
    """How often such a word was right, or misses a shortcut, on small rendered networks at a limit of 10 points."""
    known = known_shares()
    if verdict is Verdict.FAIL:
        return (
            "How often such a word is true was measured on small rendered networks at a limit of 10 points: of audits "
            f"that failed, pictures drawn for the purpose bore out {known['true_fails']}."
        )
    if verdict is Verdict.PASS:
        return (
            "How often such a search overlooks a shortcut was measured on small rendered networks at a limit of 10 "
            f"points: of those with a planted one that flips more {known['planted_pass']} passed, of clean twins "
            f"{known['twins_pass']}."
        )
    return (
        "Of small rendered networks, at a limit of 10 points, this was the word on "
        f"{known['planted_open']} with a planted shortcut that flips more and on {known['twins_open']} clean twins."
    )
