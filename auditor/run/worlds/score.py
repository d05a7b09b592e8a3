"""Run the whole auditor blind on planted worlds and their twins, and hold what it found against what is there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import NormalDist

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file
from torch import nn

from auditor.core.config import read_config
from auditor.core.errors import StoreError
from auditor.core.progress import Progress, Silence
from auditor.core.records import Candidate, Finding, PixelArray, Verdict, WholeFinding, strongest_first
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_bundle import DISCOVERY, SELECTION
from auditor.inputs.world.planted_networks import NETWORKS, ResidualNetwork, TokenNetwork
from auditor.run.audit import audit, continue_run, stored_config
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.review import open_run
from auditor.run.stage import Run
from auditor.run.tables import candidates_from_table
from auditor.run.worlds.baselines import (
    COMPONENTS,
    ROLES,
    SALIENCY,
    SIMILARITY,
    TRAINED,
    Proposal,
    by_saliency,
    in_order,
    of_role,
)
from auditor.run.worlds.budget import CONFIRMED, reduced
from auditor.run.worlds.cache import CONFIG, SIDES, WEIGHTS, built, side_folder
from auditor.run.worlds.components import by_components
from auditor.run.worlds.features import files_of, pixels_of
from auditor.run.worlds.fresh import FreshUplift, fresh_pictures, fresh_uplifts
from auditor.run.worlds.hits import CueFinder, first, ranked
from auditor.run.worlds.named import named, shown
from auditor.run.worlds.options import Examiner
from auditor.run.worlds.pasting import Pictures
from auditor.run.worlds.similarity import by_similarity
from auditor.run.worlds.train import TrainingSettings
from auditor.run.worlds.trained_patch import trained_patches
from auditor.statistics.conclusion import concluded
from auditor.trials.patch import read_patch

ROW_VERSION = 2
"""Of the rules by which `completed` tells of an audit; to be raised where they change."""

LEAST_DOUBT = 0.02
"""P(shortcut) is never stated as nearer to 0 or 1 than this."""


@dataclass(frozen=True, slots=True)
class FirstFinding:
    """The finding of largest uplift that is held to the limit, and its rate on fresh pictures.

    Attributes:
        candidate, name: of it; flips, eligible: on confirmation pictures; low, high: the reported interval of the rate.
        true_flips, true_eligible: on fresh pictures. shows: whether it shows the cue. answer: to the eight-option
            question.
    """

    candidate: str
    name: str
    flips: int
    eligible: int
    low: float
    high: float
    true_flips: int
    true_eligible: int
    shows: bool
    answer: str


@dataclass(frozen=True, slots=True)
class Row:
    """One audit of one network, held against what was planted.

    Attributes:
        verdict: of the run; p_shortcut: the stated probability that there is a shortcut above the limit, over all that
            keeps a run from passing.
        rank: of the first finding that shows the cue, among those held to the limit; None: none does.
        cue_flips, cue_eligible: what the cue truly does, rendered into pictures of the source.
        held: how many are held. baselines: the same rank by method.
        passes: pictures through the network's head; None where the audit was interrupted. seconds: of the audit.
        whole: kinds of effects over whole pictures that are above the limit, in the order in which a report names them.
        answers: to the eight-option question, by method: of its first crop, or of a patch trained in pixels.
        named: how many findings and effects a report names; rank_of_named: of the first of them that shows the cue.
        fresh: the findings that are held, on fresh pictures.
        largest: the largest uplift of any finding or effect.
        version: of the rules by which it was completed; rows of earlier ones are completed anew from their audits.
    """

    world: str
    side: str
    seed: int
    verdict: str
    p_shortcut: float
    rank: int | None
    held: int
    cue_flips: int
    cue_eligible: int
    first: FirstFinding | None
    baselines: dict[str, int | None]
    passes: int | None
    seconds: float
    whole: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    named: int = 0
    rank_of_named: int | None = None
    fresh: tuple[FreshUplift, ...] = ()
    largest: float = 0.0
    version: int = 0


@dataclass(slots=True)
class Scorer:
    """Scores audits one after the other; what is scored already in a folder is read back.

    Attributes:
        cache: of built worlds; out: audits go to `runs`, rows to `rows` below it.
    """

    cache: Path
    out: Path
    progress: Progress
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    examiner: Examiner = field(default_factory=Examiner)

    def rows(self, worlds: Sequence[World], seeds: int) -> list[Row]:
        """A row for each world, side and seed, seed by seed.

        Raises:
            StoreError: a world is not built, or not what was built; the folder cannot be written.
        """
        for world in worlds:
            for side in SIDES:
                built(self.cache, world, side, self.settings)
        wanted = [(world, side, seed) for seed in range(seeds) for world in worlds for side in SIDES]
        self.progress.start("auditing planted worlds and their twins", len(wanted))
        rows = []
        for world, side, seed in wanted:
            rows.append(self._row(world, side, seed))
            self.progress.advance()
        return rows

    def _row(self, world: World, side: str, seed: int) -> Row:
        shelf, file = RunFolder(self.out), f"rows/{world.name}-{side}-{seed}.json"
        if shelf.has(file):
            try:
                row = TypeAdapter(Row).validate_json(shelf.read(file))
            except ValidationError as error:
                raise StoreError(f"{self.out / file} is no row of a scoreboard; delete it and score again") from error
            if row.version == ROW_VERSION:
                return row
            scored = self._of_earlier(world, side, seed, file)
        else:
            row, scored = self._measured(world, side, seed)
        row = completed(row, scored)
        shelf.write_text(file, json.dumps(asdict(row), indent=1) + "\n")
        return row

    def _of_earlier(self, world: World, side: str, seed: int, file: str) -> Scored:
        """The audit behind a row that an earlier version wrote."""
        try:
            finished = open_run(run_folder(self.out, world.name, side, seed))
        except StoreError as error:
            raise StoreError(
                f"{self.out / file} is an earlier version's row, and its audit cannot be read ({error}); delete the "
                "row and score again"
            ) from error
        return Scored.of(world, SIDES[side], finished, opened(side_folder(self.cache, world, side), world))

    def _measured(self, world: World, side: str, seed: int) -> tuple[Row, Scored]:
        """An audit, and its row without what `completed` adds."""
        folder = side_folder(self.cache, world, side)
        run = run_folder(self.out, world.name, side, seed)
        started, whole = time.monotonic(), not (run / "manifest.json").is_file()
        with answers_counted() as answers:
            finished = _audited(folder, run, seed)
        seconds = time.monotonic() - started
        truth = built(self.cache, world, side, self.settings).effect
        network = opened(folder, world)
        scored = Scored.of(world, SIDES[side], finished, network)
        held, finder = scored.held, scored.finder
        selection = self._source(folder, world, network, SELECTION)
        proposed, trained = self._proposed(world, network, folder, list(scored.candidates.values()), seed)
        proposals = {name: in_order(chosen, selection) for name, chosen in proposed.items()}
        told = {name: self.examiner.answer(world, chosen[0].rgba) for name, chosen in proposals.items() if chosen}
        row = Row(
            world=world.name,
            side=side,
            seed=seed,
            verdict="",
            p_shortcut=LEAST_DOUBT,
            rank=first([finder.shown_by(one.candidate, scored.candidates) for one in held]),
            held=len(held),
            cue_flips=truth.flips,
            cue_eligible=truth.eligible,
            first=self._first(scored, held[0]) if held else None,
            baselines={
                name: first([finder.in_box(one.file, one.box) for one in chosen]) for name, chosen in proposals.items()
            },
            passes=answers[0] if whole else None,
            seconds=seconds,
            answers={**told, TRAINED: self.examiner.answer(world, trained)},
        )
        return row, scored

    def _proposed(
        self, world: World, network: nn.Module, folder: Path, candidates: Sequence[Candidate], seed: int
    ) -> tuple[dict[str, list[Proposal]], PixelArray]:
        """The crops of each baseline, and the first of the patches that were trained for one, (4, s, s) uint8."""
        pictures = self._source(folder, world, network, DISCOVERY).pixels
        patches = trained_patches(network, pictures, _targets(world), CONFIRMED, seed)
        found = {name: of_role(world, candidates, role, folder) for name, role in ROLES.items()}
        found[SALIENCY] = by_saliency(world, network, folder, DISCOVERY)
        found[SIMILARITY] = by_similarity(world, network, folder, DISCOVERY, pictures, patches, seed)
        found[COMPONENTS] = by_components(world, network, folder, DISCOVERY)
        opaque = np.full_like(patches[0, :1], 255)
        return found, np.concatenate([patches[0], opaque])

    def _source(self, folder: Path, world: World, network: nn.Module, split: str) -> Pictures:
        """The source's pictures of a split that the network calls source."""
        return _eligible(world, network, pixels_of(files_of(folder, split, [world.source])))

    def _first(self, scored: Scored, finding: Finding) -> FirstFinding:
        rgba = read_patch(scored.finished.folder / "candidates" / f"{finding.candidate.id}.png")
        return FirstFinding(
            candidate=finding.candidate.id,
            name=finding.candidate.name,
            flips=finding.flips,
            eligible=finding.eligible,
            low=finding.interval.low,
            high=finding.interval.high,
            true_flips=scored.fresh.flips(rgba, finding.candidate.spot),
            true_eligible=len(scored.fresh.pixels),
            shows=scored.finder.shown_by(finding.candidate, scored.candidates),
            answer=self.examiner.answer(scored.finder.world, rgba),
        )


@dataclass(frozen=True)
class Scored:
    """A finished audit of a built network, and what it takes to hold it against what was planted.

    Attributes:
        candidates: all of the run, by id. held: the findings that are, ranked. effects: over whole pictures, those that
            bring no pixel of the target along, as a report names them.
    """

    finished: Audit
    network: nn.Module
    finder: CueFinder
    candidates: Mapping[str, Candidate]
    held: Sequence[Finding]
    effects: Sequence[WholeFinding]

    @classmethod
    def of(cls, world: World, twin: bool, finished: Audit, network: nn.Module) -> Scored:
        table = RunFolder(finished.folder).read_table("candidates.parquet")
        return cls(
            finished,
            network,
            CueFinder(world, twin),
            {one.id: one for one in candidates_from_table(table)},
            ranked(finished.result.findings),
            of_whole_pictures(finished),
        )

    @cached_property
    def fresh(self) -> Pictures:
        """Pictures drawn for the purpose that the network calls source; drawn when first asked for."""
        return fresh_pictures(self.finder.world, self.finder.twin, self.network)


def completed(row: Row, scored: Scored) -> Row:
    """A row with the verdict, what is stated, the ranks among all named, and claims on fresh pictures.

    Of a finished audit, whose folder is only read from, so that rows of earlier versions are completed, too: the
    verdict is that of today's rules on what was measured.
    """
    result = concluded(scored.finished.result)
    folder = RunFolder.open(scored.finished.folder)
    run = Run(folder, stored_config(folder), Silence())
    order = named(scored.held, scored.effects)
    both: list[Finding | WholeFinding] = [*scored.held, *scored.effects]
    return replace(
        row,
        verdict=str(result.verdict),
        p_shortcut=p_shortcut(both, result.limits.uplift),
        whole=tuple(one.effect.kind for one in scored.effects if one.verdict is Verdict.FAIL),
        named=len(order),
        rank_of_named=first(shown(run, order, scored.finder, scored.candidates)),
        fresh=fresh_uplifts(run, result.verdict, scored.held, scored.fresh) if scored.held else (),
        largest=max((one.uplift for one in both), default=0.0),
        version=ROW_VERSION,
    )


def run_folder(out: Path, world: str, side: str, seed: int) -> Path:
    """Where an audit lies. Each seed has a ledger of looks of its own: it stands for an audit that is the first."""
    return out / "runs" / f"seed-{seed}" / f"{world}-{side}"


def write_board(out: Path, rows: Sequence[Row], text: str) -> None:
    """Keep the scoreboard beside its audits: `scoreboard.md`, and all rows as `scoreboard.json`."""
    shelf = RunFolder(out)
    shelf.write_text("scoreboard.json", rows_to_json(rows))
    shelf.write_text("scoreboard.md", text)


def rows_to_json(rows: Sequence[Row]) -> str:
    """Rows as JSON; `rows_from_json` reads them."""
    return json.dumps([asdict(row) for row in rows], indent=1) + "\n"


def rows_from_json(text: str | bytes) -> list[Row]:
    """The rows of `rows_to_json`.

    Raises:
        ValidationError: it is none.
    """
    return TypeAdapter(list[Row]).validate_json(text)


def of_whole_pictures(finished: Audit) -> list[WholeFinding]:
    """Effects over whole pictures that keep a run from passing where they are above the limit, in a report's order."""
    whole = finished.result.whole
    return [] if whole is None else strongest_first(whole.heeded)


def p_shortcut(held: Sequence[Finding | WholeFinding], limit: float) -> float:
    """The stated probability that an uplift is above the limit: the largest over findings and whole-picture effects.

    Each is that of a normal distribution about the uplift whose 95% interval is as wide as the reported one, which is
    corrected for everything confirmed; 0.02 where there is nothing, and never nearer to 0 or 1.

    Args:
        held: what counts, findings and effects.
    """
    found = [
        NormalDist(one.uplift, max((one.uplift_interval.high - one.uplift_interval.low) / 3.92, 1e-6)) for one in held
    ]
    highest = max((1.0 - each.cdf(limit) for each in found), default=0.0)
    return float(min(max(highest, LEAST_DOUBT), 1.0 - LEAST_DOUBT))


def opened(folder: Path, world: World) -> nn.Module:
    """A built network, in evaluation mode."""
    network = NETWORKS[world.network]()
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.eval()


def _eligible(world: World, network: nn.Module, pixels: PixelArray) -> Pictures:
    return Pictures.eligible(network, pixels, CLASS_NAMES.index(world.source), _targets(world))


def _targets(world: World) -> list[int]:
    return [CLASS_NAMES.index(name) for name in world.targets]


def _audited(folder: Path, run: Path, seed: int) -> Audit:
    """An audit of a built world, begun or continued."""
    if (run / "manifest.json").is_file():
        there = RunFolder.open(run)
        return continue_run(there, stored_config(there), Silence())
    return audit(reduced(read_config(folder / CONFIG), seed), run, Silence())


@contextmanager
def answers_counted() -> Iterator[list[int]]:
    """How many pictures come through the head of a planted world's network while the body lasts, in this process."""
    count = [0]

    def counted(module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(module, (ResidualNetwork, TokenNetwork)) and isinstance(output, torch.Tensor):
            count[0] += len(output)

    handle = torch.nn.modules.module.register_module_forward_hook(counted)
    try:
        yield count
    finally:
        handle.remove()
