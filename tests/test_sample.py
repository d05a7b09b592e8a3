"""The run that comes along: it can be reported, names no folder of a machine, and its pages lack nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

SAMPLE = Path(__file__).resolve().parents[1] / "reports" / "sample"


def test_the_sample_is_reported_anew_as_it_is(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE, copy)
    for file in ("report.html", "findings.json", "checklist.md", "junit.xml"):
        (copy / file).unlink()
    assert invoke("report", copy).exit_code == 1  # its verdict is a fail
    for file in ("findings.json", "checklist.md", "junit.xml"):
        assert (copy / file).read_bytes() == (SAMPLE / file).read_bytes(), file
    before, after = ((folder / "report.html").read_text() for folder in (SAMPLE, copy))
    assert after.count("<img ") == before.count("<img ") > 150
    assert 'class="missing' not in after


def test_the_sample_names_no_folder_of_a_machine() -> None:
    for file in ("manifest.json", "result.json", "findings.json"):
        assert not re.findall(r'": "(/[^"]*)"', (SAMPLE / file).read_text()), file
