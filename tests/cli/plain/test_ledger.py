"""Looking again at the same confirmation pictures, from the command line."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.statistics.covering import p_uplift_at_most
from auditor.statistics.paired import PairedCounts
from tests.cli.test_whole_run import findings_of


def said(result) -> str:
    return " ".join(result.stdout.split())


def looks_of(folder: Path) -> list[tuple[str, int]]:
    earlier = json.loads((folder / "result.json").read_text())["looks"]["earlier"]
    return [(one["run"], one["patches"]) for one in earlier]


def patches_of_survey(folder: Path) -> set[bytes]:
    """The different patches that an audit tried; two crops may be the same."""
    survey = json.loads((folder / "findings.json").read_text())["survey"]
    return {(folder / "candidates" / f"{row['candidate']}.png").read_bytes() for row in survey}


def test_looking_again_is_said_and_a_repeat_is_none(world, invoke, finished, own_run) -> None:
    tried = len(patches_of_survey(own_run))
    invoke("trial", own_run)  # the copy stands in a folder without a ledger: this is its first line
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()
    assert looks_of(own_run) == []
    box = "Confirmation pictures looked at for the first time, or by a test that allows for looking again"
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


def findings_by_id(folder: Path) -> dict[str, dict]:
    return {one["candidate"]: one for one in json.loads((folder / "findings.json").read_text())["findings"]}


@pytest.fixture
def winner(own_run: Path, tmp_path: Path) -> Path:
    """A folder with the best patch of a run's survey, saved anew, and one that nobody tried: a pixel is another."""
    survey = json.loads((own_run / "findings.json").read_text())["survey"]
    best = max(survey, key=lambda row: row["flips"])["candidate"]
    folder = tmp_path / "winner"
    folder.mkdir()
    with Image.open(own_run / "candidates" / f"{best}.png") as picture:
        pixels = np.array(picture.convert("RGBA"))
    Image.fromarray(pixels).save(folder / "best.png", compress_level=1)
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(folder / "fresh.png")
    return folder


def test_the_best_of_the_survey_tried_again_pays_for_the_survey(invoke, own_run, winner) -> None:
    patches = patches_of_survey(own_run)
    result = invoke("trial", own_run, "--patches", winner)
    folder = own_run / "patch-trials" / "winner"
    tried = findings_by_id(folder)
    best, fresh = tried["u-best"], tried["u-fresh"]
    assert (best["flips"], fresh["flips"]) == (26, 26)
    assert (best["hypotheses"], fresh["hypotheses"]) == (len(patches), 1)
    # its p-value is multiplied by the number of patches it was chosen from, and its bounds lie as much wider
    for one in (best, fresh):
        alone = [(control["alone"], control["flips"]) for control in one["controls"] if control["step"] == "covering"]
        tables = [PairedCounts(26 - b, b, flips - 26 + b, one["eligible"] - b - flips) for b, flips in alone]
        p = p_uplift_at_most(tables, findings_of(folder)["limit"])
        assert one["p_value"] == pytest.approx(min(1.0, one["hypotheses"] * p), rel=1e-6)
    assert best["uplift_interval"]["confidence"] > fresh["uplift_interval"]["confidence"]
    assert best["uplift_interval"]["low"] < fresh["uplift_interval"]["low"]
    with (folder / "table.csv").open(newline="") as file:
        assert [(row["patch"], row["hypotheses"]) for row in csv.DictReader(file)] == [
            ("best", str(len(patches))),
            ("fresh", "1"),
        ]
    # a narrow table breaks the words over its lines
    assert re.search(rf"\btried\b.*\bas\b.*\bone\b.*\b{len(patches)}\b", said(result))
    sentence = f"These very pixels had been tried on these pictures before, as one of {len(patches)} patches"
    for file in ("report.html", "checklist.md"):
        assert (folder / file).read_text().count(sentence) == 1
    assert looks_of(folder) == [("run", len(patches))]

    # the same trial again is no new look, and what the run's own survey tried is known without a ledger
    before = (folder / "findings.json").read_bytes()
    invoke("trial", own_run, "--patches", winner)
    assert (folder / "findings.json").read_bytes() == before
    (own_run.parent / "looks.jsonl").unlink()
    invoke("trial", own_run, "--patches", winner)
    assert (folder / "findings.json").read_bytes() == before


def test_a_patch_of_ones_own_that_was_tried_before_pays_in_an_audit_too(world, invoke, own_run) -> None:
    invoke("trial", own_run, "--patches", world.folder / "stickers")
    with_stickers = world.edited("again.toml", ("library = false", 'library = false\npatches = "stickers"'))
    folder = own_run.parent / "second"
    invoke("run", with_stickers, "--out", folder)
    total = json.loads((folder / "result.json").read_text())["looks"]["patches"]
    found = findings_by_id(folder)
    assert {name: one["hypotheses"] for name, one in found.items()} == {
        name: total if name.startswith("u-") else 1 for name in found
    }
    assert "u-spots" in found
