"""Make `reports/sample`: the audit of the demonstration's shortcut network, without its cache and without any path.

    python tools/reports/make_sample.py [reports/demo-…/shortcut]
    python tools/reports/make_sample.py --pictures

A finished run of `auditor demo` is taken where it is given; else one is made. With --pictures the sample's photographs
are rendered anew into `reports/sample-world`, where `auditor transfer reports/sample` looks for them, from the folder
that holds `reports/`.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

import auditor
from auditor.core.progress import Silence
from auditor.inputs.world.bundle import demo_config, demo_counts
from auditor.inputs.world.kitchen import write_world
from auditor.run.demo import run_demo
from auditor.run.folder import RunFolder
from auditor.run.review import report_anew
from auditor.run.unchanged import settings_sha256

REPORTS = Path(__file__).resolve().parents[2] / "reports"
SAMPLE, WORLD = REPORTS / "sample", "reports/sample-world"
LEFT_OUT = ("cache", "activations")
"""Large; a report needs none of it."""

_OF_THE_PACKAGE = re.compile(r'"/[^"]*/(?=auditor/inputs/world/)')
"""What lies above the package, also where another copy of it made the run."""

TEXTS = (".json", ".md", ".xml", ".html")


def keep(made: Path) -> None:
    """Copy what a finished run's report is made of, and write its paths without what lies above run and package."""
    shutil.rmtree(SAMPLE, ignore_errors=True)
    shutil.copytree(made, SAMPLE, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (SAMPLE / "contact-sheet.webp").unlink(missing_ok=True)  # the one with counted flips is among the pictures
    pictures = _lighten(SAMPLE / "pictures")
    package = Path(auditor.__file__).resolve().parent.parent
    above = {
        str(made.resolve().parent / f"{made.name}-world"): WORLD,
        f"{made.resolve().parent}/": "",
        f"{package}/": "",
    }
    for file in SAMPLE.rglob("*"):
        if file.suffix in TEXTS:
            text = file.read_text(encoding="utf-8")
            for before, after in {**above, **pictures}.items():
                text = text.replace(before, after)
            text = _OF_THE_PACKAGE.sub('"', text)
            file.write_text(text, encoding="utf-8")
    _as_the_sample(RunFolder.open(SAMPLE))


def _lighten(folder: Path) -> dict[str, str]:
    """Photographs as WebP, and only those that the report shows. Returns new names by old ones, in quotes."""
    findings = json.loads((folder.parent / "findings.json").read_text(encoding="utf-8"))["findings"]
    shown = {f"origin-{finding['candidate']}" for finding in findings}
    renamed = {}
    for file in sorted(folder.glob("*.png")):
        if file.stem.startswith(("example-", "look-", "needed-", "w-")) or file.stem in shown:
            with Image.open(file) as picture:
                picture.convert("RGB").save(file.with_suffix(".webp"), quality=88, method=6)
            renamed[f'"pictures/{file.name}"'] = f'"pictures/{file.stem}.webp"'
        file.unlink()
    return renamed


def _as_the_sample(folder: RunFolder) -> None:
    """Seal what was shortened, leave out who ran it, and write the reports from what is kept."""
    noted = folder.manifest().get("inputs")
    if isinstance(noted, dict):
        folder.update_manifest({"inputs": {**noted, "settings": settings_sha256(folder)}})
    sealed = folder.manifest().get("checksums")
    kept = sorted(file for file in sealed if folder.has(file)) if isinstance(sealed, dict) else []
    folder.update_manifest({"run": folder.name, "by": "", "checksums": {}})
    folder.mark_done("report", folder.facts("report") or {}, kept)
    report_anew(folder)


def main() -> None:
    if sys.argv[1:] == ["--pictures"]:
        folder = REPORTS.parent / WORLD
        config = demo_config("shortcut", folder)
        write_world(folder, "shortcut", demo_counts(), config.seed, Silence())
    elif len(sys.argv) > 1:
        keep(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            keep(run_demo("shortcut", Path(scratch), Silence()).folder)


if __name__ == "__main__":
    main()
