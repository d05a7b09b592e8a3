"""Ways to end a command that are not its own: code that leaves Python, a signal, a reader who has gone, a full disk."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.cli.pipes import told_to_end
from tests.tiny_world import FACTORY, World

LEAVES = (
    FACTORY
    + '''

import sys
from pathlib import Path

COUNTDOWN = Path(__file__).with_name("countdown")


class Leaves(Areas):
    """Leaves Python in the forward that the file counts down to."""

    def forward(self, images):
        left = int(COUNTDOWN.read_text()) if COUNTDOWN.exists() else 0
        if left == 1:
            sys.exit(0)
        if left:
            COUNTDOWN.write_text(str(left - 1))
        return super().forward(images)


def leaves():
    return Leaves(6)
'''
)


@pytest.fixture(scope="module")
def leaving(tmp_path_factory: pytest.TempPathFactory, invoke) -> tuple[World, Path]:
    """A finished run of a network that can be told to leave in its n-th forward."""
    from tests.tiny_world import build_world

    world = build_world(tmp_path_factory.mktemp("leaving"))
    (world.folder / "network.py").write_text(LEAVES)
    config = world.edited("leaves.toml", ("network.py:network", "network.py:leaves"))
    result = invoke("run", config, "--out", world.folder / "run")
    assert result.exit_code == 3, result.output
    return world, config


COMMANDS = {
    "run": ("run", "{config}", "--out", "{new}"),
    "check": ("check", "{config}"),
    "dry run": ("run", "{config}", "--dry-run"),
    "layers": ("layers", "{config}"),
    "atlas": ("atlas", "{config}", "--out", "{new}"),
    "full atlas": ("atlas", "{run}", "--kind", "full"),
    "suggest": ("suggest", "{config}", "--out", "{new}"),
    "look": ("look", "{run}", "{world}/photos/red pan/00.png"),
    "icons": ("icons", "{run}", "--channels", "1"),
    "trial --patches": ("trial", "{run}", "--patches", "{world}/stickers"),
    "transfer": ("transfer", "{run}", "--model", "{config}"),
    "trial": ("trial", "{run}"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("forward", [1, 7, 12])
def test_a_network_that_leaves_python_is_an_error_and_no_pass(
    forward: int, command: str, leaving: tuple[World, Path], invoke, tmp_path: Path
) -> None:
    world, config = leaving
    where = {"world": world.folder, "config": config, "run": world.folder / "run", "new": tmp_path / "new"}
    countdown = world.folder / "countdown"
    countdown.write_text(str(forward))
    result = invoke(*[word.format(**where) for word in COMMANDS[command]])
    left = int(countdown.read_text())
    countdown.unlink()
    if left > 1:  # the command needs fewer forwards
        assert forward > 1
        return
    assert result.exit_code == 2, result.output
    assert "failed with SystemExit: 0" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit(), GeneratorExit(), asyncio.CancelledError()])
def test_whatever_leaves_from_anywhere_is_no_exit_code_0(error, world, invoke, tmp_path, monkeypatch) -> None:
    def leave(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("auditor.run.stages.candidates.propose", leave)
    result = invoke("run", world.config, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "error:" in result.stderr
    assert f"continue with: auditor run --resume {tmp_path / 'run'}" in result.stderr
    assert not (tmp_path / "run" / "findings.json").exists()


def test_sigterm_tells_how_to_go_on(world, invoke, finished, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "run"
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr("auditor.run.stages.clean.predict_clean", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        result = invoke("run", world.config, "--out", folder)
    assert result.exit_code == 2
    assert "told to end; what was finished is kept" in result.stderr
    assert f"continue with: auditor run --resume {folder}" in result.stderr
    assert signal.getsignal(signal.SIGTERM) == before
    assert invoke("run", "--resume", folder).exit_code == finished[1].exit_code
    assert (folder / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_signals_are_the_main_threads(monkeypatch) -> None:
    monkeypatch.setattr("auditor.cli.pipes.threading.current_thread", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    with told_to_end():
        assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("arguments", [[], ["--format", "html"]])
def test_a_report_that_is_read_in_part_keeps_its_exit_code(arguments: list[str], own_run: Path) -> None:
    command = [sys.executable, "-m", "auditor", "report", str(own_run), *arguments]
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        assert process.stdout is not None
        process.stdout.close()  # nobody reads
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert said == ""
    assert process.returncode == (0 if arguments else 3)


def test_a_disk_that_is_full_anywhere_is_said(world, invoke, tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("auditor.run.demo.write_world", full)
    result = invoke("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 2
    assert "the disk is full; free some space" in result.stderr
    assert "unexpected error" not in result.stderr


def test_init_on_a_full_disk_leaves_nothing(invoke, tmp_path, monkeypatch) -> None:
    def full(path: Path, text: str, **_: object) -> None:
        with path.open("w") as file:
            file.write(text[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        result = invoke("init", tmp_path / "audit.toml")
    assert result.exit_code == 2
    assert "the disk is full; free some space, then give this command again" in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert invoke("init", tmp_path / "audit.toml").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["audit.toml"]


def test_names_as_long_as_the_file_system_takes(world, invoke, own_run, tmp_path) -> None:
    """A patch's name goes into the names of a dozen kinds of files; a report tells it whole."""
    folder = tmp_path / ("brought-" * 25)
    folder.mkdir()
    names = ["s" * 251, "s" * 250 + "t", "å" * 120, "kurz"]
    for name in names:
        (folder / f"{name}.png").write_bytes((world.folder / "stickers" / "spots.png").read_bytes())
    result = invoke("trial", own_run, "--patches", folder, "--placements", "fixed,best")
    assert result.exit_code in (0, 1, 3), result.output
    (inside,) = (own_run / "patch-trials").iterdir()
    table = (inside / "table.csv").read_text()
    assert all(f'"{name}"' in table for name in names)
    photograph = world.folder / "photos" / "red pan" / "00.png"
    assert invoke("look", own_run, photograph, "--patch", folder / f"{names[0]}.png").exit_code == 0
