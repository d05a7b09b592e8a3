"""Atlases beside the pair's: of a class, of everything, of several layers; each in a folder of its own in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from auditor.atlas.alignment import aligned_layouts, collect_layers, movement
from auditor.atlas.build import build_class_atlas, build_full_atlas
from auditor.atlas.drawings.canvas import webp_bytes
from auditor.atlas.drawings.layer_map import LayerMap, draw_layers
from auditor.atlas.drawings.sheet import Scope
from auditor.atlas.drawings.tiles import TileArt
from auditor.atlas.kinds import Atlas, AtlasKind, likeness_of
from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError
from auditor.core.progress import Progress
from auditor.core.records import ClassGroup, ImagePool, Split
from auditor.inputs.opening import Setup
from auditor.run.audit import open_run
from auditor.run.folder import Json, RunFolder, slug
from auditor.run.stages.old_atlases import (
    HINTON,
    RunShelf,
    draw_sheets,
    icons_stage,
    keep_atlas,
    natural_crops,
    read_atlas,
)
from auditor.run.stages.old_stages import fact, images_stage, timed

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


def build_other_atlas(
    run: RunFolder, config: AuditConfig, kind: AtlasKind, classes: Sequence[str], progress: Progress
) -> tuple[Atlas, Path]:
    """Make the atlas of a class or of everything in `atlases/<name>` of a run, with sheets and a Hinton diagram.

    The run's own atlas, candidates and findings stay as they are. What an interrupted call had made is read back;
    what was made with other settings of the atlas is made anew, from the same activations.

    Args:
        kind: CLASS or FULL.
        classes: names of a class, or of several as one group; none: the target. Not looked at for FULL.
    Returns:
        The atlas, and the folder of its pictures.
    Raises:
        UnknownNameError: a class that the model does not have.
        ImageError: as `build_class_atlas`.
    """
    setup = open_run(run, config, progress)
    group = setup.classifier.class_names.group(tuple(classes)) if classes else setup.target
    pool = images_stage(run, setup)
    name = "full" if kind is AtlasKind.FULL else f"class-{slug(group.name)[:60]}"
    inside = RunFolder.within(run, f"{FOLDER}/{name}")
    _drop_if_made_otherwise(inside, config, list(group.indices) if kind is AtlasKind.CLASS else [])
    atlas = _atlas_stage(run, inside, setup, pool, kind, group)
    icons = icons_stage(inside, setup, atlas)
    if not inside.has(HINTON):  # what is drawn last
        class_name, unnamed = (group.name, group.indices) if kind is AtlasKind.CLASS else ("", ())
        scope = Scope(setup.source.name, setup.target.name, kind, class_name)
        draw_sheets(inside, setup, atlas, TileArt(natural_crops(setup, pool), icons), scope, ".", unnamed=unnamed)
    return atlas, inside.path


def _atlas_stage(
    run: RunFolder, inside: RunFolder, setup: Setup, pool: ImagePool, kind: AtlasKind, group: ClassGroup
) -> Atlas:
    def make() -> Mapping[str, Json]:
        config, batch_size = setup.config, setup.config.trials.batch_size
        pair, shelf = (setup.source, setup.target), RunShelf(run, ACTIVATIONS)
        if kind is AtlasKind.FULL:
            atlas = build_full_atlas(
                setup.cut, pool, config.atlas, batch_size, config.seed, setup.progress, pair, shelf
            )
        else:
            atlas = build_class_atlas(
                setup.cut, pool, group, config.atlas, batch_size, config.seed, setup.progress, pair, shelf
            )
        return keep_atlas(inside, setup, pool, atlas)

    timed(inside, "atlas", make)
    return read_atlas(inside, fact(inside, "atlas", "collected"), kind)


def _drop_if_made_otherwise(inside: RunFolder, config: AuditConfig, what: Sequence[Json]) -> None:
    """Forget what a folder holds if its atlas was made with other settings, or of other classes."""
    made_of: Json = {"atlas": config.atlas.model_dump(mode="json"), "of": what}
    if inside.manifest().get("made_of") == made_of:
        return
    sheets = [f"{stem}.webp" for stem in inside.names(".", ".webp")]
    inside.forget(["atlas", "icons"], ["cells.parquet", "cache", HINTON, *sheets])
    inside.update_manifest({"made_of": made_of})


def build_layers_atlas(run: RunFolder, config: AuditConfig, layers: Sequence[str], progress: Progress) -> LayersAtlas:
    """Lay several layers out together and draw them in one picture, in `atlases/layers-<names>` of a run.

    Args:
        layers: names of two or more, in the order of the network.
    Raises:
        ConfigError: fewer than two, or one twice. LayerError: one that cannot be mapped.
        ImageError: fewer than 10 discovery pictures.
    """
    if len(set(layers)) < 2 or len(set(layers)) < len(layers):
        raise ConfigError(f"--layers takes two or more different layers, by commas, got {', '.join(layers) or 'none'}")
    setup = open_run(run, config, progress)
    setups = [replace(setup, layer=layer) for layer in layers]
    cuts = [one.cut for one in setups]
    pool = images_stage(run, setup)
    inside = RunFolder.within(run, f"{FOLDER}/layers-{slug('-'.join(layers))[:80]}")
    rows = pool.rows(Split.DISCOVERY)
    keys = [pool.images[row].key for row in rows]
    samples = collect_layers(
        cuts, pool.pixels, rows, keys, config.trials.batch_size, config.seed, progress,
        (setup.source, setup.target), RunShelf(inside),
    )  # fmt: skip
    progress.start("laying out the layers together", 1)
    layouts = aligned_layouts([each.vectors for each in samples], likeness_of(config.atlas), config.seed)
    progress.advance()
    maps = [
        LayerMap(one.layer, of_layer, xy, natural_crops(one, pool))
        for one, of_layer, xy in zip(setups, samples, layouts, strict=True)
    ]
    inside.write_bytes(LAYERS_PICTURE, webp_bytes(draw_layers(maps, setup.source.name, setup.target.name)))
    moved = tuple(movement(first, second) for first, second in pairwise(layouts))
    return LayersAtlas(inside.path / LAYERS_PICTURE, len(rows), moved)
