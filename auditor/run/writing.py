"""How files are written: whole or not at all, by one process, and in words where the file system refuses."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from auditor.core.errors import StoreError, is_full_disk


@contextlib.contextmanager
def in_words(path: Path, again: str = "continue with 'auditor run --resume'") -> Iterator[None]:
    """Turn what the file system refuses into a sentence; `again` says how to go on once there is space."""
    try:
        yield
    except OSError as error:
        if is_full_disk(error):
            said = f"the disk is full; free some space, then {again}"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            said = "it is not writable for you; choose another folder with --out"
        else:
            said = error.strerror or str(error)
        raise StoreError(f"cannot write {path}: {said}. What was finished before is kept.") from error


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A file beside its place, to be filled by the body; it takes the place when the body has ended well."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_new_file(path: Path, text: str) -> None:
    """Write a text file that must not exist yet.

    Raises:
        StoreError: it exists, or cannot be written.
    """
    with in_words(path, "give this command again"):
        if os.path.lexists(path):
            raise StoreError(f"{path} already exists; it is left as it is. Choose another name.")
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file, which is made if need be; what stands in it stays.

    The line goes out in one write at the file's end, so that two runs at once do not mix theirs. Behind half a line,
    which an interruption may have left, it begins anew.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())


def lock(handle: int, folder: Path) -> None:
    """Keep other processes from an open folder until it is closed.

    Raises:
        StoreError: another process has it.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            return  # some network drives lock no folders; there a run is as safe as its user makes it
        raise StoreError(
            f"another auditor is at work in {folder}; wait until it has ended, or stop it, and give this command again"
        ) from error
