"""`auditor icons`."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli.edge import (
    ConfigOrRun,
    OutOption,
    answer,
    app,
    begin_run,
    edge,
    watched,
)


@app.command()
@edge
def icons(
    config_or_run: ConfigOrRun,
    channels: Annotated[str, typer.Option(help="channels of the mapped layer by commas, such as 3,17")],
    out: OutOption = None,
) -> None:
    """Render icons of single channels of the mapped layer, beside the crops in which they are largest."""
    from auditor.cli.options import named_channels
    from auditor.run.audit import at_work
    from auditor.run.beside.looks import draw_channel_icons

    wanted = named_channels(channels)
    folder, settings = begin_run(config_or_run, out)
    with watched() as progress, at_work(folder, settings, progress) as run:
        path = draw_channel_icons(run, wanted)
    answer({"run": folder.path, "picture": path}, f"{path}")
