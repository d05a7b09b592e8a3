"""Which flips of a run's findings survive a shift and a JPEG. It stands behind the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from auditor.candidates.survival import see_again
from auditor.core.plain_text import json_text
from auditor.core.records.survival import Survival
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.candidates import CANDIDATES
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES
from auditor.run.stages.places import findings_by_concern
from auditor.run.stages.trials import TRIALS, open_bench
from auditor.statistics.intervals import INTERVALS
from auditor.statistics.survival import survival_of

TABLE, RESULT, BLOCKS = "survival.parquet", "cache/survival.json", "cache/survival"
_SURVIVALS = TypeAdapter(tuple[Survival, ...])


def _make(run: Run, folder: RunFolder) -> Facts:
    """Measured by the verdicts of the numbers alone, as places are."""
    trials, limits, wanted = run.get(TRIALS), run.inputs.limits, run.config.survival
    confirmed = {(one.candidate.id, one.placement): one.block for one in trials.confirmed}
    flipping = [one for one in findings_by_concern(run, trials) if one.flips][: wanted.findings]
    patches = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    bench = open_bench(run, folder)
    bench.blocks = BLOCKS
    found = []
    for finding in flipping:
        block = confirmed[finding.candidate.id, finding.placement]
        seen = see_again(bench, patches[finding.candidate.id], finding.placement, block)
        interval = INTERVALS[limits.interval]
        found.append(survival_of(seen, wanted.shift_px, wanted.jpeg_quality, interval, limits.confidence))
    pastes = folder.join_tables(TABLE, list(bench.measured)) if bench.measured else 0
    write_survivals(folder, found)
    return {"pastes": pastes}


def write_survivals(folder: RunFolder, found: Sequence[Survival]) -> None:
    """Keep what was found; of nothing an empty list."""
    folder.write_text(RESULT, json_text(_SURVIVALS.dump_python(tuple(found), mode="json"), indent=1))


def _read(run: Run) -> tuple[Survival, ...]:
    return _SURVIVALS.validate_json(run.folder.read(RESULT))


SURVIVAL = Stage(
    "survival",
    (IMAGES, CLEAN, CANDIDATES, TRIALS),
    (TABLE, RESULT, f"{BLOCKS}/*"),
    _make,
    _read,
    needed=(TABLE, RESULT),
)
