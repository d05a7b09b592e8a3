"""Looking again at the same confirmation pictures, from the command line."""

from __future__ import annotations

import json
from pathlib import Path


def said(result) -> str:
    return " ".join(result.stdout.split())


def looks_of(folder: Path) -> list[tuple[str, int]]:
    earlier = json.loads((folder / "result.json").read_text())["looks"]["earlier"]
    return [(one["run"], one["patches"]) for one in earlier]


def test_looking_again_is_said_and_a_repeat_is_none(world, invoke, finished, own_run) -> None:
    tried = len(json.loads((own_run / "findings.json").read_text())["survey"])
    invoke("trial", own_run)  # the copy stands in a folder without a ledger: this is its first line
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()
    assert looks_of(own_run) == []
    box = "Confirmation pictures looked at for the first time"
    assert f"- [x] {box}: 0 earlier looks in the ledger" in (own_run / "checklist.md").read_text()

    second = own_run.parent / "second"
    fewer = world.edited("fewer.toml", ("tried = 6", "tried = 5"))
    result = invoke("run", fewer, "--out", second)
    assert looks_of(second) == [("run", tried)]
    sentence = f"had been looked at once before, for the same model and pair, with {tried} patches in all"
    assert sentence in said(result)
    assert sentence in (second / "report.html").read_text()
    assert f"- [ ] {box}: 1 earlier look in the ledger" in (second / "checklist.md").read_text()
    assert json.loads((second / "manifest.json").read_text())["stages"]["trials"]["looks_before"] == 1

    # resumed, reported and measured anew: no new look, and none that came since counts
    for again in (("run", "--resume", second), ("report", second), ("trial", second)):
        assert sentence in said(invoke(*again))
    assert "tells of no earlier look" in said(invoke("trial", own_run))
    assert len((own_run.parent / "looks.jsonl").read_text().splitlines()) == 2


def test_a_ledger_that_cannot_be_used_stops_no_audit(invoke, finished, own_run) -> None:
    (own_run.parent / "looks.jsonl").mkdir()
    result = invoke("trial", own_run)
    assert result.exit_code == finished[1].exit_code
    assert "Looks may be missing: looks.jsonl cannot be read" in said(result)
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()
