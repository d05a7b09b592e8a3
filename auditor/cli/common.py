"""The options that every command takes, declared once: --json, --quiet and --verbose."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

P = ParamSpec("P")

JsonOption = Annotated[bool, typer.Option("--json", help="print what the command tells as JSON, and nothing else")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="say no more than the result, and errors")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="say more: versions, settings, what was skipped and why")
]
COMMON = {"as_json": JsonOption, "quiet": QuietOption, "verbose": VerboseOption}
"""By the name of the parameter."""


def takes_common(command: Callable[P, None]) -> Callable[P, None]:
    """Put the common options behind a command's own, for typer to read; the command is given them as keywords."""
    signature = inspect.signature(command, eval_str=True)
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in COMMON.items()
    ]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *common]
    )
    return command
