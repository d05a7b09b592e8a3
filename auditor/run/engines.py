"""Who does the work that is given out in lists: this process, several others of the machine, or Ray's actors."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import platform
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, DeviceMemoryError, StoreError, WorkerError
from auditor.core.memory import in_words, memory_at_most
from auditor.core.progress import Progress, Silence
from auditor.core.work import Context, Engine, Hands, Here, Item, Result, Work
from auditor.run.folder import MANIFEST, RunFolder
from auditor.run.stage import Run
from auditor.run.worker import Failure, begin_worker, do_item

if TYPE_CHECKING:  # an optional extra
    from auditor.run.ray_actors import RayActors

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
        if not self.run.folder.has(MANIFEST):
            raise StoreError(
                f"a worker on {platform.node()} sees no run folder {self.run.folder.path}; every machine that shares "
                "a run's work has the run, the configuration's folder and the model at the same paths (docs/scale.md)"
            )
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
        waiting: deque[tuple[Item, Future[Result | Failure]]] = deque()
        ahead = iter(items)
        try:
            while True:
                for item in itertools.islice(ahead, self._workers * (1 + WAITING) - len(waiting)):
                    waiting.append((item, self._started().submit(do_item, number, work.open, work.do, item)))
                if not waiting:
                    return
                item, future = waiting.popleft()
                result = future.result()
                if isinstance(result, Failure):
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
            self._pool = ProcessPoolExecutor(self._workers, context, begin_worker, (threads,))
        return self._pool


@contextmanager
def engine_of(config: AuditConfig, progress: Progress) -> Iterator[Engine]:
    """The engine that a configuration asks for: this process alone for one worker, unless Ray places it.

    Raises:
        DeviceMemoryError: the machine's memory does not hold so many processes.
        ConfigError: Ray is asked for and not installed, or for a device that it does not give.
        WorkerError: there is no Ray cluster where one should be.
    """
    compute = config.compute
    if compute.engine == "ray":
        engine: Processes | RayActors = _ray_actors(config, progress)
    elif compute.workers == 1:
        yield Here()
        return
    else:
        _check_memory(compute.workers)
        engine = Processes(compute.workers, progress)
    try:
        yield engine
    finally:
        engine.close()


def _check_memory(workers: int) -> None:
    most = memory_at_most()
    if most is not None and workers * LEAST_OF_A_WORKER > most:
        raise DeviceMemoryError(
            f"{workers} workers take at least {in_words(workers * LEAST_OF_A_WORKER)} of memory, and there are "
            f"{in_words(most)} at most; give fewer --workers, and no more than there are processor cores"
        )


def _ray_actors(config: AuditConfig, progress: Progress) -> RayActors:
    from auditor.inputs.model.device import choose_device

    compute = config.compute
    if ":" in config.device:
        raise ConfigError(f"Ray gives each worker a GPU of its own: device must be 'cuda', not {config.device!r}")
    quieten_ray()
    try:
        from auditor.run.ray_actors import RayActors
    except ModuleNotFoundError as error:
        raise ConfigError(
            '[compute] engine = "ray" needs Ray, which is not installed; pip install "auditor[ray]"'
        ) from error
    gpu = choose_device(config.device).type == "cuda"
    if not compute.address:
        _check_memory(compute.workers)
    return RayActors(compute.workers, compute.address, gpu, progress)


def quieten_ray() -> None:
    """Ask Ray, which has to be imported after this, to send no statistics of its use and to print nothing by itself."""
    asked = {"USAGE_STATS_ENABLED": "0", "DEDUP_LOGS_SKIP_REGEX": ".", "IGNORE_UNHANDLED_ERRORS": "1"}
    for name, value in asked.items():
        os.environ.setdefault(f"RAY_{name}", value)
