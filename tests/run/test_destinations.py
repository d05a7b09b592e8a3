"""Where pictures went: counted by hand in a small table of trials, and told in the report."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa

from auditor.core.records import Finding, Placement
from auditor.core.records.destinations import UNCHANGED, Destination
from auditor.run.destinations import destinations
from auditor.run.folder import RunFolder
from auditor.run.review import open_run

COLUMNS = ("image", "split", "candidate", "control", "placement", "clean", "patched", "target_after", "flip")
PAN, WOK, BOWL, MUG = range(4)


def row(image: str, patched: int, control: str = "", after: float = 0.0, **other: str) -> dict[str, object]:
    values = ("image", image), ("split", "confirmation"), ("candidate", "c-001"), ("control", control)
    told = {**dict(values), "placement": "best", "clean": PAN, "patched": patched, "target_after": after}
    return {**told, "flip": patched == WOK, **other}


def written(tmp_path: Path, rows: list[dict[str, object]]) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.write_table("trials.parquet", pa.Table.from_pylist(rows).select(list(COLUMNS)))
    return folder


def finding() -> Finding:
    of = SimpleNamespace(candidate=SimpleNamespace(id="c-001"), placement=Placement.BEST)
    return cast("Any", SimpleNamespace(**vars(of), control=SimpleNamespace(name="noise")))


def test_a_picture_goes_where_the_trial_that_counts_took_it(tmp_path: Path) -> None:
    rows = [
        *(row("a", PAN, after=0.9), row("a", WOK, after=0.6)),  # it flips, though another trial comes nearer by number
        *(row("b", PAN, after=0.1), row("b", BOWL, after=0.4)),
        *(row("c", PAN, after=0.3), row("c", MUG, after=0.2)),
        *(row("a", PAN, "noise"), row("b", BOWL, "noise"), row("c", PAN, "noise")),
        row("a", MUG, "grey"),
        row("d", WOK, split="selection"),
        row("d", WOK, placement="fixed"),
        row("d", WOK, candidate="c-002"),
    ]
    (found,) = destinations(written(tmp_path, rows), [finding()])
    assert found.pictures == 3
    assert found.to == (Destination(UNCHANGED, 1, 2), Destination(BOWL, 1, 1), Destination(WOK, 1, 0))


def test_nothing_is_counted_where_nothing_lies(tmp_path: Path) -> None:
    assert destinations(RunFolder(tmp_path), [finding()]) == ()
    assert destinations(written(tmp_path, [row("a", PAN)]), []) == ()


def test_the_samples_destinations_add_up_to_its_findings() -> None:
    result = open_run(Path(__file__).resolve().parents[2] / "reports" / "sample").result
    assert len(result.destinations) == len(result.findings) > 3
    for one, found in zip(result.destinations, result.findings, strict=True):
        assert (one.candidate, one.placement) == (found.candidate.id, str(found.placement))
        assert one.pictures == found.eligible == sum(to.patched for to in one.to) == sum(to.covered for to in one.to)
        went = {to.index: (to.patched, to.covered) for to in one.to}
        assert went[result.target.indices[0]] == (found.flips, found.control.flips)
