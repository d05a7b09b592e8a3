"""Names and paths as a report may show them: no machine folders, no characters that a file cannot hold. No layout."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

_KEPT_PARTS = 3
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#$])")


def plain(text: str) -> str:
    """Text that UTF-8 and XML 1.0 can hold: undecodable bytes and control characters become visible escapes.

    File names may carry such bytes; a report must name the file and still be readable by every parser.
    """
    return _REFUSED.sub(lambda found: _escape(found.group()), text)


def shown_path(path: str) -> str:
    """A path without the machine's own folders: relative paths as they are, others by their last three parts.

    Others are absolute paths and those that climb out of the configuration's folder.

    Three parts keep split, class and file name apart, which is what a reader needs to find the picture again.
    """
    windows = PureWindowsPath(path)
    if windows.is_absolute():
        return plain("/".join(windows.parts[1:][-_KEPT_PARTS:]))
    posix = PurePosixPath(path)
    if posix.is_absolute() or posix.parts[:1] == ("..",):
        below = [part for part in posix.parts if part not in ("/", "..")]
        return plain("/".join(below[-_KEPT_PARTS:]))
    return plain(path)


def shown_detail(detail: str, path: str) -> str:
    """What went wrong with a picture, with its path shortened where the message repeats it."""
    return plain(detail.replace(path, shown_path(path)) if path else detail)


def markdown(text: str) -> str:
    """Text that Markdown shows as it is: markup escaped, line breaks turned to spaces."""
    flat = " ".join(plain(text).split())
    entities = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", entities)


def _escape(character: str) -> str:
    point = ord(character)
    # Python reads a file name's undecodable byte 0x80..0xFF as U+DC80..U+DCFF; the byte itself says more.
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
