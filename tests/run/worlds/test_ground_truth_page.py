"""docs/ground-truth.md holds the scoreboard of the rows that were measured, and README's figures are its own."""

from __future__ import annotations

import pytest

from auditor.inputs.world.planted import WORLDS
from auditor.run.worlds.board import board
from auditor.run.worlds.score import rows_from_json
from tools.docs.ground_truth import PAGE, ROWS, with_scoreboard


def test_the_scoreboard_is_that_of_the_measured_rows() -> None:
    page, rows = PAGE.read_text(encoding="utf-8"), rows_from_json(ROWS.read_bytes())
    assert with_scoreboard(page, board(rows)) == page, "run: python -m tools.docs.ground_truth"
    assert {row.world for row in rows} == set(WORLDS)


def test_a_page_without_its_block_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one block"):
        with_scoreboard("nothing", "")
