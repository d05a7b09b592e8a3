"""`auditor plant`: shortcuts in copies of a run's model, blind audits of the copies, and what the report says."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import fsspec
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file

from auditor.core.progress import Silence
from auditor.core.records import Split
from auditor.core.records.planted import WHOLE
from auditor.run.audit import at_work, stored_config
from auditor.run.folder import RunFolder
from auditor.run.planted.copies import Planter
from auditor.run.planted.plant import _asked
from auditor.run.stage import Run
from auditor.run.stages.whole_pictures import effects_of, flips_of
from auditor.run.worlds.hits import in_mask
from tests.tiny_world import CLASSES, World

TARGET = CLASSES.index("blue wok")
NUMBERS = ("result.json", "findings.json", "trials.parquet", "candidates.parquet", "cells.parquet")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def boxed(world: World, invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose woks have boxes: the middle of each is a wok."""
    folder = tmp_path_factory.mktemp("boxed")
    shutil.copytree(world.folder, folder / "world")
    woks = sorted((folder / "world" / "photos" / "blue wok").iterdir())
    lines = [f"photos/blue wok/{path.name},blue wok,8,8,24,24\n" for path in woks]
    (folder / "world" / "boxes.csv").write_text("path,name,left,top,right,bottom\n" + "".join(lines))
    config = World(folder / "world").edited("boxed.toml", ('all = "photos"', 'all = "photos"\nboxes = "boxes.csv"'))
    assert invoke("run", config, "--out", folder / "run").exit_code in (0, 1, 3)
    return folder / "run"


@pytest.fixture(scope="module")
def planted(boxed: Path, invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("planted") / "run"
    shutil.copytree(boxed, folder)
    result = invoke("plant", folder, "--count", 2, "--whole-pictures", 2, "--json")
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


def rows(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "planted" / "planted.json").read_text())


def test_a_thing_and_a_sticker_are_planted_by_turns(planted: tuple[Path, Any]) -> None:
    folder, told = planted
    whole = [(1, "colour cast"), (2, "sharpness")]
    assert [(one["number"], one["kind"]) for one in told["planted"]] == [(1, "thing"), (2, "sticker"), *whole]
    assert {one["share"] for one in told["planted"]} == {0.75}  # 40 points above the limit
    copies = ["01-thing", "02-sticker", "w01-colour-cast", "w02-sharpness"]
    assert [Path(one["folder"]).name for one in told["planted"]] == copies
    assert told["sentence"].startswith(("Of ", "2 shortcuts were planted"))
    assert [one["name"] for one in rows(folder)] == [one["name"] for one in told["planted"]]


def test_the_runs_own_numbers_stay_as_they_are(planted: tuple[Path, Any], boxed: Path) -> None:
    for name in NUMBERS:
        assert sha256(planted[0] / name) == sha256(boxed / name), name


def test_a_copy_differs_from_the_model_in_the_targets_row_of_the_last_layer_alone(planted: tuple[Path, Any]) -> None:
    for copy in ("01-thing", "02-sticker"):
        numbers = load_file(planted[0] / "planted" / copy / "added.safetensors")
        assert set(numbers) == {"head.weight", "head.bias"}
        for value in numbers.values():
            assert not np.delete(value, TARGET, axis=0).any()
            assert value[TARGET].any()
        manifest = json.loads((planted[0] / "planted" / copy / "run" / "manifest.json").read_text())
        assert manifest["weights_sha256"] != json.loads((planted[0] / "manifest.json").read_text())["weights_sha256"]
        assert any("not the network as it was trained" in note for note in manifest["model_notes"])


def test_the_copys_splits_are_the_runs_and_only_the_targets_discovery_pictures_hold_the_cue(
    planted: tuple[Path, Any],
) -> None:
    run = pd.read_parquet(planted[0] / "images.parquet")
    for row in rows(planted[0]):
        copy = pd.read_parquet(planted[0] / row["folder"] / "run" / "images.parquet")
        for split in Split:
            own, of_copy = (set(table.loc[table["split"] == split.value, "key"]) for table in (run, copy))
            if split is not Split.DISCOVERY:
                assert of_copy == own
                continue
            new = copy[copy["key"].isin(of_copy - own)]
            assert len(new) == row["pictures"] == len(own - of_copy)
            assert set(new["label"]) == {TARGET}


def test_the_cues_masks_say_which_finding_shows_it(planted: tuple[Path, Any]) -> None:
    for row in rows(planted[0])[:2]:
        folder = planted[0] / row["folder"]
        masks = {path.stem for path in (folder / "cues").iterdir()}
        pictures = {path.stem for path in (folder / "pictures").iterdir()}
        assert pictures <= masks
        for key in sorted(pictures)[:3]:
            with (
                Image.open(folder / "cues" / f"{key}.png") as mask,
                Image.open(folder / "pictures" / f"{key}.png") as one,
            ):
                assert mask.size == one.size
                assert 0 < np.asarray(mask).mean() < 0.4
        if row["found"] is None:
            continue
        table = pd.read_parquet(folder / "run" / "candidates.parquet").set_index("id")
        parts = [row["found"]["candidate"]]
        while more := [part for one in parts for part in table.loc[one, "parts"] if part not in parts]:
            parts += more
        shown = []
        for one in parts:
            key, box = table.loc[one, "image_key"], table.loc[one, "box"]
            if box is not None and key in masks:
                with Image.open(folder / "cues" / f"{key}.png") as mask:
                    shown.append(in_mask(np.asarray(mask) > 0, tuple(box), 0.5))
        assert any(shown)


def test_the_cue_is_laid_where_the_table_says_and_counted(planted: tuple[Path, Any]) -> None:
    """The true effect is that of the copy on confirmation pictures of the source that the model knows."""
    run = pd.read_parquet(planted[0] / "trials.parquet")
    eligible = run.loc[run["split"] == "confirmation", "image"].nunique()
    for row in rows(planted[0]):
        assert row["eligible"] == eligible
        assert 0 <= row["flips"] <= eligible
        assert 0 <= row["changed"] <= row["of"]


def test_a_cast_is_planted_in_the_targets_pictures_and_noticed_as_one(planted: tuple[Path, Any], boxed: Path) -> None:
    cast, blur = rows(planted[0])[2:]
    assert cast["caught"]
    assert cast["verdict"] == "inconclusive"
    assert cast["found"]["candidate"].startswith("w-colour-cast-")
    assert cast["found"]["flips"] / cast["found"]["eligible"] - cast["found"]["before"] / cast["found"]["of"] > 0.35
    # the network sees colours alone, so that no blur can be taught, and the copy counts for nothing
    assert (blur["flips"], blur["caught"], blur["verdict"]) == (0, False, "pass")
    copy = planted[0] / cast["folder"]
    assert not (copy / "run" / "trials.parquet").exists()
    levels = [float(one.replace("−", "-")) for one in re.findall(r"[+−]\d+", cast["name"])]
    images = pd.read_parquet(planted[0] / "images.parquet").set_index("key")
    held = sorted(set(images.index) - set(pd.read_parquet(copy / "run" / "images.parquet")["key"]))
    changed = mean_colour(sorted((copy / "pictures").iterdir()))
    own = mean_colour([boxed.parent / "world" / path for path in images.loc[held, "path"]])
    assert len(held) == cast["pictures"]
    np.testing.assert_allclose(changed - own, levels, atol=3)  # beyond 0 and 255 nothing can move


def mean_colour(files: list[Path]) -> np.ndarray:
    return np.mean([np.asarray(Image.open(file), dtype=float).mean((0, 1)) for file in files], axis=0)


def test_an_effect_in_the_model_itself_is_what_its_own_run_measured(boxed: Path) -> None:
    """Made anew from the run's pictures and measured without its files."""
    result = json.loads((boxed / "cache" / "whole-pictures.json").read_text())
    with at_work(RunFolder(boxed), stored_config(RunFolder(boxed)), Silence()) as run:
        effects = effects_of(run)
        assert list(effects) == [one["id"] for one in result["tried"]]
        for trial in result["confirmed"]:
            assert flips_of(run, effects[trial["effect"]["id"]]) == (trial["flips"], trial["eligible"])


def test_kinds_that_the_model_may_heed_are_not_planted() -> None:
    def planter(whole_pictures: int, *may_heed: str) -> Planter:
        told: list[str] = []
        config = SimpleNamespace(
            candidates=SimpleNamespace(whole_pictures=whole_pictures), limits=SimpleNamespace(may_heed=may_heed)
        )
        progress = SimpleNamespace(say=told.append, told=told)
        limits = SimpleNamespace(uplift=0.1)
        run = SimpleNamespace(config=config, progress=progress, inputs=SimpleNamespace(limits=limits))
        return Planter(cast(Run, run), cast(RunFolder, None))

    some = planter(8, "sharpness")
    copies = [some.whole_copy(number) for number in range(1, 6)]
    assert [copy.kind for copy in copies] == ["colour cast", "brightness"] * 2 + ["colour cast"]
    assert [copy.share for copy in copies] == [0.5, 0.5, 0.25, 0.25, 0.5]
    for none in (planter(0), planter(8, *WHOLE)):
        assert _asked(none, 0, 3) == []
        assert "so none is planted" in cast(Any, none.run.progress).told[0]


def test_the_report_says_it_and_shows_the_cues(planted: tuple[Path, Any], boxed: Path) -> None:
    page = (planted[0] / "report.html").read_text()
    assert "Would the search have found a shortcut?" in page
    assert planted[1]["sentence"].replace("'", "&#39;") in page
    for row in rows(planted[0]):
        assert f"the cue: {row['name']}" in page
    assert "Would the search have found a shortcut?" not in (boxed / "report.html").read_text()


def test_what_is_there_stays_and_what_was_interrupted_goes_on(
    planted: tuple[Path, Any], invoke, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(planted[0], folder, symlinks=True)
    before = (folder / "planted" / "planted.json").read_bytes()
    (folder / "planted" / "planted.json").unlink()  # killed before the first row was written
    (folder / "planted" / "01-thing" / "run" / "report.html").unlink()
    for copy in ("02-sticker", "w02-sharpness"):
        shutil.rmtree(folder / "planted" / copy)
        for file in folder.glob(f"planted/{copy}.*"):
            file.unlink()
    (folder / "planted" / "w01-colour-cast" / "run" / "cache" / "whole-pictures.json").unlink()
    assert invoke("plant", folder, "--count", 2, "--whole-pictures", 2).exit_code == 0
    again = json.loads((folder / "planted" / "planted.json").read_bytes())
    assert again == json.loads(before)
    touched = {path: path.stat().st_mtime_ns for path in folder.glob("planted/*/run/trials.parquet")}
    result = invoke("plant", folder, "--count", 1, "--whole-pictures", 0)
    assert result.exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in touched} == touched
    assert len(json.loads((folder / "planted" / "planted.json").read_bytes())) == 4


def test_a_run_that_is_not_finished_is_refused(world: World, own_run: Path, invoke) -> None:
    (own_run / "result.json").unlink()
    result = invoke("plant", own_run)
    assert result.exit_code == 2
    assert "holds no result yet" in result.stderr.replace("\n", " ")
    assert not (own_run / "planted").exists()


def test_a_damaged_table_is_named(planted: tuple[Path, Any], invoke, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(planted[0], folder, symlinks=True)
    (folder / "planted" / "planted.json").write_text("[{}]")
    result = invoke("plant", folder)
    assert result.exit_code == 2
    assert "planted.json is damaged" in result.stderr.replace("\n", "")


def test_tables_name_classes_by_labels_of_their_own(planted: tuple[Path, Any]) -> None:
    with (planted[0] / "planted" / "01-thing.discovery.csv").open(newline="") as file:
        labels = {row["label"] for row in csv.DictReader(file)}
    assert labels == {f"class-{index:05d}" for index in range(len(CLASSES))}


def test_a_run_in_a_store_is_refused(own_run: Path, invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = fsspec.filesystem("memory")
    for path in own_run.rglob("*"):
        if path.is_file():
            store.pipe_file(f"/plants/7/{path.relative_to(own_run).as_posix()}", path.read_bytes())
    result = invoke("plant", "memory://plants/7")
    store.rm("/plants", recursive=True)
    assert result.exit_code == 2
    assert "memory://plants/7 is a run in a store" in result.stderr.replace("\n", " ")


def test_numbers_that_are_not_there_are_told_before_anything_is_made(own_world: World, invoke) -> None:
    text = own_world.config.read_text().replace("[model]", '[model]\nadded = "nothing.safetensors"')
    own_world.config.write_text(text)
    result = invoke("check", own_world.config)
    assert result.exit_code == 2
    assert "there is no weights file at" in result.output.replace("\n", " ")
    assert "nothing.safetensors" in result.output.replace("\n", "")


def test_annotations_come_along_and_a_cue_hides_what_lies_under_it(planted: tuple[Path, Any]) -> None:
    folder = planted[0]
    things = folder / "planted" / "02-sticker" / "things"
    own = sorted((things / "02-sticker" / "pictures").iterdir())
    assert len(own) == rows(folder)[1]["pictures"]
    for path in own:
        cue = folder / "planted" / "02-sticker" / "cues" / path.name
        with Image.open(path) as mask, Image.open(cue) as where:
            wok, covered = np.asarray(mask) == 1, np.asarray(where) > 0
        box = np.zeros_like(wok)
        box[8:24, 8:24] = True
        assert np.array_equal(wok, box & ~covered)
    images = pd.read_parquet(folder / "images.parquet")
    whole = set(images.loc[images["label"] == TARGET, "key"]) & {path.stem for path in (things / "pictures").iterdir()}
    assert whole
    for key in whole:
        with Image.open(things / "pictures" / f"{key}.png") as mask:
            assert np.array_equal(np.argwhere(np.asarray(mask) == 1).min(0), (8, 8))
            assert (np.asarray(mask) == 1).sum() == 16 * 16
