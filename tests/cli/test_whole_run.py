"""A whole audit from the command line: what it leaves behind, and every number counted again from its trials."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from typer.testing import Result

import auditor
from auditor.candidates.controls import CONTROLS, make_controls
from auditor.core.records import Step
from auditor.report.findings_json import schema
from auditor.run.folder import RunFolder
from auditor.run.pipeline import STAGES
from auditor.run.stages.atlas import read_atlas
from auditor.run.stages.icons import cells_with_icons
from tests.tiny_world import SIDE

CODES = {"pass": 0, "fail": 1, "inconclusive": 3}
FILES = (
    "manifest.json",
    "cells.parquet",
    "candidates.parquet",
    "images.parquet",
    "trials.parquet",
    "findings.json",
    "report.html",
    "checklist.md",
    "junit.xml",
)


def findings_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "findings.json").read_text())


def outcomes(trials: pd.DataFrame, candidate: str, control: str, placement: str, split: str) -> pd.Series:
    """Whether each picture flips under any variant, by picture."""
    rows = trials[
        (trials.candidate == candidate)
        & (trials.control == control)
        & (trials.placement == placement)
        & (trials.split == split)
    ]
    assert len(rows), (candidate, control, placement, split)
    return rows.groupby("image")["flip"].any()


def check_findings(folder: Path) -> None:
    """Every count and mean of the findings, from trials.parquet alone."""
    findings, trials = findings_of(folder), pd.read_parquet(folder / "trials.parquet")
    assert findings["findings"]
    for finding in findings["findings"]:
        key = (finding["candidate"], "", finding["placement"], "confirmation")
        own = outcomes(trials, *key)
        assert finding["flips"] == own.sum()
        assert finding["eligible"] == len(own) == findings["eligible"]
        assert finding["rate"] == pytest.approx(own.mean())
        uplifts = {}
        for control in finding["controls"]:
            covered = outcomes(trials, finding["candidate"], control["name"], finding["placement"], "confirmation")
            assert (control["flips"], control["eligible"]) == (covered.sum(), len(covered))
            assert control["uplift"] == pytest.approx(own.mean() - covered.mean())
            assert control["alone"] == (own & ~covered).sum()
            if control["step"] == "covering":
                uplifts[control["name"]] = own.mean() - covered.mean()
        assert finding["uplift"] == pytest.approx(min(uplifts.values()))
        assert uplifts[finding["control"]["name"]] == pytest.approx(min(uplifts.values()))
        rows = trials[(trials.candidate == key[0]) & (trials.control == "") & (trials.placement == key[2])]
        rows = rows[rows.split == "confirmation"]
        assert finding["probability_before"] == pytest.approx(rows.groupby("image").target_before.first().mean())
        assert finding["probability_after"] == pytest.approx(rows.groupby("image").target_after.max().mean())


def test_exit_code_is_the_verdict(finished: tuple[Path, Result]) -> None:
    folder, result = finished
    assert result.exit_code == CODES[findings_of(folder)["verdict"]] == 3


def test_all_files_are_left_behind(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    assert [name for name in FILES if not (folder / name).is_file()] == []
    candidates = pd.read_parquet(folder / "candidates.parquet")
    assert {f"{one}.png" for one in candidates.id} == {path.name for path in (folder / "candidates").iterdir()}
    sheets = {f"{level}{which}.webp" for level in (4, 6) for which in ("", "-predicted")} | {"hinton.png", "cells"}
    sheets |= {"pasted-4.webp", "pasted-6.webp"}
    assert (folder / "pasted-cells.parquet").is_file()
    assert sheets == {path.name for path in (folder / "atlas").iterdir()}
    assert not list(folder.rglob("*.part"))


def test_findings_obey_the_schema(finished: tuple[Path, Result]) -> None:
    jsonschema.validate(findings_of(finished[0]), schema(), jsonschema.Draft202012Validator)


def test_printed_numbers_follow_from_the_trials(finished: tuple[Path, Result]) -> None:
    check_findings(finished[0])


def test_survey_and_fragility_follow_from_the_trials(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    findings, trials = findings_of(folder), pd.read_parquet(folder / "trials.parquet")
    flips = dict.fromkeys("acikdlprsuo", 0)
    for row in findings["survey"]:
        tried = outcomes(trials, row["candidate"], "", "fixed", "confirmation")
        assert (row["flips"], row["eligible"]) == (tried.sum(), len(tried))
        if row["candidate"].startswith("a-"):  # chosen at its own place, which is another question
            assert (row["selection_flips"], row["selection_eligible"]) == (0, 0)
            assert len(outcomes(trials, row["candidate"], "", "own", "selection"))
        else:
            chosen_on = outcomes(trials, row["candidate"], "", "fixed", "selection")
            assert (row["selection_flips"], row["selection_eligible"]) == (chosen_on.sum(), len(chosen_on))
        flips[row["candidate"][0]] += int(tried.sum())
    validity = findings["suggestion_validity"]
    *tiers, together = validity["comparisons"]
    assert (tiers[0]["tier"], together["tier"]) == ("third_class", None)
    assert [sum(one[name]["flips"] for one in tiers) for name in ("suggested", "random")] == [flips["c"], flips["r"]]
    assert validity["strongest_contrast"]["flips"] == flips["k"]
    assert together["suggested"] == validity["suggested"]
    # what was trained is in the survey, and no finding
    assert [row["candidate"] for row in findings["survey"] if row["origin"] == "optimised"] == ["o-001"]
    assert not any(finding["candidate"].startswith("o-") for finding in findings["findings"])
    assert flips["c"] > 0
    covering = [name for name, recipe in CONTROLS.items() if recipe.step is Step.COVERING]
    controls = trials[trials.control.isin(covering) & (trials.candidate != "survey") & (trials.placement != "own")]
    by_control = controls.groupby(["candidate", "control", "placement", "image"])["flip"].any()
    fragility = findings["fragility"]
    assert (fragility["flips"], fragility["eligible"]) == (by_control.sum(), len(by_control))
    assert fragility["compared"] == len(by_control.groupby(level=[0, 1, 2])) == 3 * len(covering)
    each = {one["covering"]: one["flips"] for one in fragility["coverings"]}
    assert each == by_control.groupby(level=1).sum().to_dict()
    changed = (controls.patched_class != controls.clean_class).sum()
    assert fragility["any_class"]["flips"] == changed


def test_a_flip_is_a_source_picture_called_the_target(finished: tuple[Path, Result]) -> None:
    trials = pd.read_parquet(finished[0] / "trials.parquet")
    assert (trials.clean_class == "red pan").all()
    assert (trials.flip == (trials.patched_class == "blue wok")).all()
    assert trials.target_after[trials.flip].min() > trials.target_after[~trials.flip].min()
    assert trials.target_before.between(0, 1).all()
    assert trials.target_after.between(0, 1).all()


def test_the_planted_spots_are_found_and_wait_for_a_person(finished: tuple[Path, Result]) -> None:
    best = findings_of(finished[0])["findings"][0]
    assert best["tier"] == "target_image"
    assert best["verdict"] == "inconclusive"
    assert best["uplift_interval"]["low"] > 0.35
    assert "auditor review" in best["reason"]


def test_every_finding_has_all_its_controls(finished: tuple[Path, Result]) -> None:
    """Every feature of this world's other classes pushes; the quietest cells that can give crops serve then."""
    findings = findings_of(finished[0])
    made = [{control["name"] for control in one["controls"]} for one in findings["findings"]]
    assert made == [set(CONTROLS)] * (3 + 1)


def test_a_crop_is_confirmed_where_it_lay_in_its_own_picture(finished: tuple[Path, Result]) -> None:
    """Its pastes and its controls' lie in the box that it was cut from, and the spot in findings.json says so."""
    folder, result = finished
    (own,) = [one for one in findings_of(folder)["findings"] if one["placement"] == "own"]
    trials = pd.read_parquet(folder / "trials.parquet")
    pasted = trials[(trials.candidate == own["candidate"]) & (trials.placement == "own")]
    assert set(pasted.control) == {"", *CONTROLS}
    left, top, right, bottom = own["provenance"]["box"]
    images = pd.read_parquet(folder / "images.parquet").set_index("key")
    scale = SIDE / images.loc[own["provenance"]["image_key"], "width_px"]
    assert pasted.centre_x.unique() == pytest.approx([(left + right) / 2 * scale], abs=0.51)
    assert pasted.centre_y.unique() == pytest.approx([(top + bottom) / 2 * scale], abs=0.51)
    assert pasted.side_px.unique() == pytest.approx([own["spot"]["size"] * SIDE])
    assert images.loc[own["provenance"]["image_key"], "label"] == 1
    assert [one["spot"] for one in findings_of(folder)["findings"] if one["placement"] != "own"] == [None] * 3
    assert "target_image, own at" in result.stdout


def test_a_control_that_could_not_be_made_is_told(
    world: Any, invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_cells(*arguments: Any) -> tuple[Any, ...]:
        return tuple(control for control in make_controls(*arguments) if control.name != "quiet crop")

    monkeypatch.setattr("auditor.candidates.confirmation.make_controls", without_cells)
    result = invoke("run", world.config, "--out", tmp_path / "run")
    notes = findings_of(tmp_path / "run")["notes"]
    assert any("'quiet crop' is missing from 4 of 4 findings" in note for note in notes)
    assert "note: the control 'quiet crop' is missing" in " ".join(result.stdout.split())


def test_icons_are_made_for_whole_levels(finished: tuple[Path, Result]) -> None:
    atlas = read_atlas(RunFolder.open(finished[0]), 216)
    coarse, fine = atlas.at_level(4), atlas.at_level(6)
    assert len(fine) > 3
    largest = cells_with_icons(atlas, 2)
    assert [cell.count for cell in largest] == sorted((cell.count for cell in coarse), reverse=True)[:2]
    assert cells_with_icons(atlas, len(coarse) + len(fine) - 1) == list(coarse)
    assert cells_with_icons(atlas, len(coarse) + len(fine)) == [*coarse, *fine]
    assert cells_with_icons(atlas, 0) == []


def test_no_picture_is_in_two_splits(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    images = pd.read_parquet(folder / "images.parquet")
    assert images.sha256.is_unique
    split_of = dict(zip(images.key, images.split, strict=True))
    trials = pd.read_parquet(folder / "trials.parquet")
    assert [split_of[image] for image in trials.image] == list(trials.split)
    candidates = pd.read_parquet(folder / "candidates.parquet")
    assert {split_of[key] for key in candidates.image_key if key} == {"discovery"}
    used = findings_of(folder)["images"]["used"]
    assert {split: counts["used"] for split, counts in used.items()} == dict(images.split.value_counts())


def test_manifest_holds_what_it_takes_to_repeat_the_run(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    manifest = json.loads((folder / "manifest.json").read_text())
    base = Path(manifest["base"])
    assert manifest["config"]["candidates"]["tried"] == 6
    assert manifest["seed"] == 5
    assert manifest["device"].startswith("cpu")
    assert manifest["versions"]["auditor"] == auditor.__version__
    assert {"python", "torch", "numpy"} <= set(manifest["versions"])
    assert manifest["weights_sha256"] == hashlib.sha256((base / "weights.safetensors").read_bytes()).hexdigest()
    photos = sorted((base / "photos").rglob("*.png"))
    assert len(manifest["images"]) == len(photos)
    for path in photos:
        shown = path.relative_to(base).as_posix()
        assert manifest["images"][shown] == hashlib.sha256(path.read_bytes()).hexdigest()
    kept = {path.stem: path for path in (folder / "candidates").glob("*.png")}
    assert set(manifest["patches"]) == set(kept)
    for name, path in kept.items():
        assert manifest["patches"][name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert set(manifest["stages"]) == {stage.name for stage in STAGES}


def test_payload_and_messages_go_apart(finished: tuple[Path, Result]) -> None:
    folder, result = finished
    said = " ".join(result.stdout.split())
    assert "red pan → blue wok" in result.stdout
    assert "INCONCLUSIVE: 2 of 4 patches move red pan to blue wok" in said
    assert "wait for a look: they may show blue wok itself" in said
    assert "needs a look" in result.stdout
    assert "for a person to look at: a-001, c-002 (auditor review asks what they show)" in said
    assert f"report: {folder / 'report.html'}" in result.stdout
    assert "fragility: PASS" in result.stdout
    assert "reading pictures" not in result.stdout
    assert f"run folder: {folder}" in result.stderr
    assert "device: cpu" in result.stderr
    assert "reading pictures (108)" in result.stderr
    assert "report:" not in result.stderr


def test_the_report_opens_offline(finished: tuple[Path, Result]) -> None:
    html = (finished[0] / "report.html").read_text()
    assert 'src="data:image/png;base64,' in html
    for loader in ('src="http', "src='http", '<link rel="stylesheet"', "<script src", "url(http"):
        assert loader not in html
    assert findings_of(finished[0])["findings"][0]["candidate"] in html
    for part in (
        'id="explorer-data"',
        "Where the pictures went",
        "Pictures: flipped, not flipped, and with each control",
    ):
        assert part in html


def test_same_seed_same_bytes_in_another_folder(world, invoke, finished, tmp_path) -> None:
    again = invoke("run", world.config, "--out", tmp_path / "again")
    assert again.exit_code == finished[1].exit_code
    assert (tmp_path / "again" / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_batch_size_changes_no_flip(world, invoke, finished, tmp_path) -> None:
    single = world.edited("single.toml", ("batch_size = 16", "batch_size = 1"))
    assert invoke("run", single, "--out", tmp_path / "single").exit_code == 3
    keys = ["image", "split", "candidate", "control", "placement", "variant"]
    one, many = (
        pd.read_parquet(folder / "trials.parquet").set_index(keys).sort_index()
        for folder in (tmp_path / "single", finished[0])
    )
    assert one.index.is_unique
    assert one.index.equals(many.index)
    assert (one.flip == many.flip).all()
    assert (one.patched == many.patched).all()
    assert (one.target_after - many.target_after).abs().max() < 1e-5


def test_flags_overrule_the_file(world, invoke, finished, tmp_path) -> None:
    """Several placements at once, another seed, several sources, and a person's patches beside the crops."""
    both = world.edited(
        "placements.toml",
        ("library = false", 'library = false\npatches = "stickers"'),
        ('placements = ["fixed"]', 'placements = ["random", "best"]\nbest_sizes = [0.2, 0.35]'),
    )
    result = invoke(
        "run", both, "--seed", "6", "--source", "red pan,pink cup", "--target", "blue wok", "--out", tmp_path / "run"
    )
    assert result.exit_code in (0, 1, 3)
    findings = findings_of(tmp_path / "run")
    assert findings["seed"] == 6
    assert findings["source"]["classes"] == ["red pan", "pink cup"]
    assert {one["placement"] for one in findings["findings"]} - {"own"} == {"random", "best"}
    assert {"u-spots", "u-Plain Grey"} <= {row["candidate"] for row in findings["survey"]}
    check_findings(tmp_path / "run")
    trials = pd.read_parquet(tmp_path / "run" / "trials.parquet")
    assert trials[trials.placement == "best"].variant.nunique() == 8
    pasted = trials[(trials.placement == "random") & (trials.control == "")]
    assert pasted.groupby(["candidate", "split"]).centre_x.nunique().min() > 5


def test_a_whole_run_in_a_process_of_its_own(world, tmp_path) -> None:
    """The real entry point with the real layout, from another folder than the file's."""
    command = [sys.executable, "-m", "auditor", "run", str(world.config), "--out", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    findings = findings_of(tmp_path / "run")
    assert done.returncode == CODES[findings["verdict"]]
    assert "report: run/report.html" in done.stdout
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    check_findings(tmp_path / "run")
