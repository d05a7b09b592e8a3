"""The sample's report in a browser: the first screen, the explorer by mouse and keys, links, paper, no JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Open, Opened

if TYPE_CHECKING:
    from playwright.sync_api import Locator

AXE = Path(__file__).parent / "axe" / "axe.min.js"
HIDDEN = """() => [...document.querySelectorAll('main table, main figure')]
    .filter((one) => !one.closest('.explorer, .contact') && !one.getClientRects().length).length"""
BROKEN = """() => Promise.all([...document.images].map((one) => one.decode().then(() => null, () => one.alt)))
    .then((all) => all.filter((one) => one !== null))"""
NOWHERE = """() => [...document.querySelectorAll('a[href^="#"]')].map((one) => one.hash.slice(1))
    .filter((id) => !document.getElementById(id))"""
FOCUSED = "() => document.activeElement.dataset.number ?? document.activeElement.textContent"


@pytest.fixture(scope="module")
def shown(open_page: Open) -> Opened:
    """The sample as it opens, shared: each test leaves it as it was."""
    return open_page(reduced_motion="reduce")


@pytest.fixture
def pair(shown: Opened) -> Locator:
    """The pair's atlas with nothing chosen."""
    shown.page.get_by_role("button", name="Start again").click()
    return shown.page.locator(".map[data-atlas=pair]")


def wait_for_level(pair: Locator, level: int) -> None:
    """A zoom is drawn with the browser's next frame."""
    pair.locator(".said", has_text=f"at level {level}").wait_for()


def test_the_first_screen_says_what_was_found(shown: Opened) -> None:
    page = shown.page
    for seen in (
        page.get_by_role("heading", level=1),
        page.locator(".banner .pill"),
        page.locator(".banner .sentence"),
    ):
        box = seen.first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] < 900
    picture = page.locator(".telling img.example").first
    assert picture.bounding_box()["y"] < 700
    assert picture.evaluate("(picture) => picture.complete && picture.naturalWidth") > 200


def test_it_is_not_too_large_for_a_mail(report: Path) -> None:
    assert report.stat().st_size < 15_000_000


def test_nothing_is_asked_for_and_nothing_goes_wrong(shown: Opened, report: Path) -> None:
    shown.page.locator(".map[data-atlas=pasted] .cell").first.hover()
    assert [url for url in shown.asked if url != report.as_uri() and not url.startswith(("data:", "blob:"))] == []
    assert shown.said == []


def test_every_picture_of_the_page_is_one(shown: Opened) -> None:
    assert shown.page.evaluate(BROKEN) == []


def test_zooming_brings_a_finer_grid_and_dragging_moves_it(shown: Opened, pair: Locator) -> None:
    page = shown.page
    wait_for_level(pair, 10)
    for _ in range(2):
        pair.get_by_role("button", name="zoom in").click()
    wait_for_level(pair, 20)
    frame = pair.locator(".frame")
    frame.scroll_into_view_if_needed()
    box, before = frame.bounding_box(), pair.locator(".plane").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1] - 40, steps=4)
    page.mouse.up()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    after = pair.locator(".plane").bounding_box()
    assert (round(after["x"] - before["x"]), round(after["y"] - before["y"])) == (-60, -40)
    assert pair.locator(".cell.pinned").count() == 0  # a drag chooses nothing
    pair.get_by_role("button", name="show all").click()
    wait_for_level(pair, 10)


def test_it_is_read_by_keys_alone(shown: Opened, pair: Locator) -> None:
    page, about = shown.page, shown.page.locator(".about")
    pair.locator(".cell[tabindex='0']").focus()
    first = page.evaluate(FOCUSED)
    page.keyboard.press("ArrowDown")
    second = page.evaluate(FOCUSED)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUSED) == first != second
    for key in ("+", "+"):
        page.keyboard.press(key)
    wait_for_level(pair, 20)
    assert page.evaluate("() => document.activeElement.classList.contains('cell')")  # the focus stays in the atlas
    page.keyboard.press("0")
    wait_for_level(pair, 10)
    page.keyboard.press("Enter")
    assert "(pinned)" in about.inner_text()
    page.keyboard.press("Escape")
    assert "(pinned)" not in about.inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED) == "Large"


def test_a_picture_lights_up_in_every_atlas(shown: Opened, pair: Locator) -> None:
    pair.locator(".cell").nth(3).click()
    shown.page.locator(".about button.tile").first.click()
    lit = [shown.page.locator(f".map[data-atlas={one}] .cell.lit").count() for one in ("pair", "pasted")]
    assert lit[0] >= 1
    assert f"{lit[0]} of them lit" in pair.locator(".said").inner_text()
    pair.get_by_role("button", name="Large").press("Escape")


def test_colour_filter_and_slider_change_what_is_seen(shown: Opened, pair: Locator) -> None:
    page, cells = shown.page, pair.locator(".cell")

    def seen() -> list[list[str]]:
        return cells.evaluate_all("(all) => all.map((one) => [one.style.getPropertyValue('--c'), one.style.opacity])")

    plain = seen()
    page.locator("#explorer-colour").select_option("predicted")
    predicted = seen()
    page.locator("#explorer-colour").select_option("to:0")
    by_class = seen()
    assert len({str([colour for colour, _ in one]) for one in (plain, predicted, by_class)}) == 3
    assert {opacity for _, opacity in by_class} == {"1"}
    page.locator("#explorer-class").select_option("to:0")
    assert len({opacity for _, opacity in seen()}) > 3
    page.locator("#explorer-class").select_option("")
    page.locator("#explorer-contrast").fill("50")
    columns = cells.evaluate_all("(all) => all.map((one) => [parseFloat(one.style.left) > 70, one.style.opacity])")
    assert {opacity for right, opacity in columns if not right} == {"0.12"}
    assert "1" in {opacity for right, opacity in columns if right}


def test_findings_and_cells_lead_to_each_other(shown: Opened, pair: Locator) -> None:
    page = shown.page
    link = page.locator("a.to-atlas").first
    link.click()
    assert page.locator(".cell.lit").count() >= 1
    assert page.evaluate("() => document.activeElement.classList.contains('cell')")
    back = page.locator(".about a[href^='#finding-']").first
    target = back.get_attribute("href")
    back.click()
    assert page.evaluate("() => location.hash") == target
    assert -5 <= page.locator(str(target)).bounding_box()["y"] < 900


def test_links_inside_the_page_land(shown: Opened) -> None:
    assert shown.page.evaluate(NOWHERE) == []


def test_without_javascript_the_sheets_stand(open_page: Open) -> None:
    page = open_page(java_script_enabled=False).page
    assert not page.locator("#explorer").is_visible()
    assert page.locator("#atlas img.level").first.is_visible()
    assert page.locator("details.sheets").get_attribute("open") is not None


def test_nothing_is_wider_than_the_window(shown: Opened, open_page: Open) -> None:
    for page, width in ((shown.page, 1200), (open_page(size=(360, 740)).page, 360)):
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_captions_fit_a_narrow_window(open_page: Open) -> None:
    beyond = """() => [...document.querySelectorAll('caption')]
        .filter((one) => one.getClientRects().length && one.getBoundingClientRect().right > innerWidth)
        .map((one) => one.textContent)"""
    assert open_page(size=(360, 740)).page.evaluate(beyond) == []


def test_paper_shows_everything(shown: Opened) -> None:
    page = shown.page
    page.emulate_media(media="print")
    assert not page.locator("#explorer").is_visible()
    assert page.evaluate(HIDDEN) == 0
    pdf = page.pdf(format="A4")
    page.emulate_media(media="screen")
    assert pdf.startswith(b"%PDF")
    assert 8 <= pdf.count(b"/Type /Page\n") <= 80


RULES = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
}
"""What a colour scheme may change is contrast."""


@pytest.mark.parametrize("scheme", RULES)
def test_axe_finds_nothing_serious(shown: Opened, open_page: Open, scheme: str) -> None:
    page = shown.page if scheme == "light" else open_page(color_scheme=scheme).page
    page.locator(".map[data-atlas=pair] .cell").first.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(rules) => axe.run(document, rules)", {**RULES[scheme], "resultTypes": ["violations"]})
    serious = [
        (one["id"], [node["target"] for node in one["nodes"]][:5])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
