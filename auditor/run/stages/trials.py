"""The trials of a run: on selection pictures, which choose, and on confirmation pictures, which are reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PureWindowsPath

import pyarrow as pa
import pyarrow.compute as pc

from auditor.candidates.confirmation import order_of_test
from auditor.candidates.controls import Making, steps
from auditor.candidates.selection import Selection, narrowing, select
from auditor.core.config import TrialsConfig
from auditor.core.hashing import sha256_of
from auditor.core.records import Candidate, ImagePool, Looks, Origin, Repeat, Split
from auditor.core.records.trials import Clean, ConfirmedTrials, Outcome, TrialBlock, TrialName, Trials, eligible_rows
from auditor.core.shelf import Shelf
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.ledger import Look, enter, ledger_folder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene
from auditor.run.stages.clean import CLEAN, network_of_trials
from auditor.run.stages.confirmed import as_they_ended, confirmed
from auditor.run.stages.examples import draw_examples
from auditor.run.stages.grounds import deciding, open_grounds
from auditor.run.stages.images import IMAGES
from auditor.run.stages.surveyed import surveyed
from auditor.run.tables import outcome_from_json, outcome_to_json
from auditor.statistics.survey import survey_rows
from auditor.trials.bench import SHARDS, Bench, Table, Trial
from auditor.trials.blocks import blocks_of
from auditor.trials.patch import Patch, pixels_sha256
from auditor.trials.placements import own_variants
from auditor.trials.repeat import repeat

TABLE = "trials.parquet"
_OUTCOME = "cache/outcome.json"
AUDIT = "an audit"
"""What for confirmation pictures are looked at, in the ledger."""


def _make(run: Run, folder: RunFolder) -> Facts:
    proposals, config = run.get(CANDIDATES), run.config
    bench = open_bench(run, folder)
    placement = config.trials.placements[0]
    selection = select(bench, proposals.patches, placement)
    chosen = tuple(patch.candidate.id for patch in selection.chosen)
    if not proposals.patches or not bench.eligible(Split.CONFIRMATION):
        rungs = narrowing(proposals.rungs, selection, {})
        return keep_trials(folder, bench, Outcome((), len(proposals.patches), steps(), rungs))
    looks = look_at_confirmation(run, config.trials, proposals.patches, run.folder.name, AUDIT)
    survey = surveyed(bench, proposals.patches, chosen, placement)
    making = Making(open_scene(run), atlas_of_controls(run))
    settled = confirmed(bench, making, selection.chosen, looks.chosen_from, survey.tried)
    candidates = [patch.candidate for patch in proposals.patches]
    outcome = Outcome(
        chosen=chosen,
        tried=len(candidates),
        controls=steps(),
        rungs=narrowing(
            proposals.rungs, selection, {one.id: survey.tried[one.id] for one in candidates if one.spot is None}
        ),
        survey=survey_rows(candidates, _at_first_placement(selection, candidates), survey.tried, survey.shared, chosen),
        validity=survey.validity,
        examples=draw_examples(folder, bench, settled, proposals.patches),
        looks=looks,
        repeat=repeated(bench, settled, proposals.patches),
    )
    return keep_trials(folder, bench, outcome)


def _at_first_placement(selection: Selection, candidates: Sequence[Candidate]) -> dict[str, TrialBlock]:
    """The selection trials that the survey may stand beside its own: not those of crops at their own places."""
    return {one.id: selection.blocks[one.id] for one in candidates if one.spot is None and one.id in selection.blocks}


def repeated(bench: Bench, confirmed: Sequence[ConfirmedTrials], patches: Sequence[Patch]) -> Repeat | None:
    """A few trials of the first confirmed candidate made a second time; None where there is none."""
    if not confirmed:
        return None
    first = confirmed[0]
    rgba = next(patch.rgba for patch in patches if patch.candidate.id == first.candidate.id)
    name = TrialName(Split.CONFIRMATION, first.candidate.id, "", first.placement)
    own = own_variants(first.candidate, first.placement)
    return repeat(bench.table, Trial(name, rgba, variants=own), first.block)


def look_at_confirmation(
    run: Run,
    pasting: TrialsConfig,
    patches: Sequence[Patch],
    name: str,
    what: str,
    pictures: tuple[ImagePool, Clean] | None = None,
    paid: Sequence[str] = (),
) -> Looks:
    """Enter in the ledger that patches are tried on a run's confirmation pictures, before they are.

    Args:
        pasting: how the patches are pasted.
        name: of the run, as the ledger tells it; what: the look is for.
        pictures: those looked at and the unpatched model's word on them; None: the run's own.
        paid: names of looks that the test allows for.
    """
    inputs = run.inputs
    pool, clean = pictures or (run.get(IMAGES), run.get(CLEAN))
    pixels = {patch.candidate.id: pixels_sha256(patch.rgba) for patch in patches}
    look = Look(
        run=name,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        what=what,
        model=PureWindowsPath(inputs.subject.model).name,  # its folder is the machine's
        weights_sha256=inputs.subject.weights_sha256,
        source=inputs.source.indices,
        target=inputs.target.indices,
        seed=run.config.seed,
        settings=sha256_of(deciding(inputs, pasting).encode()),
        pictures=tuple(sorted(pool.images[row].key for row in eligible_rows(pool, clean, Split.CONFIRMATION))),
        patches=tuple(sorted(set(pixels.values()))),
    )
    brought = [patch.candidate.id for patch in patches if patch.candidate.origin is Origin.USER]
    return enter(ledger_folder(run.folder.path), look, {identity: pixels[identity] for identity in brought}, paid)


def open_bench(run: Run, shelf: Shelf) -> Bench:
    """Where the patches of a run are measured.

    Args:
        shelf: keeps the blocks; the run's own folder, or one of patches that a person brought.
    """
    return Bench(shelf, run.open(open_table), hands(run, open_table))


def open_table(run: Run) -> Table:
    """What a worker measures on."""
    pool, clean = run.get(IMAGES), run.get(CLEAN)  # where it is decided which network the trials run
    return Table(run.inputs, run.open(network_of_trials), pool, clean, run.progress, run.open(open_grounds))


def keep_trials(folder: RunFolder, bench: Bench, outcome: Outcome) -> Facts:
    """Write every block that was measured as one table, and how it ended. Returns what the manifest notes."""
    pastes = folder.join_tables(TABLE, list(bench.measured)) if bench.measured else 0
    folder.write_text(_OUTCOME, outcome_to_json(outcome))
    return {"pastes": pastes, **({} if outcome.looks is None else {"looks_before": len(outcome.looks.earlier)})}


def _read(run: Run) -> Trials:
    outcome = outcome_from_json(run.folder.read_text(_OUTCOME))
    return Trials(outcome, _confirmed(run, outcome) if outcome.chosen else ())


def _confirmed(run: Run, outcome: Outcome) -> tuple[ConfirmedTrials, ...]:
    """The confirmed candidates with their controls, out of the table of all trials."""
    table = run.folder.read_table(TABLE)
    chosen = pc.is_in(table["candidate"], value_set=pa.array(outcome.chosen))
    blocks = blocks_of(table.filter(pc.and_(chosen, pc.equal(table["split"], str(Split.CONFIRMATION)))))
    candidates = {patch.candidate.id: patch.candidate for patch in run.get(CANDIDATES).patches}
    pool, clean = run.get(IMAGES), run.get(CLEAN)
    eligible = len(eligible_rows(pool, clean, Split.CONFIRMATION))
    found = []
    chosen_ones = [candidates[identity] for identity in outcome.chosen]
    for candidate, placement in order_of_test(chosen_ones, run.config.trials.placements):
        of_both = {
            name.control: block
            for name, block in blocks.items()
            if (name.candidate, name.placement) == (candidate.id, placement)
        }
        own = of_both.pop("")
        one = ConfirmedTrials(candidate, placement, own, of_both, outcome.controls)
        found.append(as_they_ended(one, eligible) if run.config.trials.stop_early else one)
    return tuple(found)


TRIALS = Stage(
    "trials",
    (IMAGES, CLEAN, ATLAS, CANDIDATES),
    (TABLE, _OUTCOME, f"{SHARDS}/*", "pictures/example-*"),
    _make,
    _read,
    needed=(TABLE, _OUTCOME, "pictures/example-*"),
)
