"""docs/ground-truth.md holds the scoreboard of the rows that were measured, and README's figures are its own."""

from __future__ import annotations

import pytest

from auditor.core.records import Verdict
from auditor.inputs.world.planted import WORLDS
from auditor.report.known_shortcuts import known_sentence, known_shares
from auditor.run.worlds.board import board
from auditor.run.worlds.score import rows_from_json
from tools.docs.ground_truth import PAGE, ROWS, known, with_scoreboard


def test_the_scoreboard_is_that_of_the_measured_rows() -> None:
    page, rows = PAGE.read_text(encoding="utf-8"), rows_from_json(ROWS.read_bytes())
    assert with_scoreboard(page, board(rows)) == page, "run: python -m tools.docs.ground_truth"
    assert {row.world for row in rows} == set(WORLDS)


def test_what_reports_say_of_it_is_that_of_the_measured_rows() -> None:
    rows = rows_from_json(ROWS.read_bytes())
    assert known_shares() == known(rows), "run: python -m tools.docs.ground_truth"
    strong = [row for row in rows if row.side == "planted" and row.cue_flips > 0.1 * row.cue_eligible]
    passed = sum(row.verdict == "pass" for row in strong)
    assert known_shares()["planted_pass"].startswith(f"{passed}/{len(strong)} (")
    assert known_shares()["planted_pass"] in known_sentence(Verdict.PASS)
    assert known_shares()["true_fails"] in known_sentence(Verdict.FAIL)
    assert known_shares()["twins_open"] in known_sentence(Verdict.INCONCLUSIVE)


def test_a_page_without_its_block_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one block"):
        with_scoreboard("nothing", "")
