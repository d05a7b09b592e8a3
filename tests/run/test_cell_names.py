"""Names that people give to cells: read from a CSV, kept, shown as text, and refused where they name no cell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from auditor.core.errors import StoreError
from auditor.run.cell_names import CELL_NAMES, with_cell_names
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result

Invoke = Callable[..., Result]
EVIL = "</script><script>alert(1)</script> \u202e"


def cells(run: Path) -> dict[tuple[str, str], str]:
    explored = stored_result(RunFolder.open(run)).explored
    assert explored is not None
    return {(atlas.key, cell.name): cell.word for atlas in explored.atlases for cell in atlas.cells}


def test_names_are_kept_and_shown_as_text(own_run: Path, invoke: Invoke, tmp_path: Path) -> None:
    (atlas, cell), *_ = [one for one in cells(own_run) if one[0] == "pair"]
    (other, second), *_ = [one for one in cells(own_run) if one[0] != "pair"]
    file = tmp_path / "names.csv"
    file.write_text(f'cell,name,atlas\n{cell},"yellow  spots",\n{second},{EVIL},{other}\n', encoding="utf-8-sig")
    before = cells(own_run)
    plain = invoke("report", own_run)
    assert invoke("report", own_run, "--cell-names", file).exit_code == plain.exit_code
    after = cells(own_run)
    assert after[atlas, cell] == "yellow spots"
    assert {key for key in after if after[key] != before[key]} == {(atlas, cell), (other, second)}
    page = (own_run / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    words = {one["word"] for drawn in json.loads(data)["atlases"] for one in drawn["cells"]}
    assert {"yellow spots", "</script><script>alert(1)</script> \\u202e"} <= words
    invoke("report", own_run)  # without them once more: they stay
    assert cells(own_run) == after
    (own_run / CELL_NAMES).unlink()
    assert cells(own_run) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cell,called\n4:1:1,a\n", "'name' is missing"),
        ("", "'cell' is missing"),
        ("cell,name\n4:99:1,a\n", "atlas 'pair' has no cell '4:99:1'"),
        ("cell,name,atlas\n{cell},a,moon\n", "the atlases are "),
        ("cell,name\n{cell},a\n{cell},b\n", "line 3: cell {cell} of atlas 'pair' has a name already"),
        ("cell,name\n{cell},  \n", "line 2: a cell's name has 1 to 60 characters, got 0"),
        ("cell,name\n{cell}," + "x" * 61 + "\n", "got 61"),
        ("cell,name\n{cell}\n", "got 0"),
        (b"\xff\xfe", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_what_names_no_cell_is_refused(
    text: str | bytes | None, said: str, finished: tuple[Path, Result], invoke: Invoke, tmp_path: Path
) -> None:
    run = finished[0]
    cell = next(cell for atlas, cell in cells(run) if atlas == "pair")
    file = tmp_path / "names.csv"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.replace("{cell}", cell).encode())
    refused = invoke("report", run, "--cell-names", file)
    assert refused.exit_code == 2
    assert said.replace("{cell}", cell) in " ".join(refused.stderr.split())
    assert not (run / CELL_NAMES).exists()


def test_damaged_names_say_what_to_do(own_run: Path) -> None:
    folder = RunFolder.open(own_run)
    explored = stored_result(folder).explored
    assert explored is not None
    folder.write_text(CELL_NAMES, "nothing\n")
    with pytest.raises(StoreError, match="is damaged; take it away"):
        with_cell_names(folder, explored)
