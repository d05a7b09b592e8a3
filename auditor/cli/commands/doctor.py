"""`auditor doctor`."""

from __future__ import annotations

from auditor.cli.edge import (
    app,
    edge,
    payload,
)


@app.command()
@edge
def doctor() -> None:
    """Say what this machine offers: versions, devices, memory, and whether the parts that come along are there."""
    from auditor.cli.listing import machine_table

    payload.print(machine_table())
