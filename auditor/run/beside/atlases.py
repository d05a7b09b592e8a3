"""Atlases beside the pair's: of a class, of everything, of several layers; each in a folder of its own in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from auditor.atlas.alignment import aligned_layouts, collect_layers, movement
from auditor.atlas.build import build_class_atlas, build_full_atlas
from auditor.atlas.drawings.canvas import webp_bytes
from auditor.atlas.drawings.layer_map import LayerMap, draw_layers
from auditor.atlas.drawings.sheet import Scope
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.embedding import check_layout
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.kinds import Atlas, AtlasKind, likeness_of
from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError
from auditor.core.records import ClassGroup, PixelArray, Split
from auditor.core.shelf import Inside, short, slug
from auditor.core.work import Hands
from auditor.run.folder import Json, RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS, keep_atlas, open_mapped, read_atlas
from auditor.run.stages.icons import ICONS, Studio, cells_with_icons, make_icons, read_icons
from auditor.run.stages.images import IMAGES
from auditor.run.stages.sheets import CELLS, HINTON, Captions, draw_sheets, natural_crops
from auditor.run.tables import cells_table

FOLDER = "atlases"
ACTIVATIONS = f"{FOLDER}/activations"
"""Random positions' activations, the same for every class's atlas and the full one, so collected once a run."""

LAYERS_PICTURE = "layers.webp"


@dataclass(frozen=True, slots=True)
class LayersAtlas:
    """Several layers laid out together.

    Attributes:
        picture: where the drawing lies.
        images: pictures laid out.
        movements: of each layer but the first, how far pictures moved from the layer before: 0 not at all, 1 as far
            as in a layout that knows nothing of it.
    """

    picture: Path
    images: int
    movements: tuple[float, ...]


def build_other_atlas(run: Run, kind: AtlasKind, classes: Sequence[str]) -> tuple[Atlas, Path]:
    """Make the atlas of a class or of everything in `atlases/<name>` of a run, with sheets and a Hinton diagram.

    The run's own atlas, candidates and findings stay as they are. What an interrupted call had made is read back;
    what was made with other settings of the atlas is made anew, from the same activations.

    Args:
        run: with the settings of the atlas that are wanted.
        kind: CLASS or FULL.
        classes: names of a class, or of several as one group; none: the target. Not looked at for FULL.
    Returns:
        The atlas, and the folder of its pictures.
    Raises:
        UnknownNameError: a class that the model does not have.
        ImageError: as `build_class_atlas`.
    """
    names = run.inputs.classifier.class_names
    wanted = Wanted(kind, names.group(tuple(classes)) if classes else run.inputs.target)
    folder = RunFolder.within(run.folder, f"{FOLDER}/{wanted.folder}")
    atlas, icons, sheets = _stages(run, wanted)
    _drop_if_made_otherwise(folder, run.config, wanted, (atlas, icons, sheets))
    inner = Run(folder, run.config, run.progress)
    inner.ensure(sheets)
    return inner.get(atlas), folder.path


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which atlas is made: its kind, and the class or group it is of (for FULL of no meaning)."""

    kind: AtlasKind
    group: ClassGroup

    @property
    def folder(self) -> str:
        return "full" if self.kind is AtlasKind.FULL else f"class-{short(slug(self.group.name))}"


def _stages(run: Run, wanted: Wanted) -> tuple[Stage[Atlas], Stage[Mapping[str, PixelArray]], Stage[None]]:
    """An atlas beside the pair's in stages of its own; the pictures and the activations are the run's."""

    def make_atlas(_: Run, folder: RunFolder) -> Facts:
        check_layout(run.config.atlas.layout)  # before activations are collected
        mapped, shelf = open_mapped(run), Inside(run.folder, ACTIVATIONS)
        if wanted.kind is AtlasKind.FULL:
            made = build_full_atlas(mapped, shelf)
        else:
            made = build_class_atlas(mapped, wanted.group, shelf)
        return keep_atlas(run, folder, run.get(IMAGES), made)

    def make_own_icons(inner: Run, folder: RunFolder) -> Facts:
        made = inner.get(atlas)
        studio = Studio(run, Whitening.fit(made.samples.vectors))
        return make_icons(folder, cells_with_icons(made, run.config.atlas.icons), run, Hands(lambda: studio))

    def make_sheets(inner: Run, folder: RunFolder) -> Facts:
        made, pool = inner.get(atlas), run.get(IMAGES)
        of_class = wanted.kind is AtlasKind.CLASS
        names = run.inputs.source.name, run.inputs.target.name
        scope = Scope(*names, wanted.kind, wanted.group.name if of_class else "")
        captions = Captions(run.inputs, scope, pool, unnamed=wanted.group.indices if of_class else ())
        folder.write_table(CELLS, cells_table(made.cells, [image.key for image in pool.images]))
        art = TileArt(natural_crops(run.inputs, pool), inner.get(icons))
        draw_sheets(folder, made, art, captions, run.progress)
        return {"levels": list(run.config.atlas.levels)}

    def read_own_atlas(inner: Run) -> Atlas:
        return read_atlas(inner.folder, inner.fact(atlas, "collected"), wanted.kind)

    def read_own_icons(inner: Run) -> Mapping[str, PixelArray]:
        return read_icons(inner.folder, cells_with_icons(inner.get(atlas), run.config.atlas.icons))

    atlas = Stage("atlas", (), ATLAS.needed, make_atlas, read_own_atlas, needed=ATLAS.needed)
    icons = Stage("icons", (atlas,), ICONS.files, make_own_icons, read_own_icons, needed=ICONS.needed)
    files = (CELLS, HINTON, "*.webp")
    sheets = Stage("sheets", (icons,), files, make_sheets, lambda _: None, needed=files)
    return atlas, icons, sheets


def _drop_if_made_otherwise(
    folder: RunFolder, config: AuditConfig, wanted: Wanted, stages: Sequence[Stage[Any]]
) -> None:
    """Forget what a folder holds if its atlas was made with other settings, or of other classes."""
    of: list[Json] = list(wanted.group.indices) if wanted.kind is AtlasKind.CLASS else []
    made_of: Json = {"atlas": config.atlas.model_dump(mode="json"), "of": of}
    if folder.manifest().get("made_of") == made_of:
        return
    folder.forget([stage.name for stage in stages], [pattern for stage in stages for pattern in stage.files])
    folder.update_manifest({"made_of": made_of})


def build_layers_atlas(run: Run, layers: Sequence[str]) -> LayersAtlas:
    """Lay several layers out together and draw them in one picture, in `atlases/layers-<names>` of a run.

    Args:
        layers: names of two or more, in the order of the network.
    Raises:
        ConfigError: fewer than two, or one twice. LayerError: one that cannot be mapped.
        ImageError: fewer than 10 discovery pictures.
    """
    if len(set(layers)) < 2 or len(set(layers)) < len(layers):
        raise ConfigError(f"--layers takes two or more different layers, by commas, got {', '.join(layers) or 'none'}")
    inputs, progress = run.inputs, run.progress
    cut_at = [replace(inputs, layer=layer) for layer in layers]
    cuts = [one.cut for one in cut_at]  # a layer that cannot be mapped is refused before anything is made
    pool = run.get(IMAGES)
    folder = RunFolder.within(run.folder, f"{FOLDER}/layers-{short(slug('-'.join(layers)))}")
    rows = pool.rows(Split.DISCOVERY)
    mapped = open_mapped(run)
    of_layers = [replace(mapped, cut=cut) for cut in cuts]
    samples = collect_layers(of_layers, rows, Inside(folder, "activations"))
    progress.start("laying out the layers together", 1)
    likeness = likeness_of(run.config.atlas)
    if (asked := run.config.atlas.layout) != "umap":
        progress.say(
            f"AlignedUMAP of umap-learn lays layers out together; atlas.layout = {asked!r} is for atlases of one layer"
        )
    layouts = aligned_layouts([each.vectors for each in samples], likeness, run.config.seed)
    progress.advance()
    maps = [
        LayerMap(one.layer, of_layer, xy, natural_crops(one, pool))
        for one, of_layer, xy in zip(cut_at, samples, layouts, strict=True)
    ]
    folder.write(LAYERS_PICTURE, webp_bytes(draw_layers(maps, inputs.source.name, inputs.target.name)))
    moved = tuple(movement(first, second) for first, second in pairwise(layouts))
    return LayersAtlas(folder.path / LAYERS_PICTURE, len(rows), moved)
