"""Two commands never work in one run folder: the second says so and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.run.folder import RunFolder

COMMANDS = {
    "resume": ("run", "--resume", "{run}"),
    "trial": ("trial", "{run}"),
    "trial --patches": ("trial", "{run}", "--patches", "{world}/stickers"),
    "suggest": ("suggest", "{run}"),
    "atlas": ("atlas", "{run}"),
    "look": ("look", "{run}", "{world}/photos/red pan/00.png"),
    "icons": ("icons", "{run}", "--channels", "1"),
    "more": ("run", "--more", "{run}", "--images", "{world}/photos"),
    "transfer": ("transfer", "{run}", "--model", "{world}/audit.toml"),
    "report": ("report", "{run}"),
    "review": ("review", "{run}", "--mark", "c-002=context", "--by", "Ann", "--why", "a spot"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_command_waits_its_turn(command: str, world, invoke, own_run: Path) -> None:
    before = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}
    words = [word.format(run=own_run, world=world.folder) for word in COMMANDS[command]]
    with RunFolder(own_run).alone():
        result = invoke(*words)
    assert result.exit_code == 2
    assert f"another auditor is at work in {own_run}" in result.stderr
    assert {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()} == before


def test_printing_a_report_waits_for_nobody(invoke, own_run: Path) -> None:
    with RunFolder(own_run).alone():
        assert invoke("report", own_run, "--format", "json").exit_code == 0
