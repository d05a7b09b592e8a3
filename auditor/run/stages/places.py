"""The places of a run: where and how large its most worrying candidates have to be. It stands behind the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from auditor.candidates.controls import Making, make_controls
from auditor.candidates.places import Mapped, measure_places
from auditor.core.plain_text import json_text
from auditor.core.records import Finding, Split, Verdict
from auditor.core.records.places import PlaceMap
from auditor.core.records.trials import Trials
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES
from auditor.run.stages.trials import TRIALS, open_bench
from auditor.statistics.findings import make_findings
from auditor.statistics.place_map import place_map

FEWEST = 2
"""Eligible pictures below which nothing has a spread."""

TABLE, MAPS, BLOCKS = "places.parquet", "cache/places.json", "cache/places"
_MAPS = TypeAdapter(tuple[PlaceMap, ...])
_CONCERN = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def _make(run: Run, folder: RunFolder) -> Facts:
    """Measured by the verdicts of the numbers alone: marks that people make later change no file of this stage."""
    trials, limits = run.get(TRIALS), run.inputs.limits
    bench = open_bench(run, folder)
    bench.blocks = BLOCKS
    wanted = mapped_findings(run, trials) if bench.eligible(Split.CONFIRMATION) >= FEWEST else ()
    controls = make_controls(Making(open_scene(run), atlas_of_controls(run))) if wanted else ()
    of_name = {control.name: control for control in controls}
    patches = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    maps = []
    for finding in wanted:
        covering = of_name.get(finding.control.name, of_name["grey"])  # an earlier version had others
        one = Mapped(patches[finding.candidate.id], covering)
        maps.append(place_map(*measure_places(bench, one), limits.uplift, limits.confidence, run.config.seed))
    pastes = folder.join_tables(TABLE, list(bench.measured)) if bench.measured else 0
    write_maps(folder, maps)
    return {"pastes": pastes}


def mapped_findings(run: Run, trials: Trials) -> tuple[Finding, ...]:
    """The findings whose places are measured, one a candidate."""
    held = findings_by_concern(run, trials)
    of_candidate = {finding.candidate.id: finding for finding in reversed(held)}
    wanted = sorted(of_candidate.values(), key=held.index)
    return tuple(wanted[: run.config.places.findings])


def findings_by_concern(run: Run, trials: Trials) -> list[Finding]:
    """Those that fail, then the open ones, then the rest; a finding that is held to no limit is none of them."""
    chosen_from = trials.outcome.looks.chosen_from if trials.outcome.looks else {}
    findings = make_findings(trials.confirmed, run.inputs.limits, {}, chosen_from)
    held = [finding for finding in findings if finding.word in _CONCERN]
    return sorted(held, key=lambda finding: (_CONCERN.index(finding.word), -finding.uplift))


def write_maps(folder: RunFolder, maps: Sequence[PlaceMap]) -> None:
    """Keep the maps; of none an empty list."""
    folder.write_text(MAPS, json_text(_MAPS.dump_python(tuple(maps), mode="json"), indent=1))


def _read(run: Run) -> tuple[PlaceMap, ...]:
    return _MAPS.validate_json(run.folder.read(MAPS))


PLACES = Stage(
    "places",
    (IMAGES, CLEAN, ATLAS, CANDIDATES, TRIALS),
    (TABLE, MAPS, f"{BLOCKS}/*"),
    _make,
    _read,
    needed=(TABLE, MAPS),
)
