"""The commands that run one stage, print one report, or look before an audit."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from PIL import Image

import auditor
from auditor.inputs.model.device import choose_device, describe_device
from auditor.report.findings_json import schema
from auditor.trials.sweep import Sweep

TABLE = [
    "source",
    "target",
    "patch",
    "placement",
    "flipped",
    "correct_before",
    "percent_flipped",
    "interval_low",
    "interval_high",
    "p_target_before",
    "p_target_after",
    "strongest_control",
    "control_flipped",
    "uplift",
    "uplift_low",
    "uplift_high",
    "verdict",
    "hypotheses",
]


def test_stages_one_after_another_make_the_same_run(world, invoke, finished, tmp_path) -> None:
    """atlas on a TOML, then suggest and trial on its folder, end where `run` ends."""
    folder = tmp_path / "run"
    made = invoke("atlas", world.config, "--out", folder)
    assert made.exit_code == 0
    cells = pd.read_parquet(folder / "cells.parquet")
    assert f"{len(cells)} cells of" in made.stdout
    assert f"{folder / 'atlas' / '4.webp'}\n{folder / 'atlas' / '6.webp'}" in made.stdout
    assert not (folder / "candidates.parquet").exists()

    suggested = invoke("suggest", folder)
    assert suggested.exit_code == 0
    assert {"c-001", "c-006", "r-001", "r-006"} <= set(suggested.stdout.split())
    assert not (folder / "trials.parquet").exists()
    for drawn in ("4.webp", "6.webp", "4-predicted.webp", "hinton.png"):
        assert (folder / "atlas" / drawn).read_bytes() == (finished[0] / "atlas" / drawn).read_bytes()

    tried = invoke("trial", folder)
    assert tried.exit_code == finished[1].exit_code
    assert (folder / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_suggest_on_a_toml_makes_candidates_and_stops(world, invoke, tmp_path) -> None:
    made = invoke("suggest", world.config, "--out", tmp_path / "run")
    assert made.exit_code == 0
    kept = pd.read_parquet(tmp_path / "run" / "candidates.parquet").id.tolist()
    assert sorted(path.stem for path in (tmp_path / "run" / "candidates").iterdir()) == sorted(kept)
    # six crops, as many random ones, three by contrast, a trained one, and some made of the others
    letters = Counter(name[0] for name in kept)
    assert (letters["c"], letters["r"], letters["k"], letters["o"]) == (6, 6, 3, 1)
    assert 1 <= len(set(letters) - set("crko")) <= len("idsp")
    with Image.open(tmp_path / "run" / "contact-sheet.webp") as sheet:
        assert sheet.width == 1920
    assert f"{tmp_path / 'run' / 'contact-sheet.webp'}" in made.stdout
    assert not (tmp_path / "run" / "findings.json").exists()


def test_a_stage_run_again_drops_what_follows_and_ends_the_same(invoke, finished, own_run) -> None:
    (own_run / "cells.parquet").write_bytes(b"spoilt")
    assert invoke("atlas", own_run).exit_code == 0
    assert not (own_run / "trials.parquet").exists()
    assert not (own_run / "findings.json").exists()
    assert (own_run / "images.parquet").exists()
    assert invoke("run", "--resume", own_run).exit_code == finished[1].exit_code
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_trial_again_measures_again(invoke, finished, own_run, monkeypatch) -> None:
    run, swept = Sweep.run, []
    monkeypatch.setattr(Sweep, "run", lambda *arguments: swept.append(1) or run(*arguments))
    assert invoke("trial", own_run).exit_code == finished[1].exit_code
    trials = pd.read_parquet(own_run / "trials.parquet")
    blocks = trials.groupby(["split", "candidate", "control", "placement"]).ngroups
    behind = sum(len(list((own_run / "cache" / name).iterdir())) for name in ("places", "survival"))
    assert len(swept) == blocks + behind + 1  # one is made once more, to compare it
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def check_table(folder: Path, eligible: int, variants: dict[str, int]) -> list[dict[str, str]]:
    """table.csv against the trials beside it."""
    trials = pd.read_parquet(folder / "trials.parquet")
    assert set(trials.split) == {"confirmation"}
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == TABLE
    for row in rows:
        own = trials[(trials.candidate == f"u-{row['patch']}") & (trials.placement == row["placement"])]
        pasted = own[own.control == ""]
        assert pasted.variant.nunique() == variants[row["placement"]]
        outcomes = pasted.groupby("image").flip.any()
        assert (int(row["flipped"]), int(row["correct_before"])) == (outcomes.sum(), len(outcomes))
        assert len(outcomes) == eligible
        assert float(row["percent_flipped"]) == pytest.approx(100 * outcomes.mean(), abs=0.05)
        control = own[own.control == row["strongest_control"]].groupby("image").flip.any()
        assert int(row["control_flipped"]) == control.sum()
        assert float(row["uplift"]) == pytest.approx(100 * (outcomes.mean() - control.mean()), abs=0.05)
        after = pasted.groupby("image").target_after.max().mean()
        assert float(row["p_target_after"]) == pytest.approx(100 * after, abs=0.05)
    return rows


def test_trial_measures_a_persons_patches(world, invoke, finished, own_run) -> None:
    before = (own_run / "findings.json").read_bytes()
    typed = ("trial", own_run, "--patches", world.folder / "stickers", "--placements", "fixed,best")
    there = sorted(own_run.rglob("*"))
    ahead = json.loads(invoke(*typed, "--dry-run", "--json").stdout)
    assert sorted(own_run.rglob("*")) == there
    result = invoke(*typed)
    assert result.exit_code == 1  # the spots were brought by a person, so nobody has to look at them first
    folder = own_run / "patch-trials" / "stickers"
    assert ahead["passes"] == len(pd.read_parquet(folder / "trials.parquet"))
    assert (ahead["controls"], ahead["places"]) == (7, {"fixed": 1, "best": 12})
    assert f"table: {folder / 'table.csv'}" in result.stdout
    eligible = json.loads(before)["eligible"]
    rows = check_table(folder, eligible, {"fixed": 1, "best": 12})
    assert [(row["patch"], row["placement"]) for row in rows] == [
        ("Plain Grey", "best"),
        ("Plain Grey", "fixed"),
        ("spots", "best"),
        ("spots", "fixed"),
    ]
    spots = {row["placement"]: row for row in rows if row["patch"] == "spots"}
    assert spots["fixed"]["verdict"] == "fail"
    # with the best of twelve places and sizes a control flips pictures, too: freedom is not content
    trials = pd.read_parquet(folder / "trials.parquet")
    texture = trials[(trials.candidate == "u-spots") & (trials.control == "phase scrambled")]
    flipped = texture.groupby(["placement", "image"]).flip.max().groupby("placement").sum()
    assert flipped["best"] > flipped["fixed"] == 0
    assert [row["flipped"] for row in rows if row["patch"] == "Plain Grey"] == ["0", "0"]
    assert (own_run / "findings.json").read_bytes() == before
    assert json.loads((folder / "findings.json").read_text())["verdict"] == "fail"


def test_trial_of_patches_needs_no_atlas(world, invoke, tmp_path) -> None:
    folder = tmp_path / "run"
    result = invoke("trial", world.config, "--patches", world.folder / "stickers", "--out", folder)
    assert result.exit_code == 1
    assert not (folder / "cells.parquet").exists()
    rows = check_table(folder / "patch-trials" / "stickers", 27, {"fixed": 1})
    assert len(rows) == 2


def test_what_patches_would_take_on_more_pictures_than_there_are(world, invoke, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    dry = ("trial", world.config, "--patches", world.folder / "stickers", "--dry-run")
    result = invoke(*dry, "--placements", "best", "--pictures", "1000")
    assert result.exit_code == 0, result.output
    counted, ahead = result.stdout.splitlines()
    assert counted == (
        "2 patches, beside each 6 controls, at 12 places (best 12), on 1,000 confirmation pictures, where 27 are "
        "eligible here"
    )
    assert ahead.startswith("ahead: 168,000 pictures through the network, about ")
    assert list(tmp_path.iterdir()) == []
    for typed, told in (
        (("trial", world.config, "--dry-run"), "give --patches too"),
        ((*dry[:-1], "--pictures", "9"), "--pictures is for --dry-run"),
        ((*dry, "--pictures", "0"), "--pictures"),
    ):
        refused = invoke(*typed)
        assert refused.exit_code == 2, typed
        assert told in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_report_prints_each_format_and_nothing_else(invoke, finished) -> None:
    folder, _ = finished
    said = {form: invoke("report", folder, "--format", form) for form in ("json", "html", "checklist", "junit")}
    assert {result.exit_code for result in said.values()} == {0}
    assert said["json"].stdout_bytes == (folder / "findings.json").read_bytes()
    assert said["html"].stdout_bytes == (folder / "report.html").read_bytes()
    assert said["checklist"].stdout_bytes == (folder / "checklist.md").read_bytes()
    jsonschema.validate(json.loads(said["json"].stdout), schema(), jsonschema.Draft202012Validator)
    assert xml.etree.ElementTree.fromstring(said["junit"].stdout).tag in ("testsuites", "testsuite")


def test_report_writes_the_reports_anew(invoke, finished, own_run) -> None:
    for name in ("report.html", "findings.json", "checklist.md", "junit.xml"):
        (own_run / name).unlink()
    result = invoke("report", own_run)
    assert result.exit_code == finished[1].exit_code
    for name in ("report.html", "findings.json", "checklist.md", "junit.xml"):
        written, original = (own_run / name).read_bytes(), (finished[0] / name).read_bytes()
        assert written == original


def test_report_of_an_unfinished_run(world, invoke, tmp_path) -> None:
    assert invoke("atlas", world.config, "--out", tmp_path / "run").exit_code == 0
    result = invoke("report", tmp_path / "run")
    assert result.exit_code == 2
    assert f"holds no result yet; finish it with 'auditor run --resume {tmp_path / 'run'}'" in result.stderr


def test_layers_of_a_toml_and_of_a_name_without_weights(world, invoke) -> None:
    own = invoke("layers", world.config)
    assert own.exit_code == 0
    rows = {line.split()[1]: line for line in own.stdout.splitlines() if line.startswith("│")}
    assert "8 × 16 × 16" in rows["features.3"]
    assert "default" in rows["features.3"]
    assert "yes" in rows["features.1"]
    assert "yes" not in rows["head"]
    assert "head" not in invoke("layers", world.config, "--mappable").stdout

    named = invoke("layers", "shufflenet_v2_x0_5", "-v")
    assert named.exit_code == 0
    assert "not mappable: stage2.0.branch1: a path of the network goes around it" in named.stderr.splitlines()
    assert "stage3.7.branch2.7" in named.stdout
    by_factory = invoke("layers", f"{world.folder / 'network.py'}:network")
    assert "features.3" in by_factory.stdout


def test_layers_names_the_nearest_model(invoke) -> None:
    result = invoke("layers", "squeezenet1_00")
    assert result.exit_code == 2
    assert "squeezenet1_00" in result.stderr
    assert "the nearest is 'squeezenet1_0'" in result.stderr


def test_doctor_says_what_is_here(invoke) -> None:
    result = invoke("doctor")
    assert result.exit_code == 0
    device = describe_device(choose_device("auto")).split()[0]
    for word in ("torch", device, "CUDA", "memory", "14 patches", "305 drawings", auditor.__version__):
        assert word in result.stdout


def test_version_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, auditor.__version__, "")


def test_no_command_shows_the_help(invoke) -> None:
    result = invoke()
    assert result.exit_code in (0, 2)
    for command in ("run", "demo", "init", "layers", "doctor", "atlas", "suggest", "trial", "report", "review"):
        assert f" {command} " in result.output


def test_a_lost_atlas_cache_does_not_lose_the_screening(invoke, finished, own_run) -> None:
    """The atlas is made again, but the cells' predicted push, which decides a control, is kept."""
    (own_run / "cache" / "samples.safetensors").unlink()
    result = invoke("run", "--resume", own_run)
    assert result.exit_code in (0, 1, 3), result.output
    for file in ("cells.parquet", "findings.json"):
        assert (own_run / file).read_bytes() == (finished[0] / file).read_bytes()


def test_a_run_without_its_cache_is_still_whole(world, invoke, finished, own_run) -> None:
    """The cache may be deleted: reports do without, and what needs it makes it again."""
    shutil.rmtree(own_run / "cache")
    assert invoke("report", own_run).exit_code == finished[1].exit_code
    assert invoke("trial", own_run, "--patches", world.folder / "stickers").exit_code == 1
    assert invoke("run", "--resume", own_run).exit_code == finished[1].exit_code
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()
