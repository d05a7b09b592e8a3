"""Two processes at work: the same results in the same order, errors in words, and a worker that dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auditor.core.config import build_config
from auditor.core.errors import AuditorError, UnknownNameError, WorkerError
from auditor.core.progress import Silence
from auditor.core.work import Here, Work
from auditor.run.engines import Processes, engine_of


class Counted(Silence):
    def __init__(self) -> None:
        self.done = 0

    def advance(self, steps: int = 1) -> None:
        self.done += steps


class Ten:
    """A context that says where it was opened."""

    def __init__(self) -> None:
        self.process, self.added = os.getpid(), 10


def add(context: Ten, item: int) -> tuple[int, int]:
    return context.added + item, context.process


def fail_at_three(context: Ten, item: int) -> int:
    if item == 3:
        raise UnknownNameError("class", "wock", ["wok", "pan"], "the model")
    return item


def die(context: Ten, item: int) -> int:
    os._exit(9)


def weight(item: int) -> int:
    return item


@pytest.fixture(scope="module")
def two() -> Iterator[Callable[[Silence], Processes]]:
    started: list[Processes] = []

    def start(progress: Silence) -> Processes:
        started.append(Processes(2, progress))
        return started[-1]

    yield start
    for processes in started:
        processes.close()


def test_one_worker_is_this_process(tmp_path: Path) -> None:
    least = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    with engine_of(build_config(least, tmp_path), Silence()) as engine:
        assert isinstance(engine, Here)
        assert list(engine.each(Work(Ten, add), [1, 2])) == [(11, os.getpid()), (12, os.getpid())]
        assert list(engine.each(Work(lambda: 1 / 0, add), [])) == []  # nothing to do opens nothing


def test_two_workers_give_the_same_results_in_the_same_order(two) -> None:
    progress = Counted()
    results = list(two(progress).each(Work(Ten, add, weight), range(20)))
    assert [result for result, _ in results] == [10 + item for item in range(20)]
    assert os.getpid() not in {process for _, process in results}
    assert progress.done == sum(range(20))


def test_an_items_error_is_said_as_it_was(two) -> None:
    engine = two(Silence())
    results = engine.each(Work(Ten, fail_at_three), range(9))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UnknownNameError, match="class 'wock' is not in the model; the nearest is 'wok'"):
        next(results)
    assert list(engine.each(Work(Ten, fail_at_three), [5])) == [5]  # and the others go on


def test_a_worker_that_dies_is_said(two) -> None:
    with pytest.raises(WorkerError, match="one of 2 workers ended without a word"):
        list(two(Silence()).each(Work(Ten, die), range(4)))
    assert issubclass(WorkerError, AuditorError)


def test_a_run_of_two_workers_ends_in_the_same_bytes(world, invoke, finished, tmp_path: Path) -> None:
    """Half of it by one worker, the rest by two; the setting is no other setting for a run that is resumed."""
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.stages.candidates.propose", None)
        assert invoke("run", world.config, "--out", folder).exit_code == 2
    assert invoke("run", "--resume", folder, "--workers", "2").exit_code == finished[1].exit_code
    for file in ("findings.json", "trials.parquet", "cells.parquet"):
        assert (folder / file).read_bytes() == (finished[0] / file).read_bytes()
    refused = invoke("run", "--resume", folder, "--workers", "2", "--seed", "1")
    assert refused.exit_code == 2
    assert "give no others beside it but --workers" in refused.stderr
