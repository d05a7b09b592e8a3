"""Every command explains itself with -h and answers in JSON with --json, on stdout alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import Result

from auditor.cli import app
from auditor.cli.answers import answer_text
from auditor.run.beside.tracking import Tracked
from auditor.run.finished import Audit
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result
from tests.tiny_world import World

ROOT = Path(__file__).resolve().parents[2]
TREE = typer.main.get_command(app).commands  # type: ignore[attr-defined]
Invoke = Callable[..., Result]


def commands() -> Iterator[str]:
    for name, command in TREE.items():
        yield from (f"{name} {inner}" for inner in command.commands) if hasattr(command, "commands") else [name]


COMMANDS = sorted(commands())

ANSWERED = {
    "atlas": "atlas {run} --kind class --levels 4 --icons 0",
    "atlas --layers": "atlas {run} --layers features.1,features.3",
    "check": "check {world}/audit.toml",
    "compare": "compare {run} {run}",
    "counterexamples": "counterexamples {failed} --out {out} --count 5",
    "demo": "demo --out {out} --world clean",
    "doctor": "doctor",
    "export": "export {run} --to mlflow",
    "history": "history {run}",
    "icons": "icons {run} --channels 1",
    "init": "init {out}",
    "layers": "layers {world}/audit.toml",
    "list": "list {run}",
    "look": "look {run} {photograph}",
    "open": "open {run}",
    "plant": "plant {run} --count 1",
    "policy": "policy {out}",
    "report": "report {run}",
    "review": "review {run} --mark c-002=context --by Ada",
    "run": "run --resume {run}",
    "sign": "sign {run}",
    "suggest": "suggest {run}",
    "survey": "survey {world}/audit.toml --dry-run",
    "transfer": "transfer {run} --model {world}/audit.toml",
    "trial": "trial {run}",
    "trial --dry-run": "trial {run} --patches {world}/stickers --dry-run",
    "trial --patches": "trial {run} --patches {world}/stickers",
    "worlds build": "worlds build noodles --cache {out}",
    "worlds list": "worlds list noodles --cache {out}",
    "worlds score": "worlds score noodles --cache {out} --out {out}",
}
"""What is typed, by the row of docs/cli.md that tells the keys, or by a variant of it."""


def documented() -> dict[str, set[str]]:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    table = text.split("### What --json prints")[1].split("## ")[0]
    rows = [line.strip("| ").split("|") for line in table.splitlines() if line.startswith("| `")]
    return {
        command: set(re.findall(r"`([a-z_]+)`", keys))
        for names, keys in rows
        for command in re.findall("`(.+?)`", names)
    }


def row_of(command: str) -> str:
    return command if command in documented() else command.partition(" --")[0]


def test_every_command_is_gone_through() -> None:
    typed = {command.partition(" --")[0] for command in ANSWERED}
    assert typed == set(COMMANDS)
    assert set(map(row_of, ANSWERED)) == set(documented())


@pytest.mark.parametrize("command", ["", *TREE, *COMMANDS])
def test_every_command_explains_itself(command: str, invoke: Invoke) -> None:
    told = invoke(*command.split(), "-h")
    assert told.exit_code == 0
    assert f"Usage: auditor {command}".rstrip() in " ".join(told.stdout.replace("root", "auditor").split())
    assert told.stdout == invoke(*command.split(), "--help").stdout


@pytest.fixture
def told(
    world: World, own_run: Path, finished: tuple[Path, Result], tmp_path: Path, invoke: Invoke, monkeypatch
) -> Callable[[str], Result]:
    """A command's answer; what takes minutes is done by something small in its place."""

    def audited(name: str, folder: Path, progress: object) -> Audit:
        return Audit(stored_result(RunFolder.open(finished[0])), folder / name)

    class NobodyScores:
        def __init__(self, *_: object) -> None: ...

        def rows(self, *_: object) -> list[Any]:
            return []

    laid_out = SimpleNamespace(images=72, movements=(0.5,), picture=tmp_path / "layers.png")
    monkeypatch.setattr("auditor.run.beside.atlases.build_layers_atlas", lambda *_: laid_out)
    monkeypatch.setattr("auditor.run.demo.run_demo", audited)
    monkeypatch.setattr("auditor.run.planted.plant.plant", lambda *_: ())
    monkeypatch.setattr("auditor.run.worlds.build.build", lambda *_: None)
    monkeypatch.setattr("auditor.run.worlds.score.Scorer", NobodyScores)
    monkeypatch.setattr("auditor.run.worlds.board.board", lambda rows: "nothing\n")
    monkeypatch.setattr("auditor.run.beside.tracking.log_run", lambda *_: Tracked("file:///runs", "auditor", "0f"))
    monkeypatch.setattr("webbrowser.get", lambda: None)
    monkeypatch.setattr("webbrowser.open", lambda address: None)

    def tell(typed: str) -> Result:
        if "{failed}" in typed:
            assert invoke("review", own_run, "--mark", "c-002=context", "--by", "Ada").exit_code == 1
        photograph = world.folder / "photos" / "pink cup" / "00.png"
        where = {"run": own_run, "failed": own_run, "world": world.folder, "photograph": photograph}
        return invoke(*(word.format(**where, out=tmp_path / "out") for word in typed.split()), "--json")

    return tell


@pytest.mark.parametrize("command", ANSWERED)
def test_every_command_answers_in_json(command: str, told: Callable[[str], Result]) -> None:
    typed = ANSWERED[command]
    result = told(typed)
    assert result.exit_code in (0, 1, 3), result.output
    answer = json.loads(result.stdout)
    keys = documented()[row_of(command)]
    assert set(answer) <= keys
    assert answer
    if "{run}" in typed and "run" in keys and command != "list":
        assert Path(answer["run"]).name in ("run", "stickers")
    if command in ("run", "report", "review", "trial"):
        assert answer["exit_code"] == result.exit_code
        assert answer["findings"] == json.loads((Path(answer["run"]) / "findings.json").read_text())


def test_mistakes_are_listed_in_json_as_well(world: World, invoke: Invoke) -> None:
    wrong = world.edited("wrong.toml", ('source = "red pan"', 'source = "red pam"'))
    result = invoke("check", wrong, "--json")
    assert result.exit_code == 2
    (mistake,) = json.loads(result.stdout)["mistakes"]
    assert "red pam" in mistake
    assert "red pam" in result.stderr


def test_an_error_prints_no_json(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("report", tmp_path / "none", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")


def test_a_printed_format_is_no_answer(invoke: Invoke, own_run: Path) -> None:
    result = invoke("report", own_run, "--format", "csv", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--format json" in result.stderr


class Word(StrEnum):
    FAIL = "fail"


def test_what_stands_in_an_answer() -> None:
    value = {
        "path": Path("a") / "caf\udce9",
        "word": Word.FAIL,
        "turned": "a\u202eb\x1b",
        "none": None,
        "yes": True,
        "count": 3,
        "nan": math.nan,
        "some": (1.5, {"inner": [Word.FAIL]}),
    }
    text = answer_text(value)
    assert json.loads(text) == {
        "path": "a/caf\\xe9",
        "word": "fail",
        "turned": "a\\u202eb\\x1b",
        "none": None,
        "yes": True,
        "count": 3,
        "nan": None,
        "some": [1.5, {"inner": ["fail"]}],
    }
    assert text.endswith("}\n")
    with pytest.raises(TypeError, match="object has no place in JSON"):
        answer_text({"odd": object()})
