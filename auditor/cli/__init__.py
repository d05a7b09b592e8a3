"""The command line: commands, messages and exit codes. The only place that prints or exits."""

from auditor.cli import commands
from auditor.cli.edge import FAILED, INCONCLUSIVE, NOT_MADE, PASSED, app, messages, payload, show_every_character

__all__ = ["FAILED", "INCONCLUSIVE", "NOT_MADE", "PASSED", "app", "commands", "main"]


def main() -> None:
    """The entry point: runs a command and exits with its code."""
    show_every_character()
    try:
        app(prog_name="auditor")
    finally:
        payload.flush()
        messages.flush()
