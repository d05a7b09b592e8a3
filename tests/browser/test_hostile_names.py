"""Names that would be markup or code stay text in a browser, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from auditor.core.records import AuditResult
from auditor.report.html import report_html
from tests.browser.conftest import Open
from tests.report.conftest import full_result  # noqa: F401 - a fixture
from tests.report.test_explorer import explored


def test_hostile_names_are_shown_and_do_nothing(
    tmp_path: Path,
    open_page: Open,
    full_result: AuditResult,  # noqa: F811
) -> None:
    name = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    names = (name, *full_result.class_names[1:])
    result = replace(full_result, class_names=names, explored=explored(name, f"{name}.png"))
    (tmp_path / "report.html").write_text(report_html(result), encoding="utf-8")
    opened = open_page(tmp_path / "report.html")
    cell = opened.page.locator(".map .cell").first
    cell.click()
    about = opened.page.locator(".about").inner_text()
    assert about.count(name) >= 3  # as the cell's word, a crop's class, and a class it speaks for
    assert opened.page.locator("#explorer-colour option", has_text=name).count() == 1
    assert cell.locator(".word").text_content() == name
    assert opened.page.locator("#explorer img, #explorer script").count() == 0
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_script_without_a_hash_does_not_run(open_page: Open) -> None:
    opened = open_page()
    inject = "() => document.head.append(Object.assign(document.createElement('script'), { text: 'var ran = 1' }))"
    opened.page.evaluate(inject)
    assert opened.page.evaluate("() => typeof ran") == "undefined"
    assert any("Content Security Policy" in said for said in opened.said)
