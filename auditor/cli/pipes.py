"""Signals and streams of a command: told to end, or read by nobody, it ends as documented."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, NoReturn

from rich.console import Console


class TerminatedError(KeyboardInterrupt):
    """Another program asked this one to end; to be passed on by whatever passes Ctrl-C on."""


@contextmanager
def told_to_end() -> Iterator[None]:
    """Within the body SIGTERM is an exception, so that what was finished is kept and the way on is told.

    Outside the main thread, which alone may say what signals mean, nothing changes.
    """

    def end(*_: object) -> NoReturn:
        raise TerminatedError

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class PipedConsole(Console):
    """A console that falls silent where its reader has gone: `auditor report RUN | head` keeps its exit code."""

    def on_broken_pipe(self) -> None:
        """What rich calls there; its own ends the process with exit code 1."""
        self.quiet = True
        _lead_nowhere(self.file)

    def write(self, text: str) -> None:
        """Write text as it is; where its reader has gone, to nowhere."""
        with _quiet_where_nobody_reads(self.file):
            self.file.write(text)
            self.file.flush()

    def flush(self) -> None:
        """Bring out what stands in the buffer: that a reader has gone is noticed here, and not while Python ends."""
        with _quiet_where_nobody_reads(self.file):
            self.file.flush()


@contextmanager
def _quiet_where_nobody_reads(stream: IO[str]) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _lead_nowhere(stream)


def _lead_nowhere(stream: IO[str]) -> None:
    """Let all that is still written to a stream vanish, what stands in its buffer included."""
    with suppress(OSError, ValueError):  # a stream in memory has no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
