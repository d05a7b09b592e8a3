"""How much memory this process may have at most, by the machine and by limits that were set for it."""

from __future__ import annotations

import os
from pathlib import Path

_OF_THE_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_at_most() -> int | None:
    """Bytes: the machine's memory, or less where the process or its container is limited; None where nobody tells."""
    told = [_of_the_machine(), _of_the_process(), *map(_limit_in, _OF_THE_CONTAINER)]
    return min((each for each in told if each is not None), default=None)


def in_words(size: int) -> str:
    """A number of bytes for people, in GiB, or in MiB where it is less than one."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _of_the_machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _of_the_process() -> int | None:
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _limit_in(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no container, or "max"
        return None
