"""Names and paths as a report may show them."""

from __future__ import annotations

import pytest

from auditor.report.text import markdown, plain, shown_detail, shown_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("wok/1.jpg", "wok/1.jpg"),
        ("a/b/c/d/1.jpg", "a/b/c/d/1.jpg"),
        ("/home/somebody/data/confirmation/wok/1.jpg", "confirmation/wok/1.jpg"),
        ("/1.jpg", "1.jpg"),
        ("C:\\Users\\somebody\\data\\wok\\1.jpg", "data/wok/1.jpg"),
        ("", ""),
        ("f:build", "f:build"),
        ("wok/\udcff.jpg", "wok/\\xff.jpg"),
    ],
)
def test_a_path_keeps_no_folder_of_the_machine(path: str, expected: str) -> None:
    assert shown_path(path) == expected


def test_a_message_that_repeats_the_path_is_shortened_too() -> None:
    path = "/home/somebody/all/wok/a.gif"
    assert shown_detail(f"cannot identify image file '{path}'", path) == "cannot identify image file 'all/wok/a.gif'"
    assert shown_detail("empty", "") == "empty"


def test_plain_keeps_what_files_can_hold_and_shows_the_rest() -> None:
    assert plain("würzig 鍋 \t\n") == "würzig 鍋 \t\n"
    assert plain("a\x00b\x1bc\x9b\ufffed\ud800") == "a\\x00b\\x1bc\\x9b\\ufffed\\ud800"


def test_markdown_escapes_markup_and_joins_lines() -> None:
    assert markdown("a|b *c* _d_ `e` [f](g) <h> & #1 ~i~ $j$ k\\l") == (
        "a\\|b \\*c\\* \\_d\\_ \\`e\\` \\[f\\](g) &lt;h&gt; &amp; \\#1 \\~i\\~ \\$j\\$ k\\\\l"
    )
    assert markdown("one\n# two\r\n\n three") == "one \\# two three"
