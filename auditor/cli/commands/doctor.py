"""`auditor doctor`."""

from __future__ import annotations

from auditor.cli.edge import (
    answer,
    app,
    edge,
)


@app.command()
@edge
def doctor() -> None:
    """Say what this machine offers: versions, devices, memory, and whether the parts that come along are there."""
    from auditor.cli.listing import machine, machine_table

    found = machine()
    answer(found, machine_table(found))
