"""The edge of the command line: where messages, exit codes and errors come out. The commands are beside it."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableSequence, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from auditor import __version__
from auditor.cli.answers import answer_text
from auditor.cli.common import COMMON, QuietOption, VerboseOption, takes_common
from auditor.cli.completing import one_of, run_folders, settings_or_runs
from auditor.cli.pipes import TerminatedError, told_to_end
from auditor.cli.stores import at_hand
from auditor.cli.terminal import Terminal, said, shell_word
from auditor.core.errors import (
    AuditorError,
    ConfigError,
    ImageError,
    PatchError,
    StoreError,
    UnknownNameError,
    UnreadableImageError,
    first_line,
    is_full_disk,
    out_of_memory,
)
from auditor.core.plain_text import plain
from auditor.core.progress import Progress, Silence
from auditor.core.records import Verdict
from auditor.core.versions import versions

if TYPE_CHECKING:
    from auditor.core.config import AuditConfig
    from auditor.run.finished import Audit
    from auditor.run.folder import RunFolder

P = ParamSpec("P")
PASSED, FAILED, NOT_MADE, INCONCLUSIVE = 0, 1, 2, 3
FAIL, OPEN, NEVER = "fail", "open", "never"
FAIL_ON = (FAIL, OPEN, NEVER)
SEVERITY = (PASSED, INCONCLUSIVE, FAILED)
ERROR = ("error:", "bold red")
EXIT_CODES = {Verdict.PASS: PASSED, Verdict.FAIL: FAILED, Verdict.INCONCLUSIVE: INCONCLUSIVE}


@dataclass(slots=True)
class Session:
    """What the edge needs to know of a command: how it speaks, and how to go on where it does not end well.

    Attributes:
        folder: the run folder at work; new: whether the command made it; again: the command that goes on with it.
        addresses: of runs at hand that lie in a store, by the folder of their copy.
        quiet, verbose: how much is said. as_json: what a person asked for is printed as JSON.
    """

    folder: Path | None = None
    new: bool = False
    again: str = ""
    addresses: dict[Path, str] = field(default_factory=dict)
    debug: bool = False
    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    def speak(self, quiet: bool, verbose: bool, as_json: bool) -> None:
        """Take a command's own words beside those that stood before it.

        Raises:
            ConfigError: it is to say more and less.
        """
        self.quiet, self.verbose, self.as_json = self.quiet or quiet, self.verbose or verbose, as_json
        if self.quiet and self.verbose:
            raise ConfigError("--quiet says less and --verbose more; give one of them")


session = Session()
payload = Terminal()
messages = Terminal(stderr=True)


class Commands(TyperGroup):
    """The commands. What was typed, or what a shell made of a file's name, is shown in a refusal and never sent."""

    def parse_args(self, ctx: Any, args: MutableSequence[str]) -> Any:
        """Read what stands before the command."""
        with _shown_words():
            return super().parse_args(ctx, list(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        with _shown_words():
            return super().invoke(ctx)


@contextlib.contextmanager
def _shown_words() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the parser's errors, which quote what was typed, have no public base class
        if isinstance(getattr(error, "message", None), str):
            error.message = plain(error.message)  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    name="auditor",
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    help="Which visible features, pasted into a picture, push an image classifier from one class to another, and how "
    "often?\n\nExit codes: 0 every limit passes, 1 a limit fails, 2 the audit could not be made, 3 inconclusive.",
)

ConfigOrRun = Annotated[
    Path,
    typer.Argument(help="an audit.toml, or the folder of a run", show_default=False, autocompletion=settings_or_runs),
]
RunArgument = Annotated[
    Path, typer.Argument(help="the folder of a run", show_default=False, autocompletion=run_folders)
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        autocompletion=one_of(FAIL_ON),
        help="what exit code 1 stands for: fail (a limit fails, the default), open (or is open), never (0 once a "
        "verdict is written); left out: as the policy says",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="the run folder to make; left out: reports/<source>-to-<target>-<time>"),
]


_LESS = "lower [compute] batch_size or workers, or free the machine of other work"
WRONG_INPUT = (ConfigError, ImageError, PatchError, UnknownNameError, UnreadableImageError)


def edge(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that every error ends in a sentence and exit code 2, and nothing in a traceback."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        common = {name: bool(kwargs.pop(name, False)) for name in COMMON}
        with _in_sentences():
            session.speak(**common)
            detail(", ".join(f"{package} {version}" for package, version in versions().items()))
            # what a command made is sent to its address after its own errors were told
            with told_to_end(), at_hand(command.__name__, kwargs) as (given, session.addresses), _in_sentences():
                for folder, address in session.addresses.items():
                    note(f"{address} is kept in step with its copy {folder}")
                command(*args, **given)  # type: ignore[arg-type]
                _tell_work()

    return takes_common(guarded)


@contextlib.contextmanager
def _in_sentences() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        refuse(said(ERROR, f" {error}"))
    except AuditorError as error:
        # on a run that stood before, wrong words are to be mended and not to be given again
        hint = session.new or not isinstance(error, WRONG_INPUT)
        refuse(said(ERROR, f" {error}"), withdraw=session.new, hint=hint)
    except TerminatedError:
        refuse(said("told to end; what was finished is kept"))
    except (KeyboardInterrupt, typer.Abort):
        refuse(said("interrupted; what was finished is kept"))
    except (typer.Exit, typer.BadParameter):
        raise
    except BaseException as error:  # the edge: a crash, or foreign code that wants to leave, ends as documented
        refuse(_crash(error))


def _tell_work() -> None:
    """What was done in a run folder, after a command that shows no audit."""
    if session.verbose and session.folder is not None:
        from auditor.cli.details import work_lines
        from auditor.run.folder import RunFolder

        for line in work_lines(RunFolder(session.folder)):
            detail(line)


def _crash(error: BaseException) -> Text:
    """What is said of an error that nobody expected."""
    if session.debug:
        messages.print("".join(traceback.format_exception(error)), soft_wrap=True)
    if isinstance(error, SystemExit):  # exit code 0 is the verdict's alone
        return said(ERROR, f" code that auditor called wanted to leave Python (exit code {error.code})")
    if is_full_disk(error):
        return said(ERROR, " the disk is full; free some space. What was finished before is kept.")
    if out_of_memory(error):
        return said(ERROR, f" memory ran out: {first_line(error)}; {_LESS}")
    told = f" {type(error).__name__}: {error} (auditor --debug … shows where)"
    return said(("unexpected error:", "bold red"), told)


def refuse(sentence: Text, withdraw: bool = False, hint: bool = True) -> NoReturn:
    """Say what went wrong and how to go on.

    Args:
        withdraw: take a run folder away in which nothing was made, since what was asked for cannot be done.
        hint: say by which command the run goes on.
    """
    messages.print(sentence, soft_wrap=True)
    if session.folder is not None and (session.folder / "manifest.json").is_file():
        from auditor.run.folder import RunFolder

        if withdraw and RunFolder(session.folder).remove_unstarted():
            messages.print(f"nothing was made, so {session.folder} is taken away again", style="dim", soft_wrap=True)
        elif hint:
            messages.print(f"continue with: {session.again}", soft_wrap=True)
    raise typer.Exit(NOT_MADE)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="print the version and exit")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show the traceback of an unexpected error")] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    session.folder, session.new, session.debug = None, False, debug
    session.addresses = {}
    session.quiet, session.verbose, session.as_json = quiet, verbose, False
    if version:
        payload.print(__version__)
        raise typer.Exit(PASSED)


def begin_run(
    config_or_run: Path, out: Path | None, atlas: Mapping[str, object] | None = None
) -> tuple[RunFolder, AuditConfig]:
    from auditor.run.audit import begin

    folder, settings = begin(config_or_run, out, atlas)
    announce(folder, settings, new=not config_or_run.is_dir())
    return folder, settings


def announce(folder: RunFolder, settings: AuditConfig, new: bool) -> None:
    from auditor.cli.details import run_lines

    go_on_with(folder.path, new)
    note(f"run folder: {folder.path}")
    for line in run_lines(folder, settings):
        detail(line)


def go_on_with(folder: Path, new: bool, command: str = "run --resume {}") -> None:
    """What a person is told to type where the command at work does not end well."""
    session.folder, session.new = folder, new
    where = session.addresses.get(folder, str(folder))
    session.again = f"auditor {command.replace('{}', shell_word(where), 1)}"


def note(line: str, style: str = "") -> None:
    """Tell a person something beside the answer, unless the command is to be quiet."""
    if not session.quiet:
        messages.print(line, style=style, soft_wrap=True)


def detail(line: str) -> None:
    """Tell what only those hear who asked for more."""
    if session.verbose:
        messages.print(line, style="dim", soft_wrap=True)


def watched() -> AbstractContextManager[Progress]:
    """Progress that is shown, or with --quiet is not."""
    if session.quiet:
        return contextlib.nullcontext(Silence())
    from auditor.cli.console import TerminalProgress

    return TerminalProgress(messages)


def answer(value: Mapping[str, object], *parts: str | Text | Table) -> None:
    """Print what a command tells: the value as JSON where that was asked for, else the parts.

    Args:
        parts: a line that is to be copied whole as a str; prose, which is wrapped, as a Text.
    """
    if session.as_json:
        payload.write(answer_text(value))
        return
    for part in parts:
        payload.print(part, soft_wrap=isinstance(part, str))


def show_directions(finished: Sequence[Audit], fail_on: str | None = None) -> None:
    """Print the audits of both directions, and exit with the worse code."""
    from auditor.cli.console import audit_parts
    from auditor.cli.details import result_lines
    from auditor.cli.gate import audit_value, exit_code, gate_lines, refuse_unused

    codes = [exit_code(one.result, fail_on) for one in finished]
    worse = max(codes, key=SEVERITY.index)
    index = finished[0].folder.parent / "index.html"
    parts: list[str | Text | Table] = []
    for one in finished:
        parts.append(said("\n", (f"{one.result.source.name} → {one.result.target.name}", "bold")))
        parts += [*audit_parts(one, session.quiet), *gate_lines(one)]
    values = [audit_value(one, code) for one, code in zip(finished, codes, strict=True)]
    answer({"directions": values, "index": index, "exit_code": worse}, *parts, f"both directions: {index}")
    for one in finished:
        for line in result_lines(one):
            detail(line)
        refuse_unused(one.result)
    raise typer.Exit(worse)


def show(finished: Audit, fail_on: str | None = None, before: str = "", **beside: object) -> None:
    """Print a finished audit, and exit with its verdict, or with the gate's word where it is held to a policy.

    Args:
        before: a line that is told before it; beside: what else stands in the answer's JSON.
    """
    from auditor.cli.console import audit_parts
    from auditor.cli.details import result_lines
    from auditor.cli.gate import audit_value, exit_code, gate_lines, refuse_unused

    code = exit_code(finished.result, fail_on)
    value = {**audit_value(finished, code), **beside}
    answer(value, *([before] if before else []), *audit_parts(finished, session.quiet), *gate_lines(finished))
    for line in result_lines(finished):
        detail(line)
    refuse_unused(finished.result)
    raise typer.Exit(code)


def show_every_character() -> None:
    """Let a terminal that lacks a character, such as an arrow, show its number: nothing ends for want of a letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
