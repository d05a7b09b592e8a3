"""Text from names that anybody may have given."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.core.plain_text import file_name, json_text, plain, utf8


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


NAMES = st.text(st.sampled_from("\\\\xe95cab8 ü\udc80\udce9\udcff"), max_size=12)


@given(NAMES)
def test_a_file_name_as_text_is_the_name_again(name: str) -> None:
    text = utf8(name)
    assert file_name(text) == name
    assert text.encode("utf-8").decode("utf-8") == text


def test_a_file_name_as_text() -> None:
    assert utf8("würzig/caf\udce9.png") == "würzig/caf\\xe9.png"
    assert utf8("a\\b\\x1b") == "a\\b\\x1b"
    assert utf8("literal \\xe9") == "literal \\x5cxe9"


@given(st.dictionaries(NAMES, NAMES | st.integers()))
def test_json_holds_every_text(value: dict[str, object]) -> None:
    assert json.loads(json_text(value).encode("utf-8")) == value
