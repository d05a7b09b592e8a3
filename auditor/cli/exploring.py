"""Commands that look at a model: its layers, its atlases, the candidates they suggest."""

from __future__ import annotations

from typing import Annotated

import typer

from auditor.cli.edge import (
    ConfigOrRun,
    OutOption,
    app,
    begin_run,
    edge,
    payload,
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
    from auditor.inspecting import listed_layers

    payload.print(listed_layers(model, mappable))


@app.command()
@edge
def doctor() -> None:
    """Say what this machine offers: versions, devices, memory, and whether the parts that come along are there."""
    from auditor.inspecting import machine_table

    payload.print(machine_table())


@app.command()
@edge
def atlas(config_or_run: ConfigOrRun, out: OutOption = None) -> None:
    """Build the atlas of a new run, or build a run's atlas anew, and stop there."""
    from auditor.run import build_atlas

    folder, settings = begin_run(config_or_run, "atlas", out)
    with watched() as progress:
        made = build_atlas(folder, settings, progress)
    payload.print(f"{len(made.cells)} cells of {len(made.samples)} activations (of {made.collected} collected)")
    for level in settings.atlas.levels:
        payload.print(f"{folder.path / 'atlas' / f'{level}.webp'}", highlight=False, soft_wrap=True)


@app.command()
@edge
def suggest(config_or_run: ConfigOrRun, out: OutOption = None) -> None:
    """Choose the candidates of a new run, or choose a run's candidates anew, and stop there."""
    from auditor.run import build_candidates
    from auditor.terminal import candidates_listing

    folder, settings = begin_run(config_or_run, "candidates", out)
    with watched() as progress:
        proposals = build_candidates(folder, settings, progress)
    payload.print(candidates_listing([patch.candidate for patch in proposals.patches]))
    payload.print(f"{folder.path / 'candidates'}", highlight=False, soft_wrap=True)
