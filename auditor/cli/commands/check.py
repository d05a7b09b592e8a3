"""`auditor check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditor.cli.completing import settings_files
from auditor.cli.edge import (
    ERROR,
    NOT_MADE,
    answer,
    app,
    detail,
    edge,
    messages,
    payload,
    session,
    watched,
)
from auditor.cli.terminal import said

if TYPE_CHECKING:
    from auditor.core.config import AuditConfig
    from auditor.run.check import Checked


@app.command()
@edge
def check(
    config: Annotated[Path, typer.Argument(help="an audit.toml", show_default=False, autocompletion=settings_files)],
    policy: Annotated[Path | None, typer.Option(help="look at this policy too, instead of the file's own")] = None,
) -> None:
    """Open everything an audit needs, tell all mistakes at once, and say what it will take; make nothing."""
    from auditor.cli.options import configured

    tell(configured(config, {} if policy is None else {("policy",): str(policy.absolute())}))


def tell(*configs: AuditConfig) -> None:
    """Print what audits will take, or their mistakes.

    Raises:
        typer.Exit: with `NOT_MADE` where there is a mistake.
    """
    from auditor.cli.details import setting_lines

    told, mistakes = [], 0
    for config in configs:
        for line in setting_lines(config):
            detail(line)
        value, parts = _looked_into(config)
        told.append(value)
        mistakes += len(value["mistakes"])
        if len(configs) > 1 and not session.as_json:
            payload.print(said((f"{config.source} → {config.target}", "bold")))
        if not session.as_json:
            answer(value, *parts)
    if session.as_json:
        answer(told[0] if len(configs) == 1 else {"directions": told})
    if mistakes:
        from auditor.report.numbers import how_many

        messages.print(f"{how_many(mistakes, 'mistake')}; nothing was made")
        raise typer.Exit(NOT_MADE)


def _looked_into(config: AuditConfig) -> tuple[dict[str, Any], list[str]]:
    """What an audit will take, as a value and as lines; mistakes are said at once."""
    from auditor.run.check import Checked, check
    from auditor.run.estimate_words import estimate_lines

    with watched() as progress:
        found = check(config, progress)
    if not isinstance(found, Checked):
        for mistake in found:
            messages.print(said(ERROR, f" {mistake}"), soft_wrap=True)
        return {"mistakes": list(found), "estimate": None}, []
    word = "as confirmed by" if found.accuracy.accepted else "so it cannot pass without"
    doubts = [f"{doubt}: {word} limits.unknown_target" for doubt in found.accuracy.doubts]
    return {"mistakes": [], "estimate": _value(found)}, [*estimate_lines(found.estimate), *doubts]


def _value(found: Checked) -> dict[str, object]:
    ahead = found.estimate
    return {
        "eligible": {split: {"eligible": here, "source": of} for split, (here, of) in ahead.eligible.items()},
        "needed_for_a_pass": ahead.needed,
        "pictures_through_the_network": ahead.workload.passes,
        "seconds": ahead.total_seconds,
        "seconds_by_piece": ahead.seconds,
        "memory_bytes": ahead.memory,
        "doubts": found.accuracy.doubts,
        "accepted": found.accuracy.accepted,
    }
