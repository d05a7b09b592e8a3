"""Make `reports/sample`: the audit of the demonstration's shortcut network, without its cache and without any path.

    python tools/reports/make_sample.py [reports/demo-…/shortcut]

A finished run of `auditor demo` is taken where it is given; else one is made.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import auditor
from auditor.core.progress import Silence
from auditor.run.demo import run_demo

SAMPLE = Path(__file__).resolve().parents[2] / "reports" / "sample"
LEFT_OUT = ("cache", "pictures", "atlas", "activations", "contact-sheet.webp", "result.json")
"""Large, and inside report.html anyway."""

TEXTS = (".json", ".md", ".xml", ".html")


def keep(made: Path) -> None:
    """Copy a finished run, and write its paths without what lies above the run and the package."""
    shutil.rmtree(SAMPLE, ignore_errors=True)
    shutil.copytree(made, SAMPLE, ignore=shutil.ignore_patterns(*LEFT_OUT))
    package = Path(auditor.__file__).resolve().parent.parent
    for file in SAMPLE.rglob("*"):
        if file.suffix in TEXTS:
            text = file.read_text(encoding="utf-8")
            text = text.replace(f"{made.resolve().parent}/", "").replace(f"{package}/", "")
            file.write_text(text, encoding="utf-8")


def main() -> None:
    if len(sys.argv) > 1:
        keep(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as scratch:
        keep(run_demo("shortcut", Path(scratch), Silence()).folder)


if __name__ == "__main__":
    main()
