"""What a run will take, measured on a few batches and multiplied by what is counted: said before hours are spent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from auditor.atlas.collection import collect_together
from auditor.atlas.icons.render import IconSettings, icon_settings, render_icons
from auditor.atlas.kinds import PAIR_FITTED
from auditor.atlas.look import shown_positions
from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.brought import read_user_patches
from auditor.candidates.makers.drawn import drawings, drawn_folder
from auditor.candidates.makers.library import library_folder
from auditor.candidates.makers.trained import Lesson, TrainingBudget, train_patch
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig
from auditor.core.errors import TrainingError
from auditor.core.progress import Silence
from auditor.core.records import Split
from auditor.core.records.trials import eligible_rows
from auditor.core.shelf import MemoryShelf
from auditor.inputs.model.folded_cut import folded_cut
from auditor.run.pastes_ahead import pastes_ahead, unpatched_seconds
from auditor.run.stage import Run
from auditor.run.stages.atlas import open_layers
from auditor.run.stages.candidates import open_scene, screening_rows
from auditor.run.stages.clean import CLEAN, folded_network
from auditor.run.stages.grounds import open_grounds
from auditor.run.stages.images import IMAGES
from auditor.run.stages.needed import target_rows
from auditor.run.stages.whole_pictures import annotated_objects, most_lenders
from auditor.run.timing import noise_patch, peak_memory, timed
from auditor.run.workload import Known, Workload, workload_of
from auditor.statistics.looks import error_budget
from auditor.statistics.planning import images_that_pass
from auditor.statistics.stopping import last_share, look_sizes
from auditor.trials.fills import FILLS, Hole, filled
from auditor.trials.patch import side_in_pixels
from auditor.trials.placements import variants_of

_SAMPLE = 16
"""Pictures of a batch that is timed, at most."""

_ICONS, _ICON_STEPS, _TRAINING_STEPS, _PATCHES = 16, (2, 10), 4, 4

# What is no pass of the network, in yardsticks (see `_yardstick`), as measured on the demonstration (docs/cli.md).
_COMPILING, _LAYOUT_A_SAMPLE = 25.0, 0.0047
_AN_ICON, _A_CANDIDATE, _A_TRIED_PATCH, _THE_REST = 0.05, 0.1, 0.15, 18.0

_MANY = 300
"""Confirmation pictures from which on stopping early saves more than half of the passes (docs/speed.md)."""

_BYTES_A_LAYOUT = 400 * 2**20
"""What umap and its compiler hold beside the samples."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take.

    Attributes:
        eligible: source pictures of a split that the clean model calls source, and all of its source pictures.
        needed: eligible confirmation pictures that a pass takes where nothing flips.
        looks: after how many confirmation pictures each candidate may stop; none where it may not.
        might_stop: after how many it might, if that were asked for and saves much; else none.
        seconds: of the pieces of work that are left, by name; memory: bytes at most, of this process.
    """

    eligible: dict[Split, tuple[int, int]]
    needed: int
    workload: Workload
    seconds: dict[str, float]
    memory: int
    looks: tuple[int, ...] = ()
    might_stop: tuple[int, ...] = ()

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def estimate(run: Run) -> Estimate:
    """Measure a few batches of everything the network will be asked for, and multiply.

    Raises:
        AuditorError: what the run itself would end in, such as a layer without attribution.
    """
    config, known = run.config, known_of(run)
    workload = workload_of(config, known)
    pool, clean = run.get(IMAGES), run.get(CLEAN)
    source = frozenset(clean.rows.tolist())
    eligible = {
        split: (len(eligible_rows(pool, clean, split)), sum(row in source for row in pool.rows(split).tolist()))
        for split in Split
    }
    limits, (there, _) = config.limits, eligible[Split.CONFIRMATION]
    share = last_share(there) if config.trials.stop_early else 1.0
    looks, might_stop = looks_ahead(config, there)
    return Estimate(
        eligible=eligible,
        needed=images_that_pass(share * error_budget(limits.confidence).passing, limits.uplift),
        looks=looks,
        might_stop=might_stop,
        workload=workload,
        seconds=_seconds(run, workload),
        memory=_memory(run, known),
    )


def looks_ahead(config: AuditConfig, pictures: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """After how many of these confirmation pictures a finding may stop; and might, where nobody asked and it pays."""
    if config.trials.stop_early:
        return look_sizes(pictures), ()
    pays = pictures >= _MANY and config.limits.log_odds is None  # with which it does not go
    return (), look_sizes(pictures) if pays else ()


def known_of(run: Run) -> Known:
    """What the clean predictions tell of a run's pictures."""
    pool, clean, config = run.get(IMAGES), run.get(CLEAN), run.config
    height, width = run.inputs.cut.feature_shape[1:] if run.inputs.mapped else (0, 0)
    return Known(
        pictures=len(pool.images),
        discovery=len(pool.rows(Split.DISCOVERY)),
        selection=len(eligible_rows(pool, clean, Split.SELECTION)),
        confirmation=len(eligible_rows(pool, clean, Split.CONFIRMATION)),
        screening=len(screening_rows(run)),
        patches=patches_brought(config),
        positions=len(shown_positions(height, width)) if run.inputs.mapped else 0,
        side_px=min(run.inputs.classifier.preprocessing.output_size),
        mapped=run.inputs.mapped,
        drawings=len(drawings(drawn_folder())) if config.candidates.drawn else 0,
        target=len(target_rows(pool, run.inputs.target.indices)[0]),
        boxes=len(open_scene(run).crop_rules(config.candidates.sizes).boxes()) if run.inputs.mapped else 0,
        layers=len(run.inputs.by_layer),
        lenders=sum(map(len, most_lenders(run))),
    )


def patches_brought(config: AuditConfig) -> int:
    """Patches of the user's folder and of the library.

    Raises:
        PatchError: the folder holds none that can be used, or the library is not there.
    """
    wanted = config.candidates
    own = len(read_user_patches(config.path(wanted.patches))) if wanted.patches is not None else 0
    return own + (len(list(library_folder().glob("*.png"))) if wanted.library else 0)


def _seconds(run: Run, work: Workload) -> dict[str, float]:
    """Seconds of each piece of work."""
    config, unit = run.config, _yardstick()
    pastes, unpatched = pastes_ahead(run, work), unpatched_seconds(run)
    whole = work.whole * unpatched + (work.lenders * _lending(run) if work.lenders else 0.0)
    removals = work.removed * (unpatched + _filling(run))
    if not run.inputs.mapped:
        return {
            "candidates and trials": pastes.trials
            + pastes.places
            + pastes.survival
            + whole
            + unit * work.tried * (_A_CANDIDATE + _A_TRIED_PATCH),
            "removals": removals,
            "drawings and reports": unit * _THE_REST,
        }
    if not work.tail:  # nothing is eligible, so nothing is screened and nothing tried
        return {"atlas": work.mapped * _mapping(run) + unit * _COMPILING}
    icon = icon_settings(config.atlas)
    samples = work.mapped * (config.atlas.positions_per_image + config.atlas.strongest_per_image)
    samples = min(samples, PAIR_FITTED)  # more than these are only placed among them
    layouts = (1 + config.atlas.repeats) * len(run.inputs.by_layer)
    linear, tail = _screening(run)
    own_px = min(run.inputs.classifier.preprocessing.output_size)
    patch_icon = _rendering(run, work.patch_px) if work.patch_icon_steps else 0.0
    return {
        "atlas": work.mapped * _mapping(run) + unit * (_COMPILING + layouts * samples * _LAYOUT_A_SAMPLE),
        "icons": (work.icon_steps * _rendering(run, icon.side_px) if work.icon_steps else 0.0)
        + (work.pasted_icon_steps * _rendering(run, own_px) if work.pasted_icon_steps else 0.0),
        "candidates": work.linear * linear
        + work.tail * tail
        + work.patch_icon_steps * patch_icon
        + work.trained * _training(run)
        + unit * work.tried * _A_CANDIDATE,
        "trials": pastes.trials + whole + unit * work.tried * _A_TRIED_PATCH,
        "removals": removals,
        "places": pastes.places,
        "survival": pastes.survival,
        "drawings and reports": unit * (work.icons * _AN_ICON + _THE_REST),
    }


def _yardstick() -> float:
    """Seconds of twenty sorts of a million numbers, by which what runs no network is measured: of five, times four."""
    numbers = np.random.default_rng(0).standard_normal(1_000_000)
    return 4 * timed(lambda: [np.sort(numbers) for _ in range(5)])


def _mapping(run: Run) -> float:
    """Seconds a discovery picture."""
    layers = [replace(one, progress=Silence()) for one in open_layers(run)]
    rows = run.get(IMAGES).rows(Split.DISCOVERY)[: min(4 * _SAMPLE, run.config.compute.batch_size)]
    sampling = layers[0].sampling(run.config.atlas.strongest_per_image)
    return timed(lambda: collect_together(layers, rows, sampling, [MemoryShelf() for _ in layers])) / len(rows)


def _rendering(run: Run, side_px: int) -> float:
    """Seconds a step of an icon of that side: more steps less few of them, since beginning costs as much as steps."""
    cut = run.inputs.cut
    directions = np.random.default_rng(0).standard_normal((_ICONS, cut.feature_shape[0])).astype(np.float32)
    keys = [str(number) for number in range(_ICONS)]

    def seconds(steps: int) -> float:
        settings = IconSettings(side_px=side_px, steps=steps, bfloat16=run.config.atlas.icon_bfloat16)
        return timed(lambda: render_icons(cut, directions, keys, settings, 0, Silence()))

    few, more = _ICON_STEPS
    return max(0.0, seconds(more) - seconds(few)) / (_ICONS * (more - few))


def _screening(run: Run) -> tuple[float, float]:
    """Seconds a crop that is screened linearly, and a source picture that the tail sees."""
    config, rows = run.config, screening_rows(run)
    pixels, cut = run.get(IMAGES).pixels[rows], run.inputs.cut
    passes = folded_cut(cut, run.open(folded_network))
    screen = TailScreen(cut, pixels, run.inputs.target, config.trials.size, config.compute.batch_size, passes=passes)
    side = side_in_pixels(config.trials.size, *run.inputs.classifier.preprocessing.output_size)
    patches = [noise_patch(side, number) for number in range(_SAMPLE)]
    linear = LinearScreen(screen, patches[:_PATCHES])
    one = timed(lambda: linear.screen(patches)) / len(patches)
    few = patches[:_PATCHES]
    return one, timed(lambda: screen.screen(few)) / (len(few) * len(rows))


def _training(run: Run) -> float:
    """Seconds a picture of a trained patch's steps; 0 where none can be trained."""
    config, pool = run.config, run.get(IMAGES)
    rows = pool.rows(Split.DISCOVERY, run.inputs.source.indices)
    if not config.candidates.trained or not len(rows):
        return 0.0
    lesson = Lesson(
        pixels=pool.pixels[rows],
        image_keys=[pool.images[row].key for row in rows],
        target=run.inputs.target,
        variants=variants_of(config.trials.placements[0], config.trials),
        config=config.trials,
        seed=config.seed,
        names=pool.paths(rows),
        grounds=run.open(open_grounds),
    )
    budget = TrainingBudget(_TRAINING_STEPS)
    try:
        seconds = timed(lambda: train_patch(run.inputs.classifier, lesson, Silence(), budget))
    except TrainingError:
        return 0.0
    return seconds / (budget.steps * budget.batch_size)


def _lending(run: Run) -> float:
    """Seconds of a picture whose object is removed and filled in; 0 where none is."""
    rows = [row for of_group in most_lenders(run) for row in of_group[:1]]
    if not rows:
        return 0.0
    objects, things = annotated_objects(run)
    return timed(lambda: [objects.without(row, things) for row in rows]) / len(rows)


def _filling(run: Run) -> float:
    """Seconds of a fill, the mean over all of them, of a square of the size at which activations are removed."""
    if not run.config.needed.pictures:
        return 0.0
    height, width = run.inputs.classifier.preprocessing.output_size
    picture = np.random.default_rng(0).integers(0, 256, size=(3, height, width), dtype=np.uint8)
    area = np.zeros((height, width), dtype=np.bool_)
    side = min(run.config.needed.size, 0.9)
    area[: max(1, round(side * height)), : max(1, round(side * width))] = True
    hole = Hole(picture, area, (0, 0))
    return timed(lambda: [filled(name, hole) for name in FILLS]) / len(FILLS)


def _memory(run: Run, known: Known) -> int:
    """Bytes at most: what this process took at most so far, batches included, and what is still to come."""
    if not run.inputs.mapped:
        return peak_memory()
    atlas, widths = (
        run.config.atlas,
        [one.cut.feature_shape[0] + len(run.inputs.class_names) for one in run.inputs.by_layer],
    )
    samples = known.discovery * (atlas.positions_per_image + 2 * atlas.strongest_per_image)
    return peak_memory() + 3 * 4 * samples * sum(widths) + _BYTES_A_LAYOUT
