"""Text from names that anybody may have given: what cannot be shown becomes a visible escape. It shortens nothing."""

from __future__ import annotations

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


def _escape(character: str) -> str:
    point = ord(character)
    # Python reads a file name's undecodable byte 0x80..0xFF as U+DC80..U+DCFF; the byte itself says more.
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
