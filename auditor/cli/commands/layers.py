"""`auditor layers`."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli.edge import (
    answer,
    app,
    detail,
    edge,
    watched,
)


@app.command()
@edge
def layers(
    model: Annotated[
        str,
        typer.Argument(
            help="an audit.toml; or a torchvision name, module:factory, file.py:factory or file", show_default=False
        ),
    ],
    mappable: Annotated[bool, typer.Option("--mappable", help="list only the layers that can be mapped")] = False,
) -> None:
    """List a model's layers with their output shapes, and which of them can be mapped."""
    from auditor.cli.listing import layers_parts, layers_value, listed_layers, refusal_lines

    with watched() as progress:
        found = listed_layers(model, mappable, progress)
    answer(layers_value(found), *layers_parts(found))
    for line in refusal_lines(found):
        detail(line)
