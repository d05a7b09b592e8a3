"""Counterexamples to a run's failing findings: pictures with the features pasted, labelled with their own class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError, StoreError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Progress
from auditor.core.records import AuditResult, Finding, ImagePool, Placement, Split, Verdict
from auditor.core.shelf import slug
from auditor.core.versions import versions
from auditor.inputs.images.originals import Originals
from auditor.inputs.images.pixels import to_float
from auditor.inputs.images.sources import GivenSource, given_sources, list_images, shown, source_of
from auditor.inputs.images.sources.folder import FOLDER
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.audit import at_work, stored_config
from auditor.run.beside.features import Feature, features_of
from auditor.run.beside.training_pictures import Base, training_pictures
from auditor.run.folder import Json, RunFolder, json_file, whole_folder
from auditor.run.review import reviewed_result
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.trials.pasting import Sticker, paste
from auditor.trials.patch import Patch, patch_png
from auditor.trials.placements import Variant, at_spot, draw, largest_side_px, variants_of

PICTURES, TABLE, PATCHES, HELD_OUT = "pictures", "pictures.csv", "patches", "held-out"
MANIFEST = "manifest.json"
_SHARPER = 2
"""Pictures are kept at up to so many times the size at which the model sees them."""

PASTED_UNDER = (Placement.FIXED, Placement.BEST, Placement.RANDOM)
"""Placements that take turns: those that change nothing but the patch."""

AT_OWN_PLACE = 0.5
"""Of a finding that fails at its own place, the share of crops alike that lie there, too; its own patch says nothing
elsewhere, and always does."""


@dataclass(frozen=True, slots=True)
class Counterexamples:
    """What was made: how many pictures of how many classes, by the names of their features, and whether in folders."""

    folder: Path
    pictures: int
    classes: int
    features: tuple[Feature, ...]
    in_folders: bool


def make_counterexamples(
    run_folder: RunFolder,
    out: Path,
    count: int,
    progress: Progress,
    pictures: Path | None = None,
    seed: int | None = None,
) -> Counterexamples:
    """Paste the features of a run's failing findings on pictures of many classes, each labelled with its own class.

    Pictures are of discovery, or of `pictures` where it is given; none of the target, none that a held-out patch was
    cut from, none of selection or confirmation. Classes take turns, and so do features. The folder is whole or not
    there.

    Args:
        out: made; may exist if it is empty.
        count: pictures to make; a picture may be taken several times, with other patches at other places.
        pictures: a source of the user's own training pictures; those like any picture of selection or confirmation
            are left out.
        seed: of every draw; None: the run's.
    Raises:
        StoreError: the run is not finished, nothing of it fails, or `out` is taken or cannot be written.
        ImageError: there is no picture to paste on.
    """
    result = reviewed_result(run_folder)
    failing = failing_findings(result)
    with whole_folder(out) as made, at_work(run_folder, stored_config(run_folder), progress) as run:
        drawn_by = run.config.seed if seed is None else seed
        features = features_of(run, failing, drawn_by)
        bases = _bases(run, pictures, features, count, drawn_by)
        maker = _Maker(run, made, features, bases, drawn_by)
        rows = [maker.make(number) for number in _counted(count, progress)]
        return maker.finish(rows, result, out)


def failing_findings(result: AuditResult) -> list[Finding]:
    """The findings that fail.

    Raises:
        StoreError: there are none.
    """
    failing = [one for one in result.findings if one.word is Verdict.FAIL]
    if not failing:
        also = "; it fails by its fragility, against which no patch helps" if result.verdict is Verdict.FAIL else ""
        raise StoreError(f"no finding of {result.run} fails, so there is nothing to make counterexamples of{also}")
    return failing


def _counted(count: int, progress: Progress) -> Iterator[int]:
    progress.start("counterexamples", count)
    for number in range(count):
        yield number
        progress.advance()


def _bases(run: Run, pictures: Path | None, features: Sequence[Feature], count: int, seed: int) -> list[Base]:
    """The pictures that may be pasted on.

    Raises:
        ImageError: there are none.
    """
    pool = run.get(IMAGES)
    found = _of_discovery(run, pool) if pictures is None else training_pictures(run, pictures, pool, count, seed)
    held_out = {key for feature in features for key in feature.withheld}
    kept = [
        one for one in found if one.record.label not in run.inputs.target.indices and one.record.key not in held_out
    ]
    if not kept:
        raise ImageError(
            "there is no picture to paste on: of the pictures of discovery, or of those that --pictures names, all "
            f"show {run.inputs.target.name} or gave patches that are held out; give more with --pictures"
        )
    return kept


def _of_discovery(run: Run, pool: ImagePool) -> list[Base]:
    """The run's discovery pictures, under the labels that their source gives them."""
    listing = list_images(_source(run.config).path, run.config.classes.ignore)
    labels = {shown(image.where, run.config): image.label for image in listing.images}
    originals = Originals(run.config)
    return [
        Base(image, labels.get(image.path, run.inputs.class_names[image.label]), partial(originals.open, image))
        for image in pool.images
        if image.split is Split.DISCOVERY
    ]


def _source(config: AuditConfig) -> GivenSource:
    """Where the run's discovery pictures came from, whose layout counterexamples have."""
    return next(one for one in given_sources(config) if one.split is Split.DISCOVERY)


class _Maker:
    """Makes one counterexample after the other, each keyed by its number alone."""

    def __init__(
        self, run: Run, folder: RunFolder, features: Sequence[Feature], bases: Sequence[Base], seed: int
    ) -> None:
        self._run, self._folder, self._features, self._seed = run, folder, features, seed
        self._preprocessing = run.inputs.classifier.preprocessing
        self._variants = [variants_of(placement, run.config.trials) for placement in PASTED_UNDER]
        self._stickers = {
            patch.candidate.id: Sticker(patch.rgba, torch.device("cpu")) for one in features for patch in one.used
        }
        by_label: dict[str, list[Base]] = {}
        for base in sorted(bases, key=lambda one: (one.label, one.record.key)):
            by_label.setdefault(base.label, []).append(base)
        self._by_label = {
            label: [own[index] for index in keyed_generator(seed, "counterexamples", label).permutation(len(own))]
            for label, own in by_label.items()
        }
        self._in_folders = source_of(_source(run.config).path) is FOLDER

    def make(self, number: int) -> dict[str, Json]:
        """Make and keep the counterexample of a number. Returns what the manifest says of it."""
        generator = keyed_generator(self._seed, "counterexamples", number)
        turn, place = divmod(number, len(self._by_label))
        label = list(self._by_label)[place]
        base = self._by_label[label][turn % len(self._by_label[label])]
        feature = self._features[(turn + place) % len(self._features)]
        patch = feature.used[int(generator.integers(len(feature.used)))]
        variants = self._variants[int(generator.integers(len(self._variants)))]
        variant = variants[int(generator.integers(len(variants)))]
        own = patch.candidate.spot is not None
        if feature.spot is not None and (own or generator.random() < AT_OWN_PLACE):
            variant = at_spot(feature.spot)
        png, drawn = self._pasted(base, patch, variant, number)
        file = f"{PICTURES}/{f'{label}/' if self._in_folders else ''}{number:06d}-{slug(patch.candidate.id)}.png"
        self._folder.write(file, png)
        return {
            "file": file,
            "label": label,
            "sha256": sha256_of(png),
            "picture": base.record.path,
            "picture_sha256": base.record.sha256,
            "finding": feature.finding,
            "patch": f"{PATCHES}/{patch.candidate.id}.png",
            "variant": variant.name,
            **drawn,
        }

    def _pasted(self, base: Base, patch: Patch, variant: Variant, number: int) -> tuple[bytes, dict[str, Json]]:
        """The picture as PNG with the patch where the model looks, and where that is, in pixels of the PNG."""
        picture = _small_enough(base.original(), self._preprocessing)
        left, top, right, bottom = _seen(picture, self._preprocessing)
        size, config = (bottom - top, right - left), self._run.config.trials
        sticker = self._stickers[patch.candidate.id]
        draws = draw(variant, config, [base.record.key], f"counterexample {number}", sticker.aspect, size, self._seed)
        pixels = np.array(picture, dtype=np.uint8)
        seen = to_float(
            np.ascontiguousarray(pixels[top:bottom, left:right].transpose(2, 0, 1))[None], torch.device("cpu")
        )
        paste(seen, sticker, draws, largest_side_px(variant, config, size))
        changed = seen[0].mul(255.0).round_().clamp_(0, 255).byte().numpy().transpose(1, 2, 0)
        pixels[top:bottom, left:right] = changed
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
        where = {name: round(float(values[0]), 4) for name, values in draws.columns.items()}
        return buffer.getvalue(), {**where, "centre_y": where["centre_y"] + top, "centre_x": where["centre_x"] + left}

    def finish(self, rows: Sequence[dict[str, Json]], result: AuditResult, out: Path) -> Counterexamples:
        """Write the patches, the table where the layout has one, and last of all the manifest."""
        for feature in self._features:
            for folder, patches in ((PATCHES, feature.used), (HELD_OUT, feature.held_out)):
                for patch in patches:
                    self._folder.write(f"{folder}/{patch.candidate.id}.png", patch_png(patch.rgba))
        if not self._in_folders:
            self._folder.write_text(TABLE, _labels_csv(rows))
        manifest: dict[str, Json] = {
            "run": result.run,
            "source": result.source.name,
            "target": result.target.name,
            "seed": self._seed,
            "versions": versions(),
            "layout": "a folder a class" if self._in_folders else "a CSV of path,label",
            "features": [_told(feature) for feature in self._features],
            "held_out_pictures": sorted({path for one in self._features for path in one.withheld.values()}),
            "pictures": list(rows),
        }
        self._folder.write(MANIFEST, json_file(manifest).encode())
        classes = len({str(row["label"]) for row in rows})
        return Counterexamples(out, len(rows), classes, tuple(self._features), self._in_folders)


def _labels_csv(rows: Sequence[Mapping[str, Json]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("path", "label"))
    table.writerows((row["file"], row["label"]) for row in rows)
    return text.getvalue()


def _told(feature: Feature) -> dict[str, Json]:
    def files(folder: str, patches: Sequence[Patch]) -> Json:
        return [
            {
                "file": f"{folder}/{patch.candidate.id}.png",
                "sha256": sha256_of(patch_png(patch.rgba)),
                "name": patch.candidate.name,
                "picture": patch.candidate.image_path,
            }
            for patch in patches
        ]

    return {
        "finding": feature.finding,
        "name": feature.name,
        "used": files(PATCHES, feature.used),
        "held_out": files(HELD_OUT, feature.held_out),
    }


def _seen(picture: Image.Image, preprocessing: Preprocessing) -> tuple[int, int, int, int]:
    """The part of a picture that the model sees: left, top, right, bottom."""
    height, width = preprocessing.output_size
    return preprocessing.original_box(0, 0, width, height, picture.width, picture.height)


def _small_enough(picture: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """A photograph no larger than it takes for the model's part of it to be `_SHARPER` times what the model sees."""
    left, top, right, bottom = _seen(picture, preprocessing)
    height, width = preprocessing.output_size
    shrink = max(_SHARPER * height / (bottom - top), _SHARPER * width / (right - left))
    if shrink >= 1.0:
        return picture
    size = (max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink)))
    return picture.resize(size, Image.Resampling.LANCZOS)
