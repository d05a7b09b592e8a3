"""Work placed by Ray: actors on the machines of a cluster, each with one device. Ray is an optional extra.

Ray places work and nothing else: an item's result depends on the item alone, so it does not matter which actor did it,
how many there are, or how often an item was begun on an actor that was lost.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import platform
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import ray
from ray.exceptions import RayError, RayTaskError

from auditor.core.errors import WorkerError
from auditor.core.progress import Progress
from auditor.core.versions import versions
from auditor.core.work import Context, Item, Result, Work
from auditor.run.worker import Failure, do_item

HANDED_OUT = 2
"""Items that an actor has at most: the one it is at, and the next, so that it never waits for the driver."""

AHEAD = 4
"""Items for each actor, at most, whose results are there before that of an earlier one is: they are held in memory."""

TRIES = 4
"""Actors that one item may take with it, or that may be lost before they begin, until the work is given up."""

PLACED_SECONDS = 600
"""How long no actor may be there: a cluster that grows with the demand for it takes minutes to start a machine."""

_LOOK_AGAIN_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_STORE_BYTES = 2**29
_SHORT = 40
"""Characters of a folder's path in which Ray's sockets still have names that the system takes."""

Answer = tuple[Callable[[], Context], Callable[[Context, Item], Result]]


class Worker:
    """One actor: it opens what a list needs once, and does the items that it is given one after the other."""

    def __init__(self, gpu: bool) -> None:
        if not gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # `auto` is then the processor here too
        os.environ["OMP_NUM_THREADS"] = "1"  # its share; torch, which is not loaded yet, reads it
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the driver decides what it means

    def greet(self) -> tuple[str, dict[str, str]]:
        """The machine's name, and versions that decide numbers."""
        return platform.node(), versions()

    def do(self, number: int, work: Answer[Context, Item, Result], item: Item) -> Result | Failure:
        """One item of a list, by the list's number."""
        return do_item(number, *work, item)


@dataclass(eq=False, slots=True)
class _List(Generic[Context, Item, Result]):
    """One list of work on its way.

    Attributes:
        shared: reference of the functions, which every machine fetches once.
        waiting: numbers of the items that nobody has, the next first; done: results that were not taken yet.
        lost: how many actors each item was the first of when they were lost.
    """

    number: int
    shared: Any
    work: Work[Context, Item, Result]
    items: Sequence[Item]
    waiting: deque[int]
    done: dict[int, Result | Failure] = field(default_factory=dict)
    lost: Counter[int] = field(default_factory=Counter)


@dataclass(eq=False, slots=True)
class _Seat:
    """An actor as the driver sees it.

    Attributes:
        greeted: the answer by which it says that it was placed, until it is there.
        at: the items that it was given, in that order: of which list and which number, by the reference of the result.
    """

    actor: Any
    greeted: Any
    at: dict[Any, tuple[_List[Any, Any, Any], int]] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return 0 if self.greeted is not None else HANDED_OUT - len(self.at)


class RayActors:
    """Actors of a Ray cluster, or of a Ray that is started on this machine for as long as it is needed.

    They are asked for when the first list comes. Ray places as many as the cluster has room for, those that it places
    later join in, and what a lost one was at is done by another.
    """

    def __init__(self, workers: int, address: str, gpu: bool, progress: Progress) -> None:
        """
        Args:
            workers: how many actors are asked for; each takes one core, and one GPU if `gpu`.
            address: of the cluster, or "auto" for the one that runs here; "": Ray is started here.
            progress: told of each item when its result arrives.
        Raises:
            WorkerError: there is no such cluster, or Ray does not start.
        """
        self._workers, self._gpu, self._progress = workers, gpu, progress
        self._lists = itertools.count()
        self._seats: list[_Seat] = []
        self._unplaced = 0
        self._link = _Link(address, workers)

    def each(self, work: Work[Context, Item, Result], items: Sequence[Item]) -> Iterator[Result]:
        """As `Engine.each`.

        Raises:
            AuditorError: what an item raised, by its message. WorkerError: no actor could be placed, or an item takes
                every actor with it.
        """
        if not items:
            return
        shared = ray.put((work.open, work.do))
        at_work = _List(next(self._lists), shared, work, items, deque(range(len(items))))
        try:
            for number in range(len(items)):
                while number not in at_work.done:
                    self._fill_seats()
                    self._hand_out(at_work, number + AHEAD * self._workers)
                    self._wait()
                result = at_work.done.pop(number)
                if isinstance(result, Failure):
                    raise result.as_error()
                yield result
        finally:
            for seat in self._seats:  # of a list that was given up nobody waits for results
                seat.at = {ref: given for ref, given in seat.at.items() if given[0] is not at_work}

    def close(self) -> None:
        """Give the actors back, and stop Ray if it was started here."""
        for seat in self._seats:
            with contextlib.suppress(RayError):
                ray.kill(seat.actor)
        self._seats.clear()
        self._link.close()

    def _fill_seats(self) -> None:
        needs = {"num_cpus": 1, "num_gpus": 1 if self._gpu else 0, "max_restarts": 0}
        while len(self._seats) < self._workers:
            actor = ray.remote(**needs)(Worker).remote(self._gpu)  # type: ignore[call-overload]
            self._seats.append(_Seat(actor, actor.greet.remote()))

    def _hand_out(self, at_work: _List[Context, Item, Result], before: int) -> None:
        """Give waiting items to actors with room, who has least first; none whose number is not below `before`.

        Nobody gets a second one that an actor still to be placed could begin with.
        """
        coming = sum(seat.greeted is not None for seat in self._seats)
        while at_work.waiting and at_work.waiting[0] < before:
            seat = max(self._seats, key=lambda one: one.free)
            if seat.free <= 0 or (seat.at and len(at_work.waiting) <= coming):
                return
            item = at_work.waiting.popleft()
            result = seat.actor.do.remote(at_work.number, at_work.shared, at_work.items[item])
            seat.at[result] = at_work, item

    def _wait(self) -> None:
        """Wait until something is there, and take in all that is, for whichever list."""
        expected = {ref: seat for seat in self._seats for ref in (seat.greeted, *seat.at) if ref is not None}
        begun = time.monotonic()
        there: list[Any] = []
        while not there:
            there, _ = ray.wait(list(expected), num_returns=1, timeout=_LOOK_AGAIN_SECONDS)
            if not there and all(seat.greeted for seat in self._seats) and time.monotonic() - begun > PLACED_SECONDS:
                raise WorkerError(
                    f"Ray placed no worker within {PLACED_SECONDS // 60} minutes; each takes one core"
                    f"{' and one GPU' if self._gpu else ''}, and the cluster has {_room()}"
                )
        also, _ = ray.wait(list(expected), num_returns=len(expected), timeout=0)
        for ref in dict.fromkeys([*there, *also]):
            self._take(expected[ref], ref)

    def _take(self, seat: _Seat, ref: Any) -> None:
        if seat not in self._seats:  # lost with an earlier answer of the same moment
            return
        try:
            answer = ray.get(ref)
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:  # the actor is gone, its machine, or the result that lay there
            self._lose(seat, error)
            return
        if ref is seat.greeted:
            seat.greeted, self._unplaced = None, 0
            _check_versions(*answer)
            return
        at_work, item = seat.at.pop(ref)
        at_work.done[item] = answer
        self._progress.advance(at_work.work.steps(at_work.items[item]))

    def _lose(self, seat: _Seat, error: RayError) -> None:
        """Put back what a lost actor had, for another to do; what it wrote nowhere, nobody misses."""
        self._seats.remove(seat)
        with contextlib.suppress(RayError):
            ray.kill(seat.actor)  # it may be out of reach and not dead
        given = list(seat.at.values())
        for of_list, number in reversed(given):
            of_list.waiting.appendleft(number)
        if given:
            at_work, first = given[0]  # the one that it was at
            at_work.lost[first] += 1
        elif seat.greeted is not None:
            self._unplaced += 1
        if given and at_work.lost[first] >= TRIES:
            raise WorkerError(
                f"one piece of work ended {TRIES} workers without a word, which mostly means that memory ran out; "
                "what was finished is kept: go on with a smaller [compute] batch_size, or fewer workers a machine"
            ) from error
        if self._unplaced >= TRIES:
            raise WorkerError(f"Ray could not start a worker: {_reason(error)}") from error


class _Link:
    """This process' connection to Ray; one that was there before is used and left as it is."""

    def __init__(self, address: str, workers: int) -> None:
        self._folder: str | None = None
        self._own = not ray.is_initialized()
        if not self._own:
            return
        handler = signal.getsignal(signal.SIGTERM)
        try:
            if address:
                _connect(address)
            else:
                self._start(workers)
        except (RayError, OSError, OverflowError, RuntimeError, ValueError) as error:
            self.close()
            raise WorkerError(_not_there(address, error)) from error
        finally:
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray puts one of its own in its place

    def _start(self, workers: int) -> None:
        """Start Ray on this machine, known to nobody else, with its files in a folder that is taken away in the end."""
        temporary = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(prefix="auditor-", dir=temporary if len(temporary) <= _SHORT else "/tmp")  # noqa: S108
        # who reaches Ray's ports runs code here, so Ray asks for a password; without this one it leaves a file in the
        # home folder. It is read once, so it stays as long as the process
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=self._folder,
            _system_config={"worker_niceness": 0},  # 15 otherwise: behind everything else on a busy machine
            **_SILENT,
        )

    def close(self) -> None:
        if self._own:
            ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


_SILENT: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}


def _connect(address: str) -> None:
    if address != "auto":  # Ray itself asks for minutes where nobody answers
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
    ray.init(address=address, **_SILENT)


def _not_there(address: str, error: Exception) -> str:
    if not address:
        return f"Ray does not start on this machine: {_reason(error)}"
    return (
        f"there is no Ray cluster at {address!r} ({_reason(error)}); start one with 'ray start --head', give the "
        'address of one, or set [compute] address = "" to start Ray for this run alone'
    )


def _reason(error: Exception) -> str:
    """The last line of what Ray says: above it stand the frames of other processes."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


def _room() -> str:
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return f"{there.get('CPU', 0):.0f} cores and {there.get('GPU', 0):.0f} GPUs in all"


def _check_versions(machine: str, found: dict[str, str]) -> None:
    """Make sure that a worker's packages are this process' own.

    Raises:
        WorkerError: names those that are not.
    """
    own = versions()
    differing = [name for name in sorted({*own, *found}) if own.get(name) != found.get(name)]
    if differing:
        told = ", ".join(f"{name} {found.get(name, 'missing')} for {own.get(name, 'none')} here" for name in differing)
        raise WorkerError(f"the worker on {machine} would not give the same numbers: {told}; install the same versions")
