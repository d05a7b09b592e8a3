"""The pictures of an audit: read, checked, split and prepared once; mapped from then on, not held in memory."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import TypeAdapter

from auditor.core.records import ImagePool, SkippedImage
from auditor.core.records.images import Unlabelled
from auditor.inputs.images.allowed import read_allowed
from auditor.inputs.images.pool import build_pool
from auditor.inputs.images.unlabelled import read_unlabelled
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.tables import images_from_table, images_table, unlabelled_table
from auditor.run.unchanged import note_pictures, seen_pictures

_SKIPPED = "cache/skipped.json"
_POOL, _POOL_PIXELS, _POOL_SKIPPED = "pool.parquet", "cache/pool.npy", "cache/pool-skipped.json"
"""Only where there is a pool."""


def _make(run: Run, folder: RunFolder) -> Facts:
    inputs = run.inputs
    for one in inputs.by_layer if inputs.mapped else ():
        channels, height, width = one.cut.feature_shape  # a layer that cannot be cut is refused before any picture
        whose = f"the grid of {one.layer}" if inputs.further else "the layer's grid"
        run.progress.say(f"{whose}: {height} × {width} positions of {channels} channels")
    preprocessing = inputs.classifier.preprocessing
    seen = seen_pictures(run.folder, inputs.config)
    pool = build_pool(
        inputs.config,
        inputs.classifier.class_names,
        preprocessing.prepare,
        preprocessing.output_size,
        inputs.source.indices,
        inputs.target.indices,
        run.progress,
    )
    # a mask that cannot serve is told before anything is computed
    read_allowed(inputs.config, [one for one in pool.images if one.label in inputs.source.indices], preprocessing)
    unlabelled = read_unlabelled(inputs.config, preprocessing.prepare, preprocessing.output_size, pool, run.progress)
    folder.write_array("cache/pixels.npy", pool.pixels)
    folder.write_table("images.parquet", images_table(pool.images, inputs.class_names))
    folder.write_json(_SKIPPED, [asdict(skip) for skip in pool.skipped])
    others = () if unlabelled is None else unlabelled.images
    note_pictures(run.folder, inputs.config, seen, (*pool.images, *others))
    folder.update_manifest({"images": {image.path: image.sha256 for image in pool.images}})
    facts: Facts = {
        "used": len(pool.images),
        "skipped": len(pool.skipped),
        "on_white": pool.on_white,
        "left_out": dict(pool.left_out),
    }
    return facts if unlabelled is None else {**facts, **_write_unlabelled(folder, unlabelled)}


def _write_unlabelled(folder: RunFolder, unlabelled: Unlabelled) -> Facts:
    folder.write_array(_POOL_PIXELS, unlabelled.pixels)
    folder.write_table(_POOL, unlabelled_table(unlabelled.images))
    folder.write_json(_POOL_SKIPPED, [asdict(skip) for skip in unlabelled.skipped])
    folder.update_manifest({"pool": {image.path: image.sha256 for image in unlabelled.images}})
    return {"pool_listed": unlabelled.listed, "pool_used": len(unlabelled.images)}


def _read_unlabelled(folder: RunFolder) -> Unlabelled | None:
    if not folder.has(_POOL):
        return None
    listed = (folder.facts(IMAGES.name) or {}).get("pool_listed")
    return Unlabelled(
        images=images_from_table(folder.read_table(_POOL)),
        skipped=TypeAdapter(tuple[SkippedImage, ...]).validate_json(folder.read(_POOL_SKIPPED)),
        pixels=folder.read_array(_POOL_PIXELS),
        listed=listed if isinstance(listed, int) else 0,
    )


def read_skipped(folder: RunFolder) -> tuple[SkippedImage, ...]:
    """The pictures that a run could not use."""
    return TypeAdapter(tuple[SkippedImage, ...]).validate_json(folder.read(_SKIPPED))


def _read(run: Run) -> ImagePool:
    folder = run.folder
    images = images_from_table(folder.read_table("images.parquet"))
    facts = folder.facts(IMAGES.name) or {}  # older runs counted neither of these
    return ImagePool(
        images,
        read_skipped(folder),
        folder.read_array("cache/pixels.npy"),
        on_white=TypeAdapter(int).validate_python(facts.get("on_white", 0)),
        unlabelled=_read_unlabelled(folder),
        left_out=TypeAdapter(dict[str, int]).validate_python(facts.get("left_out", {})),
    )


_FILES = ("images.parquet", "cache/pixels.npy", _SKIPPED, _POOL, _POOL_PIXELS, _POOL_SKIPPED)
IMAGES = Stage("images", (), _FILES, _make, _read, needed=_FILES)
