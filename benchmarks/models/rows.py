"""One row a network: tried in a process of its own under limits of time and memory, and kept as a line of JSON."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from auditor.core.errors import AuditorError, DeviceMemoryError, first_line, out_of_memory
from benchmarks.models.passage import NotTriedError, Passed, WrongNumbersError, pass_through

OK, REFUSED, CRASHED, WRONG, TOO_LARGE, TOO_SLOW, NOT_TRIED = (
    "ok", "refused", "crash", "wrong", "too large", "too slow", "not tried"
)  # fmt: skip
OUTCOMES = (OK, REFUSED, CRASHED, WRONG, TOO_LARGE, TOO_SLOW, NOT_TRIED)
"""What became of a network. Too large and too slow are said of this run alone, by its limits."""

START = "forkserver"
_FROM_PARENT = ("torch", "torchvision", "timm", "transformers", "benchmarks.models.passage")


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one network.

    Attributes:
        name: as [model] name. passed: how far it came. said: why it came no further; '' where it came to the end.
        seconds: of its processor, the making of random weights included.
    """

    name: str
    outcome: str
    said: str
    seconds: float
    passed: Passed


def read_rows(path: Path) -> dict[str, Row]:
    """Rows that were kept, the latest of each name."""
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        row = TypeAdapter(Row).validate_json(line)
        rows[row.name] = row
    return rows


def keep_row(path: Path, row: Row) -> None:
    """Add a row to those that are kept."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(row)) + "\n")


class Processes:
    """Where networks are tried: each in a copy of a process that has the libraries loaded and has run nothing."""

    def __init__(self, memory_gib: float, seconds: int) -> None:
        """
        Args:
            memory_gib: of data, beyond which a process gets none.
            seconds: of the processor, after which a process is ended; one that waits for something, after ten times
                that.
        """
        self._memory, self._seconds = int(memory_gib * 2**30), seconds
        self._context: Any = multiprocessing.get_context(START)  # stubs know no Process of any context
        self._context.set_forkserver_preload(list(_FROM_PARENT))

    def row(self, name: str) -> Row:
        """Try one network."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_try, args=(name, self._memory, self._seconds, theirs))
        process.start()
        theirs.close()
        passed = Passed("")
        ended: tuple[str, str, float] | None = None
        for told in self._heard(ours):
            if isinstance(told, Passed):
                passed = told
            elif isinstance(told, tuple):
                ended = told
        hangs = ended is None and not ours.poll()  # at its end there is something to read: that there is no more
        if hangs:
            process.kill()
        process.join()
        outcome, said, seconds = ended or self._ended(process.exitcode, hangs)
        return Row(name, outcome, said, seconds, passed)

    def _heard(self, told: Connection) -> Iterator[object]:
        """What a process tells, until it is at its end or takes too long for that."""
        latest = time.monotonic() + 10 * self._seconds
        while told.poll(max(latest - time.monotonic(), 0)):
            try:
                yield told.recv()
            except EOFError:
                return

    def _ended(self, code: int | None, hangs: bool) -> tuple[str, str, float]:
        """What became of a network whose process could not say so itself."""
        if hangs or code == -signal.SIGXCPU:
            return TOO_SLOW, f"not at its end after {self._seconds} s of the processor", self._seconds
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return CRASHED, f"its process ended with {how}", 0.0


def _try(name: str, memory: int, seconds: int, told: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))
    told.send((*_outcome(name, told), round(time.process_time(), 1)))
    told.close()


def _outcome(name: str, told: Connection) -> tuple[str, str]:
    """What became of the network, and in what words. Whatever it raises that is not the auditor's own is a crash."""
    try:
        pass_through(name, told.send)
    except NotTriedError as error:
        return NOT_TRIED, str(error)
    except WrongNumbersError as error:
        return WRONG, str(error)
    except BaseException as error:
        if isinstance(error, DeviceMemoryError) or out_of_memory(error):
            return TOO_LARGE, f"memory of this run does not hold it: {first_line(error)}"
        if isinstance(error, AuditorError):
            return REFUSED, str(error)
        return CRASHED, f"{type(error).__name__}: {first_line(error)}"
    return OK, ""
