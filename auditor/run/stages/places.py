"""The places of a run: where and how large its most worrying candidates have to be. It stands behind the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from auditor.candidates.controls import Making, make_controls
from auditor.candidates.on_object import measure_on_object
from auditor.candidates.places import Mapped, measure_places
from auditor.core.plain_text import json_text
from auditor.core.records import Finding, Split, Verdict
from auditor.core.records.places import PlaceMap
from auditor.core.records.trials import Trials
from auditor.report.order import most_worrying, one_a_candidate
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.grounds import with_attribution
from auditor.run.stages.images import IMAGES
from auditor.run.stages.trials import TRIALS, open_bench, open_table
from auditor.statistics.findings import make_findings
from auditor.statistics.on_object import at_attribution
from auditor.statistics.place_map import place_map
from auditor.trials.bench import Bench, Table

FEWEST = 2
"""Eligible pictures below which nothing has a spread."""

TABLE, MAPS, BLOCKS = "places.parquet", "cache/places.json", "cache/places"
_MAPS = TypeAdapter(tuple[PlaceMap, ...])


def _make(run: Run, folder: RunFolder) -> Facts:
    """Measured by the verdicts of the numbers alone: marks that people make later change no file of this stage."""
    trials, limits = run.get(TRIALS), run.inputs.limits
    bench = open_bench(run, folder)
    bench.blocks = BLOCKS
    wanted = mapped_findings(run, trials) if bench.eligible(Split.CONFIRMATION) >= FEWEST else ()
    controls = make_controls(Making(open_scene(run), atlas_of_controls(run))) if wanted else ()
    of_name = {control.name: control for control in controls}
    patches = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    by_attribution = _bench_on_object(run, folder) if wanted and run.inputs.mapped else None
    maps = []
    for finding in wanted:
        covering = of_name.get(finding.control.name, of_name["grey"])  # an earlier version had others
        one = Mapped(patches[finding.candidate.id], covering)
        found = place_map(*measure_places(bench, one), limits.uplift, limits.confidence, run.config.seed)
        seen = measure_on_object(by_attribution, one) if by_attribution is not None else ()
        maps.append(replace(found, on_object=tuple(at_attribution(outcomes, limits.confidence) for outcomes in seen)))
    measured = [*bench.measured, *(by_attribution.measured if by_attribution is not None else ())]
    pastes = folder.join_tables(TABLE, measured) if measured else 0
    write_maps(folder, maps)
    return {"pastes": pastes}


def _bench_on_object(run: Run, folder: RunFolder) -> Bench:
    return Bench(folder, run.open(_table_on_object), hands(run, _table_on_object), blocks=BLOCKS)


def _table_on_object(run: Run) -> Table:
    """As for the trials, with the attribution of the pictures that the dose-response is measured on."""
    table = run.open(open_table)
    rows = table.rows(Split.CONFIRMATION, (0, run.config.places.dose_pictures)).tolist()
    grounds = with_attribution(table.grounds, run.inputs, table.pool, rows)
    # no copy, which would share the sweeps that know no attribution
    return Table(table.inputs, table.classifier, table.pool, table.clean, table.progress, grounds)


def mapped_findings(run: Run, trials: Trials) -> tuple[Finding, ...]:
    """The findings whose places are measured, one a candidate."""
    return one_a_candidate(findings_by_concern(run, trials))[: run.config.places.findings]


def findings_by_concern(run: Run, trials: Trials) -> list[Finding]:
    """Those that fail, then the open ones, then the rest; a finding that is held to no limit is none of them."""
    chosen_from = trials.outcome.looks.chosen_from if trials.outcome.looks else {}
    findings = make_findings(trials.confirmed, run.inputs.limits, {}, chosen_from)
    return [finding for finding in most_worrying(findings) if finding.word is not Verdict.NOT_HELD]


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
