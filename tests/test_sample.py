"""The run that comes along: it can be reported, names no folder of a machine, and its pages lack nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

SAMPLE = Path(__file__).resolve().parents[1] / "reports" / "sample"


def without_report_sha256(file: Path) -> str:
    """What a file says, but for the sha256 of the page beside it, which changes with every word of the page."""
    return re.sub(
        r"(sha256 of report\.html \| `|\"report\.html\",\s+\"sha256\": \")[0-9a-f]{64}", r"\1…", file.read_text()
    )


def test_the_sample_is_reported_anew_as_it_is(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE, copy)
    for file in ("report.html", "findings.json", "checklist.md", "checklist.json", "junit.xml"):
        (copy / file).unlink()
    assert invoke("report", copy).exit_code == 1  # its verdict is a fail
    for file in ("findings.json", "checklist.md", "checklist.json", "junit.xml"):
        written, kept = (without_report_sha256(folder / file) for folder in (copy, SAMPLE))
        assert written == kept, file
    before, after = ((folder / "report.html").read_text() for folder in (SAMPLE, copy))
    assert after.count("<img ") == before.count("<img ") > 150
    assert 'class="missing' not in after


def test_the_sample_names_no_folder_of_a_machine() -> None:
    for file in ("manifest.json", "result.json", "findings.json"):
        assert not re.findall(r'": "(/[^"]*)"', (SAMPLE / file).read_text()), file
