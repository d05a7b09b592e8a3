"""Pictures of a report's main views for the README and the docs, taken by the system's Chromium.

    python tools/reports/screenshots.py [reports/sample/report.html]

Writes docs/images/report.png (the first screen) and docs/images/explorer.webp (the explorer, a picture lit in both
atlases). Needs the `dev` extra.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"


def first_screen(page: Page) -> None:
    """The page as it opens."""
    _keep(page.screenshot(), "report.png")


def explorer(page: Page) -> None:
    """Both atlases, a crop of a pushing cell pressed, so that its picture lights up."""
    page.locator(".map[data-atlas=pair] .cell .mark").last.click()
    page.locator(".about button.tile").first.click()
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": 1200, "height": 1150})
    page.locator("#explorer .settings").evaluate("(one) => one.scrollIntoView()")
    _keep(page.screenshot(), "explorer.webp")


def _keep(png: bytes, name: str) -> None:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if name.endswith(".png"):
        picture.save(IMAGES / name, optimize=True)
    else:
        picture.save(IMAGES / name, quality=85, method=6)
    print(f"docs/images/{name}: {picture.width} x {picture.height}, {(IMAGES / name).stat().st_size / 1000:.0f} kB")


def main() -> None:
    report = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "reports" / "sample" / "report.html"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1010}, reduced_motion="reduce")
        page.goto(report.resolve().as_uri())
        first_screen(page)
        explorer(page)
        browser.close()


if __name__ == "__main__":
    main()
