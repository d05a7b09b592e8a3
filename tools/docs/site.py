"""Builds the documentation as a site, from the README, docs/ and the changes: python tools/docs/site.py [FOLDER]

FOLDER (left out: site) then holds pages that open from the disk as well as from a server, and ask for nothing
elsewhere. Sphinx builds them; a link that leads nowhere is an error.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import main as sphinx

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
"""Pages that lie outside docs/, and what they are called in the site."""

FILES = ("LICENSE", "examples/finished_run.ipynb", "reports/sample/report.html")
"""Files that pages link to."""

CONTENTS = {
    "First steps": ("demonstration", "explorer", "your-model", "survey", "real-models", "cli"),
    "Reading a verdict": ("verdicts", "reviews", "numbers", "ground-truth", "planted", "counterexamples"),
    "How it works": ("candidates", "atlas", "models", "speed", "scale", "design", "changelog"),
}
SETTINGS = {
    "project": "auditor",
    "extensions": ["myst_parser"],
    "html_theme": "furo",
    "myst_heading_anchors": 4,
    "html_copy_source": False,
    "html_show_sphinx": False,
    "suppress_warnings": ["myst.header"],
}

_MOVED = {**PAGES, "reports/sample": "reports/sample/report.html"}
_LINK = re.compile(r"\]\((?:\.\./)?([^)#:\s]+)(#[^)]*)?\)")


def in_the_site(text: str) -> str:
    """A page of the repository with its links as the site has them: pages lie in one folder, files below it."""

    def moved(link: re.Match[str]) -> str:
        path = link[1].removeprefix("docs/")
        path = _MOVED.get(path, path)
        return f"]({'path:' if path in FILES else ''}{path}{link[2] or ''})"

    return _LINK.sub(moved, text)


def contents() -> str:
    """The site's order of pages, as the first page hands it to Sphinx."""
    parts = [
        f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) for caption, pages in CONTENTS.items()
    ]
    return "".join(f"\n{part}\n```\n" for part in parts)


def stage(folder: Path) -> None:
    """Put everything that the site is built from into a folder."""
    shutil.copytree(ROOT / "docs", folder, dirs_exist_ok=True)
    for name, page in PAGES.items():
        shutil.copy(ROOT / name, folder / page)
    for page_file in folder.glob("*.md"):
        text = in_the_site(page_file.read_text(encoding="utf-8"))
        page_file.write_text(text + contents() if page_file.name == "index.md" else text, encoding="utf-8")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    settings = "".join(f"{name} = {value!r}\n" for name, value in SETTINGS.items())
    (folder / "conf.py").write_text(settings, encoding="utf-8")


def build(folder: Path) -> int:
    """Build the site into a folder; 0 where nothing was wrong."""
    with tempfile.TemporaryDirectory() as staged:
        stage(Path(staged))
        return sphinx(["-q", "-W", "--keep-going", "-E", "-d", f"{staged}/doctrees", staged, str(folder)])


def main() -> None:
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else "site")))


if __name__ == "__main__":
    main()
