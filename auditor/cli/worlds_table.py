"""The tables of the planted worlds. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from auditor.cli.terminal import said
from auditor.report.numbers import percent

if TYPE_CHECKING:
    from auditor.run.worlds.cache import Account
    from auditor.run.worlds.listing import Listed


def worlds_table(rows: Sequence[Listed]) -> Table:
    """The worlds, one row each; the twin's numbers below the planted network's. It fits in 100 columns."""
    from auditor.run.worlds.listing import strength_words

    table = Table(title=said("planted worlds (below each number: the clean twin's)"), title_justify="left")
    table.add_column("world")
    table.add_column("pair")
    table.add_column("cue in training")
    table.add_column("network")
    for heading in ("accuracy", "cue flips"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        world = row.world
        table.add_row(
            said((world.name, "bold"), (f"\n{world.kind}: {world.cue.words}", "dim")),
            said(f"{world.source} → {world.target or 'any other'}", (f"\npushes: {world.scope}", "dim")),
            said(strength_words(world), (f"\nseries {world.series}", "dim")),
            said(world.network, (f"\n{row.state}", "dim")),
            _both(row, _accuracy),
            _both(row, _flips),
        )
    return table


def worlds_value(rows: Sequence[Listed]) -> dict[str, object]:
    """The worlds for JSON."""
    return {
        "worlds": [
            {
                "world": row.world.name,
                "kind": row.world.kind,
                "cue": row.world.cue.words,
                "source": row.world.source,
                "target": row.world.target,
                "network": row.world.network,
                "series": row.world.series,
                "state": row.state,
                "problem": row.problem,
                "planted": None if row.planted is None else asdict(row.planted),
                "twin": None if row.twin is None else asdict(row.twin),
            }
            for row in rows
        ]
    }


def _both(row: Listed, shown: Callable[[Account], str]) -> Text:
    planted, twin = (("—" if one is None else shown(one)) for one in (row.planted, row.twin))
    return said(planted, (f"\n{twin}", "dim"))


def _accuracy(account: Account) -> str:
    return percent(account.correct / account.pictures)


def _flips(account: Account) -> str:
    effect = account.effect
    return f"{effect.flips}/{effect.eligible}" + (f" {percent(effect.rate)}" if effect.eligible else "")
