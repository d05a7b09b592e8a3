"""Reading a file that a person named: it is read whole, or refused. What is in it is the caller's."""

from __future__ import annotations

import errno
import stat
from pathlib import Path


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: nothing is there, it cannot be read, or it is a pipe or a device, whose reader may wait for ever.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as error:
        raise OSError(errno.EINVAL, "its path holds a NUL character") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device; give a file")
    return path.read_bytes()


def read_utf8(path: Path) -> str:
    """The text of a file, without the byte order mark that some editors put at its head; ends of lines stay.

    Raises:
        OSError: as `read_file`.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_file(path).decode("utf-8-sig")
