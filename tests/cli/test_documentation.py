"""What the command line offers is written down, and what is written down is offered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from auditor.cli import app
from auditor.cli.common import COMMON

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def section(command: str) -> str:
    """A command's section of docs/cli.md."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    found = re.search(rf"^## auditor {command}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/cli.md has no section '## auditor {command}'"
    return found.group(1)


def options(command: str) -> set[str]:
    """Of a command, or of all commands of a group, without those that every command takes."""
    own = COMMANDS[command]
    params = [parameter for one in (own, *getattr(own, "commands", {}).values()) for parameter in one.params]
    return {name for parameter in params for name in long(parameter) if parameter.name not in COMMON}


def common() -> set[str]:
    return {name for one in COMMANDS["doctor"].params for name in long(one)} - {"--help"}


def long(parameter: typer.core.TyperOption) -> list[str]:
    return [name for name in parameter.opts if name.startswith("--")]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_documented_and_every_documented_option_exists(command: str) -> None:
    documented = set(re.findall(r"^\| `(--[a-z-]+)`", section(command), re.MULTILINE))
    assert documented == options(command)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_option_says_what_it_does(command: str) -> None:
    assert COMMANDS[command].help
    assert [one.name for one in COMMANDS[command].params if not getattr(one, "help", "")] == []


def test_every_section_is_of_a_command() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## auditor (\S+)$", text, re.MULTILINE)) == set(COMMANDS)


def test_options_before_the_command_are_documented() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").split("## Exit codes")[0]
    before, behind = text.split("## Options of every command")
    own = {name for one in typer.main.get_command(app).params for name in long(one)}
    assert own - {"--help"} == set(re.findall(r"^\| `(--[a-z-]+)`", before, re.MULTILINE))
    assert common() | {"--help"} == set(re.findall(r"^\| `(--[a-z-]+)`", behind, re.MULTILINE))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_examples_use_options_that_exist(command: str) -> None:
    examples = re.findall(rf"^    auditor {command}\b(.*)$", section(command), re.MULTILINE)
    assert examples
    for example in examples:
        assert set(re.findall(r"--[a-z-]+", example.split("|")[0])) <= options(command) | common()
