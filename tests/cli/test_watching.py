"""What a person sees while a command works: stages, bars, a line each half minute; more or less of it; completion."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from auditor.cli import app
from auditor.cli.console import Piece, TerminalProgress, summary
from auditor.cli.terminal import Terminal
from auditor.core.progress import Silence, Staged
from auditor.core.records import Verdict
from auditor.run.folder import RunFolder
from auditor.run.pipeline import STAGES, leading_to, stage_named
from auditor.run.stages.report import stored_result
from tests.tiny_world import World

Invoke = Callable[..., Result]


class Heard(Silence):
    """Progress that keeps what was begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def start(self, stage: str, total: int | None = None) -> None:
        self.begun.append(stage)


def test_pieces_are_told_with_their_stage() -> None:
    heard = Heard()
    staged = Staged(heard)
    staged.start("before")
    staged.plan(["images", "report", "looks"])
    with staged.within("report"):
        with staged.within("images"):
            staged.start("reading")
        staged.start("writing")
    with staged.within("looks"), staged.within("none of them"):
        staged.start("drawing")
    with staged.within("report"):
        staged.start("writing once more")
    staged.start("behind")
    assert heard.begun == [
        "before",
        "stage 2 of 3: reading",
        "stage 2 of 3: writing",
        "stage 3 of 3: drawing",
        "stage 3 of 3: writing once more",
        "behind",
    ]


def test_a_run_tells_every_stage(finished: tuple[Path, Result]) -> None:
    told = [int(number) for number in re.findall(rf"stage (\d+) of {len(STAGES)}: ", finished[1].stderr)]
    assert told[0] == 1
    assert told == sorted(told)
    assert set(told) >= {1, 2, 3, 4, 6, 9, 12, 13}


def test_what_leads_to_a_stage() -> None:
    assert [one.name for one in leading_to(stage_named("icons"))] == ["images", "atlas", "icons"]
    assert leading_to(stage_named("images")) == (stage_named("images"),)


def test_how_far_a_piece_is() -> None:
    assert Piece("icons", 40, 100.0, 10).words(130.0) == "icons, 10 of 40, about 1 min 30 s left"
    assert Piece("icons", 40, 100.0, 0).words(130.0) == "icons, 0 of 40"
    assert Piece("icons", 40, 100.0, 40).words(130.0) == "icons, 40 of 40"
    assert Piece("opening", None, 100.0).words(130.0) == "opening, going on"
    assert Piece("", None, 100.0).words(130.0) == "at work"


def lines(beat: float, pause: float) -> list[str]:
    terminal = Terminal()
    terminal.file = StringIO()
    with TerminalProgress(terminal, beat) as progress:
        progress.start("icons", 3)
        progress.advance(2)
        time.sleep(pause)
    return [re.sub(r"^ *[\d.]+ s  ", "", line) for line in terminal.file.getvalue().splitlines()]


def test_off_a_terminal_there_is_a_line_now_and_then() -> None:
    first, *more = lines(beat=0.05, pause=0.4)
    assert first == "icons (3)"
    assert len(more) >= 2
    assert all(re.fullmatch(r"icons, 2 of 3, about \d+\.\d s left", line) for line in more)


def test_work_that_is_quick_has_one_line() -> None:
    assert lines(beat=30.0, pause=0.0) == ["icons (3)"]


@pytest.mark.parametrize("columns", [80, 200])
def test_bars_fit_the_terminal(columns: int) -> None:
    terminal = Terminal()
    terminal.file, terminal._force_terminal, terminal._color_system = StringIO(), True, None
    terminal.size = (columns, 40)  # type: ignore[assignment]
    with TerminalProgress(terminal) as progress:
        progress.start("stage 12 of 14: whole-picture effects on selection pictures", 45441)
        progress.advance(45440)
    shown = [
        line for line in re.split(r"[\r\n]", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", terminal.file.getvalue())) if line
    ]
    assert all(len(line) <= columns for line in shown)
    assert "45440/45441" in shown[-1]
    assert re.search(r"\d:\d\d:\d\d", shown[-1])
    assert ("selection pictures" in shown[-1]) == (columns == 200)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_summary_has_failing_findings_first_and_rules_between(finished: tuple[Path, Result], columns: int) -> None:
    result = stored_result(RunFolder.open(finished[0]))
    (first, *_) = (one for one in result.findings if one.held_to_limit)
    words = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)
    findings = [
        replace(first, verdict=word, candidate=replace(first.candidate, id=f"c-{word.value}", name="long name " * 12))
        for word in words
    ]
    terminal = Terminal()
    terminal.file = StringIO()
    terminal.size = (columns, 40)  # type: ignore[assignment]
    for part in summary(replace(result, findings=tuple(findings))):
        terminal.print(part)
    lines = terminal.file.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert sum(line.startswith("├") for line in lines) == len(findings) - 1
    assert re.findall(r"^│ c-(\w+) ", "\n".join(lines), re.MULTILINE) == ["fail", "inconclusive", "pass"]


def test_quiet_says_the_verdict_and_no_more(own_run: Path, invoke: Invoke) -> None:
    result = invoke("run", "--resume", own_run, "-q")
    assert result.stderr == ""
    verdict, report = result.stdout.replace("\n", " ").split("report: ")
    assert verdict.split(":")[0] in ("PASS", "FAIL", "INCONCLUSIVE")
    assert report.split() == [str(own_run / "report.html")]
    assert invoke("--quiet", "report", own_run).stdout == invoke("report", own_run, "--quiet").stdout == result.stdout


def test_quiet_tells_errors(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("report", tmp_path / "none", "-q").stderr.startswith("error: ")


def test_verbose_says_settings_and_what_is_done(own_world: World, invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("atlas", own_world.config, "--out", tmp_path / "run", "-v")
    assert "setting: compute.batch_size = 16" in result.stderr
    assert 'setting: model.name = "network.py:network"' in result.stderr
    assert re.search(r"^auditor \S+, python \S+, torch ", result.stderr, re.MULTILINE)
    assert re.search(r"^stage icons took \d+\.\d s$", result.stderr, re.MULTILINE)
    again = invoke("suggest", tmp_path / "run", "--verbose")
    assert "done before: images, atlas, icons" in again.stderr
    assert "setting: " not in invoke("list", tmp_path / "run").stderr


def test_verbose_names_each_skipped_picture_and_what_stages_took(own_run: Path, invoke: Invoke) -> None:
    result = invoke("report", own_run, "-v")
    assert re.search(r"stage trials took \d+\.\d s", result.stderr)
    assert "stage trials took" not in result.stdout


def test_more_and_less_at_once_is_refused(invoke: Invoke) -> None:
    for words in (("doctor", "-q", "-v"), ("-q", "doctor", "-v")):
        refused = invoke(*words)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "give one of them" in refused.stderr


def completed(shell: str, line: str, **environment: str) -> list[str]:
    place = len(line.split(" ")) - 1
    given = {"COMP_WORDS": line, "COMP_CWORD": str(place), "_TYPER_COMPLETE_ARGS": line, **environment}
    result = CliRunner().invoke(app, [], prog_name="auditor", env={"_AUDITOR_COMPLETE": f"complete_{shell}", **given})
    return [line for line in result.output.splitlines() if line]


def test_a_shell_completes_commands_folders_and_words(own_run: Path, monkeypatch) -> None:
    monkeypatch.chdir(own_run.parent)
    assert completed("bash", "auditor coun") == ["counterexamples"]
    assert completed("bash", "auditor report ru") == ["run"]
    assert completed("bash", "auditor report run --fail-on o") == ["open"]
    assert completed("bash", "auditor report run --format in") == ["in-toto"]
    assert completed("bash", "auditor worlds build no") == ["noodles"]
    own_run.rename(own_run.parent / "a run")
    assert completed("bash", "auditor report a") == ["a\\ run"]
    assert completed("fish", "auditor report a", _TYPER_COMPLETE_FISH_ACTION="get-args") == ["a run"]


def test_a_shell_completes_the_files_class_names(own_world: World, monkeypatch) -> None:
    monkeypatch.chdir(own_world.folder)
    assert completed("bash", "auditor run au") == ["audit.toml"]
    assert completed("bash", "auditor run audit.toml --target b") == ["blue\\ wok"]
    assert completed("bash", "auditor run --classes classes.csv --source r") == ["red\\ pan"]
    assert completed("bash", "auditor run --target b") == []
    own_world.config.write_text("source = ")
    assert completed("bash", "auditor run audit.toml --target b") == []


def test_completion_can_be_shown(monkeypatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    shown = CliRunner().invoke(app, ["--show-completion"], prog_name="auditor")
    assert "_AUDITOR_COMPLETE" in shown.output
