"""Addresses such as s3://bucket/photos, told from paths. What lies there is opened elsewhere.

An address goes where a path goes, as a relative path whose first part is its scheme: `s3:/bucket/photos`. Paths of
sources are absolute, so the two are told apart.
"""

from __future__ import annotations

import re
from pathlib import Path

_SCHEME = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:")  # file:///photos is a path in other words
_SECRET = re.compile(r"[^/]*@|.*\?.*=")


def is_address(text: str) -> bool:
    """Whether a text is an address: a scheme, ://, and anything."""
    scheme, slashes, _ = text.partition("//")
    return bool(slashes) and _SCHEME.fullmatch(scheme) is not None


def address_of(path: Path) -> str | None:
    """The address that a path stands for; None: it is a path."""
    first, *rest = path.parts or ("",)
    return f"{first}//{'/'.join(rest)}" if _SCHEME.fullmatch(first) else None


def without_file(text: str) -> str:
    """The path that file:///photos stands for, with as many slashes as a path keeps of it; any other text as it is."""
    return re.sub(r"^file:/+", "/", text)


def holds_a_secret(address: str) -> bool:
    """Whether an address has a user's name or a password, or a query with a value, such as a token."""
    return _SECRET.match(address.partition("//")[2]) is not None
