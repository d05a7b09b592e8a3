"""`auditor atlas`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.edge import (
    ConfigOrRun,
    OutOption,
    answer,
    app,
    begin_run,
    edge,
    go_on_with,
    session,
    watched,
)
from auditor.cli.terminal import shell_word
from auditor.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.atlas.kinds import Atlas
    from auditor.core.config import AuditConfig
    from auditor.run.folder import RunFolder

KINDS = ("pair", "class", "full")


@app.command()
@edge
def atlas(
    config_or_run: ConfigOrRun,
    kind: Annotated[
        str | None, typer.Option(help="pair (the default), class or full: what the atlas is of", show_default=False)
    ] = None,
    of_class: Annotated[
        str | None, typer.Option("--class", help="with --kind class: its name; several by commas; default: the target")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="lay these layers, by commas, out together instead")] = None,
    levels: Annotated[str | None, typer.Option(help="grid sizes by commas, such as 10,20,40")] = None,
    icons: Annotated[int | None, typer.Option(help="icons rendered at most, coarse levels first")] = None,
    out: OutOption = None,
) -> None:
    """Build an atlas and stop there: of a run's pair, of a class, of everything, or of several layers."""
    from auditor.cli.options import atlas_flags, listed
    from auditor.core.config import with_atlas

    if kind not in (None, *KINDS):
        raise ConfigError(f"--kind takes {', '.join(KINDS)}, got {kind!r}")
    if of_class is not None and kind != "class":
        raise ConfigError("--class says whose atlas --kind class makes; give both")
    values = atlas_flags(levels, icons)
    if layers is not None and (kind is not None or values):
        raise ConfigError("--layers draws points, not cells; it takes no --kind, --levels or --icons beside it")
    if layers is None and kind in (None, "pair"):
        _pair_atlas(config_or_run, values, out)
        return
    folder, settings = begin_run(config_or_run, out)
    given = {"--kind": kind, "--class": of_class, "--layers": layers, "--levels": levels, "--icons": icons}
    same = "".join(f" {flag} {shell_word(str(value))}" for flag, value in given.items() if value is not None)
    go_on_with(folder.path, session.new, f"atlas {{}}{same}")
    if layers is not None:
        _atlas_of_layers(folder, settings, listed(layers))
    else:
        _other_atlas(folder, with_atlas(settings, values), str(kind), listed(of_class))


def _pair_atlas(config_or_run: Path, values: Mapping[str, object], out: Path | None) -> None:
    from auditor.run.audit import build_atlas
    from auditor.run.stages.atlas import ATLAS, folder_of_layer
    from auditor.run.stages.sheets import HINTON

    folder, settings = begin_run(config_or_run, out, values)
    # an atlas that was interrupted is gone on with; one that is finished is made anew
    last = folder_of_layer("atlas", len(settings.model.layers or ("",)) - 1)
    anew = ATLAS if (folder.path / last / HINTON).is_file() else None
    with watched() as progress:
        made = build_atlas(folder, settings, progress, anew)
    drawn = [(one, folder.path / folder_of_layer("atlas", number)) for number, one in enumerate(made)]
    _tell(folder, drawn, settings.atlas.levels)


def _other_atlas(folder: RunFolder, settings: AuditConfig, kind: str, classes: list[str]) -> None:
    from auditor.atlas.kinds import AtlasKind
    from auditor.run.audit import at_work
    from auditor.run.beside.atlases import build_other_atlas

    with watched() as progress, at_work(folder, settings, progress) as run:
        made, pictures = build_other_atlas(run, AtlasKind(kind), classes)
    _tell(folder, [(made, pictures)], settings.atlas.levels)


def _atlas_of_layers(folder: RunFolder, settings: AuditConfig, layers: list[str]) -> None:
    from auditor.run.audit import at_work
    from auditor.run.beside.atlases import build_layers_atlas

    with watched() as progress, at_work(folder, settings, progress) as run:
        made = build_layers_atlas(run, layers)
    moves = list(zip(layers, layers[1:], made.movements, strict=False))
    answer(
        {
            "run": folder.path,
            "pictures": made.images,
            "layers": layers,
            "movements": [{"from": before, "to": after, "moved": moved} for before, after, moved in moves],
            "picture": made.picture,
        },
        f"{made.images} pictures in {len(layers)} layers",
        *(
            f"{one} → {other}: a picture moves {moved:.2f} of the distance between pictures"
            for one, other, moved in moves
        ),
        f"{made.picture}",
    )


def _tell(folder: RunFolder, drawn: Sequence[tuple[Atlas, Path]], levels: Sequence[int]) -> None:
    """Print each atlas, with the sheets in its folder."""
    lines, values = [], []
    for made, pictures in drawn:
        sheets = [pictures / f"{level}.webp" for level in levels]
        counted = {"cells": len(made.cells), "activations": len(made.samples), "collected": made.collected}
        values.append({"layer": made.layer, **counted, "sheets": sheets})
        lines += [f"layer {made.layer}"] * (len(drawn) > 1)
        lines.append("{cells} cells of {activations} activations (of {collected} collected)".format(**counted))
        lines += map(str, sheets)
    answer({"run": folder.path, "atlases": values}, *lines)
