"""A browser for these tests: Playwright with the machine's own Chromium; skipped where either is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SAMPLE = Path(__file__).resolve().parents[2] / "reports" / "sample" / "report.html"
REPORTS = [Path(one).resolve() for one in os.environ.get("AUDITOR_REPORT", str(SAMPLE)).split(os.pathsep)]
"""What is read: the sample's report, or those that AUDITOR_REPORT names, such as one of photographs."""


@dataclass
class Opened:
    """A page, and what it said and asked for since it was opened."""

    page: playwright.Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture(scope="module", params=REPORTS, ids=lambda path: path.parent.name)
def report(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(scope="module")
def open_page(browser: playwright.Browser, report: Path) -> Iterator[Open]:
    """Open the report, or another file, in a window of its own: `size` in pixels, and what else a context takes."""
    contexts = []

    def opened(file: Path = report, size: tuple[int, int] = (1200, 900), **settings: object) -> Opened:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **settings)
        contexts.append(context)
        found = Opened(context.new_page())
        page = found.page
        page.set_default_timeout(20_000)
        page.on("console", lambda message: found.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (found.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: found.asked.append(request.url))
        page.goto(file.as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()
