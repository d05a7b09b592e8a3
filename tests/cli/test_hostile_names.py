"""Names that a terminal would obey or a table would swallow: shown as they are, wherever an audit names them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from rich.table import Table

from auditor.cli.console import TerminalProgress
from auditor.cli.terminal import Terminal, said, shell_word
from auditor.report.findings_json import schema
from tests.tiny_world import World

HOSTILE = "\x1b[31m\x07\u202e [/steel] [x] :skull: \u2066<b>"
SHOWN = "\\x1b[31m\\x07\\u202e [/steel] [x] :skull: \\u2066<b>"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
FILE = "pic [x] \x1b]0;owned\x07\u202e.png"
FILE_SHOWN = "pic [x] \\x1b]0;owned\\x07\\u202e.png"


def make_hostile(world: World) -> None:
    """Bad names for both classes, the model, a picture, a skipped one and a patch."""
    folder, pan, wok = world.folder, f"red pan{HOSTILE}", f"blue wok{HOSTILE}"
    rest = "2,green kettle\n3,pink cup\n4,cyan jug\n5,white plate\n"
    (folder / "classes.csv").write_text(f'index,name\n0,"{pan}"\n1,"{wok}"\n{rest}')
    (folder / "network.py").rename(folder / f"net {FILE}.py")
    (folder / "photos/blue wok/00.png").rename(folder / "photos/blue wok" / FILE)
    (folder / "photos/red pan" / f"empty {FILE}").write_bytes(b"")
    (folder / "stickers/spots.png").rename(folder / "stickers" / FILE)
    text = world.config.read_text()
    for old, new in (
        ('source = "red pan"', f"source = {json.dumps(pan)}"),
        ('target = "blue wok"', f"target = {json.dumps(wok)}"),
        ('"network.py:network"', json.dumps(f"net {FILE}.py:network")),
        ("[images]", f'folders = {{ "red pan" = {json.dumps(pan)}, "blue wok" = {json.dumps(wok)} }}\n\n[images]'),
        ("[candidates]", '[candidates]\npatches = "stickers"'),
    ):
        assert old in text
        text = text.replace(old, new)
    world.config.write_text(text)


def flat(text: str) -> str:
    """Without the line breaks and frames of a terminal."""
    return re.sub(r"[\s│┃]+", "", text)


def test_hostile_names_are_shown_and_never_sent(own_world: World, invoke, tmp_path: Path) -> None:
    make_hostile(own_world)
    folder = tmp_path / "run"
    run = invoke("run", own_world.config, "--out", folder)
    assert run.exit_code == 1, run.output  # the patch of yellow spots calls the target wherever it lies
    patches = own_world.folder / "stickers"
    others = [
        invoke("report", folder),
        invoke("suggest", own_world.config, "--out", tmp_path / "suggested"),
        invoke("trial", folder, "--patches", patches),
        invoke("layers", own_world.config),
        invoke("review", folder, stdin=f"me{HOSTILE}\ncontext\nwhy{HOSTILE}\nskip\n"),
    ]
    assert [one.exit_code for one in others] == [1, 0, 1, 0, 1], [one.output for one in others]
    for one in (run, *others):
        # the runner echoes what a person types
        assert OBEYED.search(one.output.replace(HOSTILE, "")) is None
    assert flat(f"red pan{SHOWN} → blue wok{SHOWN}") in flat(run.stdout)
    # tables fold long names, so that parts of them are asked for
    assert [part for part in ("[/steel]", "[x]", "\\x1b[31m\\x07", "<b>") if part not in others[1].stdout] == []
    assert "]0;owned\\x07\\u20" in run.stdout

    trials = folder / "patch-trials" / "stickers"
    for made in (folder, trials):
        for name in ("report.html", "checklist.md", "findings.json", "junit.xml"):
            assert OBEYED.search((made / name).read_text(encoding="utf-8")) is None, name
        assert json.dumps(SHOWN)[1:-1] in (made / "findings.json").read_text()
        assert SHOWN.replace("<b>", "&lt;b&gt;") in (made / "report.html").read_text()
        ET.parse(made / "junit.xml")
    findings = json.loads((folder / "findings.json").read_text())
    jsonschema.validate(findings, schema(), jsonschema.Draft202012Validator)
    assert findings["source"]["name"] == f"red pan{SHOWN}"
    assert [one["path"] for one in findings["images"]["skipped"]] == [f"photos/red pan/empty {FILE_SHOWN}"]
    assert OBEYED.search((trials / "table.csv").read_text().replace("\r", "")) is None
    checklist = (folder / "checklist.md").read_text()
    assert "\\[/steel\\] \\[x\\]" in checklist
    assert f"net {FILE_SHOWN}.py" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    "arguments", [[f"no{HOSTILE}"], ["run", f"--se{HOSTILE}d"], [f"--{HOSTILE}"], ["check", HOSTILE]]
)
def test_what_was_typed_is_shown_in_a_refusal(invoke, arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert OBEYED.search(result.output) is None
    assert "\\x1b[31m\\x07\\u202e" in result.output


def printed(*renderables: object) -> str:
    terminal = Terminal()
    terminal.file = StringIO()
    for one in renderables:
        terminal.print(one)
    return terminal.file.getvalue()


def test_every_string_that_is_printed_stays_words() -> None:
    table = Table(title=f"a{HOSTILE}")
    table.add_column(f"b{HOSTILE}", no_wrap=True)
    table.add_row(f"c{HOSTILE}")
    text = printed(f"d{HOSTILE}", said((f"e{HOSTILE}", "bold"), " \r", "\r\n"), table)
    assert [letter for letter in "abcde" if f"{letter}{SHOWN}" not in text] == []
    assert OBEYED.search(text.replace("\r\n", "\n")) is None
    assert "\\x0d" in text


@pytest.mark.parametrize("live", [False, True])
def test_progress_shows_names(live: bool) -> None:
    terminal = Terminal()
    terminal.file = StringIO()
    terminal._force_terminal = live
    terminal.size = (200, 40)  # type: ignore[assignment]
    terminal._color_system = None
    with TerminalProgress(terminal) as progress:
        progress.start(f"s{HOSTILE}", 1)
        progress.advance()
        progress.say(f"m{HOSTILE}")
    text = terminal.file.getvalue()
    assert f"s{SHOWN}" in text
    assert f"m{SHOWN}" in text
    assert "\u202e" not in text
    assert "\x07" not in text


def test_a_command_to_type_again_names_the_same_folder() -> None:
    assert shell_word("a b") == "'a b'"
    assert shell_word("caf\udce9's\\\x1b") == "$'caf\\xe9\\'s\\\\\\x1b'"
