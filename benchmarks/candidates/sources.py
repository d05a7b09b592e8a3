"""What other sources of patches add to a finished search: the library's drawings, and crops of pictures without labels.

Both are screened by the ladder and tried on the selection and confirmation pictures of a finished run, beside it. The
run itself stays as it is, so one run serves for both, and what differs are the patches.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from auditor.candidates.choosing import rank_agreement
from auditor.candidates.confirmation import shared_controls, try_all
from auditor.candidates.drawings import screen_drawn
from auditor.candidates.ladder import Draw, choose_climbed, climb
from auditor.candidates.makers.drawn import drawn_folder, read_drawn
from auditor.candidates.pool_crops import plan_pool_crops
from auditor.candidates.propose import crop_entries, mark_read_as_target
from auditor.candidates.scene import cut_patch
from auditor.core.records import AuditResult, Placement, Role, Split, SurveyRow, Tier
from auditor.inputs.images.originals import Originals
from auditor.inputs.images.unlabelled import read_unlabelled
from auditor.run.folder import RunFolder
from auditor.run.stages.candidates import open_scene
from auditor.run.stages.trials import open_bench
from auditor.trials.blocks import odds_gain
from auditor.trials.patch import Patch
from benchmarks.candidates.pages import table
from benchmarks.candidates.pairs import Opened, Pair, with_sources

FIRST = (4, 8, 12)
"""Of the drawings, in the order of their predicted push, so many might be tried."""

TURNS = 3
"""Tiers that take turns with a pool and without annotation: third class, unlabelled, target image."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One patch: its predicted push, its gain on selection pictures, and its flips on confirmation pictures."""

    name: str
    push: float
    gain: float
    flips: int
    resembles_target: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """One source's patches, those that push most first, how many were screened, and the seconds that took."""

    tried: tuple[Tried, ...]
    screened: int
    seconds: float
    reading: float = 0.0

    def first(self, most: int | None = None) -> Tried:
        """The one that selection pictures put first among those of the highest pushes."""
        return max(self.tried[:most], key=lambda one: one.gain)

    @property
    def best(self) -> Tried:
        """The one that flips most confirmation pictures: the best of several on the pictures it is counted on."""
        return max(self.tried, key=lambda one: one.flips)


@dataclass(frozen=True, slots=True)
class SourceNumbers:
    """A pair's numbers: what the run found, and what each source adds."""

    pair: Pair
    eligible: int
    controls: Mapping[str, int]
    run_first: tuple[str, int]
    run_best: tuple[str, int]
    library_best: tuple[str, int]
    drawings: Added
    unlabelled: Added | None


def source_numbers(one: Opened, pair: Pair, result: AuditResult, pool: Path | None) -> SourceNumbers:
    """Screen and try drawings and crops of a pool beside a finished run; `result` is the run's."""
    drawings, drawing_seconds, seen = _drawings(one)
    crops, crop_seconds, crops_seen, reading = _crops(one, pool) if pool is not None else ([], 0.0, 0, 0.0)
    bench = open_bench(one.run, RunFolder.within(one.run.folder, "sources"))
    patches = [*drawings, *crops]
    selection = try_all(bench, patches, Split.SELECTION, Placement.FIXED)
    confirmation = try_all(bench, patches, Split.CONFIRMATION, Placement.FIXED)
    shared = shared_controls(bench, Placement.FIXED)

    def tried(some: Sequence[Patch]) -> tuple[Tried, ...]:
        return tuple(
            Tried(
                patch.candidate.name,
                patch.candidate.predicted_push,
                odds_gain(selection[patch.candidate.id]),
                int(confirmation[patch.candidate.id].outcomes.sum()),
                patch.candidate.resembles_target,
            )
            for patch in some
        )

    return SourceNumbers(
        pair=pair,
        eligible=next(iter(confirmation.values())).outcomes.size,
        controls={name: int(block.outcomes.sum()) for name, block in shared.items()},
        run_first=_first_third_class(result),
        run_best=_best(result, lambda row: row.candidate.tier is Tier.THIRD_CLASS and row.candidate.suggested),
        library_best=_best(result, lambda row: row.candidate.id.startswith("l-")),
        drawings=Added(tried(drawings), seen, drawing_seconds),
        unlabelled=Added(tried(crops), crops_seen, crop_seconds, reading) if pool is not None else None,
    )


def _drawings(one: Opened) -> tuple[list[Patch], float, int]:
    tail = one.tail_screen()
    linear = one.linear_screen(tail)
    candidates = one.inputs.config.candidates.model_copy(update={"drawn": FIRST[-1]})
    config = one.inputs.config.model_copy(update={"candidates": candidates})
    started = time.perf_counter()
    drawn = read_drawn(drawn_folder())
    kept, _ = screen_drawn(drawn, linear, tail, config, one.run.progress)
    order = sorted(kept, key=lambda patch: -patch.candidate.predicted_push)
    return order, time.perf_counter() - started, len(drawn)


def _crops(one: Opened, pool: Path) -> tuple[list[Patch], float, int, float]:
    """The crops of a pool that would be tried, at their share of the budget, in the order of their push."""
    config = with_sources(one.inputs.config, None, pool)
    preprocessing = one.inputs.classifier.preprocessing
    started = time.perf_counter()
    unlabelled = read_unlabelled(config, preprocessing.prepare, preprocessing.output_size, one.pool, one.run.progress)
    reading = time.perf_counter() - started
    both, originals = replace(one.pool, unlabelled=unlabelled), Originals(config)
    scene = replace(
        open_scene(one.run),
        pool=both,
        open_original=lambda row: originals.open(both.image(row)),
        shows_of=_nothing,
    )
    wanted = config.candidates
    budget = wanted.model_copy(update={"shortlisted": wanted.shortlisted // TURNS, "tried": wanted.tried // TURNS})
    tail = one.tail_screen()
    started = time.perf_counter()
    plans, _ = plan_pool_crops(scene, wanted)
    draw = Draw(scene.seed, scene.pool.keys)
    climbed = climb(crop_entries(scene, plans), [], tail, budget, draw, one.run.progress)
    chosen, _ = choose_climbed(climbed, lambda _: Tier.UNLABELLED, [""] * len(plans), budget)
    pushes = climbed.tail.pushes
    patches = [
        cut_patch(scene, plans[number], f"n-{place:03d}", Role.SUGGESTED, pushes[number])
        for place, number in enumerate(sorted(chosen, key=lambda number: -pushes[number]), start=1)
    ]
    marked = mark_read_as_target(patches, one.inputs.classifier, one.inputs.target)
    return marked, time.perf_counter() - started, len(plans), reading


def _nothing(row: int, box: tuple[int, int, int, int]) -> None:
    """No picture without a label is annotated."""
    del row, box


def _first_third_class(result: AuditResult) -> tuple[str, int]:
    third = [one for one in result.findings if one.candidate.tier is Tier.THIRD_CLASS and one.placement == "fixed"]
    if not third:
        return "none confirmed", 0
    first = min(third, key=lambda one: one.place)
    return first.candidate.name, first.flips


def _best(result: AuditResult, wanted: Callable[[SurveyRow], bool]) -> tuple[str, int]:
    best = max(filter(wanted, result.survey), key=lambda row: row.flips)
    return best.candidate.name, best.flips


def sources_as_json(numbers: SourceNumbers) -> str:
    return json.dumps(asdict(numbers))


def sources_from_json(text: str) -> SourceNumbers:
    """What `sources_as_json` wrote."""
    return TypeAdapter(SourceNumbers).validate_json(text)


def sources_page(numbers: Sequence[SourceNumbers]) -> str:
    """The tables over the pairs measured."""
    return "\n".join([_found(numbers), _how_many(numbers), _cost(numbers)])


def _found(numbers: Sequence[SourceNumbers]) -> str:
    rows = []
    for one in numbers:
        control = max(one.controls, key=lambda name: one.controls[name])
        row = [_pair(one), str(one.eligible), f"{control}: {one.controls[control]}", _named(*one.run_first)]
        row += [str(one.library_best[1])]
        for added in (one.drawings, one.unlabelled):
            if added is None:
                row += ["—", "—", "—"]
                continue
            first, best = added.first(), added.best
            mark = " (resembles the target)" if first.resembles_target else ""
            row += [_named(first.name, first.flips) + mark, str(best.flips), _agreement(added)]
        rows.append(row)
    head = ["pair", "eligible", "noise or grey", "the run's third class, first by selection", "best of the 14 patches",
            "drawing, first by selection", "best drawing", "push and flips",
            "unlabelled crop, first by selection", "best unlabelled crop", "push and flips"]  # fmt: skip
    return table(head, rows)


def _how_many(numbers: Sequence[SourceNumbers]) -> str:
    rows = [[_pair(one), *(str(one.drawings.first(most).flips) for most in FIRST)] for one in numbers]
    means = [np.mean([one.drawings.first(most).flips / one.eligible for one in numbers]) for most in FIRST]
    rows.append(["mean, of eligible", *(f"{100 * mean:.1f}%" for mean in means)])
    return table(["pair", *(f"first by selection of {most} drawings flips" for most in FIRST)], rows)


def _cost(numbers: Sequence[SourceNumbers]) -> str:
    rows = []
    for one in numbers:
        pool = one.unlabelled
        resembling = "—" if pool is None else f"{sum(each.resembles_target for each in pool.tried)}/{len(pool.tried)}"
        rows.append(
            [_pair(one), str(one.drawings.screened), f"{one.drawings.seconds:.1f}"]
            + (["—"] * 3 if pool is None else [str(pool.screened), f"{pool.reading:.1f}", f"{pool.seconds:.1f}"])
            + [resembling]
        )
    head = ["pair", "drawings", "screening them, s", "crops of the pool", "reading the pool, s", "screening them, s",
            "tried that resemble the target"]  # fmt: skip
    return table(head, rows)


def _pair(one: SourceNumbers) -> str:
    return f"{one.pair[0]} → {one.pair[1]}"


def _named(name: str, flips: int) -> str:
    return f"{name}: {flips}"


def _agreement(added: Added) -> str:
    value = rank_agreement([one.push for one in added.tried], [float(one.flips) for one in added.tried])
    return "—" if value is None else f"{value:+.2f}"
