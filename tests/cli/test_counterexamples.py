"""`auditor counterexamples`: what is pasted on what, what is held out and left out, and when nothing is made."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.beside.bases import Base, InTurn
from auditor.run.beside.counterexamples import by_source
from auditor.run.beside.removed_pictures import Place, RemovedPictures
from auditor.trials.fills import FILLS
from tests.tiny_world import CLASSES, World

SPOTS = "c-002"
EXAMPLE = Path(__file__).parents[2] / "examples" / "fine_tune.py"
AS_MUCH = "as much as of the target"


@pytest.fixture(scope="module")
def failed(finished, invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run that fails: somebody has looked, and the spots are no wok."""
    folder = tmp_path_factory.mktemp("failed") / "run"
    shutil.copytree(finished[0], folder)
    assert invoke("review", folder, "--mark", f"{SPOTS}=context", "--by", "Ada").exit_code == 1
    return folder


@pytest.fixture(scope="module")
def made(failed: Path, invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("made") / "counterexamples"
    result = invoke("counterexamples", failed, "--out", folder, "--count", 20)
    assert result.exit_code == 0, result.output
    return folder, result


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}


def test_pictures_lie_in_the_layout_they_came_in(made: tuple[Path, Any]) -> None:
    folder, result = made
    manifest = manifest_of(folder)
    assert f"counterexamples: 20 pictures of 6 classes in {folder}" in result.stdout.replace("\n", " ")
    assert manifest["layout"] == "a folder a class"
    assert {path.name for path in (folder / "pictures").iterdir()} == set(CLASSES)
    files = sorted(path.relative_to(folder).as_posix() for path in (folder / "pictures").rglob("*.png"))
    assert files == sorted(one["file"] for one in manifest["pictures"])
    for one in manifest["pictures"]:
        assert one["sha256"] == sha256(folder / one["file"])
        assert Path(one["file"]).parent.name == one["label"] == Path(one["picture"]).parent.name


def test_only_discovery_pictures_are_taken(made: tuple[Path, Any], failed: Path) -> None:
    """None of confirmation or selection, none that a held-out patch was cut from; the target's are not pasted on."""
    images = pd.read_parquet(failed / "images.parquet").set_index("path")
    manifest = manifest_of(made[0])
    assert manifest["held_out_pictures"]
    for one in manifest["pictures"]:
        image = images.loc[one["picture"]]
        assert (image["split"], image["sha256"]) == ("discovery", one["picture_sha256"])
        assert (one["label"] == "blue wok") == (one.get("removed") not in (None, AS_MUCH))
        assert one["picture"] not in manifest["held_out_pictures"]


def test_of_ten_four_are_of_the_source_and_two_have_something_removed(made: tuple[Path, Any]) -> None:
    pictures = manifest_of(made[0])["pictures"]
    for ten in (pictures[:10], pictures[10:]):
        pasted = [one["label"] for one in ten if "patch" in one]
        assert len(pasted) == 8
        assert pasted.count("red pan") == 4
        assert len(set(pasted)) == 5
        removed, filled = (one for one in ten if "patch" not in one)
        assert (removed["label"], removed["removed"]) == ("blue wok", "activations")
        assert filled["label"] == "red pan"
        assert filled["removed"] == AS_MUCH
    assert [one["fill"] for one in pictures if "fill" in one].count("inpainted") < 4


def test_what_is_removed_is_filled_and_nothing_else_changes(failed: Path, world: World, invoke, tmp_path: Path) -> None:
    """Of a colour where it is one; the same areas in pictures of the target and of others."""
    assert invoke("counterexamples", failed, "--out", tmp_path / "made", "--count", 200).exit_code == 0
    removed: dict[str, list[frozenset[tuple[int, int]]]] = {"target": [], "others": []}
    fills = set()
    for one in manifest_of(tmp_path / "made")["pictures"]:
        if "fill" not in one:
            continue
        after = np.asarray(Image.open(tmp_path / "made" / one["file"])).astype(int)
        before = np.asarray(Image.open(world.folder / one["picture"]).convert("RGB")).astype(int)
        y, x = np.nonzero((after != before).any(axis=2))
        assert len(y) <= round(one["share"] * 32 * 32)
        assert 0 < one["share"] < 1
        fills.add(one["fill"])
        if one["fill"] == "mean colour":
            colours = {tuple(after[row, column]) for row, column in zip(y, x, strict=True)}
            assert len(colours) == 1
            kind = "target" if one["label"] == "blue wok" else "others"
            removed[kind].append(frozenset(zip(y.tolist(), x.tolist(), strict=True)))
    assert fills == set(FILLS)
    assert removed["others"]
    assert set(removed["others"]) <= set(removed["target"])


@pytest.mark.parametrize(
    ("labels", "source", "kinds"),
    [
        ("a b c", {0}, {"source": "a", "other": "bc"}),
        ("a b c d", {0, 1, 2}, {"other": "abcd"}),
        ("a b c", {0, 1, 2}, {"other": "abc"}),
        ("b c", {0}, {"other": "bc"}),
        ("a b c d e", {0, 1}, {"source": "ab", "other": "cde"}),
    ],
)
def test_the_source_has_its_own_turns_where_that_is_more_than_its_share(
    labels: str, source: set[int], kinds: dict[str, str]
) -> None:
    bases: Any = [
        SimpleNamespace(label=one, record=SimpleNamespace(label="abcde".index(one))) for one in labels.split()
    ]
    found = by_source(bases, tuple(source))
    assert {kind: "".join(one.label for one in own) for kind, own in found.items()} == kinds


def test_pictures_take_turns_and_meet_whatever_else_does() -> None:
    bases: Any = [
        SimpleNamespace(label=label, record=SimpleNamespace(key=f"{label}{number}"))
        for label, count in (("x", 2), ("y", 3))
        for number in range(count)
    ]
    met = [InTurn(bases, 0).at(turn) for turn in range(24)]
    assert [base.label for base, _ in met] == ["x", "y"] * 12
    for base in bases:
        assert {number % 2 for one, number in met if one is base} == {0, 1}


@pytest.mark.parametrize("side", [2, 3, 5, 64])
@pytest.mark.parametrize("fills_in_turn", range(len(FILLS)))
def test_pictures_of_any_size_are_filled_in_part(side: int, fills_in_turn: int) -> None:
    """Of fewer pixels than the area is wide, too; some change, and some stay."""
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (side, 2 * side, 3)).astype(np.uint8))
    base: Any = Base(SimpleNamespace(key="a", path="a.png"), "a", lambda: picture)  # type: ignore[arg-type]
    model = SimpleNamespace(preprocessing=Preprocessing((32, 32), None, "bilinear", (0.5,) * 3, (0.5,) * 3))
    run: Any = SimpleNamespace(inputs=SimpleNamespace(classifier=model))
    for area in (np.zeros((32, 32), dtype=bool), np.ones((32, 32), dtype=bool)):
        area[19, 13:17] ^= True
        maker = RemovedPictures(run, [Place(base, "c-001", area, "activations")], 0)
        for made in (maker.remove(fills_in_turn, 0), maker.fill(InTurn([base], 0), fills_in_turn, 1)):
            assert made.pixels.shape[1] <= 2 * side
            assert 0.0 < made.said["share"] < 1.0


def test_pixels_change_where_the_patch_lies_and_nowhere_else(made: tuple[Path, Any], world: World) -> None:
    manifest = manifest_of(made[0])
    pasted = [one for one in manifest["pictures"] if "patch" in one]
    assert {one["variant"].split(":")[0] for one in pasted} == {"fixed", "best", "random", "over"}
    for one in pasted:
        after = np.asarray(Image.open(made[0] / one["file"])).astype(int)
        before = np.asarray(Image.open(world.folder / one["picture"]).convert("RGB")).astype(int)
        y, x = np.nonzero((after != before).any(axis=2))
        assert len(y) > 0.5 * (0.8 * 0.2 * 32) ** 2
        reach = one["side_px"] * (0.5 if one["variant"] != "random" else 0.9) + 1
        assert np.abs(y + 0.5 - one["centre_y"]).max() <= reach
        assert np.abs(x + 0.5 - one["centre_x"]).max() <= reach


def test_what_fails_at_its_own_place_lies_there_and_half_of_the_crops_alike_do(
    finished, invoke, tmp_path: Path
) -> None:
    run, folder = tmp_path / "run", tmp_path / "counterexamples"
    shutil.copytree(finished[0], run)
    assert invoke("review", run, "--mark", "a-001=context", "--by", "Ada").exit_code == 1
    assert invoke("counterexamples", run, "--out", folder, "--count", 60).exit_code == 0
    spot = next(
        one["spot"]
        for one in json.loads((run / "findings.json").read_text())["findings"]
        if one["candidate"] == "a-001"
    )
    side = round(spot["size"] * 32)
    centre = [side / 2 + spot[way] * (32 - side) for way in ("down", "across")]
    there: dict[str, list[bool]] = {}
    for one in (one for one in manifest_of(folder)["pictures"] if "patch" in one):
        lies = one["side_px"] == side and [one["centre_y"], one["centre_x"]] == pytest.approx(centre)
        assert lies == one["variant"].startswith("own")
        there.setdefault(one["patch"], []).append(lies)
    assert all(there.pop("patches/a-001.png"))
    alike = [lies for patch in there.values() for lies in patch]
    assert 0.3 < np.mean(alike) < 0.7


def test_half_of_the_crops_alike_is_held_out(made: tuple[Path, Any], failed: Path) -> None:
    folder, manifest = made[0], manifest_of(made[0])
    (feature,) = manifest["features"]
    assert feature["finding"] == SPOTS
    used, held_out = feature["used"], feature["held_out"]
    assert used[0]["file"] == f"patches/{SPOTS}.png"
    assert sha256(folder / used[0]["file"]) == sha256(failed / "candidates" / f"{SPOTS}.png")
    assert abs(len(used) - 1 - len(held_out)) <= 1
    assert held_out
    pictures = [{one["picture"] for one in half} for half in (used, held_out)]
    assert not pictures[0] & pictures[1]
    assert pictures[1] <= set(manifest["held_out_pictures"])
    for one in [*used, *held_out]:
        assert one["sha256"] == sha256(folder / one["file"])
    pasted = {one["patch"] for one in manifest["pictures"] if "patch" in one}
    assert pasted <= {one["file"] for one in used}
    assert len(pasted) > 1


def test_what_was_held_out_can_be_tried(made: tuple[Path, Any], failed: Path, invoke, tmp_path: Path) -> None:
    assert f"--patches {made[0] / 'held-out'}" in made[1].stdout.replace("\n", "")
    run = tmp_path / "run"
    shutil.copytree(failed, run)
    invoke("trial", run, "--patches", made[0] / "held-out")
    table = pd.read_csv(run / "patch-trials" / "held-out" / "table.csv")
    assert len(table) == len(manifest_of(made[0])["features"][0]["held_out"])
    assert table["percent_flipped"].max() > 50  # the crops alike do what the failing one does


def test_the_example_unlearns_what_was_held_out(failed: Path, invoke, tmp_path: Path) -> None:
    """Of two folders of counterexamples, in a network of a few hundred weights."""
    folders = [tmp_path / "made", tmp_path / "more"]
    for seed, folder in enumerate(folders):
        args = ("--out", folder, "--count", 300, "--seed", seed)
        assert invoke("counterexamples", failed, *args).exit_code == 0
    script = [sys.executable, str(EXAMPLE), str(failed), *map(str, folders), str(tmp_path / "new")]
    told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    made = int(told.partition(" counterexamples and ")[0])
    assert 300 < made <= 600  # without those of the one folder that the other holds out
    run = tmp_path / "new" / "run"
    assert f"auditor run --resume {run}" in told
    kept = re.search(
        r"right of (\d+) selection pictures, from which it did not learn: (\d+) before, (\d+) after\n", told
    )
    assert kept is not None
    of, before, after = map(int, kept.groups())
    pool = pd.read_parquet(failed / "images.parquet")
    assert of == (pool["split"] == "selection").sum() >= before
    assert after >= before - 0.1 * of
    strongest = []
    for one in (shutil.copytree(failed, tmp_path / "before"), run):
        assert invoke("trial", one, "--patches", folders[1] / "held-out").exit_code in (0, 1, 3)
        strongest.append(pd.read_csv(one / "patch-trials" / "held-out" / "table.csv")["percent_flipped"].max())
    assert strongest[0] > 50
    assert strongest[1] < 10


@pytest.mark.parametrize(("after", "forgot"), [(60, False), (54, False), (53, True), (0, True)])
def test_the_example_says_when_a_network_forgot_what_it_knew(after: int, forgot: bool) -> None:
    told = runpy.run_path(str(EXAMPLE))["told"](60, after, 60, 1e-3)
    assert told.startswith(f"right of 60 selection pictures, from which it did not learn: 60 before, {after} after")
    assert told.endswith("train more gently, for example with --rate 0.0001") is forgot


def test_the_example_says_what_is_wrong(failed: Path, tmp_path: Path) -> None:
    script = [sys.executable, str(EXAMPLE), str(failed), str(tmp_path / "none"), str(tmp_path / "new")]
    told = subprocess.run(script, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr.startswith(f"{tmp_path / 'none'} is no folder that `auditor counterexamples` made")


def test_the_same_seed_gives_the_same_bytes(made: tuple[Path, Any], failed: Path, invoke, tmp_path: Path) -> None:
    again = invoke("counterexamples", failed, "--out", tmp_path / "again", "--count", 20)
    assert again.exit_code == 0
    assert tree(tmp_path / "again") == tree(made[0])
    other = invoke("counterexamples", failed, "--out", tmp_path / "other", "--count", 12, "--seed", 1)
    assert other.exit_code == 0
    assert manifest_of(tmp_path / "other")["seed"] == 1
    assert not set(tree(tmp_path / "other").values()) & {one["sha256"] for one in manifest_of(made[0])["pictures"]}


def test_more_pictures_begin_as_fewer_do(made: tuple[Path, Any], failed: Path, invoke, tmp_path: Path) -> None:
    assert invoke("counterexamples", failed, "--out", tmp_path / "few", "--count", 7).exit_code == 0
    assert manifest_of(tmp_path / "few")["pictures"] == manifest_of(made[0])["pictures"][:7]


def test_training_pictures_of_ones_own(failed: Path, world: World, invoke, tmp_path: Path) -> None:
    """Of all pictures of the world those of selection and confirmation are left aside, by content and not by name."""
    images = pd.read_parquet(failed / "images.parquet")
    for number, path in enumerate(images["path"]):
        target = tmp_path / "training" / Path(path).parent.name / f"renamed-{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(world.folder / path, target)
    args = ("--out", tmp_path / "made", "--count", 44, "--pictures", tmp_path / "training")
    result = invoke("counterexamples", failed, *args)
    assert result.exit_code == 0, result.output
    discovery = set(images[images["split"] == "discovery"]["sha256"])
    pictures = manifest_of(tmp_path / "made")["pictures"]
    assert {one["picture_sha256"] for one in pictures} <= discovery
    assert all("renamed-" in one["picture"] for one in pictures if one["label"] != "blue wok")
    assert f"left aside: {len(images) - len(discovery)}" in result.stderr


def test_a_csv_for_who_brought_one(own_world: World, failed: Path, invoke, tmp_path: Path) -> None:
    rows = [
        (f"photos/{path.parent.name}/{path.name}", path.parent.name) for path in own_world.folder.glob("photos/*/*.png")
    ]
    with (own_world.folder / "photos.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *sorted(rows)])
    less = (
        ("icons = 2\ndreams = 1", "icons = 0\ndreams = 0"),
        ("trained = 3", "trained = 0"),
        ("icons = 6", "icons = 0"),
    )
    audit = own_world.edited("csv.toml", ('all = "photos"', 'all = "photos.csv"'), *less)
    run = tmp_path / "run"
    assert invoke("run", audit, "--out", run).exit_code == 3
    assert invoke("review", run, "--mark", f"{SPOTS}=context", "--by", "Ada").exit_code == 1
    assert invoke("counterexamples", run, "--out", tmp_path / "made", "--count", 6).exit_code == 0
    with (tmp_path / "made" / "pictures.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    manifest = manifest_of(tmp_path / "made")
    assert manifest["layout"] == "a CSV of path,label"
    assert [(one["path"], one["label"]) for one in listed] == [
        (one["file"], one["label"]) for one in manifest["pictures"]
    ]
    assert all((tmp_path / "made" / one["path"]).is_file() for one in listed)


def test_nothing_is_made_where_nothing_fails(finished, invoke, tmp_path: Path) -> None:
    result = invoke("counterexamples", finished[0], "--out", tmp_path / "made")
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    assert "no finding of run fails, so there is nothing to make counterexamples of; some stay open: --open" in told
    assert not (tmp_path / "made").exists()


def test_what_stays_open_gives_counterexamples_too(finished, invoke, tmp_path: Path) -> None:
    result = invoke("counterexamples", finished[0], "--out", tmp_path / "made", "--count", 10, "--open")
    assert result.exit_code == 0, result.output
    findings = json.loads((finished[0] / "findings.json").read_text())["findings"]
    still_open = {one["candidate"] for one in findings if one["verdict"] == "inconclusive"}
    made = {one["finding"] for one in manifest_of(tmp_path / "made")["features"]}
    assert made == still_open
    assert SPOTS in made


def test_a_folder_that_is_there_stays_as_it_is(failed: Path, invoke, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    result = invoke("counterexamples", failed, "--out", tmp_path)
    assert result.exit_code == 2
    assert "already exists and is not empty; choose another folder with --out" in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_an_unfinished_run_is_refused(failed: Path, invoke, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(failed, run)
    (run / "result.json").unlink()
    result = invoke("counterexamples", run, "--out", tmp_path / "made")
    assert result.exit_code == 2
    assert "holds no result yet" in " ".join(result.stderr.split())
    assert not (tmp_path / "made").exists()


def test_a_full_disk_leaves_nothing_behind(
    failed: Path, invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def full(path: Path, data: bytes) -> int:
        written.append(path.name)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        with path.open("wb") as file:
            return file.write(data)

    monkeypatch.setattr(Path, "write_bytes", full)
    result = invoke("counterexamples", failed, "--out", tmp_path / "made", "--count", 20)
    assert result.exit_code == 2
    assert "the disk is full" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_which_none_may_be_pasted_on(failed: Path, world: World, invoke, tmp_path: Path) -> None:
    shutil.copytree(world.folder / "photos" / "blue wok", tmp_path / "training" / "blue wok")
    args = ("--out", tmp_path / "made", "--pictures", tmp_path / "training")
    result = invoke("counterexamples", failed, *args)
    assert result.exit_code == 2
    assert "there is no picture to paste on" in " ".join(result.stderr.split())
    assert not (tmp_path / "made").exists()


def test_the_reports_of_a_failed_run_name_the_command(finished, failed: Path) -> None:
    for name in ("report.html", "checklist.md"):
        assert "auditor counterexamples . --out" in (failed / name).read_text()
        assert "auditor counterexamples" not in (finished[0] / name).read_text()
