"""The candidates of a run: screened crops, patches made of them, those that were brought, and a trained one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import count, islice

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from auditor.atlas.drawings.canvas import webp_bytes
from auditor.atlas.kinds import Atlas, AtlasKind
from auditor.atlas.vectors import Held, Vectors
from auditor.candidates.areas import annotated_area
from auditor.candidates.contact_sheet import Flips, draw_contact_sheet
from auditor.candidates.further_layers import FurtherLayer
from auditor.candidates.makers.brought import left_out
from auditor.candidates.pasted_shards import PastedShards
from auditor.candidates.pixel_screen import PixelScreen
from auditor.candidates.propose import Proposals, mark_read_as_target, propose
from auditor.candidates.propose_in_pixels import GRID, propose_in_pixels
from auditor.candidates.scene import Scene
from auditor.candidates.screening import TailScreen
from auditor.candidates.taken_out import TakenOut
from auditor.core.errors import DamagedFileError, PatchError
from auditor.core.records import Cell, IntArray, Rung, Split
from auditor.core.records.images import NO_LABEL
from auditor.core.records.trials import eligible_rows
from auditor.core.shelf import Inside
from auditor.inputs.images.originals import Originals
from auditor.inputs.model.folded_cut import folded_cut
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS, atlases_of, of_layer, read_atlas, write_atlas
from auditor.run.stages.clean import CLEAN, folded_network
from auditor.run.stages.grounds import open_grounds
from auditor.run.stages.images import IMAGES
from auditor.run.stages.report import LEFT_OUT, NO_PATCHES
from auditor.run.tables import candidates_from_table, candidates_table, pushes_from_table, pushes_table
from auditor.trials.areas import AreaArray
from auditor.trials.patch import Patch, kept, read_patch
from auditor.trials.sweep import Sweep

CONTACT_SHEET = "contact-sheet.webp"
_TABLE, _RUNGS, _PUSHES = "candidates.parquet", "cache/rungs.json", "cache/pushes.parquet"
_PASTED_SAMPLES, _PASTED_CELLS = "cache/pasted.safetensors", "pasted-cells.parquet"
_PASTED_SHARDS = "cache/pasted"


def _make(run: Run, folder: RunFolder) -> Facts:
    proposals = _proposed(run, folder) if len(screening_rows(run)) else Proposals((), _cells(run), ())
    folder.write_table(_PUSHES, pushes_table(proposals.cells))
    folder.write_json(_RUNGS, [asdict(rung) for rung in proposals.rungs])
    for number, pasted in enumerate(proposals.all_pasted):
        samples, cells = (of_layer(file, number) for file in (_PASTED_SAMPLES, _PASTED_CELLS))
        write_atlas(folder, pasted, run.get(IMAGES), samples, cells)
    scene = open_scene(run)
    run.progress.start("writing candidates", len(proposals.patches))
    patches = list(proposals.patches)
    for place, patch in enumerate(patches):
        patches[place] = write_patch(folder, scene, patch)
        run.progress.advance()
    if patches:
        folder.write(CONTACT_SHEET, contact_sheet(run, patches))
    folder.write_table(_TABLE, candidates_table([patch.candidate for patch in patches]))
    folder.update_manifest({"patches": {patch.candidate.id: patch.candidate.sha256 for patch in patches}})
    return {"candidates": len(patches), **said_left_out(run, run.config.candidates.patches)}


def said_left_out(run: Run, given: str | None) -> Facts:
    """Say, and note for the report, what lies in a folder of patches and is none; nothing where all is used."""
    others = "" if given is None else left_out(run.config.path(given))
    if others:
        run.progress.say(f"{NO_PATCHES}{others}")
    return {LEFT_OUT: others} if others else {}


def open_screen(run: Run) -> TailScreen:
    """The screen that crops are screened on: of this process, or of one that shares the work."""
    inputs, config = run.inputs, run.config
    pool, rows = run.get(IMAGES), screening_rows(run)
    return TailScreen(
        inputs.cut,
        pool.pixels[rows],
        inputs.target,
        config.trials.size,
        config.compute.batch_size,
        progress=run.progress,
        names=pool.paths(rows),
        passes=folded_cut(inputs.cut, run.open(folded_network)),
    )


def _proposed(run: Run, folder: RunFolder) -> Proposals:
    inputs = run.inputs
    if inputs.mapped:
        screen = run.open(open_screen)
        screen.hands = hands(run, open_screen)
        further = [
            FurtherLayer(one.cut, atlas) for one, atlas in zip(inputs.by_layer[1:], atlases_of(run)[1:], strict=True)
        ]
        shelf = Inside(folder, _PASTED_SHARDS)
        proposals = propose(open_scene(run), run.get(ATLAS), screen, run.config, run.progress, shelf, further)
    else:
        proposals = propose_in_pixels(open_scene(run), pixel_screen(run), run.config, run.progress)
    patches = mark_read_as_target(proposals.patches, inputs.classifier, inputs.target)
    return replace(proposals, patches=tuple(patches))


def pixel_screen(run: Run) -> PixelScreen:
    """The screen of a network of which no layer is mapped: the pictures that crops are screened on, and all of it."""
    inputs, pool, rows = run.inputs, run.get(IMAGES), screening_rows(run)
    network = run.open(folded_network)
    keys = [pool.images[row].key for row in rows]
    said = run.get(CLEAN).of(rows)
    trials = run.config.trials
    pixels, names = pool.pixels[rows], pool.paths(rows)
    sweep = Sweep(network, inputs.criterion, pixels, keys, said, trials, run.config.seed, names=names)
    return PixelScreen(sweep, trials, inputs.classifier.preprocessing.output_size, run.progress)


def open_scene(run: Run) -> Scene:
    """What the search for candidates works on."""
    inputs, pool = run.inputs, run.get(IMAGES)
    grid = inputs.cut.feature_shape[1:] if inputs.mapped else GRID
    originals = Originals(run.config)

    def open_original(row: int) -> Image.Image:
        return originals.open(pool.image(row))

    def shows_of(row: int, box: tuple[int, int, int, int]) -> tuple[tuple[str, float], ...] | None:
        image = pool.image(row)
        return None if image.label == NO_LABEL else inputs.annotations.shares(image, box)

    names = inputs.target.class_names(inputs.class_names)

    def target_in(row: int) -> AreaArray | None:
        image = pool.image(row)
        if image.label == NO_LABEL:
            return None
        return annotated_area(inputs.annotations, image, names, inputs.classifier.preprocessing)

    return Scene(
        classifier=inputs.classifier,
        pool=pool,
        source=inputs.source,
        target=inputs.target,
        grid=grid,
        open_original=open_original,
        shows_of=shows_of,
        seed=run.config.seed,
        layer=inputs.layer,
        grounds=run.open(open_grounds),
        grids={one.layer: one.cut.feature_shape[1:] for one in inputs.by_layer[1:]},
        taken_out=TakenOut(target_in),
    )


def screening_rows(run: Run) -> IntArray:
    """Source pictures to screen on: eligible ones of discovery, then of selection; never of confirmation."""
    pool, clean = run.get(IMAGES), run.get(CLEAN)
    held_in = [eligible_rows(pool, clean, split) for split in (Split.DISCOVERY, Split.SELECTION)]
    return np.concatenate(held_in)[: run.config.candidates.screening_images]


def write_patch(folder: RunFolder, scene: Scene, patch: Patch) -> Patch:
    """Keep a patch's picture, and for a crop the photograph it was cut from with its frame marked.

    Returns:
        The patch with its sha256.
    """
    patch, png = kept(patch)
    candidate = patch.candidate
    folder.write(f"candidates/{candidate.id}.png", png)
    marked = scene.marked(candidate)
    if marked is not None:
        folder.write(f"pictures/origin-{candidate.id}.png", marked)
    return patch


def contact_sheet(run: Run, patches: Sequence[Patch], flips: Flips | None = None) -> bytes:
    """All candidates in one picture, WebP, with their flips where they were measured."""
    title = f"Candidates that may push {run.inputs.source.name} to {run.inputs.target.name}"
    return webp_bytes(draw_contact_sheet(patches, title, flips))


def stored_patches(folder: RunFolder) -> tuple[Patch, ...]:
    """The candidates of a run folder with their pixels."""
    candidates = candidates_from_table(folder.read_table(_TABLE))
    try:
        return tuple(Patch(one, read_patch(folder.path / "candidates" / f"{one.id}.png")) for one in candidates)
    except PatchError as error:
        raise DamagedFileError(f"a candidate of {folder.path} is damaged: {error}") from error


def atlas_of_controls(run: Run) -> Atlas | None:
    """The atlas that quiet crops come from; None where no layer is mapped."""
    atlas = pushed_atlas(run)
    return atlas if atlas.cells else None


def pushed_atlas(run: Run) -> Atlas:
    """The run's atlas, its cells with their predicted push where candidates were screened."""
    return pushed_atlases(run)[0]


def pushed_atlases(run: Run) -> tuple[Atlas, ...]:
    """The same of each of the run's layers, in their order."""
    atlases = atlases_of(run)
    if not run.folder.is_done(CANDIDATES.name):
        return atlases
    cells = iter(run.get(CANDIDATES).cells)
    return tuple(replace(atlas, cells=tuple(islice(cells, len(atlas.cells)))) for atlas in atlases)


def _cells(run: Run) -> tuple[Cell, ...]:
    return tuple(cell for atlas in atlases_of(run) for cell in atlas.cells)


def _read(run: Run) -> Proposals:
    pasted = tuple(_read_pasted(run.folder))
    return Proposals(
        patches=stored_patches(run.folder),
        cells=_with_pushes(_cells(run), run.folder),
        rungs=TypeAdapter(tuple[Rung, ...]).validate_json(run.folder.read(_RUNGS)),
        pasted=pasted[0] if pasted else None,
        further_pasted=pasted[1:],
    )


def _read_pasted(folder: RunFolder) -> Iterator[Atlas]:
    """The atlases of crops as pasted, a layer each; none of an unmapped network or an older run."""
    for number in count():
        samples, cells = (of_layer(file, number) for file in (_PASTED_SAMPLES, _PASTED_CELLS))
        if not folder.has(samples):
            return
        atlas = read_atlas(folder, 0, AtlasKind.PASTED, samples, cells)
        yield replace(atlas, collected=len(atlas.samples))


def pasted_vectors(run: Run, pasted: Atlas) -> Vectors:
    """The mean features under each crop of a run's atlas of patches as pasted, part by part."""
    if pasted.samples.vectors.shape[1]:  # of several layers, or of an earlier version's run
        return Held(pasted.samples.vectors)
    return PastedShards(len(pasted.samples), Inside(run.folder, _PASTED_SHARDS)).seen


def _with_pushes(cells: Sequence[Cell], folder: RunFolder) -> tuple[Cell, ...]:
    pushes = pushes_from_table(folder.read_table(_PUSHES))
    of_cells = [pushes[cell.layer, cell.name] for cell in cells]
    return tuple(
        replace(cell, predicted_push=push, predicted_push_error=error)
        for cell, (push, error) in zip(cells, of_cells, strict=True)
    )


_FILES = (
    *(_TABLE, _RUNGS, _PUSHES, CONTACT_SHEET, "candidates/*", "pictures/origin-*"),
    *(
        "cache/pasted.*",
        f"{_PASTED_SHARDS}/*",
        "cache/pasted-*",
        "pasted-cells.*",
        "pasted-cells-*",
    ),  # none of an unmapped network, nor of an earlier version
)
CANDIDATES = Stage("candidates", (IMAGES, CLEAN, ATLAS), _FILES, _make, _read, needed=_FILES)
