"""Names and paths as a report may show them: no machine folders, no characters that a file cannot hold. No layout."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

from auditor.core.plain_text import plain

__all__ = ["markdown", "plain", "shown_detail", "shown_path"]

_KEPT_PARTS = 3
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#$])")


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
