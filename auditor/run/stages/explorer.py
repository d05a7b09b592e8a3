"""What the report's explorer draws: a run's atlases with their crops, so that a report is written without a network."""

from __future__ import annotations

from pydantic import TypeAdapter

from auditor.atlas.drawings.canvas import webp_bytes
from auditor.atlas.drawings.sheet import Scope
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.explorer import View, explore
from auditor.atlas.kinds import Atlas
from auditor.core.records.explorer import Explored
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.candidates import CANDIDATES, pushed_atlases
from auditor.run.stages.icons import ICONS, icons_of
from auditor.run.stages.images import IMAGES
from auditor.run.stages.pasted_icons import icons_of_pasted
from auditor.run.stages.report import EXPLORED, TILES
from auditor.run.stages.sheets import SHEETS, Captions, natural_crops, said_by_the_axis


def _make(run: Run, folder: RunFolder) -> Facts:
    run.progress.start("packing the explorer", 1)
    explored, pictures = explore(_views(run, folder), run.get(IMAGES))
    for atlas, picture in zip(explored.atlases, pictures, strict=True):
        folder.write(TILES.format(atlas.key), webp_bytes(picture))
    folder.write_text(EXPLORED, TypeAdapter(Explored).dump_json(explored).decode())
    run.progress.advance()
    return {"atlases": len(explored.atlases)}


def _views(run: Run, folder: RunFolder) -> list[View]:
    """The atlases of a run, layer by layer."""
    if not run.inputs.mapped:
        return []
    views = []
    for number, (pair, icons) in enumerate(zip(pushed_atlases(run), icons_of(run), strict=True)):
        inputs, end = run.inputs.by_layer[number], f"-{number + 1}" if number else ""
        crop_of, target = natural_crops(inputs, run.get(IMAGES)), inputs.target.name
        pasted = _pasted(run, number)
        if pasted is not None:
            art = TileArt(crop_of, icons_of_pasted(run, folder, pasted, number))
            views.append(View(f"pasted{end}", inputs.layer, "less than covering", target, pasted, art))
        source, words = inputs.source.name, _words(run, pair)
        views.append(View(f"pair{end}", inputs.layer, source, target, pair, TileArt(crop_of, icons), words))
    return views


def _pasted(run: Run, number: int) -> Atlas | None:
    found = run.get(CANDIDATES).all_pasted
    return found[number] if number < len(found) else None


def _words(run: Run, atlas: Atlas) -> dict[str, str]:
    inputs = run.inputs
    scope = Scope(inputs.source.name, inputs.target.name)
    captions = Captions(inputs, scope, run.get(IMAGES), unnamed=said_by_the_axis(inputs))
    return {cell: word for level in inputs.config.atlas.levels for cell, word in captions.labels(atlas, level).items()}


def _read(run: Run) -> None:
    del run


_FILES = ("explorer/*",)
EXPLORER = Stage("explorer", (IMAGES, ICONS, CANDIDATES, SHEETS), _FILES, _make, _read, needed=_FILES)
