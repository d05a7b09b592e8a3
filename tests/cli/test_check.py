"""`auditor check` and `run --dry-run`: all mistakes at once, or what a run will take; nothing is made."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from auditor.core.config import read_config
from auditor.core.progress import Silence
from auditor.core.records import Split
from auditor.run.check import Checked, check
from auditor.run.estimate import Estimate
from auditor.run.estimate_words import estimate_lines
from auditor.run.workload import Workload
from tests.tiny_world import World

WORK = Workload(10, 3, 20, 30, 22, 40, 50, 60, 7, 800, 1000)
MADE = Estimate(
    {Split.DISCOVERY: (8, 9), Split.SELECTION: (9, 9), Split.CONFIRMATION: (27, 30)},
    needed=12,
    workload=WORK,
    seconds={"atlas": 90.0, "trials": 10.5},
    memory=3 * 2**29,
)


def test_the_lines() -> None:
    assert estimate_lines(MADE) == (
        "eligible source pictures: discovery 8 of 9, selection 9 of 9, confirmation 27 of 30",
        "a pass takes 12 for confirmation where nothing flips",
        "ahead: at most 2,010 pictures through the network or a part of it, about 1 min 40 s on this machine "
        "(atlas 1 min 30 s, trials 10.5 s) and 1.5 GiB of memory",
    )
    assert estimate_lines(replace(MADE, needed=28))[1].endswith("; 27 are too few, so add source pictures")
    assert estimate_lines(replace(MADE, looks=(75, 150, 300)))[2].endswith(
        "GiB of memory; confirmation may stop at 75, 150 of 300 pictures (trials.stop_early)"
    )
    assert estimate_lines(replace(MADE, might_stop=(75, 150, 300)))[2].endswith(
        "; with so many pictures trials.stop_early pays: each confirmation might stop at 75, 150 of 300 pictures"
    )


def test_a_good_audit(world: World, invoke, finished, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("check", world.config)
    assert result.exit_code == 0, result.output
    eligible, needed, ahead = result.stdout.splitlines()
    assert eligible == "eligible source pictures: discovery 8 of 8, selection 9 of 9, confirmation 27 of 27"
    assert needed == "a pass takes 4 for confirmation where nothing flips"
    assert ahead.startswith("ahead: at most ")
    assert os.listdir(tmp_path) == []
    # a run says the same and goes on
    said = finished[1].stderr.splitlines()
    assert {eligible, needed} <= set(said)
    pictures = ahead.split(" through ")[0]
    (line,) = [one for one in said if one.startswith(pictures)]
    assert said.index(line) < next(place for place, one in enumerate(said) if "activations" in one)


def test_a_dry_run_takes_flags_and_makes_nothing(world: World, invoke, tmp_path: Path) -> None:
    wrong = invoke("run", world.config, "--dry-run", "--target", "cup", "--out", tmp_path / "run")
    assert wrong.exit_code == 2
    assert "class 'cup' is not in the model's 6 classes" in wrong.stderr
    assert "1 mistake; nothing was made" in wrong.stderr
    assert not (tmp_path / "run").exists()
    assert invoke("run", "--resume", tmp_path, "--dry-run").exit_code == 2


def test_all_mistakes_at_once(world: World, invoke) -> None:
    audit = world.edited(
        "mistaken.toml",
        ('source = "red pan"', 'source = "redd pan"'),
        ('target = "blue wok"', 'target = "blu wok"'),
        ('device = "cpu"', 'device = "cuda:7"'),
        ('"features.3"', '"features.9"'),
        ('all = "photos"', 'all = "fotos"'),
        ("library = false", 'library = false\npatches = "nowhere"'),
        ("[atlas]", 'boxes = "gone.csv"\n\n[atlas]'),
    )
    result = invoke("check", audit)
    assert result.exit_code == 2
    assert result.stdout == ""
    for told in (
        "'cuda:7' was asked for",
        "class 'blu wok' is not in",
        "class 'redd pan' is not in",
        "gone.csv",
        "there is no folder, CSV, parquet file or tar file of pictures at",
        "nowhere; expected a folder of PNG patches",
        "layer 'features.9' is not in",
    ):
        assert told in result.stderr, told
    assert "7 mistakes; nothing was made" in result.stderr


def test_a_model_and_labels_that_do_not_fit_are_told_together(world: World, invoke) -> None:
    (world.folder / "four.csv").write_text("name\nred pan\nblue wok\ngreen kettle\npink cup\n")
    result = invoke("check", world.edited("four.toml", ("classes.csv", "four.csv")))
    assert result.exit_code == 2
    assert "2 folders or labels map to no class of the model: 'cyan jug'" in result.stderr
    assert "there are 4 class names; give [classes] names the model's own list" in result.stderr
    assert "2 mistakes" in result.stderr


def test_what_only_reading_the_pictures_tells(own_world: World, invoke) -> None:
    for picture in (own_world.folder / "photos" / "pink cup").iterdir():
        picture.write_bytes(b"no picture")
    result = invoke("check", own_world.config)
    assert result.exit_code == 2
    assert "pink cup can be used: 10 not a picture" in result.stderr
    assert "1 mistake;" in result.stderr


def test_a_model_that_hardly_knows_the_target_is_said_early(world: World, invoke) -> None:
    names = ("name", "red pan", "pink cup", "green kettle", "blue wok", "cyan jug", "white plate")
    (world.folder / "swapped.csv").write_text("\n".join(names))
    result = invoke("check", world.edited("swapped.toml", ("classes.csv", "swapped.csv")))
    assert result.exit_code == 0
    doubt = "the model recognises 0 of 24 pictures of blue wok, so it hardly knows the target"
    assert f"{doubt}: so it cannot pass without limits.unknown_target" in result.stdout


def test_the_estimate_is_of_the_work_that_is_left(world: World) -> None:
    found = check(read_config(world.config), Silence())
    assert isinstance(found, Checked)
    estimate = found.estimate
    assert list(estimate.seconds) == [
        "atlas", "icons", "candidates", "trials", "removals", "places", "survival",
        "drawings and reports",
    ]  # fmt: skip
    assert all(one > 0 for one in estimate.seconds.values())
    assert estimate.total_seconds == sum(estimate.seconds.values())
    assert estimate.workload.trained == 3 * 16
    assert estimate.memory > 400 * 2**20
