"""Files whose names are no UTF-8: used as any other, shown with escapes, and found again by what a run remembers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import auditor
from tests.tiny_world import World

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")


def rename(path: Path, name: bytes) -> Path:
    """The same file under a name of bytes."""
    there = os.path.join(os.fsencode(path.parent), name)
    os.rename(os.fsencode(path), there)
    return Path(os.fsdecode(there))


def make_undecodable(world: World) -> None:
    """A class folder, all pictures of both classes, a skipped one and a patch get names of Latin-1."""
    for label in ("red pan", "blue wok"):
        for path in sorted((world.folder / "photos" / label).iterdir()):
            rename(path, b"caf\xe9 " + path.name.encode())
    empty = world.folder / "photos/red pan/empty.png"
    empty.write_bytes(b"")
    rename(empty, b"le\xe9r.png")
    rename(world.folder / "stickers/spots.png", b"sp\xf6ts.png")
    rename(world.folder / "photos/pink cup", b"pink c\xfcp")
    text = world.config.read_text()
    for old, new in (
        ("[images]", "folders = { 'pink c\\xfcp' = \"pink cup\" }\n\n[images]"),
        ("[candidates]", '[candidates]\npatches = "stickers"'),
    ):
        assert old in text
        text = text.replace(old, new)
    world.config.write_text(text)


def test_a_whole_audit_of_names_that_are_no_utf8(own_world: World, invoke, tmp_path: Path) -> None:
    make_undecodable(own_world)
    # the folder of the run, and that of everything it reads, have such names too
    world = World(rename(own_world.folder, b"w\xf6rld"))
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xfcn"))
    run = invoke("run", world.config, "--out", folder)
    assert run.exit_code == 1, run.output
    assert "r\\xfcn/report.html" in run.stdout

    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    assert [(one["path"], one["reason"]) for one in findings["images"]["skipped"]] == [
        ("photos/red pan/le\\xe9r.png", "zero bytes")
    ]
    assert "u-sp\\xf6ts" in {one["candidate"] for one in findings["findings"]}
    names = {Path(path).name for path in auditor.open_run(folder).images.path if "red pan" in path}
    assert names == {f"caf\\xe9 {number:02d}.png" for number in range(44)}
    html = (folder / "report.html").read_text(encoding="utf-8").replace("<wbr>", "")
    assert "le\\xe9r.png" in html
    assert "sp\\xf6ts" in html

    before = (folder / "findings.json").read_bytes()
    (folder / "findings.json").unlink()
    (folder / "candidates.parquet").unlink()
    resumed = invoke("run", "--resume", folder)
    assert resumed.exit_code == 1, resumed.output
    assert (folder / "findings.json").read_bytes() == before
    assert invoke("report", folder).exit_code == 1
    assert (folder / "findings.json").read_bytes() == before
    trial = invoke("trial", folder, "--patches", world.folder / "stickers")
    assert trial.exit_code == 1, trial.output
    assert "sp\\xf6ts" in (folder / "patch-trials/stickers/table.csv").read_text(encoding="utf-8")
    marked = invoke("review", folder, "--mark", "u-sp\\xf6ts=object", "--by", "J\udcf6rg", "--why", "s\udcf6")
    assert marked.exit_code in (0, 3), marked.output
    assert "J\\xf6rg" in (folder / "report.html").read_text(encoding="utf-8")
