"""Text from names that anybody may have given."""

from __future__ import annotations

import pytest

from auditor.core.plain_text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("würzig 鍋 שלום\t\n", "würzig 鍋 שלום\t\n"),
        ("a\x1b[31mb\x07c\x9b\x7f", "a\\x1b[31mb\\x07c\\x9b\\x7f"),
        ("caf\udce9.png", "caf\\xe9.png"),
        ("\ud800\ufffe", "\\ud800\\ufffe"),
        ("gnp\u202e.exe", "gnp\\u202e.exe"),
        (
            "\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069",
            "\\u202a\\u202b\\u202c\\u202d\\u2066\\u2067\\u2068\\u2069",
        ),
        ("\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"),
        ("over\rwritten", "over\\x0dwritten"),
        ("one\r\ntwo", "one\r\ntwo"),
    ],
)
def test_what_cannot_be_shown_becomes_a_visible_escape(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert plain(shown) == shown
