"""Bad input from the command line: exit code 2, a sentence that names the culprit, no traceback, nothing lost."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from auditor.core.config import read_config
from auditor.inputs.images.annotations import read_annotations


def refused(result: Any, *words: str) -> str:
    """The message of a refused command: it holds the given words, and stdout stays empty."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr, result.stderr
    return result.stderr


# The file


def test_a_missing_file(invoke, tmp_path) -> None:
    refused(invoke("run", tmp_path / "none.toml"), "there is no file", "none.toml", "auditor init")


def test_nothing_to_audit(invoke) -> None:
    refused(invoke("run"), "nothing to audit", "auditor init", "auditor demo")


def test_malformed_toml(world, invoke) -> None:
    path = world.folder / "malformed.toml"
    path.write_text('source = "red pan\ntarget = ')
    refused(invoke("run", path), "malformed.toml is not valid TOML", "line 1")


def test_a_file_that_is_no_text(world, invoke) -> None:
    path = world.folder / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    refused(invoke("run", path), "binary.toml cannot be read as text")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[atlas]\n", "[atlas]\nlevls = [3]\n"), ("'atlas.levls'", "did you mean 'levels'")),
        (("seed = 5", "sed = 5"), ("unknown key 'sed'", "did you mean 'seed'")),
        (('source = "red pan"\n', ""), ("'source' is missing",)),
        (("seed = 5", "seed = -1"), ("seed", "got -1")),
        (("seed = 5", 'seed = "five"'), ("seed", "got 'five'")),
        (("[0.2, 0.2, 0.6]", "[0.5, 0.5, 0.5]"), ("shares must add up to 1, got 1.5",)),
        (("[0.2, 0.2, 0.6]", "[0.0, 0.4, 0.6]"), ("images.shares", "greater than 0")),
        (("[0.2, 0.2, 0.6]", "[0.4, 0.6]"), ("images.shares",)),
        (('all = "photos"', 'all = "photos"\ndiscovery = "photos"'), ("either 'all' or separate folders",)),
        (("levels = [4, 6]", "levels = [1]"), ("levels", "each from 2 to 320")),
        (('device = "cpu"', 'device = "gpu"'), ("device", "got 'gpu'")),
        (("uplift = 0.35", "uplift = 35"), ("limits.uplift", "less than 1")),
        (('placements = ["fixed"]', 'placements = ["corner"]'), ("trials.placements", "'on_object' or 'off_object'")),
        (
            ('placements = ["fixed"]', 'placements = ["own"]'),
            ("trials.placements", "'on_object' or 'off_object', got 'own'"),
        ),
    ],
)
def test_settings_that_cannot_be(change, words, world, invoke, tmp_path) -> None:
    path = world.edited("cannot.toml", change)
    refused(invoke("run", path, "--out", tmp_path / "run"), "cannot.toml", *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[atlas]\n", "[atlas]\nmin_dist = 1.5\n"), ("atlas.min_dist", "less than or equal to 1", "got 1.5")),
        (("confidence = 0.8", "confidence = 0.9999999999999999"), ("limits.confidence", "0.999999")),
        (("seed = 5", "seed = 4294967296"), ("seed: must be at most 4294967295",)),
        (("seed = 5", "seed = true"), ("seed: true and false do not serve here",)),
        (("screened = 24", "screened = 1e12"), ("candidates.screened: must be at most",)),
        (("screened = 24", "screened = 10_000_001"), ("candidates.screened", "less than or equal to 10000000")),
        (("icon_px = 16", "icon_px = 100_000"), ("atlas.icon_px", "less than or equal to 1024")),
        (("batch_size = 16", "batch_size = 4_000_000_000"), ("trials.batch_size", "less than or equal to 65536")),
        (('source = "red pan"', "source = 0.5"), ("source: expected a class by its name, alias or index",)),
        (('source = "red pan"', "source = 9"), ("class '9' is not in the model's 6 classes",)),
        (("levels = [4, 6]", "levels = [4, 4]"), ("atlas.levels: each may stand there once",)),
        (("sizes = [0.3]", "sizes = [0.3, 0.3]"), ("candidates.sizes: each may stand there once",)),
        (("resize = [32, 32]", "resize = [20000, 20000]"), ("preprocessing.resize: expected whole pixels from 1 to",)),
    ],
)
def test_numbers_that_would_hang_or_crash(change, words, world, invoke, tmp_path) -> None:
    path = world.edited("numbers.toml", change)
    refused(invoke("run", path, "--out", tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


def test_pictures_that_no_memory_holds_are_refused_unread(world, invoke, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("auditor.inputs.images.pool.decode", None)
    monkeypatch.setattr("auditor.inputs.images.room.memory_at_most", lambda: 2**28)
    path = world.edited("large.toml", ("resize = [32, 32]", "resize = 1100\ncrop = 1000"))
    for command in (("run", path, "--out", tmp_path / "run"), ("check", path)):
        message = refused(
            invoke(*command), "108 pictures of 1000×1000 pixels take 320 MiB of memory, and there are 256 MiB at most"
        )
        assert "make them smaller under [preprocessing]" in message
    assert not (tmp_path / "run").exists()


def test_workers_that_no_memory_holds_are_not_started(world, invoke, own_run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("auditor.run.engines.memory_at_most", lambda: 2**32)
    monkeypatch.setattr("auditor.run.engines.ProcessPoolExecutor", None)
    words = ("1000 workers take at least 250.0 GiB of memory, and there are 4.0 GiB at most", "give fewer --workers")
    refused(invoke("run", world.config, "--workers", "1000", "--out", tmp_path / "new"), *words)
    refused(invoke("run", "--resume", own_run, "--workers", "1000"), *words)
    refused(invoke("run", world.config, "--workers", "1001", "--out", tmp_path / "new"), "compute.workers", "1000")


def test_a_file_in_utf_16_is_refused_and_a_byte_order_mark_is_read_over(world, invoke, tmp_path) -> None:
    text = world.config.read_text()
    path = world.folder / "encoded.toml"
    path.write_text(text, encoding="utf-16")
    refused(invoke("check", path), "encoded.toml", "it is UTF-16; save it as UTF-8")
    path.write_text(text.replace('"blue wok"', '"blue work"'), encoding="utf-8-sig")
    refused(invoke("check", path), "class 'blue work' is not in the model's 6 classes")


def test_no_network_is_built_for_what_is_wrong_elsewhere(own_world, invoke, tmp_path) -> None:
    factory = own_world.folder / "network.py"
    factory.write_text(factory.read_text() + f"\nopen({str(tmp_path / 'called')!r}, 'w').close()\n")
    shutil.copytree(own_world.folder / "photos", own_world.folder / "strange")
    (own_world.folder / "strange" / "red pan").rename(own_world.folder / "strange" / "rad pin")
    pictures = 'all = "photos"'
    wrong = {
        "there is no folder": (pictures, 'all = "fotos"'),
        "'rad pin'": (pictures, 'all = "strange"'),
        "gone.csv": (pictures, f'{pictures}\nboxes = "gone.csv"'),
        "there is no folder of masks": (pictures, f'{pictures}\nmasks = "gone"\nmask_values = {{"x" = 1}}'),
        "expected a folder of PNG patches": ("library = false", 'library = false\npatches = "gone"'),
        "'blue work'": ('target = "blue wok"', 'target = "blue work"'),
        "there is no weights file": ("weights.safetensors", "gone.safetensors"),
    }
    for words, change in wrong.items():
        refused(invoke("run", own_world.edited("wrong.toml", change), "--out", tmp_path / "run"), words)
    message = refused(
        invoke(
            "run",
            own_world.edited("wrong.toml", *list(wrong.values())[4:], wrong["there is no folder"]),
            "--out",
            tmp_path / "run",
        ),
        "4 mistakes: ",
        *list(wrong)[4:],
        "there is no folder",
    )
    assert "--resume" not in message
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "called").exists()
    invoke("check", own_world.config)
    assert (tmp_path / "called").exists()


# Names


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('layer = "features.3"', 'layer = "feature.3"'), ("layer 'feature.3'", "the nearest is 'features.3'")),
        (('target = "blue wok"', 'target = "blue work"'), ("'blue work'", "the nearest is 'blue wok'")),
        (('source = "red pan"', 'source = ["red pan", "pink cop"]'), ("'pink cop'", "the nearest is 'pink cup'")),
        (('layer = "features.3"', 'layer = "head"'), ("'head'",)),
        (('target = "blue wok"', 'target = "red pan"'), ("red pan",)),
        (("network.py:network", "network.py:netwrk"), ("netwrk",)),
        (("network.py:network", "nowhere.py:network"), ("nowhere.py",)),
        (("network.py:network", "no_such_package.module:network"), ("no_such_package",)),
        (('names = "classes.csv"', 'names = "labels.csv"'), ("labels.csv",)),
        (('all = "photos"', 'all = "pictures"'), ("pictures", "check the paths under [images]")),
    ],
)
def test_names_that_are_not_there(change, words, world, invoke, tmp_path) -> None:
    path = world.edited("names.toml", change)
    message = refused(invoke("run", path, "--out", tmp_path / "run"), *words)
    # what is corrected in the file can be run into the same folder
    assert "--resume" not in message
    assert not (tmp_path / "run").exists()


# The model


def test_weights_of_another_shape(own_world, invoke, tmp_path) -> None:
    state = load_file(own_world.folder / "weights.safetensors")
    state["head.weight"] = torch.zeros(9, 8)
    save_file(state, own_world.folder / "weights.safetensors")
    refused(invoke("run", own_world.config, "--out", tmp_path / "run"), "weights.safetensors", "head.weight", "9")


def test_weights_that_are_cut_off_or_gone(own_world, invoke, tmp_path) -> None:
    path = own_world.folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    refused(invoke("run", own_world.config, "--out", tmp_path / "a"), "weights.safetensors is not a whole")
    path.unlink()
    refused(invoke("run", own_world.config, "--out", tmp_path / "b"), "there is no weights file at")


class Evil:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("way", ["pickle", "torch.save"])
def test_a_pickle_that_would_run_code_is_never_run(way, own_world, invoke, tmp_path) -> None:
    trap, path = tmp_path / "it-ran", own_world.folder / "weights.pt"
    if way == "pickle":
        path.write_bytes(pickle.dumps({"head.weight": Evil(trap)}, protocol=2))
    else:
        torch.save({"head.weight": Evil(trap)}, path)
    config = own_world.edited("evil.toml", ("weights.safetensors", "weights.pt"))
    refused(invoke("run", config, "--out", tmp_path / "run"), "weights.pt")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("says_nan", ("6 NaN", "1 of 1 pictures")),
        ("says_wrong_shape", ("(B, K) = (1, 6)", "returned shape (6,)")),
        ("says_dict", ("returned a dict with keys 'logits'", "the logits alone")),
    ],
)
def test_models_that_answer_nonsense(factory, words, world, invoke, tmp_path) -> None:
    config = world.edited("nonsense.toml", ("network.py:network", f"network.py:{factory}"))
    refused(invoke("run", config, "--out", tmp_path / "run"), *words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none(world, invoke, tmp_path) -> None:
    refused(
        invoke("run", world.config, "--device", "cuda", "--out", tmp_path / "run"), "'cuda' was asked for", "'auto'"
    )


# The pictures


def test_an_empty_class_folder(own_world, invoke, tmp_path) -> None:
    (own_world.folder / "photos" / "empty").mkdir()
    refused(invoke("run", own_world.config, "--out", tmp_path / "run"), "photos/empty holds no picture", "ignore")


def test_a_folder_that_maps_to_no_class(own_world, invoke, tmp_path) -> None:
    (own_world.folder / "photos" / "pink cup").rename(own_world.folder / "photos" / "pink cops")
    message = refused(invoke("run", own_world.config, "--out", tmp_path / "run"), "'pink cops'", "[classes.folders]")
    assert "the nearest class is 'pink cup'" in message


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def spoil(pans: Path) -> dict[str, str]:
    """Bad pictures among good ones: name to the reason they are skipped for."""
    good = (pans / "00.png").read_bytes()
    (pans / "cut-off.png").write_bytes(good[: len(good) // 2])
    (pans / "nothing.png").write_bytes(b"")
    Image.fromarray(np.full((40, 40), 40000, dtype=np.uint16)).save(pans / "deep.png")
    Image.new("CMYK", (40, 40), (10, 200, 10, 0)).save(pans / "print.jpg")
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "green", "blue")]
    frames[0].save(pans / "film.gif", save_all=True, append_images=frames[1:])
    Image.new("RGB", (300, 300), "red").save(pans / "gigantic.png")
    (pans / "bomb.png").write_bytes(png_header(60_000, 60_000))
    (pans / "letter.png").write_text("dear auditor")
    (pans / "again.png").write_bytes(good)
    return {
        "cut-off.png": "truncated",
        "nothing.png": "zero bytes",
        "deep.png": "16-bit",
        "print.jpg": "CMYK",
        "film.gif": "animated",
        "gigantic.png": "too many pixels",
        "bomb.png": "too many pixels",
        "letter.png": "not a picture",
        "again.png": "duplicate",
    }


def test_bad_pictures_are_skipped_counted_and_named(own_world, invoke, finished, tmp_path) -> None:
    photos = own_world.folder / "photos"
    bad = spoil(photos / "red pan")
    both = (photos / "pink cup" / "00.png").read_bytes()
    (photos / "cyan jug" / "as-cup.png").write_bytes(both)
    (photos / "red pan" / ".thumbnail.png").write_bytes(both)
    for name in ("scan.jp2", "notes.txt", "more notes.txt"):
        (photos / "red pan" / name).write_bytes(b"x")
    config = own_world.edited("bad.toml", ("[images]", "[images]\nmax_pixels = 40000"))
    folder = tmp_path / "run"
    result = invoke("run", config, "--out", folder)
    assert result.exit_code == finished[1].exit_code

    findings = json.loads((folder / "findings.json").read_text())
    skipped = {Path(one["path"]).name: one["reason"] for one in findings["images"]["skipped"]}
    several = {"00.png", "as-cup.png"}
    assert {name: skipped[name] for name in several} == dict.fromkeys(several, "same picture under several labels")
    assert {name: reason for name, reason in skipped.items() if name not in several} == bad
    assert sum(findings["images"]["skipped_by_reason"].values()) == len(bad) + 2
    html, checklist = (folder / "report.html").read_text().replace("<wbr>", ""), (folder / "checklist.md").read_text()
    for name in bad:
        assert name in html
    assert "skipped" in checklist
    assert f"pictures skipped: {len(bad) + 2}" in result.stdout
    left_out = {
        "hidden pictures and a system's own, such as thumbnails": 1,
        "no pictures by their names": 2,
        "pictures of a kind that is not read, such as JPEG 2000 or camera raw": 1,
    }
    counted = "; ".join(f"{why}: {count}" for why, count in left_out.items())
    assert findings["images"]["left_out"] == left_out
    assert f"Left out unopened: {counted}.".replace("'", "&#39;") in html
    assert f"- [ ] Left out unopened ({counted}): is no picture of yours among them?" in checklist
    assert f"left out unopened: {counted}" in " ".join(result.stdout.split())
    # what was left out moves nothing else: the same sound pictures, the same splits
    original = json.loads((finished[0] / "findings.json").read_text())
    assert findings["eligible"] == original["eligible"]


def test_what_is_left_out_of_patches_and_what_stands_on_white_is_said(own_world, invoke, tmp_path) -> None:
    stickers = own_world.folder / "stickers"
    Image.open(stickers / "spots.png").convert("RGB").save(stickers / "photo.jpg", quality=95)
    (stickers / "spots.png").rename(stickers / "spots.PNG")
    (stickers / "read me.txt").write_text("")
    cup = own_world.folder / "photos/pink cup/00.png"
    picture = Image.open(cup).convert("RGBA")
    picture.putpixel((0, 0), (0, 0, 0, 0))
    picture.save(cup)
    config = own_world.edited("stickers.toml", ("[candidates]", '[candidates]\npatches = "stickers"'))
    folder = tmp_path / "run"
    run = invoke("run", config, "--out", folder)
    assert run.exit_code == 1, run.output
    others = "left out of the folder of patches, since they are no pictures: read me.txt"
    white = "transparent somewhere: 1 picture; white shows through there, for the model and in crops"
    assert others in run.stderr
    assert "pictures that are transparent somewhere, where white shows through: 1" in run.stderr
    findings = json.loads((folder / "findings.json").read_text())
    assert {others, white} <= set(findings["notes"])
    assert {"u-photo", "u-spots", "u-Plain Grey"} <= {one["candidate"] for one in findings["survey"]}
    html = (folder / "report.html").read_text()
    assert others in html
    assert white in html
    for file in ("findings.json", "trials.parquet"):
        (folder / file).unlink()
    assert invoke("run", "--resume", folder).exit_code == 1
    assert json.loads((folder / "findings.json").read_text()) == findings

    trial = invoke("trial", folder, "--patches", stickers)
    assert others in trial.stderr
    assert others in json.loads((folder / "patch-trials/stickers/findings.json").read_text())["notes"]
    assert '"spots"' in (folder / "patch-trials/stickers/table.csv").read_text()


def test_a_class_folder_without_one_sound_picture(own_world, invoke, tmp_path) -> None:
    for path in (own_world.folder / "photos" / "pink cup").iterdir():
        path.write_bytes(b"")
    refused(invoke("run", own_world.config, "--out", tmp_path / "run"), "pink cup", "10 zero bytes")


def test_the_same_pictures_in_two_folders(own_world, invoke, tmp_path) -> None:
    """Every picture of the target lies under another label, too, so none of them shows what its folder says."""
    photos = own_world.folder / "photos"
    for path in (photos / "blue wok").iterdir():
        (photos / "pink cup" / f"wok-{path.name}").write_bytes(path.read_bytes())
    refused(
        invoke("run", own_world.config, "--out", tmp_path / "run"),
        "no usable picture of the target 'blue wok'",
        "48 same picture under several labels",
    )


# Too few


def check_inconclusive(result: Any, folder: Path) -> dict[str, Any]:
    assert result.exit_code == 3, result.output
    findings = json.loads((folder / "findings.json").read_text())
    assert findings["verdict"] == "inconclusive"
    needed = findings["images_needed"]
    assert needed > findings["eligible"]
    told = re.search(r"a pass takes (\d+) where candidates and coverings never flip", " ".join(result.stdout.split()))
    assert told is not None
    assert findings["eligible"] < int(told[1]) <= needed
    assert (folder / "report.html").exists()
    return findings


def test_too_few_eligible_pictures(world, invoke, tmp_path) -> None:
    edits = ("[images]", "[images]\nmax_per_class = 5"), ("confidence = 0.8", "confidence = 0.95")
    config = world.edited("few.toml", *edits)
    findings = check_inconclusive(invoke("run", config, "--out", tmp_path / "run"), tmp_path / "run")
    assert findings["eligible"] == 5
    assert findings["findings"]


def test_not_one_eligible_picture(own_world, invoke, tmp_path) -> None:
    """The class names are swapped, so the model calls no red pan red pan."""
    (own_world.folder / "classes.csv").write_text(
        "index,name\n0,pink cup\n1,blue wok\n2,green kettle\n3,red pan\n4,cyan jug\n5,white plate\n"
    )
    result = invoke("run", own_world.config, "--out", tmp_path / "run")
    findings = check_inconclusive(result, tmp_path / "run")
    assert findings["eligible"] == 0
    assert findings["findings"] == []
    assert "calls none of the 44 source images source" in " ".join(result.stdout.split())
    suggested = invoke("suggest", own_world.config, "--out", tmp_path / "suggest")
    assert suggested.exit_code == 2
    assert "check class names and preprocessing" in suggested.stderr


# Folders and flags


def test_an_existing_run_folder(world, invoke, own_run) -> None:
    before = (own_run / "manifest.json").read_bytes()
    refused(
        invoke("run", world.config, "--out", own_run), "already exists and is not empty", f"--resume {own_run}", "--out"
    )
    assert (own_run / "manifest.json").read_bytes() == before


def test_an_unwritable_folder(world, invoke, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused(invoke("run", world.config, "--out", tmp_path / "file" / "run"), "cannot write", "file/run")
    refused(invoke("run", world.config, "--out", tmp_path / "file"), "already exists")
    refused(invoke("run", world.config, "--out", "/proc/auditor-run"), "cannot write /proc/auditor-run")
    refused(invoke("init", tmp_path / "file" / "audit.toml"), "cannot write", "audit.toml")
    refused(invoke("init", tmp_path / "nowhere" / "audit.toml"), "cannot write", "nowhere")


@pytest.mark.parametrize("command", ["atlas", "suggest", "trial", "report", "review"])
def test_a_folder_that_is_no_run(command, invoke, tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    refused(invoke(command, tmp_path / "photos"), "photos", "manifest.json")


@pytest.mark.parametrize("command", ["report", "review"])
def test_no_folder_at_all(command, invoke, tmp_path) -> None:
    refused(invoke(command, tmp_path / "none"), "there is no run folder", "none")


def test_patches_that_are_not_there(world, invoke, finished, tmp_path) -> None:
    folder, _ = finished
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "star.png").write_bytes(b"no picture")
    refused(invoke("trial", folder, "--patches", tmp_path / "empty"), "empty holds no PNG")
    refused(invoke("trial", folder, "--patches", tmp_path / "none"), "none", "folder of PNG")
    refused(invoke("trial", folder, "--placements", "best"), "--placements is for patches you bring")
    assert "continue with" not in invoke("look", folder, tmp_path / "none.png").stderr
    assert "continue with" not in invoke("trial", folder, "--patches", tmp_path / "broken").stderr
    refused(invoke("report", tmp_path / "empty"), "is no run folder", "'auditor run' makes one")
    refused(invoke("trial", folder, "--patches", tmp_path / "broken"), "star.png")
    Image.fromarray(np.full((9, 9), 77, dtype=np.uint16)).save(tmp_path / "broken" / "star.png")
    refused(invoke("trial", folder, "--patches", tmp_path / "broken"), "star.png", "16-bit", "8 bits a channel")
    photo = world.folder / "photos/red pan/00.png"
    refused(invoke("look", folder, photo, "--patch", tmp_path / "broken" / "star.png"), "16-bit")
    refused(invoke("run", world.config, "--patches", tmp_path / "none", "--out", tmp_path / "run"), "none")


def test_a_patches_folder_is_looked_at_before_a_run_is_made(world, invoke, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    refused(
        invoke("trial", world.config, "--patches", tmp_path / "empty", "--out", tmp_path / "run"), "empty holds no PNG"
    )
    assert not (tmp_path / "run").exists()


def test_unknown_words_for_flags(world, invoke, finished, tmp_path) -> None:
    folder, _ = finished
    stickers = world.folder / "stickers"
    refused(invoke("trial", folder, "--patches", stickers, "--placements", "fixed,corner"), "'fixed,corner'", "random")
    refused(invoke("trial", folder, "--patches", stickers, "--placements", "own"), "on_object and off_object", "'own'")
    twice = invoke("trial", folder, "--patches", stickers, "--placements", "fixed, fixed")
    refused(twice, "--placements takes each placement once, got 'fixed, fixed'")
    refused(invoke("report", folder, "--format", "pdf"), "'pdf'", "html, checklist, checklist-json, json, junit")
    refused(invoke("demo", "--world", "moon"), "'moon'", "shortcut, clean or both")
    refused(invoke("atlas", folder, "--out", tmp_path / "x"), "--out is for a new run")
    refused(invoke("run", world.config, "--device", "tpu", "--out", tmp_path / "x"), "device", "'tpu'")
    refused(invoke("run", world.config, "--sead", "3"), "--sead", "--seed")
    refused(invoke("run", world.config, "--seed", "three"), "--seed", "valid integer")
    assert not (folder / "patch-trials").exists()


def test_a_trial_of_patches_that_breaks_off_is_taken_up_again(world, invoke, finished, own_run, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    stickers = world.folder / "stickers"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.beside.patches.confirmed", interrupt)
        stopped = invoke("trial", own_run, "--patches", stickers, "--placements", "fixed,random")
    message = refused(stopped, "interrupted")
    command = message.split("continue with: auditor ")[1].split()
    assert command == ["trial", str(own_run), "--patches", str(stickers), "--placements", "fixed,random"]
    assert invoke(*command).exit_code in (0, 1, 3)


def test_a_crash_ends_in_a_sentence(world, invoke, tmp_path, monkeypatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("[the] network fell over")

    monkeypatch.setattr("auditor.run.stages.images.build_pool", crash)
    message = refused(invoke("run", world.config, "--out", tmp_path / "run"), "unexpected error", "--debug")
    assert "RuntimeError: [the] network fell over" in message
    assert f"auditor run --resume {tmp_path / 'run'}" in message


# Files that are no files, or hold what no reader takes

ENDLESS = "9" * 5000
FILES = {
    "names": ('names = "classes.csv"', 'names = "{}"', (".csv", ".json", ".txt")),
    "boxes": ('all = "photos"', 'all = "photos"\nboxes = "{}"', (".csv", ".json")),
    "pictures": ('all = "photos"', 'all = "{}"', (".csv",)),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
@pytest.mark.parametrize(("key", "suffix"), [(key, suffix) for key, (*_, all_of) in FILES.items() for suffix in all_of])
def test_a_pipe_or_a_loop_of_links_is_refused_and_nobody_waits(key, suffix, world, invoke, tmp_path) -> None:
    old, new, _ = FILES[key]
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"loop{suffix}").symlink_to(f"loop{suffix}")
    for name, word in (("pipe", "it is a pipe or a device"), ("loop", "")):
        path = world.edited("pipe.toml", (old, new.format(tmp_path / f"{name}{suffix}")))
        refused(invoke("check", path), f"{name}{suffix}", word)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_as_xml_reviews_or_description_is_refused(world, invoke, own_run, tmp_path) -> None:
    (tmp_path / "xml").mkdir()
    (tmp_path / "patches").mkdir()
    shutil.copy(world.folder / "stickers/spots.png", tmp_path / "patches")
    for name in ("xml/a.xml", "patches/spots.toml", "reviews.csv", "audit.toml"):
        os.mkfifo(tmp_path / name)
    boxes = world.edited("pipes.toml", ('all = "photos"', f'all = "photos"\nboxes = "{tmp_path}/xml"'))
    refused(invoke("check", boxes), "a.xml", "it is a pipe or a device")
    refused(invoke("trial", own_run, "--patches", tmp_path / "patches"), "spots.toml", "it is a pipe or a device")
    refused(invoke("review", own_run, "--csv", tmp_path / "reviews.csv"), "reviews.csv", "it is a pipe or a device")
    refused(invoke("check", tmp_path / "audit.toml"), "audit.toml", "it is a pipe or a device")


@pytest.mark.parametrize(
    ("key", "name", "text", "words"),
    [
        ("names", "long.csv", f"index,name\n0,{'x' * 140_000}\n", ("field larger than field limit",)),
        ("names", "digits.csv", f"index,name\n{ENDLESS},a\n", ("line 2: the index must be a whole number",)),
        ("names", "digits.json", f'{{"a": {ENDLESS}}}', ("digits.json is not valid JSON",)),
        ("names", "deep.json", "[" * 100_000, ("nested too deeply",)),
        ("names", "half.json", '["a", "b\\ud800"]', ("class 1", "half a character")),
        ("pictures", "long.csv", f"path,label\n{'x' * 140_000},red pan\n", ("field larger than field limit",)),
        ("pictures", "name.csv", f"path,label\n{'x' * 300}.png,red pan\n", ("none of its 1 files exists",)),
        ("boxes", "long.csv", f"path,name,left,top,right,bottom\n{'x' * 140_000},a,0,0,1,1\n", ("field limit",)),
        ("boxes", "deep.json", "[" * 100_000, ("deep.json is not COCO JSON",)),
        ("boxes", "digits.json", f'{{"images": [{{"id": {ENDLESS}}}]}}', ("digits.json is not COCO JSON",)),
    ],
)
def test_what_no_reader_takes_is_refused(key, name, text, words, world, invoke, tmp_path) -> None:
    (tmp_path / name).write_text(text)
    old, new, _ = FILES[key]
    path = world.edited("no-reader.toml", (old, new.format(tmp_path / name)))
    message = refused(invoke("check", path), name, *words)
    assert len(message) < 1000


@pytest.mark.parametrize("text", [f"title = {'[' * 5000}", f"title = {ENDLESS}", "title = \ud800"])
def test_a_description_that_no_reader_takes_is_refused(text, world, invoke, finished, tmp_path) -> None:
    shutil.copy(world.folder / "stickers/spots.png", tmp_path)
    (tmp_path / "spots.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(invoke("trial", finished[0], "--patches", tmp_path), "spots.toml", "TOML")


def test_names_longer_than_a_file_may_have_belong_to_no_picture(world, tmp_path) -> None:
    (tmp_path / "boxes.csv").write_text(f"path,name,left,top,right,bottom\n{'x' * 300}.png,a,0,0,1,1\n")
    images = [{"id": 1, "file_name": "x" * 300}, {"id": 2, "file_name": "a\0b"}]
    (tmp_path / "boxes.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    for name in ("boxes.csv", "boxes.json"):
        path = world.edited("long.toml", ('all = "photos"', f'all = "photos"\nboxes = "{tmp_path}/{name}"'))
        assert read_annotations(read_config(path)).boxes == {}
