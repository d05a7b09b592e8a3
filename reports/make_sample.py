"""Make `reports/sample`: the audit of the demonstration's shortcut network, without its cache and without any path.

python reports/make_sample.py
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import auditor
from auditor.demo import run_demo
from auditor.progress import Silence

SAMPLE = Path(__file__).resolve().parent / "sample"
LEFT_OUT = ("cache", "pictures", "atlas", "result.json")
"""Large, and inside report.html anyway."""

TEXTS = (".json", ".md", ".xml", ".html")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        made = run_demo("shortcut", Path(scratch), Silence()).folder
        shutil.rmtree(SAMPLE, ignore_errors=True)
        shutil.copytree(made, SAMPLE, ignore=shutil.ignore_patterns(*LEFT_OUT))
        package = Path(auditor.__file__).resolve().parent.parent
        for file in SAMPLE.rglob("*"):
            if file.suffix in TEXTS:
                text = file.read_text(encoding="utf-8")
                text = text.replace(f"{Path(scratch).resolve()}/", "").replace(f"{package}/", "")
                file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
