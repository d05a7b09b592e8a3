"""A run folder whose files were damaged: what can be made again is, what cannot is told, and no raw error comes out."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from auditor.run.folder import RunFolder
from auditor.run.pipeline import STAGES, forget, stage_named
from auditor.run.stage import Stage

Damage = Callable[[Path], None]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{]" * 40)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


DAMAGES: dict[str, Damage] = {"cut": cut, "empty": empty, "overwritten": overwrite, "one bit flipped": flip}


READ = (
    "cache/pixels.npy",
    "images.parquet",
    "cache/skipped.json",
    "cache/clean.safetensors",
    "candidates.parquet",
    "cache/rungs.json",
    "cache/outcome.json",
    "trials.parquet",
    "atlas/hinton.png",
    "result.json",
    "candidates/c-001.png",
    "cache/cells.parquet",
)


def test_damaged_files_are_made_again(invoke, finished: tuple[Path, Result], own_run: Path) -> None:
    """Each in turn, in a run that is finished otherwise: the findings are the same to the byte."""
    expected = (own_run / "findings.json").read_bytes()
    for file, damage in zip(READ, itertools.cycle(DAMAGES.values()), strict=False):
        damage(own_run / file)
        result = invoke("run", "--resume", own_run)
        assert result.exit_code == finished[1].exit_code, (file, result.output)
        assert f"{file} of {own_run} cannot be read as it was written, and is made again" in result.stderr
        assert (own_run / "findings.json").read_bytes() == expected, file


STAGE_FILES = {
    "images": "cache/pixels.npy",
    "clean": "cache/clean.safetensors",
    "accuracy": "cache/discovery.safetensors",
    "atlas": "cache/samples.safetensors",
    "icons": "cache/icons/0000.safetensors",
    "candidates": "candidates/c-001.png",
    "trials": "trials.parquet",
}


@pytest.mark.parametrize("stage", STAGE_FILES)
def test_a_flipped_bit_is_noticed_when_it_is_read(stage: str, invoke, own_run: Path) -> None:
    """A bit in an array turns no reader away; the checksum does, and what follows is made of what was there."""
    file = STAGE_FILES[stage]
    expected = (own_run / "findings.json").read_bytes()
    before = (own_run / file).read_bytes()
    data = bytearray(before)
    data[-9] ^= 1
    (own_run / file).write_bytes(data)
    following: list[Stage[object]] = [one for one in STAGES if stage_named(stage) in one.needs]
    forget(RunFolder.open(own_run), following[0])
    result = invoke("run", "--resume", own_run)
    assert f"{file} of {own_run} cannot be read as it was written, and is made again" in result.stderr
    assert (own_run / file).read_bytes() == before
    assert (own_run / "findings.json").read_bytes() == expected


PARTS = ("activations/00000.safetensors", "cache/icons/0000.safetensors", "cache/trials/*")


@pytest.mark.parametrize("damage", ["cut", "one bit flipped"])
def test_parts_of_an_interrupted_stage_are_made_again(damage: str, invoke, finished, own_run: Path) -> None:
    """Activations, icons and blocks of trials spare work; damaged ones are worth nothing and do no harm."""
    expected = (own_run / "findings.json").read_bytes()
    manifest = json.loads((own_run / "manifest.json").read_text())
    for stage in ("atlas", "icons", "candidates", "sheets", "trials", "report", "looks"):
        del manifest["stages"][stage]
    (own_run / "manifest.json").write_text(json.dumps(manifest))
    for pattern in PARTS:
        for path in sorted(own_run.glob(pattern))[:3]:
            DAMAGES[damage](path)
    result = invoke("run", "--resume", own_run)
    assert result.exit_code == finished[1].exit_code, result.output
    assert (own_run / "findings.json").read_bytes() == expected


COMMANDS = {
    "report": ("report", "{run}"),
    "report --format": ("report", "{run}", "--format", "json"),
    "review": ("review", "{run}", "--mark", "c-002=context", "--by", "Ann", "--why", "a spot"),
    "transfer": ("transfer", "{run}", "--model", "{world}/audit.toml"),
    "suggest": ("suggest", "{run}"),
}


def test_no_command_ends_in_a_raw_error(world, invoke, finished, tmp_path: Path) -> None:
    """`invoke` fails on a traceback; here every message is also one that somebody wrote."""
    files = ("manifest.json", "result.json", "cells.parquet", "images.parquet", "candidates/c-001.png")
    for number, file in enumerate(files):
        for name, command in COMMANDS.items():
            folder = tmp_path / "run"
            shutil.copytree(finished[0], folder)
            (cut, overwrite)[number % 2](folder / file)
            result = invoke(*[word.format(run=folder, world=world.folder) for word in command])
            assert "unexpected error" not in result.stderr, (file, name, result.stderr)
            shutil.rmtree(folder)


READERS = {
    "report": ("result.json", ("report", "{run}")),
    "report --format": ("result.json", ("report", "{run}", "--format", "json")),
    "review": ("cells.parquet", ("review", "{run}", "--mark", "c-002=context", "--by", "Ann")),
    "transfer": ("candidates/c-001.png", ("transfer", "{run}", "--model", "{world}/audit.toml")),
}


@pytest.mark.parametrize("command", READERS)
def test_who_makes_nothing_again_says_what_does(command: str, world, invoke, finished, own_run: Path) -> None:
    """A number that one bit made another is read by no report."""
    file, words = READERS[command]
    if file == "result.json":
        text = (own_run / file).read_text()
        assert '"eligible": 2' in text
        (own_run / file).write_text(text.replace('"eligible": 2', '"eligible": 3'))
    else:
        flip(own_run / file)
    result = invoke(*[word.format(run=own_run, world=world.folder) for word in words])
    assert result.exit_code == 2
    assert (
        f"{file} is damaged: it is not what was written; 'auditor run --resume {own_run}' makes it again"
        in result.stderr
    )
    (own_run / "report.html").unlink()
    assert invoke("run", "--resume", own_run).exit_code == finished[1].exit_code
    assert invoke(*[word.format(run=own_run, world=world.folder) for word in words]).exit_code in (0, 1, 3)


def test_damaged_reviews_are_told_and_kept(invoke, own_run: Path) -> None:
    assert invoke("review", own_run, "--mark", "c-002=context", "--by", "Ann", "--why", "x").exit_code in (0, 1, 3)
    cut(own_run / "reviews.json")
    left = (own_run / "reviews.json").read_bytes()
    for command in (("report", own_run), ("review", own_run, "--mark", "c-001=object"), ("run", "--resume", own_run)):
        result = invoke(*command)
        assert result.exit_code == 2
        assert "reviews.json is damaged" in result.stderr
    assert (own_run / "reviews.json").read_bytes() == left


def test_a_checklist_that_somebody_filled_in_stays(invoke, own_run: Path) -> None:
    text = (own_run / "checklist.md").read_text().replace("- [ ]", "- [x]", 1)
    (own_run / "checklist.md").write_text(text)
    assert invoke("run", "--resume", own_run).exit_code == 3
    assert (own_run / "checklist.md").read_text() == text
