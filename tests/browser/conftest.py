"""A browser for these tests: Playwright with the machine's own Chromium; skipped where either is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import Result

from tests.tiny_world import PLACES

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SAMPLE = Path(__file__).resolve().parents[2] / "reports" / "sample" / "report.html"
PHOTOGRAPHS = Path("photographs")
ASKED = os.environ.get("AUDITOR_REPORT")
REPORTS = [Path(one).resolve() for one in ASKED.split(os.pathsep)] if ASKED else [SAMPLE, PHOTOGRAPHS]
"""What is read: the sample's report and that of a small audit of photographs, or those that AUDITOR_REPORT names."""

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
PICTURES = {"frying_pan": 60, "wok": 30, "lemon": 10, "plate": 10}
AUDIT = """\
source = "frying pan"
target = "wok"
device = "cpu"

[model]
name = "mobilenet_v2"
weights = "{pack}/mobilenet_v2.safetensors"
layer = "features.13"

[preprocessing]
resize = [112, 112]
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[classes]
names = "{pack}/classes.csv"

[images]
all = "photos"
shares = [0.4, 0.2, 0.4]

[atlas]
levels = [10, 20]
min_count = 1
repeats = 0
icons = 0
looks = 0

[candidates]
sizes = [0.5]
screened = 32
shortlisted = 8
screening_images = 4
tried = 4
icons = 0
dreams = 0
shapes = 0
pairs = 0
trained = 3
random = 4
strongest = 2
confirmed = 3
library = false
drawn = 0
whole_pictures = 0

[needed]
pictures = 8
"""
AUDIT += f"\n{PLACES}\n[survival]\nfindings = 1\n"
"""An atlas of two levels, and a few crops on a few photographs."""


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


@pytest.fixture(scope="session")
def photographed(invoke: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small audit of real photographs: little is searched and measured, everything is shown.

    Of several processes that share the tests one makes it, and the others wait.
    """
    pack = REAL / "kitchen32"
    if not pack.is_dir():
        pytest.skip("the photographs of ../shared/real are not here")
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "photographs"
    with FileLock(folder.with_suffix(".lock")):
        report = folder / "run" / "report.html"
        return report if report.exists() else _audited_photographs(pack, folder, invoke)


def _audited_photographs(pack: Path, folder: Path, invoke: Callable[..., Result]) -> Path:
    for name, count in PICTURES.items():
        (folder / "photos" / name).mkdir(parents=True)
        for photograph in sorted((pack / "unseen" / name).iterdir())[:count]:
            shutil.copy(photograph, folder / "photos" / name)
    (folder / "audit.toml").write_text(AUDIT.format(pack=pack))
    result = invoke("run", folder / "audit.toml", "--out", folder / "run")
    assert result.exit_code in (0, 1, 3), result.output
    return folder / "run" / "report.html"


@pytest.fixture(scope="module", params=REPORTS, ids=lambda path: path.parent.name or path.name)
def report(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue("photographed") if request.param == PHOTOGRAPHS else request.param
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
