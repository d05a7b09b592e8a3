"""One file a command. What is imported here is there to be typed."""

from auditor.cli.commands import (
    atlas,
    check,
    demo,
    doctor,
    icons,
    init,
    layers,
    look,
    report,
    review,
    run,
    suggest,
    transfer,
    trial,
)

__all__ = [
    "atlas",
    "check",
    "demo",
    "doctor",
    "icons",
    "init",
    "layers",
    "look",
    "report",
    "review",
    "run",
    "suggest",
    "transfer",
    "trial",
]
