"""The command line: commands, messages and exit codes. The only place that prints or exits."""

from __future__ import annotations

import functools
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

from auditor import __version__
from auditor.errors import AuditorError, ConfigError, PatchError, StoreError
from auditor.records import Verdict

if TYPE_CHECKING:
    from auditor.config import AuditConfig
    from auditor.results import Audit
    from auditor.store import RunFolder
    from auditor.terminal import TerminalProgress

P = ParamSpec("P")
PASSED, FAILED, NOT_MADE, INCONCLUSIVE = 0, 1, 2, 3
SEVERITY = (PASSED, INCONCLUSIVE, FAILED)
EXIT_CODES = {Verdict.PASS: PASSED, Verdict.FAIL: FAILED, Verdict.INCONCLUSIVE: INCONCLUSIVE}


@dataclass(slots=True)
class Session:
    """What the edge needs to know of a command that did not end well.

    Attributes:
        folder: the run folder at work; new: whether the command made it; again: the command that goes on with it.
    """

    folder: Path | None = None
    new: bool = False
    again: str = ""
    debug: bool = False


_session = Session()
payload = Console()
messages = Console(stderr=True)

app = typer.Typer(
    name="auditor",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Which visible features, pasted into a picture, push an image classifier from one class to another, and how "
    "often?\n\nExit codes: 0 every limit passes, 1 a limit fails, 2 the audit could not be made, 3 inconclusive.",
)

ConfigOrRun = Annotated[Path, typer.Argument(help="an audit.toml, or the folder of a run", show_default=False)]
RunArgument = Annotated[Path, typer.Argument(help="the folder of a run", show_default=False)]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="the run folder to make; left out: reports/<source>-to-<target>-<time>"),
]


def edge(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that every error ends in a sentence and exit code 2, and nothing in a traceback."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except StoreError as error:
            _refuse(f"[bold red]error:[/] {escape(str(error))}")
        except AuditorError as error:
            _refuse(f"[bold red]error:[/] {escape(str(error))}", withdraw=_session.new)
        except (KeyboardInterrupt, typer.Abort):
            _refuse("interrupted; what was finished is kept")
        except (typer.Exit, typer.BadParameter):
            raise
        except Exception as error:  # the edge: a crash, too, ends in a sentence and the documented code
            if _session.debug:
                traceback.print_exc()
            told = escape(f"{type(error).__name__}: {error}")
            _refuse(f"[bold red]unexpected error:[/] {told} (auditor --debug … shows where)")

    return guarded


def _refuse(sentence: str, withdraw: bool = False) -> NoReturn:
    """Say what went wrong and how to go on.

    Args:
        withdraw: take a run folder away in which nothing was made, since what was asked for cannot be done.
    """
    messages.print(sentence, highlight=False, soft_wrap=True)
    if _session.folder is not None and (_session.folder / "manifest.json").is_file():
        from auditor.store import RunFolder

        if withdraw and RunFolder(_session.folder).remove_unstarted():
            messages.print(f"nothing was made, so {_session.folder} is taken away again", style="dim", soft_wrap=True)
        else:
            messages.print(f"continue with: {_session.again}", highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(NOT_MADE)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="print the version and exit")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show the traceback of an unexpected error")] = False,
) -> None:
    _session.folder, _session.new, _session.debug = None, False, debug
    if version:
        payload.print(__version__, highlight=False)
        raise typer.Exit(PASSED)


@app.command()
@edge
def run(
    config: Annotated[
        Path | None, typer.Argument(help="audit.toml; may be left out if the flags say enough", show_default=False)
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="continue the run in this folder")] = None,
    out: OutOption = None,
    source: Annotated[str | None, typer.Option(help="the class pictures show; several by commas; '*' for all")] = None,
    target: Annotated[str | None, typer.Option(help="the class a patch may push to; several by commas")] = None,
    model: Annotated[str | None, typer.Option(help="torchvision name, module:factory, file.py:factory or file")] = None,
    weights: Annotated[Path | None, typer.Option(help="safetensors or state dict; 'default': torchvision's")] = None,
    layer: Annotated[str | None, typer.Option(help="the layer to map (auditor layers lists them)")] = None,
    classes: Annotated[Path | None, typer.Option(help="the model's class names: CSV, JSON or text")] = None,
    images: Annotated[Path | None, typer.Option(help="folder of class folders, or CSV of path,label")] = None,
    discovery: Annotated[Path | None, typer.Option(help="instead of --images: pictures the atlas sees")] = None,
    confirmation: Annotated[Path | None, typer.Option(help="instead of --images: pictures reported on")] = None,
    patches: Annotated[Path | None, typer.Option(help="folder of your own patches to try as well")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N")] = None,
    seed: Annotated[int | None, typer.Option(help="of every random choice")] = None,
) -> None:
    """Audit a model from nothing to a report; or continue an interrupted run with --resume."""
    from auditor.options import configured, flag_values
    from auditor.run import continue_run, default_folder, new_run, stored_config
    from auditor.store import RunFolder

    values = flag_values(
        source=source, target=target, model=model, weights=weights, layer=layer, classes=classes, images=images,
        discovery=discovery, confirmation=confirmation, patches=patches, device=device, seed=seed,
    )  # fmt: skip
    if resume is not None:
        if config is not None or values or out is not None:
            raise ConfigError("--resume continues a run with the settings it was begun with; give no others beside it")
        folder = RunFolder.open(resume)
        settings = stored_config(folder)
    else:
        settings = configured(config, values)
        folder = new_run(settings, out or default_folder(settings))
    _announce(folder, new=resume is None)
    with _progress() as progress:
        finished = continue_run(folder, settings, progress)
    _show(finished)


@app.command()
@edge
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="folder for both runs; left out: reports/demo-<time>")
    ] = None,
    world: Annotated[str, typer.Option(help="shortcut, clean or both")] = "both",
    check: Annotated[
        bool, typer.Option("--check", help="exit with 0 if the shortcut network fails and its clean twin passes")
    ] = False,
) -> None:
    """Audit the built-in kitchen world, frying pan → wok: a network with a noodle shortcut, and its clean twin."""
    from auditor.demo import EXPECTED, WORLDS, demo_folder, run_demo

    chosen = [name for name in WORLDS if world in (name, "both")]
    if not chosen:
        raise ConfigError(f"--world takes shortcut, clean or both, got {world!r}")
    folder = out or demo_folder()
    finished = []
    for name in chosen:
        messages.print(f"[bold]{name} network[/bold]")
        _go_on_with(folder / name, new=False)
        with _progress() as progress:
            finished.append((name, run_demo(name, folder, progress)))
    for name, one in finished:
        payload.print(f"\n[bold]{name} network[/bold] (expected: {EXPECTED[name]})")
        _print_result(one)
    if check:
        raise typer.Exit(PASSED if all(one.verdict is EXPECTED[name] for name, one in finished) else FAILED)
    raise typer.Exit(max((EXIT_CODES[one.verdict] for _, one in finished), key=SEVERITY.index))


@app.command()
@edge
def init(
    path: Annotated[Path, typer.Argument(help="the file to write")] = Path("audit.toml"),
) -> None:
    """Write a commented audit.toml to start from."""
    from auditor.options import STARTING_FILE
    from auditor.store import write_new_file

    write_new_file(path, STARTING_FILE)
    payload.print(f"wrote {path}; fill in model, classes and images, then: auditor run {path}", highlight=False)


@app.command()
@edge
def layers(
    model: Annotated[
        str,
        typer.Argument(
            help="an audit.toml; or a torchvision name, module:factory, file.py:factory or file", show_default=False
        ),
    ],
    mappable: Annotated[bool, typer.Option("--mappable", help="list only the layers that can be mapped")] = False,
) -> None:
    """List a model's layers with their output shapes, and which of them can be mapped."""
    from auditor.inspecting import listed_layers

    payload.print(listed_layers(model, mappable))


@app.command()
@edge
def doctor() -> None:
    """Say what this machine offers: versions, devices, memory, and whether the parts that come along are there."""
    from auditor.inspecting import machine_table

    payload.print(machine_table())


@app.command()
@edge
def atlas(config_or_run: ConfigOrRun, out: OutOption = None) -> None:
    """Build the atlas of a new run, or build a run's atlas anew, and stop there."""
    from auditor.run import build_atlas

    folder, settings = _begin(config_or_run, "atlas", out)
    with _progress() as progress:
        made = build_atlas(folder, settings, progress)
    payload.print(f"{len(made.cells)} cells of {len(made.samples)} activations (of {made.collected} collected)")
    for level in settings.atlas.levels:
        payload.print(f"{folder.path / 'atlas' / f'{level}.png'}", highlight=False, soft_wrap=True)


@app.command()
@edge
def suggest(config_or_run: ConfigOrRun, out: OutOption = None) -> None:
    """Choose the candidates of a new run, or choose a run's candidates anew, and stop there."""
    from auditor.run import build_candidates
    from auditor.terminal import candidates_listing

    folder, settings = _begin(config_or_run, "candidates", out)
    with _progress() as progress:
        proposals = build_candidates(folder, settings, progress)
    payload.print(candidates_listing([patch.candidate for patch in proposals.patches]))
    payload.print(f"{folder.path / 'candidates'}", highlight=False, soft_wrap=True)


@app.command()
@edge
def trial(
    config_or_run: ConfigOrRun,
    patches: Annotated[Path | None, typer.Option(help="measure the PNG patches of this folder instead")] = None,
    placements: Annotated[str, typer.Option(help="with --patches: fixed, best, random, by commas")] = "fixed",
    out: OutOption = None,
) -> None:
    """Run a run's trials anew and report on them; or measure the patches a person brings with --patches."""
    from auditor.options import named_placements
    from auditor.patch_trials import TABLE, trial_patches
    from auditor.run import continue_run

    if patches is None:
        folder, settings = _begin(config_or_run, "trials", out)
        with _progress() as progress:
            finished = continue_run(folder, settings, progress)
        _show(finished)
        return
    if not patches.is_dir():
        raise PatchError(f"--patches takes a folder of PNG files; there is none at {patches}")
    chosen = named_placements(placements)
    folder, settings = _begin(config_or_run, None, out)
    same = f"--patches {shlex.quote(str(patches))} --placements {','.join(chosen)}"
    _go_on_with(folder.path, _session.new, f"trial {{}} {same}")
    with _progress() as progress:
        finished = trial_patches(folder, settings, patches, chosen, progress)
    payload.print(f"table: {finished.folder / TABLE}", highlight=False, soft_wrap=True)
    _show(finished)


@app.command()
@edge
def report(
    run_folder: RunArgument,
    form: Annotated[
        str | None, typer.Option("--format", help="print one format to stdout: html, checklist, json, junit")
    ] = None,
) -> None:
    """Write a finished run's reports anew, or print one of them."""
    from auditor.report import FORMATS
    from auditor.results import finish, stored_result
    from auditor.store import RunFolder

    folder = RunFolder.open(run_folder)
    result = stored_result(folder)
    if form is None:
        _show(finish(folder, result))
        return
    if form not in FORMATS:
        raise ConfigError(f"--format takes one of {', '.join(FORMATS)}, got {form!r}")
    sys.stdout.write(FORMATS[form].write(result))


@app.command()
@edge
def review(
    run_folder: RunArgument,
    mark: Annotated[
        list[str] | None, typer.Option(help="CANDIDATE=object or CANDIDATE=context; may be given several times")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="marks from a CSV of candidate,mark,reviewer,why")] = None,
    by: Annotated[str, typer.Option(help="who looked")] = "",
    why: Annotated[str, typer.Option(help="in a few words, why")] = "",
) -> None:
    """Mark what `target_image` candidates show, and recompute the verdicts; asks if nothing is given."""
    from auditor.report.summary import awaiting_review
    from auditor.results import review_run, stored_result
    from auditor.reviews import asked_reviews, csv_reviews, marked_reviews
    from auditor.store import RunFolder

    if csv is not None and mark:
        raise ConfigError("give the marks by --mark or --csv, not both")
    folder = RunFolder.open(run_folder)
    result = stored_result(folder)
    if csv is not None:
        reviews = csv_reviews(csv, result)
    elif mark:
        reviews = marked_reviews(mark, by, why, result)
    elif not awaiting_review(result):
        messages.print("no target_image candidate awaits a person's look")
        _show(review_run(folder, []))
        return
    else:
        reviews = asked_reviews(result, folder.path, by, _ask)
    _show(review_run(folder, reviews))


def _ask(question: str) -> str:
    return str(typer.prompt(question, err=True))


def _begin(config_or_run: Path, stage: str | None, out: Path | None) -> tuple[RunFolder, AuditConfig]:
    from auditor.run import begin

    folder, settings = begin(config_or_run, stage, out)
    _announce(folder, new=not config_or_run.is_dir())
    return folder, settings


def _announce(folder: RunFolder, new: bool) -> None:
    _go_on_with(folder.path, new)
    messages.print(f"run folder: {folder.path}", highlight=False, soft_wrap=True)


def _go_on_with(folder: Path, new: bool, command: str = "run --resume {}") -> None:
    """What a person is told to type where the command at work does not end well."""
    _session.folder, _session.new = folder, new
    _session.again = f"auditor {command.format(shlex.quote(str(folder)))}"


def _progress() -> TerminalProgress:
    from auditor.terminal import TerminalProgress

    return TerminalProgress(messages)


def _print_result(finished: Audit) -> None:
    from auditor.terminal import summary

    for part in summary(finished.result):
        payload.print(part, highlight=False)
    payload.print(f"report: {finished.report}", highlight=False, soft_wrap=True)


def _show(finished: Audit) -> None:
    _print_result(finished)
    raise typer.Exit(EXIT_CODES[finished.verdict])


def main() -> None:
    """The entry point: runs a command and exits with its code."""
    app(prog_name="auditor")


if __name__ == "__main__":
    main()
