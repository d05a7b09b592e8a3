"""Who does the work that is given out in lists: this process, or several others on the same machine."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from auditor.core.config import AuditConfig
from auditor.core.errors import AuditorError, DeviceMemoryError, WorkerError
from auditor.core.memory import in_words, memory_at_most
from auditor.core.progress import Progress, Silence
from auditor.core.work import Context, Engine, Hands, Here, Item, Result, Work
from auditor.run.folder import RunFolder
from auditor.run.stage import Run

Opened = TypeVar("Opened")

LEAST_OF_A_WORKER = 2**28
"""Bytes that a process takes as soon as it has loaded torch."""

WAITING = 2
"""Items handed to each worker beside the one it is at: it never stands idle, and few are held in memory."""


@dataclass(frozen=True, slots=True)
class Opening(Generic[Opened]):
    """How work opens what it needs from a run; pickled, it opens the same from the run's folder in another process.

    Attributes:
        build: a function of a module; it may ask the run for products of stages that are done.
    """

    run: Run
    build: Callable[[Run], Opened]

    def __call__(self) -> Opened:
        return self.run.open(self.build)

    def __reduce__(self) -> tuple[object, ...]:
        config = self.run.config
        return _reopening, (
            self.run.folder.path.resolve(),
            json.dumps(config.model_dump(mode="json")),
            config.base.resolve(),
            self.build,
        )


def hands(run: Run, build: Callable[[Run], Opened]) -> Hands[Opened]:
    """The run's engine, and how each of its workers opens what `build` makes of the run."""
    return Hands(Opening(run, build), run.engine)


def _reopening(path: Path, settings: str, base: Path, build: Callable[[Run], Opened]) -> Opening[Opened]:
    if (path, settings) not in _RUNS:
        config = AuditConfig.model_validate(json.loads(settings)).model_copy(update={"base": base})
        _RUNS[path, settings] = Run(RunFolder(path), config, Silence(), checks=False)
    return Opening(_RUNS[path, settings], build)


_RUNS: dict[tuple[Path, str], Run] = {}
"""Runs that this worker has opened: each once, whatever it is asked to do with them."""


class Processes:
    """Several processes of one machine, each with its share of the processor cores.

    They are started when the first list comes, and stopped by `close`. Each opens the model and maps the pictures for
    itself, so memory grows with their number; results do not.
    """

    def __init__(self, workers: int, progress: Progress) -> None:
        """
        Args:
            progress: told of each item when its result arrives.
        """
        self._workers, self._progress = workers, progress
        self._pool: ProcessPoolExecutor | None = None
        self._lists = itertools.count()

    def each(self, work: Work[Context, Item, Result], items: Sequence[Item]) -> Iterator[Result]:
        """As `Engine.each`.

        Raises:
            AuditorError: what an item raised, by its message. WorkerError: a worker died.
        """
        number = next(self._lists)
        waiting: deque[tuple[Item, Future[Result | _Failure]]] = deque()
        ahead = iter(items)
        try:
            while True:
                for item in itertools.islice(ahead, self._workers * (1 + WAITING) - len(waiting)):
                    waiting.append((item, self._started().submit(_do, number, work.open, work.do, item)))
                if not waiting:
                    return
                item, future = waiting.popleft()
                result = future.result()
                if isinstance(result, _Failure):
                    raise result.as_error()
                self._progress.advance(work.steps(item))
                yield result
        except BrokenProcessPool as error:
            raise WorkerError(
                f"one of {self._workers} workers ended without a word, which mostly means that memory ran out; "
                "what was finished is kept: go on with fewer --workers"
            ) from error
        finally:
            for _, future in waiting:
                future.cancel()

    def close(self) -> None:
        """Stop the processes, after the items that they are at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            threads = max(1, (os.cpu_count() or 1) // self._workers)
            # spawned, since a forked copy of a process with threads, or with a GPU in use, may hang
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _begin_worker, (threads,))
        return self._pool


@contextmanager
def engine_of(workers: int, progress: Progress) -> Iterator[Engine]:
    """The engine for that many workers: this process alone for one.

    Raises:
        DeviceMemoryError: the machine's memory does not hold so many processes.
    """
    if workers == 1:
        yield Here()
        return
    most = memory_at_most()
    if most is not None and workers * LEAST_OF_A_WORKER > most:
        raise DeviceMemoryError(
            f"{workers} workers take at least {in_words(workers * LEAST_OF_A_WORKER)} of memory, and there are "
            f"{in_words(most)} at most; give fewer --workers, and no more than there are processor cores"
        )
    processes = Processes(workers, progress)
    try:
        yield processes
    finally:
        processes.close()


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error in words, on its way from a worker: not every error can be put together again from its message."""

    kind: type[AuditorError]
    message: str

    def as_error(self) -> AuditorError:
        error = self.kind.__new__(self.kind)
        Exception.__init__(error, self.message)
        return error


def _begin_worker(threads: int) -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one decides what it means
    torch.set_num_threads(threads)


_OPENED: dict[int, object] = {}
"""What this worker has opened for the list at work, by the list's number."""


def _do(
    number: int, open_context: Callable[[], Context], do: Callable[[Context, Item], Result], item: Item
) -> Result | _Failure:
    try:
        if number not in _OPENED:
            _OPENED.clear()
            _OPENED[number] = open_context()
        context: Context = _OPENED[number]  # type: ignore[assignment]
        return do(context, item)
    except AuditorError as error:
        return _Failure(type(error), str(error))
