"""Text from names that anybody may have given: what cannot be shown becomes a visible escape. It shortens nothing."""

from __future__ import annotations

import json
import re

_REFUSED = re.compile(
    # what no terminal, XML or UTF-8 may be handed, but for tabs and the ends of lines
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|\r(?!\n)"
    # what turns the direction of writing: a name may read as another one
    "|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """Text that UTF-8, XML 1.0 and a terminal can hold.

    Undecodable bytes, control characters and those that turn the direction of writing become visible escapes. File
    and class names may carry them; what names them must be readable by every parser, and show what is there.
    """
    return _REFUSED.sub(lambda found: _escape(found.group()), text)


_UNDECODABLE = re.compile(r"[\udc80-\udcff]|\\(?=x(?:5c|[89a-f][0-9a-f]))")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\x(5c|[89a-f][0-9a-f])")


def utf8(name: str) -> str:
    """A file's name as text that every file can hold: `caf\\xe9.png` for a byte that is no UTF-8.

    `file_name` turns it back. A backslash that would be read as such an escape becomes one itself (`\\x5c`).
    """
    return _UNDECODABLE.sub(lambda found: f"\\x{ord(found.group()) & 0xFF:02x}", name)


def file_name(text: str) -> str:
    """The name, or path, that `utf8` made a text of."""

    def character(found: re.Match[str]) -> str:
        byte = int(found.group(1), 16)
        return chr(byte if byte < 0x80 else 0xDC00 + byte)

    return _ESCAPED.sub(character, text)


def json_text(value: object, indent: int | None = None) -> str:
    """JSON that UTF-8 can hold, whatever is in the texts of a value; what is read of it is the value again."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _escape(character: str) -> str:
    point = ord(character)
    # Python reads a file name's undecodable byte 0x80..0xFF as U+DC80..U+DCFF; the byte itself says more.
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
