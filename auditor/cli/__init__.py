"""The command line: commands, messages and exit codes. The only place that prints or exits."""

from auditor.cli import auditing, exploring
from auditor.cli.edge import FAILED, INCONCLUSIVE, NOT_MADE, PASSED, app

__all__ = ["FAILED", "INCONCLUSIVE", "NOT_MADE", "PASSED", "app", "auditing", "exploring", "main"]


def main() -> None:
    """The entry point: runs a command and exits with its code."""
    app(prog_name="auditor")
