"""What the benchmark of further sources says of the patches it tried: which comes first, and its tables."""

from __future__ import annotations

from benchmarks.candidates.sources import (
    Added,
    SourceNumbers,
    Tried,
    sources_as_json,
    sources_from_json,
    sources_page,
)

DRAWINGS = Added(
    (Tried("key, yellow", 3.0, 1.0, 4), Tried("fur, brown", 2.0, 2.0, 9), Tried("dial, red", 1.0, 0.5, 11)), 305, 2.5
)
CROPS = Added((Tried("crop", 3.0, 1.0, 4, True), Tried("other", 2.0, 2.0, 9, True)), 970, 12.0, 4.0)
NUMBERS = SourceNumbers(
    ("pan", "wok"), 20, {"noise": 1, "grey": 2}, ("goldfish crop", 10), ("p", 12), ("noise", 3), DRAWINGS, CROPS
)


def test_selection_says_who_comes_first_and_confirmation_who_is_best() -> None:
    assert DRAWINGS.first().name == "fur, brown"
    assert DRAWINGS.first(1).name == "key, yellow"
    assert DRAWINGS.best.name == "dial, red"


def test_numbers_are_written_and_read_back() -> None:
    assert sources_from_json(sources_as_json(NUMBERS)) == NUMBERS


def test_the_page_holds_the_counts() -> None:
    found = sources_page([NUMBERS])
    assert "| pan → wok | 20 | grey: 2 | goldfish crop: 10 | 3 | fur, brown: 9 | 11 | -1.00 |" in found
    assert "other: 9 (resembles the target) | 9 | — |" in found
    assert "| pan → wok | 305 | 2.5 | 970 | 4.0 | 12.0 | 2/2 |" in found
