"""Commands that audit: from nothing to a report, and what follows from one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.edge import (
    EXIT_CODES,
    FAILED,
    PASSED,
    SEVERITY,
    ConfigOrRun,
    OutOption,
    RunArgument,
    announce,
    app,
    begin_run,
    edge,
    go_on_with,
    messages,
    payload,
    print_result,
    session,
    show,
    watched,
)
from auditor.errors import ConfigError, PatchError


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
    announce(folder, new=resume is None)
    with watched() as progress:
        finished = continue_run(folder, settings, progress)
    show(finished)


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
        go_on_with(folder / name, new=False)
        with watched() as progress:
            finished.append((name, run_demo(name, folder, progress)))
    for name, one in finished:
        payload.print(f"\n[bold]{name} network[/bold] (expected: {EXPECTED[name]})")
        print_result(one)
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
def trial(
    config_or_run: ConfigOrRun,
    patches: Annotated[Path | None, typer.Option(help="measure the PNG patches of this folder instead")] = None,
    placements: Annotated[
        str | None, typer.Option(help="with --patches: fixed, best, random, by commas; left out: fixed")
    ] = None,
    out: OutOption = None,
) -> None:
    """Run a run's trials anew and report on them; or measure the patches a person brings with --patches."""
    from auditor.options import named_placements
    from auditor.patch_trials import TABLE, trial_patches
    from auditor.run import continue_run

    if patches is None:
        if placements is not None:
            raise ConfigError("--placements is for patches you bring: give --patches too, or set trials.placements")
        folder, settings = begin_run(config_or_run, "trials", out)
        with watched() as progress:
            finished = continue_run(folder, settings, progress)
        show(finished)
        return
    if not patches.is_dir():
        raise PatchError(f"--patches takes a folder of PNG files; there is none at {patches}")
    chosen = named_placements(placements or "fixed")
    folder, settings = begin_run(config_or_run, None, out)
    same = f"--patches {shlex.quote(str(patches))} --placements {','.join(chosen)}"
    go_on_with(folder.path, session.new, f"trial {{}} {same}")
    with watched() as progress:
        finished = trial_patches(folder, settings, patches, chosen, progress)
    payload.print(f"table: {finished.folder / TABLE}", highlight=False, soft_wrap=True)
    show(finished)


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
        show(finish(folder, result))
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
        show(review_run(folder, []))
        return
    else:
        finished = None
        for review in asked_reviews(result, folder, by, _ask):
            finished = review_run(folder, [review])  # kept at once: who is interrupted loses no answer
        show(finished or review_run(folder, []))
        return
    show(review_run(folder, reviews))


@app.command()
@edge
def transfer(
    run_folder: RunArgument,
    model: Annotated[Path, typer.Option(help="a TOML file with the other network's model, preprocessing and classes")],
) -> None:
    """Try a finished run's candidates on another network, on the same confirmation pictures."""
    from auditor.store import RunFolder, slug
    from auditor.terminal import transfer_listing
    from auditor.transfer import transfer_run, transfer_table

    folder = RunFolder.open(run_folder)
    with watched() as progress:
        measured = transfer_run(folder, model, progress)
    file = f"transfer/{slug(model.stem)}.csv"
    folder.write_csv(file, transfer_table(measured))
    for part in transfer_listing(measured):
        payload.print(part, highlight=False)
    payload.print(f"table: {folder.path / file}", highlight=False, soft_wrap=True)


def _ask(question: str) -> str:
    return str(typer.prompt(question, err=True))
