"""One function a stage: made once, kept in the run folder, and read back when it is there already."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
from PIL import Image
from pydantic import TypeAdapter
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from auditor.atlas.drawings.canvas import webp_bytes
from auditor.atlas.kinds import Atlas
from auditor.candidates.contact_sheet import Flips, draw_contact_sheet
from auditor.candidates.makers.brought import library_folder, read_library, read_user_patches
from auditor.candidates.makers.trained import TrainingBudget, train_patch
from auditor.candidates.propose import Proposals, mark_read_as_target, propose
from auditor.candidates.scene import Scene
from auditor.candidates.screening import TailScreen
from auditor.core.errors import ImageError, StoreError
from auditor.core.records import (
    Cell,
    ImagePool,
    IntArray,
    Rung,
    SkippedImage,
    Split,
)
from auditor.core.records.trials import Clean, eligible_rows
from auditor.inputs.images.originals import Originals
from auditor.inputs.images.pool import build_pool
from auditor.inputs.opening import Setup
from auditor.run.folder import Json, RunFolder
from auditor.run.tables import (
    candidates_from_table,
    candidates_table,
    cells_from_table,
    cells_table,
    images_from_table,
    images_table,
)
from auditor.trials.patch import Patch, patch_png, read_patch
from auditor.trials.placements import variants_of
from auditor.trials.sweep import predict_clean

STAGES = ("images", "clean", "atlas", "icons", "candidates", "sheets", "trials", "report")
"""In the order in which they depend on each other."""

CONTACT_SHEET = "contact-sheet.webp"

FILES_OF: Mapping[str, tuple[str, ...]] = {
    "images": ("images.parquet", "cache/pixels.npy", "cache/skipped.json"),
    "clean": ("cache/clean.safetensors", "patch-trials"),
    "atlas": ("cells.parquet", "cache/samples.safetensors", "activations"),
    "icons": ("cache/icons",),
    "candidates": ("candidates.parquet", "candidates", "pictures", "cache/rungs.json", CONTACT_SHEET),
    "sheets": ("atlas",),
    "trials": ("trials.parquet", "cache/trials"),
    "report": ("findings.json", "report.html", "checklist.md", "junit.xml", "result.json"),
}


def forget_from(run: RunFolder, stage: str) -> None:
    """Drop a stage and everything that was made from it."""
    dropped = STAGES[STAGES.index(stage) :]
    run.forget(dropped, [file for name in dropped for file in FILES_OF[name]])


def timed(run: RunFolder, stage: str, make: Callable[[], Mapping[str, Json]]) -> None:
    """Run a stage that is not done, or whose cached files are gone; it is marked after all of its files are written."""
    if run.is_done(stage) and run.has(*(file for file in FILES_OF[stage] if file.startswith("cache/"))):
        return
    started = time.monotonic()
    facts = make()
    run.mark_done(stage, {**facts, "seconds": round(time.monotonic() - started, 2)})


def images_stage(run: RunFolder, setup: Setup) -> ImagePool:
    """Read, check and split the pictures."""

    def make() -> Mapping[str, Json]:
        preprocessing = setup.classifier.preprocessing
        pool = build_pool(
            setup.config,
            setup.classifier.class_names,
            preprocessing.prepare,
            preprocessing.output_size,
            setup.source.indices,
            setup.target.indices,
            setup.progress,
        )
        run.write_array("cache/pixels.npy", pool.pixels)
        run.write_table("images.parquet", images_table(pool.images, setup.class_names))
        run.write_json("cache/skipped.json", [asdict(skip) for skip in pool.skipped])
        run.update_manifest({"images": {image.path: image.sha256 for image in pool.images}})
        return {"used": len(pool.images), "skipped": len(pool.skipped)}

    timed(run, "images", make)
    images = images_from_table(run.read_table("images.parquet"))
    skipped = TypeAdapter(tuple[SkippedImage, ...]).validate_json(run.read_bytes("cache/skipped.json"))
    return ImagePool(images, skipped, run.read_array("cache/pixels.npy"))


def clean_stage(run: RunFolder, setup: Setup, pool: ImagePool) -> Clean:
    """Predict every source picture once, without a patch."""

    def make() -> Mapping[str, Json]:
        rows = np.sort(np.concatenate([pool.rows(split, setup.source.indices) for split in Split]))
        setup.progress.start("clean predictions", len(rows))
        clean = predict_clean(
            setup.classifier,
            pool.pixels[rows],
            setup.criterion,
            setup.config.trials.batch_size,
            setup.progress,
        )
        arrays = {"rows": rows, "predicted": clean.predicted, "probability": clean.probability}
        run.write_bytes("cache/clean.safetensors", save_arrays(arrays))
        return {"pictures": len(rows), "eligible": int(setup.criterion.eligible(clean.predicted).sum())}

    timed(run, "clean", make)
    arrays = load_arrays(run.read_bytes("cache/clean.safetensors"))
    eligible = arrays["rows"][setup.criterion.eligible(arrays["predicted"])]
    return Clean(arrays["rows"], arrays["predicted"], arrays["probability"], eligible)


def fact(run: RunFolder, stage: str, name: str) -> int:
    """A whole number that a finished stage noted in the manifest.

    Raises:
        StoreError: it is not there.
    """
    stages = run.manifest().get("stages")
    facts = stages.get(stage) if isinstance(stages, dict) else None
    value = facts.get(name) if isinstance(facts, dict) else None
    if not isinstance(value, int):
        raise StoreError(f"{run.path}'s manifest lacks {stage}.{name}; rerun the stage: 'auditor {stage} {run.path}'")
    return value


def open_scene(setup: Setup, pool: ImagePool) -> Scene:
    """What the candidate stage works on."""
    _, grid_height, grid_width = setup.cut.feature_shape
    originals = Originals(setup.config)

    def open_original(row: int) -> Image.Image:
        return originals.open(pool.images[row])

    def shows_of(row: int, box: tuple[int, int, int, int]) -> tuple[tuple[str, float], ...] | None:
        return setup.annotations.shares(pool.images[row], box)

    return Scene(
        classifier=setup.classifier,
        pool=pool,
        source=setup.source,
        target=setup.target,
        grid=(grid_height, grid_width),
        open_original=open_original,
        shows_of=shows_of,
        seed=setup.config.seed,
    )


def candidates_stage(run: RunFolder, setup: Setup, pool: ImagePool, clean: Clean, atlas: Atlas) -> Proposals:
    """Screen crops, keep a diverse few, make patches of them, and add the library's, the user's and a trained one."""

    def make() -> Mapping[str, Json]:
        config = setup.config
        scene = open_scene(setup, pool)
        screening = _screening_rows(pool, clean, config.candidates.screening_images)
        screen = TailScreen(
            setup.cut,
            pool.pixels[screening],
            setup.target,
            config.trials.size,
            config.trials.batch_size,
        )
        proposals = propose(scene, atlas, screen, config.candidates, setup.progress)
        brought = [*_brought_patches(setup), *_trained_patches(setup, pool)]
        patches = mark_read_as_target([*proposals.patches, *brought], setup.classifier, setup.target)
        setup.progress.start("writing candidates", len(patches))
        for patch in patches:
            write_patch(run, scene, patch)
            setup.progress.advance()
        write_contact_sheet(run, setup, patches)
        run.write_table("candidates.parquet", candidates_table([patch.candidate for patch in patches]))
        write_cells(run, pool, proposals.cells)
        run.write_json("cache/rungs.json", [asdict(rung) for rung in proposals.rungs])
        run.update_manifest({"patches": {patch.candidate.id: patch.candidate.sha256 for patch in patches}})
        return {"candidates": len(patches)}

    timed(run, "candidates", make)
    return Proposals(
        patches=stored_patches(run),
        cells=cells_from_table(run.read_table("cells.parquet")),
        rungs=TypeAdapter(tuple[Rung, ...]).validate_json(run.read_bytes("cache/rungs.json")),
    )


def stored_patches(run: RunFolder) -> tuple[Patch, ...]:
    """The candidates of a run folder with their pixels."""
    candidates = candidates_from_table(run.read_table("candidates.parquet"))
    return tuple(Patch(one, read_patch(run.path / "candidates" / f"{one.id}.png")) for one in candidates)


def _screening_rows(pool: ImagePool, clean: Clean, most: int) -> IntArray:
    """Source pictures to screen on: eligible ones of discovery, then of selection; never of confirmation."""
    held_in = [eligible_rows(pool, clean, split) for split in (Split.DISCOVERY, Split.SELECTION)]
    rows = np.concatenate(held_in)[:most]
    if not len(rows):
        raise ImageError(
            "no source picture of discovery or selection is called source by the clean model, so no candidate can be "
            "chosen; check class names and preprocessing (is the model's accuracy what you expect?), or add pictures"
        )
    return rows


def _brought_patches(setup: Setup) -> list[Patch]:
    config = setup.config.candidates
    library = read_library(library_folder()) if config.library else []
    return library + (read_user_patches(setup.config.path(config.patches)) if config.patches else [])


def _trained_patches(setup: Setup, pool: ImagePool) -> list[Patch]:
    """A patch trained on discovery pictures of the source, at the placement that is tried first; none without any."""
    config = setup.config
    rows = pool.rows(Split.DISCOVERY, setup.source.indices)
    if not config.candidates.trained:
        return []
    if not len(rows):
        setup.progress.say("no patch was trained: discovery has no picture of the source")
        return []
    keys = [pool.images[row].key for row in rows]
    return [
        train_patch(
            setup.classifier, pool.pixels[rows], keys, setup.target,
            variants_of(config.trials.placements[0], config.trials), config.trials, config.seed, setup.progress,
            TrainingBudget(config.candidates.trained),
        )
    ]  # fmt: skip


def write_patch(run: RunFolder, scene: Scene, patch: Patch) -> None:
    """Keep a patch's picture, and for a crop the photograph it was cut from with its frame marked."""
    candidate = patch.candidate
    run.write_bytes(f"candidates/{candidate.id}.png", patch_png(patch.rgba))
    marked = scene.marked(candidate)
    if marked is not None:
        run.write_bytes(f"pictures/origin-{candidate.id}.png", marked)


def write_cells(run: RunFolder, pool: ImagePool, cells: Sequence[Cell]) -> None:
    """Keep an atlas' cells as a table."""
    run.write_table("cells.parquet", cells_table(cells, [image.key for image in pool.images]))


def write_contact_sheet(run: RunFolder, setup: Setup, patches: Sequence[Patch], flips: Flips | None = None) -> None:
    """Draw all candidates in one picture, with their flips where they were measured."""
    title = f"Candidates that may push {setup.source.name} to {setup.target.name}"
    run.write_bytes(CONTACT_SHEET, webp_bytes(draw_contact_sheet(patches, title, flips)))


def check_unchanged(run: RunFolder, setup: Setup) -> None:
    """Make sure that a run is continued with the weights it was begun with.

    Raises:
        StoreError: the weights file has changed since.
    """
    recorded = run.manifest().get("weights_sha256")
    if recorded is not None and recorded != setup.loaded.weights_sha256:
        raise StoreError(
            f"the weights {setup.loaded.weights_path} have changed since {run.path} was begun "
            f"(sha256 {setup.loaded.weights_sha256[:12]}…, then {str(recorded)[:12]}…); start a new run"
        )
