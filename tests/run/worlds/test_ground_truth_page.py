"""docs/ground-truth.md holds the scoreboard of the rows that were measured, and README's figures are its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.core.records import Verdict
from auditor.inputs.world.planted import WORLDS
from auditor.report.known_shortcuts import known_sentence, known_shares
from auditor.run.worlds.board import board
from auditor.run.worlds.score import rows_from_json
from tools.docs.ground_truth import PAGE, ROWS, known, with_scoreboard
from tools.docs.learnt_anew import ANEW, LINES, MARK, figures, side_by_side


def test_the_scoreboard_is_that_of_the_measured_rows() -> None:
    page, rows = PAGE.read_text(encoding="utf-8"), rows_from_json(ROWS.read_bytes())
    assert with_scoreboard(page, board(rows)) == page, "run: python -m tools.docs.ground_truth"
    assert {row.world for row in rows} == set(WORLDS)


def test_what_reports_say_of_it_is_that_of_the_measured_rows() -> None:
    rows = [*rows_from_json(ROWS.read_bytes()), *rows_from_json(ANEW.read_bytes())]
    assert known_shares() == known(rows), "run: python -m tools.docs.learnt_anew"
    strong = [row for row in rows if row.side == "planted" and row.cue_flips > 0.1 * row.cue_eligible]
    passed = sum(row.verdict == "pass" for row in strong)
    assert known_shares()["planted_pass"].startswith(f"{passed}/{len(strong)} (")
    assert known_shares()["planted_pass"] in known_sentence(Verdict.PASS)
    assert known_shares()["true_fails"] in known_sentence(Verdict.FAIL)
    assert known_shares()["twins_open"] in known_sentence(Verdict.INCONCLUSIVE)


def test_a_page_without_its_block_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one block"):
        with_scoreboard("nothing", "")


def test_worlds_learnt_anew_stand_beside_the_board_as_measured() -> None:
    rows, anew = (rows_from_json(file.read_bytes()) for file in (ROWS, ANEW))
    block = PAGE.read_text(encoding="utf-8").split(f"<!-- {MARK}:begin -->\n")[1].split(f"<!-- {MARK}:end -->")[0]
    assert block == side_by_side(rows, anew), "run: python -m tools.docs.learnt_anew"
    assert {row.world for row in anew} == set(WORLDS)
    told = [[cell.strip() for cell in line.strip("| ").split("|")] for line in block.splitlines()[2:]]
    assert [cells[0] for cells in told] == list(LINES)
    by_words = {cells[0]: cells[1:] for cells in told}
    twins = [[row for row in some if row.side == "twin"] for some in (rows, anew, [*rows, *anew])]
    for words, verdict in (("a clean twin passes", "pass"), ("it fails, by whatever", "fail")):
        counts = [f"{sum(row.verdict == verdict for row in own)}/{len(own)}" for own in twins]
        assert [cell.split(" ")[0] for cell in by_words[words]] == counts


def test_a_board_without_a_line_is_refused() -> None:
    with pytest.raises(KeyError):
        figures([replace(row, baselines={}) for row in rows_from_json(ROWS.read_bytes())[:8]])
