"""A run goes on only with what it was begun with: what changed is noticed and named, at little cost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from auditor.run.folder import RunFolder
from auditor.run.pipeline import STAGES
from tests.tiny_world import FACTORY, World

Change = Callable[[Path], None]


def moved(folder: Path, world: World) -> Path:
    """A run folder made to believe that it was begun in a copy of its world."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["base"] = str(world.folder)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def here(own_world: World, own_run: Path) -> Path:
    return moved(own_run, own_world)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def swap_names(folder: Path) -> None:
    text = (folder / "classes.csv").read_text()
    (folder / "classes.csv").write_text(
        text.replace("pink cup", "?").replace("cyan jug", "pink cup").replace("?", "cyan jug")
    )


def change_code(folder: Path) -> None:
    (folder / "network.py").write_text(FACTORY.replace("mean(dim=(2, 3))", "amax(dim=(2, 3))"))


def overwrite(folder: Path) -> None:
    pictures = folder / "photos" / "red pan"
    shutil.copyfile(pictures / "03.png", pictures / "04.png")


def overwrite_with_the_same_size_and_time(folder: Path) -> None:
    path = folder / "photos" / "red pan" / "05.png"
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def add(folder: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photos" / "red pan" / "extra.png")


def remove(folder: Path) -> None:
    (folder / "photos" / "pink cup" / "02.png").unlink()


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder / "photos")


def relabel(folder: Path) -> None:
    (folder / "photos" / "pink cup" / "02.png").rename(folder / "photos" / "cyan jug" / "other.png")


CHANGES: dict[str, tuple[Change, str]] = {
    "names": (swap_names, "class names: classes.csv changed"),
    "code": (change_code, "the network's code: network.py changed"),
    "overwritten": (overwrite, "pictures: photos/red pan/04.png changed"),
    "same size": (overwrite_with_the_same_size_and_time, "pictures: photos/red pan/05.png changed"),
    "added": (add, "pictures: photos/red pan/extra.png new"),
    "removed": (remove, "pictures: photos/pink cup/02.png gone"),
    "all removed": (remove_all, "photos/blue wok/02.png and 105 more gone"),
    "relabelled": (relabel, "pictures: photos/pink cup/02.png gone, photos/cyan jug/other.png new"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_named_and_nothing_goes_on(change: str, own_world, invoke, here: Path) -> None:
    make, said = CHANGES[change]
    make(own_world.folder)
    before = contents(here)
    result = invoke("run", "--resume", here)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "put back what was there, or start a new run" in result.stderr
    assert result.stdout == ""
    assert contents(here) == before


def test_a_lost_cache_is_not_made_of_other_pictures(own_world, invoke, here: Path) -> None:
    """Its stages are done by the manifest, and their files would be made again of what lies there now."""
    shutil.rmtree(here / "cache")
    remove(own_world.folder)
    result = invoke("run", "--resume", here)
    assert result.exit_code == 2
    assert "photos/pink cup/02.png gone" in result.stderr


COMMANDS = {
    "trial": ("trial", "{run}"),
    "trial --patches": ("trial", "{run}", "--patches", "{world}/stickers"),
    "suggest": ("suggest", "{run}"),
    "atlas": ("atlas", "{run}"),
    "atlas --kind": ("atlas", "{run}", "--kind", "full"),
    "look": ("look", "{run}", "{world}/photos/red pan/00.png"),
    "icons": ("icons", "{run}", "--channels", "1"),
    "more": ("run", "--more", "{run}", "--images", "{world}/photos"),
    "transfer": ("transfer", "{run}", "--model", "{world}/audit.toml"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_uses_what_a_run_made_refuses(command: str, own_world, invoke, here: Path) -> None:
    overwrite(own_world.folder)
    before = contents(here)
    words = [word.format(run=here, world=own_world.folder) for word in COMMANDS[command]]
    result = invoke(*words)
    assert result.exit_code == 2
    assert "pictures: photos/red pan/04.png changed" in result.stderr
    assert contents(here) == before, "nothing that was made is lost"


def test_a_report_and_a_review_need_neither_pictures_nor_model(own_world, invoke, here: Path, finished) -> None:
    shutil.rmtree(own_world.folder)
    assert invoke("report", here).exit_code == finished[1].exit_code
    assert invoke("review", here, "--mark", "c-002=context", "--by", "Ann", "--why", "a spot").exit_code in (0, 1, 3)


def test_the_same_content_is_the_same_and_read_once(own_world, invoke, here: Path, finished, monkeypatch) -> None:
    """Touched files are read again, once; untouched ones never."""
    from auditor.inputs import fingerprints

    read: list[str] = []
    whole = fingerprints.sha256_of_file
    monkeypatch.setattr(fingerprints, "sha256_of_file", lambda path: read.append(path.name) or whole(path))
    assert invoke("run", "--resume", here).exit_code == finished[1].exit_code
    assert len(read) == 110  # the world was copied: every file has other times
    read.clear()
    (own_world.folder / "photos" / "pink cup" / "02.png").touch()
    assert invoke("run", "--resume", here).exit_code == finished[1].exit_code
    assert invoke("run", "--resume", here).exit_code == finished[1].exit_code
    assert read == ["02.png"]


def test_the_settings_in_the_manifest_are_fingerprinted_too(own_world, invoke, here: Path) -> None:
    text = (here / "manifest.json").read_text()
    (here / "manifest.json").write_text(text.replace('"uplift": 0.35', '"uplift": 0.95'))
    result = invoke("run", "--resume", here)
    assert result.exit_code == 2
    assert "the settings in its manifest changed" in result.stderr


def interrupted(world: World, invoke, folder: Path, config: Path) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.stages.clean.predict_clean", stop)
        assert invoke("run", config, "--out", folder).exit_code == 2


BOXES = "path,name,left,top,right,bottom\nphotos/blue wok/00.png,blue wok,2,2,20,20\n"


def everything_beside(world: World) -> Path:
    """A world whose factory imports from its folder, with boxes, masks and patches."""
    folder = world.folder
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "net.py").write_text("from . import sizes\n" + FACTORY)
    (folder / "parts" / "sizes.py").write_text("SIDE = 3\n")
    (folder / "late.py").write_text("WORD = 1\n")
    (folder / "made.py").write_text(
        "import importlib\nfrom parts.net import network\n\n\n"
        "def made():\n    importlib.import_module('la' + 'te')\n    return network()\n"
    )
    (folder / "unused.py").write_text("")
    (folder / "boxes.csv").write_text(BOXES)
    (folder / "masks" / "pink cup").mkdir(parents=True)
    Image.fromarray(np.zeros((32, 32), dtype=np.uint8)).save(folder / "masks" / "pink cup" / "00.png")
    return world.edited(
        "all.toml",
        ("network.py:network", "made.py:made"),
        ('all = "photos"', 'all = "photos"\nboxes = "boxes.csv"\nmasks = "masks"\nmask_values = { "blue wok" = 1 }'),
        ("library = false", 'library = false\npatches = "stickers"'),
    )


BESIDE: dict[str, tuple[str, str | None, str]] = {
    "imported": ("parts/net.py", FACTORY + "\n# other\n", "the network's code: parts/net.py changed"),
    "imported by one that is imported": ("parts/sizes.py", "SIDE = 5\n", "the network's code: parts/sizes.py changed"),
    "imported while it ran": ("late.py", "WORD = 2\n", "the network's code: late.py changed"),
    "boxes": ("boxes.csv", BOXES.replace("20,20", "20,21"), "boxes: boxes.csv changed"),
    "a mask": ("masks/pink cup/00.png", None, "masks: masks/pink cup/00.png gone"),
    "a new mask": ("masks/pink cup/01.png", "", "masks: masks/pink cup/01.png new"),
    "a patch": ("stickers/spots.png", None, "patches: stickers/spots.png gone"),
    "a patch's description": ("stickers/spots.toml", "title = 3", "patches: stickers/spots.toml new"),
}


def test_code_annotations_and_patches_are_fingerprinted(own_world: World, invoke, tmp_path: Path) -> None:
    config = everything_beside(own_world)
    folder = tmp_path / "run"
    interrupted(own_world, invoke, folder, config)
    for name, (file, text, said) in BESIDE.items():
        path = own_world.folder / file
        before = path.read_bytes() if path.exists() else None
        path.unlink() if text is None else path.write_text(text)
        result = invoke("run", "--resume", folder)
        assert result.exit_code == 2, name
        assert said in result.stderr, name
        path.unlink() if before is None else path.write_bytes(before)
    (own_world.folder / "unused.py").write_text("# nobody imports it\n")
    assert invoke("run", "--resume", folder).exit_code in (0, 1, 3)


def test_weights_that_code_brings_are_fingerprinted(own_world: World, invoke, tmp_path: Path) -> None:
    (own_world.folder / "own.py").write_text(
        FACTORY + "\n\ndef own():\n    from safetensors.torch import load_file\n    made = network()\n"
        "    from pathlib import Path\n"
        "    made.load_state_dict(load_file(Path(__file__).with_name('weights.safetensors')))\n    return made\n"
    )
    config = own_world.edited(
        "own.toml", ("network.py:network", "own.py:own"), ('weights = "weights.safetensors"\n', "")
    )
    folder = tmp_path / "run"
    interrupted(own_world, invoke, folder, config)
    from safetensors.torch import load_file, save_file

    state = load_file(own_world.folder / "weights.safetensors")
    state["head.bias"][0] += 0.01
    save_file(state, own_world.folder / "weights.safetensors")
    result = invoke("run", "--resume", folder)
    assert result.exit_code == 2
    assert "the network that own.py:own builds has other weights than when" in result.stderr


def test_pictures_of_a_csv_are_fingerprinted_with_their_labels(own_world: World, invoke, tmp_path: Path) -> None:
    rows = [
        f"{path.relative_to(own_world.folder)},{path.parent.name}" for path in own_world.folder.glob("photos/*/*.png")
    ]
    table = own_world.folder / "photos.csv"
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    config = own_world.edited("csv.toml", ('all = "photos"', 'all = "photos.csv"'))
    folder = tmp_path / "run"
    interrupted(own_world, invoke, folder, config)
    table.write_text(table.read_text().replace("photos/red pan/00.png,red pan", "photos/red pan/00.png,pink cup"))
    result = invoke("run", "--resume", folder)
    assert result.exit_code == 2
    assert "pictures: photos.csv changed" in result.stderr


def test_pictures_that_could_not_be_used_are_fingerprinted(own_world: World, invoke, tmp_path: Path) -> None:
    """A damaged file, and a copy of another, which were left aside, are part of what was read."""
    pictures = own_world.folder / "photos" / "red pan"
    (pictures / "broken.png").write_bytes(b"no picture")
    shutil.copyfile(pictures / "00.png", pictures / "copy.png")
    folder = tmp_path / "run"
    interrupted(own_world, invoke, folder, own_world.config)
    good = (pictures / "07.png").read_bytes()
    (pictures / "broken.png").write_bytes(good + b"\0")
    (pictures / "copy.png").write_bytes(good + b"\0\0")
    result = invoke("run", "--resume", folder)
    assert result.exit_code == 2
    assert "pictures: photos/red pan/broken.png, photos/red pan/copy.png changed" in result.stderr


def test_damaged_fingerprints_are_told(invoke, here: Path) -> None:
    manifest = json.loads((here / "manifest.json").read_text())
    manifest["inputs"]["files"]["pictures"]["photos/red pan/00.png"] = "12 x"
    (here / "manifest.json").write_text(json.dumps(manifest))
    result = invoke("run", "--resume", here)
    assert result.exit_code == 2
    assert "fingerprints are damaged" in result.stderr
    assert all(RunFolder.open(here).is_done(stage.name) for stage in STAGES)


def test_the_manifest_is_told_nothing_of_another_kind(finished: tuple[Path, Result]) -> None:
    noted = json.loads((finished[0] / "manifest.json").read_text())["inputs"]
    assert set(noted) == {"settings", "network", "files"}
    assert {kind: len(files) for kind, files in noted["files"].items()} == {
        "the network's code": 1, "class names": 1, "boxes": 0, "masks": 0, "masks of images.places": 0, "patches": 0,
        "pictures": 108, "pictures of the pool": 0,
    }  # fmt: skip
