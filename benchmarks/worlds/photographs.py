"""Cues planted in photographs: networks fine-tuned on them, and the whole auditor run blind on each and its clean twin.

    python -m benchmarks.worlds.photographs FOLDER_OF_KITCHEN32 --out FOLDER [--device auto] [--only NAME ...]
        [--seeds N] [--draw N] [--side planted|twin] [--jobs N] [--quick] [--build] [--report]
        [--update docs/ground-truth.md]

FOLDER_OF_KITCHEN32 holds classes.csv, mobilenet_v2.safetensors, train and unseen. Each network goes to
OUT/NAME/planted or OUT/NAME/twin: its weights, facts.json, the pictures that hold the cue, masks of the cue, and
seed-N with an audit and row.json. What is there already is kept, so that a run that was stopped goes on;
photographs.md in OUT is written anew after every network. --draw N makes networks that differ from those of draw 0
by luck alone (which photographs get the cue, how it lies on each, the order of training), in OUT/draw-N; --side works
at the planted networks or at the twins alone. --jobs N works at N networks at once, in processes;
--quick audits with the budget of the rendered worlds; --build trains and audits nothing; --report works at nothing and
writes the tables of what is there. --update puts them between photographs:begin and photographs:end of a page.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError

from auditor.core.errors import AuditorError
from auditor.inputs.model.device import choose_device
from auditor.run.worlds.cache import SIDES
from benchmarks.candidates.pages import machine, update_page, write_out
from benchmarks.worlds.fine_tuned import FACTS, Facts, Kitchen32, built
from benchmarks.worlds.photograph_audits import Row, scored
from benchmarks.worlds.photograph_board import AllFacts, board
from benchmarks.worlds.plants import PLANTS, SEED


@dataclass(frozen=True, slots=True)
class Task:
    """One network, from its pictures to the rows of its audits; `threads` of torch in its process.

    Attributes:
        draw: which of the networks that differ by luck alone; 0 is the one that the pages tell first.
    """

    kitchen: Path
    out: Path
    plant: str
    side: str
    seeds: int
    quick: bool
    device: str
    threads: int
    draw: int = 0

    @property
    def folder(self) -> Path:
        return self.out / self.plant / self.side


def done(task: Task) -> str:
    """Do what is missing of a task.

    Returns:
        Why it could not be done; "" where it was. Other tasks go on in either case.
    """
    torch.set_num_threads(task.threads)
    try:
        device = choose_device(task.device)
        plant = PLANTS[task.plant]
        built(plant, task.side, SIDES[task.side], Kitchen32(task.kitchen), task.folder, device, SEED + task.draw)
        for seed in range(task.seeds):
            scored(plant, task.side, task.folder, seed, task.quick, str(device))
    except (AuditorError, SystemExit, OSError) as error:
        return f"{task.plant}, {task.side}: {error}"
    return ""


def worked_at(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, str]]:
    """Each task as it is finished, with what kept it from being done; several at once where `jobs` says so."""
    if jobs == 1:
        for task in tasks:
            yield task, done(task)
        return
    # spawned, since a forked copy of a process that has used a GPU cannot use it
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(done, task): task for task in tasks}
        for future in as_completed(waiting):
            task, error = waiting[future], future.exception()
            # whatever stopped one network, as a GPU without memory, the others go on
            yield task, future.result() if error is None else f"{task.plant}, {task.side}: {error!r}"


def known(out: Path, quick: bool) -> tuple[AllFacts, list[Row]]:
    """What lies in a folder: facts of its networks, and rows of the audits of one budget."""
    facts: dict[tuple[str, str], Facts] = {}
    rows: list[Row] = []
    for name in PLANTS:
        for side in SIDES:
            folder = out / name / side
            try:
                if (folder / FACTS).is_file():
                    facts[name, side] = TypeAdapter(Facts).validate_json((folder / FACTS).read_bytes())
                found = [TypeAdapter(Row).validate_json(file.read_bytes()) for file in folder.glob("seed-*/row.json")]
            except ValidationError as error:
                raise SystemExit(f"{folder} holds facts or rows of another version; take another --out") from error
            rows += sorted((row for row in found if row.quick == quick), key=lambda row: row.seed)
    return facts, rows


def write_tables(options: argparse.Namespace) -> str:
    text = f"{machine(options.device)}.\n\n{board(*known(options.out, options.quick))}"
    write_out(options.out / "photographs.md", text)
    return text


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER_OF_KITCHEN32")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", nargs="+", choices=list(PLANTS), default=list(PLANTS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--draw", type=int, default=0, help="which of the networks that differ by luck alone")
    parser.add_argument("--side", choices=list(SIDES), help="work at the planted networks or at the twins alone")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", action="store_true", help="train the networks, and audit none")
    parser.add_argument("--report", action="store_true", help="write the tables of what is there, and do nothing else")
    parser.add_argument("--update", type=Path, help="a page whose part between photographs:begin and :end is replaced")
    options = parser.parse_args()
    if options.seeds < 1 or options.jobs < 1 or options.draw < 0:
        parser.error("--seeds and --jobs have to be at least 1, --draw 0 or more")
    if not (options.folder / "mobilenet_v2.safetensors").is_file():
        parser.error(f"{options.folder} holds no mobilenet_v2.safetensors; give the folder of kitchen32")
    if options.draw:
        options.out = options.out / f"draw-{options.draw}"
    return options


def asked_tasks(options: argparse.Namespace, threads: int) -> list[Task]:
    """A task a network that was asked for, the planted one of each cue before its twin."""
    seeds, folders = 0 if options.build else options.seeds, (options.folder.resolve(), options.out.resolve())
    return [
        Task(*folders, name, side, seeds, options.quick, options.device, threads, options.draw)
        for name in options.only
        for side in SIDES
        if options.side in (None, side)
    ]


def main() -> None:
    options = asked()
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):  # read by the libraries of each process as it starts
        os.environ.setdefault(name, str(threads))
    threads = min(threads, int(os.environ["OMP_NUM_THREADS"]))
    try:
        choose_device(options.device)
    except AuditorError as error:
        raise SystemExit(str(error)) from error
    options.out.mkdir(parents=True, exist_ok=True)
    tasks = asked_tasks(options, threads)
    failed = []
    for number, (task, why) in enumerate(worked_at([] if options.report else tasks, options.jobs), start=1):
        print(f"{number}/{len(tasks)} {why or f'{task.plant}, {task.side}'}", flush=True)
        failed += [why] if why else []
        write_tables(options)
    text = write_tables(options)
    print(text)
    if options.update:
        update_page(options.update, "photographs", text)
    if failed:
        raise SystemExit(f"{len(failed)} of {len(tasks)} networks could not be done; start again to go on")


if __name__ == "__main__":
    main()
