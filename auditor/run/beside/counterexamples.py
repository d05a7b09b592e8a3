"""Counterexamples to a run's failing findings: pictures that say otherwise, each labelled with its own class."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError, StoreError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Progress
from auditor.core.records import AuditResult, Finding, ImagePool, Split, Verdict
from auditor.core.versions import versions
from auditor.inputs.images.originals import Originals
from auditor.inputs.images.sources import GivenSource, given_sources, list_images, shown, source_of
from auditor.inputs.images.sources.folder import FOLDER
from auditor.run.audit import at_work, stored_config
from auditor.run.beside.bases import Base, InTurn, Made, labels_csv
from auditor.run.beside.features import Feature, features_of
from auditor.run.beside.pasted_pictures import PATCHES, PastedPictures
from auditor.run.beside.removed_pictures import RemovedPictures, places_of
from auditor.run.beside.training_pictures import training_pictures
from auditor.run.folder import Json, RunFolder, json_file, whole_folder
from auditor.run.review import reviewed_result
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.trials.patch import Patch, patch_png

PICTURES, TABLE, HELD_OUT = "pictures", "pictures.csv", "held-out"
MANIFEST = "manifest.json"

_SOURCE, _OTHER, _REMOVED, _FILLED = "source", "other", "removed", "filled"
_TURNS = (_SOURCE, _OTHER, _SOURCE, _OTHER, _REMOVED, _SOURCE, _OTHER, _SOURCE, _OTHER, _FILLED)
"""Of ten counterexamples, what each is made of. A finding's rate is that of source pictures, so these come more often
than their share of the classes; and a network that is told only what the feature is not goes on to know the target by
nothing else (docs/counterexamples.md)."""


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
    open_too: bool = False,
) -> Counterexamples:
    """Paste the features of a run's failing findings on pictures of many classes, and remove them from the target's.

    Each is labelled with its own class. Pictures are of discovery; those that are pasted on are of `pictures` where it
    is given. None is one that a held-out patch was cut from, none is of selection or confirmation. The source's come
    more often; classes take turns, and so do features. The folder is whole or not there.

    Args:
        out: made; may exist if it is empty.
        count: pictures to make; a picture may be taken several times, with other patches at other places.
        pictures: a source of the user's own training pictures; those like any picture of selection or confirmation
            are left out.
        seed: of every draw; None: the run's.
        open_too: features of findings that stay open as well, which may be above the limit.
    Raises:
        StoreError: the run is not finished, it has no such finding, or `out` is taken or cannot be written.
        ImageError: there is no picture to paste on.
    """
    result = reviewed_result(run_folder)
    failing = failing_findings(result, open_too)
    with whole_folder(out) as made, at_work(run_folder, stored_config(run_folder), progress) as run:
        drawn_by = run.config.seed if seed is None else seed
        features = features_of(run, failing, drawn_by)
        found = _found(run, pictures, features, count, drawn_by)
        maker = _Maker(run, made, features, found, drawn_by)
        rows = [maker.make(number) for number in _counted(count, progress)]
        return maker.finish(rows, result, out)


def failing_findings(result: AuditResult, open_too: bool) -> list[Finding]:
    """The findings that fail; with `open_too` those that stay open as well.

    Raises:
        StoreError: there are none.
    """
    words = (Verdict.FAIL, Verdict.INCONCLUSIVE) if open_too else (Verdict.FAIL,)
    found = [one for one in result.findings if one.word in words]
    if found:
        return found
    if open_too:
        raise StoreError(f"no finding of {result.run} fails or stays open, so there is nothing to make pictures of")
    also = "; it fails by its fragility, against which no patch helps" if result.verdict is Verdict.FAIL else ""
    if any(one.word is Verdict.INCONCLUSIVE for one in result.findings):
        also += "; some stay open: --open makes them of those"
    raise StoreError(f"no finding of {result.run} fails, so there is nothing to make counterexamples of{also}")


def _counted(count: int, progress: Progress) -> Iterator[int]:
    progress.start("counterexamples", count)
    for number in range(count):
        yield number
        progress.advance()


@dataclass(frozen=True, slots=True)
class _Found:
    """Pictures to paste on, by kind, each with at least one; and discovery's pictures of the target."""

    kinds: Mapping[str, Sequence[Base]]
    target: Sequence[Base]


def _found(run: Run, pictures: Path | None, features: Sequence[Feature], count: int, seed: int) -> _Found:
    """The pictures that counterexamples may be made of.

    Raises:
        ImageError: there are none to paste on.
    """
    pool, source, target = run.get(IMAGES), run.inputs.source.indices, run.inputs.target.indices
    held_out = {key for feature in features for key in feature.withheld}
    discovery = [one for one in _of_discovery(run, pool) if one.record.key not in held_out]
    given = discovery if pictures is None else training_pictures(run, pictures, pool, count, seed)
    pasted_on = [one for one in given if one.record.label not in target and one.record.key not in held_out]
    if not pasted_on:
        raise ImageError(
            "there is no picture to paste on: of the pictures of discovery, or of those that --pictures names, all "
            f"show {run.inputs.target.name} or gave patches that are held out; give more with --pictures"
        )
    return _Found(by_source(pasted_on, source), [one for one in discovery if one.record.label in target])


def by_source(bases: Sequence[Base], source: Sequence[int]) -> dict[str, Sequence[Base]]:
    """Pictures of the source and of other classes, where the source's turns are more than its share of the labels."""
    kinds: dict[str, Sequence[Base]] = {
        _SOURCE: [one for one in bases if one.record.label in source],
        _OTHER: [one for one in bases if one.record.label not in source],
    }
    labels = {kind: len({one.label for one in own}) for kind, own in kinds.items()}
    turns = _TURNS.count(_SOURCE) / (_TURNS.count(_SOURCE) + _TURNS.count(_OTHER))
    if all(labels.values()) and labels[_SOURCE] <= turns * sum(labels.values()):
        return kinds
    return {_OTHER: bases}


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

    def __init__(self, run: Run, folder: RunFolder, features: Sequence[Feature], found: _Found, seed: int) -> None:
        self._folder, self._features, self._seed = folder, features, seed
        in_turn = {kind: InTurn(bases, seed) for kind, bases in found.kinds.items()}
        pasted = PastedPictures(run, features, seed)
        self._makers: dict[str, Callable[[int, int], Made]] = {
            kind: partial(pasted.make, bases) for kind, bases in in_turn.items()
        }
        places = places_of(run, features, found.target, seed)
        if places:
            removed = RemovedPictures(run, places, seed)
            self._makers[_REMOVED] = removed.remove
            self._makers[_FILLED] = partial(removed.fill, in_turn.get(_SOURCE, in_turn[_OTHER]))
        self._turns = [kind if kind in self._makers else _OTHER for kind in _TURNS]
        self._in_folders = source_of(_source(run.config).path) is FOLDER

    def make(self, number: int) -> dict[str, Json]:
        """Make and keep the counterexample of a number. Returns what the manifest says of it."""
        again, place = divmod(number, len(self._turns))
        kind = self._turns[place]
        turn = again * self._turns.count(kind) + self._turns[:place].count(kind)
        return self._kept(self._makers[kind](turn, number), number)

    def _kept(self, made: Made, number: int) -> dict[str, Json]:
        buffer = io.BytesIO()
        Image.fromarray(made.pixels).save(buffer, "PNG", compress_level=6)
        label, record = made.base.label, made.base.record
        file = f"{PICTURES}/{f'{label}/' if self._in_folders else ''}{number:06d}-{made.name}.png"
        self._folder.write(file, buffer.getvalue())
        return {
            "file": file,
            "label": label,
            "sha256": sha256_of(buffer.getvalue()),
            "picture": record.path,
            "picture_sha256": record.sha256,
            **made.said,
        }

    def finish(self, rows: Sequence[dict[str, Json]], result: AuditResult, out: Path) -> Counterexamples:
        """Write the patches, the table where the layout has one, and last of all the manifest."""
        for feature in self._features:
            for folder, patches in ((PATCHES, feature.used), (HELD_OUT, feature.held_out)):
                for patch in patches:
                    self._folder.write(f"{folder}/{patch.candidate.id}.png", patch_png(patch.rgba))
        if not self._in_folders:
            self._folder.write_text(TABLE, labels_csv((str(row["file"]), str(row["label"])) for row in rows))
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
