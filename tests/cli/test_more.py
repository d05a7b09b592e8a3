"""Confirming a run's candidates on more pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from auditor.report.findings_json import schema
from tests.cli.test_whole_run import check_findings, findings_of
from tests.tiny_world import draw


@pytest.fixture
def more(world, tmp_path: Path) -> Path:
    """Thirty new red pans, a blue wok, and two pictures that the run knows: one as it is, one saved anew."""
    folder = tmp_path / "more"
    generator = np.random.default_rng(77)
    for label in ("red pan", "blue wok"):
        (folder / label).mkdir(parents=True)
    for number in range(30):
        draw("red pan", generator).save(folder / "red pan" / f"new-{number:02d}.png")
    draw("blue wok", generator).save(folder / "blue wok" / "new.png")
    known = world.folder / "photos" / "red pan"
    shutil.copy(known / "00.png", folder / "red pan" / "known.png")
    with Image.open(known / "01.png") as picture:
        picture.save(folder / "red pan" / "saved-anew.png", compress_level=1)
    return folder


def test_more_pictures_confirm_the_same_candidates_at_a_look_of_their_own(invoke, finished, own_run, more) -> None:
    before = findings_of(own_run)
    files = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file() and path.name != "manifest.json"}
    result = invoke("run", "--more", own_run, "--images", more)
    assert result.exit_code in (0, 1, 3), result.output
    assert all(path.read_bytes() == data for path, data in files.items())  # the first result stays as it is

    look = own_run / "more" / "look-2"
    after = findings_of(look)
    jsonschema.validate(after, schema(), jsonschema.Draft202012Validator)
    check_findings(look)
    assert {one["candidate"] for one in after["findings"]} == {one["candidate"] for one in before["findings"]}
    added = pd.read_parquet(look / "images.parquet")
    assert len(added) == 30
    assert set(added.label_name) == {"red pan"}
    assert not set(added.sha256) & set(pd.read_parquet(own_run / "images.parquet").sha256)
    skipped = {Path(one["path"]).name: one["reason"] for one in after["images"]["skipped"]}
    assert (skipped["known.png"], skipped["saved-anew.png"]) == ("duplicate", "near-duplicate")
    assert after["eligible"] == before["eligible"] + 30
    # old pictures flip as they did
    trials = {folder: pd.read_parquet(folder / "trials.parquet") for folder in (own_run, look)}
    keys = ["image", "candidate", "control", "placement", "variant"]
    old, both = (table[table.split == "confirmation"].set_index(keys).flip.sort_index() for table in trials.values())
    shared = both.index.intersection(old.index)
    assert len(shared) == before["eligible"] * 8 * len(before["findings"])
    assert (both[shared] == old[shared]).all()
    # of 20% the second look may spend 1%, and nine tenths are a first look's
    assert after["limits"]["confidence"] == pytest.approx(1 - 0.01 / 0.9)

    looks = json.loads((look / "result.json").read_text())["looks"]
    assert (looks["number"], looks["earlier"]) == (2, [])
    assert looks["spent"] == pytest.approx(0.19)
    told = " ".join(result.stdout.split())
    assert "This is look 2 at these candidates" in told
    assert "at most 19.0% of audits" in told
    assert (
        "- [x] Confirmation pictures looked at for the first time, or by a test that allows for looking again"
        in (look / "checklist.md").read_text()
    )

    # what the second look added is known to the third
    again = invoke("run", "--more", own_run, "--images", more)
    assert again.exit_code == 2
    assert "holds no new picture of the source" in " ".join(again.stderr.split())
    assert not (own_run / "more" / "look-3").exists()
    generator = np.random.default_rng(78)
    for number in range(5):
        draw("red pan", generator).save(more / "red pan" / f"newer-{number}.png")
    assert invoke("run", "--more", own_run, "--images", more).exit_code in (0, 1, 3)
    third = own_run / "more" / "look-3"
    check_findings(third)
    assert findings_of(third)["eligible"] == after["eligible"] + 5
    assert findings_of(third)["limits"]["confidence"] == pytest.approx(1 - 0.2 / 60 / 0.9)
    looks = json.loads((third / "result.json").read_text())["looks"]
    assert (looks["number"], looks["earlier"]) == (3, [])
    assert looks["spent"] == pytest.approx(0.19 + 0.2 / 60)


def test_what_more_pictures_cannot_do_is_said(invoke, world, own_run, tmp_path) -> None:
    for wrong in (
        ("run", "--more", own_run),
        ("run", world.config, "--more", own_run, "--images", tmp_path),
        ("run", "--more", own_run, "--images", tmp_path, "--seed", "3"),
    ):
        said = invoke(*wrong)
        assert said.exit_code == 2
        assert "give --images with the new pictures, and nothing else" in " ".join(said.stderr.split())
    none_new = invoke("run", "--more", own_run, "--images", world.folder / "photos")
    assert none_new.exit_code == 2
    assert "holds no new picture of the source" in " ".join(none_new.stderr.split())
    assert not (own_run / "more").exists()
    assert invoke("review", own_run, "--mark", "c-002=context", "--by", "Ada").exit_code == 1
    settled = invoke("run", "--more", own_run, "--images", world.folder / "photos")
    assert settled.exit_code == 2
    assert "ended in fail, and a settled verdict stays" in " ".join(settled.stderr.split())
