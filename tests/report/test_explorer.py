"""The explorer in the page: data that no name can leave, scripts that the page lets run by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from dataclasses import replace
from importlib import resources

import pytest

from auditor.core.records import AuditResult
from auditor.core.records.explorer import Crop, Explored, ExploredAtlas, MapCell, MapPicture
from auditor.report.explorer import cells_at_levels, explorer_of
from auditor.report.html import report_html
from tests.report.conftest import HOSTILE

NAMES = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "a & b \u2028 \u202e", HOSTILE, "]]>", "\udc80 bytes"]


def cell(level: int, column: int, row: int, word: str = "") -> MapCell:
    return MapCell(
        f"{level}:{column}:{row}", level, column, row, 3, 2, (0.5, 0.1), None, False, word, ((0, 0.5, 0.1),), ((1, 2),),
        None, (Crop(0, 0),),
    )  # fmt: skip


def explored(word: str = "", path: str = "a.png") -> Explored:
    cells = (cell(10, 8, 2, word), cell(20, 17, 4, word))
    pair = ExploredAtlas("pair", word or "features", "a", word, False, 1, 1, 64, cells, "AAAA", (1.0,), ((0, 1),))
    return Explored((pair,), (MapPicture("k", path, 0),))


class Scripts(html.parser.HTMLParser):
    """The page's script elements with their attributes, and every element's name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag == "script"
        if self._inside:
            self.found.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self._inside:
            attributes, text = self.found[-1]
            self.found[-1] = attributes, text + data

    def handle_endtag(self, tag: str) -> None:
        self._inside = False


def policy(page: Scripts) -> dict[str, list[str]]:
    (content,) = [a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
    parts = [part.split() for part in str(content).split(";")]
    return {part[0]: part[1:] for part in parts}


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leaves_the_data(full_result: AuditResult, name: str) -> None:
    plain_page = Scripts(report_html(replace(full_result, explored=explored())))
    names = tuple(f"{name} {number}" for number, _ in enumerate(full_result.class_names))
    hostile = replace(full_result, class_names=names, explored=explored(name, f"{name}.png"))
    page = Scripts(report_html(hostile))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain_page.tags]
    (text,) = [text for attributes, text in page.found if attributes.get("type") == "application/json"]
    assert not set("<>&") & set(text)
    data = json.loads(text)
    assert len(data["classes"]) == len(names)
    assert data["classes"][0].endswith(" 0")
    assert not re.search("[\u202e\ud800-\udfff]", json.dumps(data, ensure_ascii=False))


def test_scripts_run_by_their_hashes_and_nothing_else_runs(full_result: AuditResult) -> None:
    page = Scripts(report_html(replace(full_result, explored=explored())))
    run = [text for attributes, text in page.found if "type" not in attributes]
    hashed = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run]
    rules = policy(page)
    assert len(run) == 2
    assert rules["script-src"] == hashed
    assert rules["default-src"] == ["'none'"]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("without", [None, Explored((), ())])
def test_without_an_explorer_there_is_no_script(full_result: AuditResult, without: Explored | None) -> None:
    result = replace(full_result, explored=without)
    page = Scripts(report_html(result))
    assert explorer_of(result) is None
    assert page.found == []
    assert policy(page)["script-src"] == ["'none'"]
    assert "sheets" not in [attributes.get("class") for tag, attributes in page.tags if tag == "details"]


def test_findings_and_cells_are_linked_both_ways(full_result: AuditResult) -> None:
    result = replace(full_result, explored=explored())
    text = report_html(result)
    page = Scripts(text)
    data = json.loads(next(text for attributes, text in page.found if attributes.get("type")))
    marked = {one["anchor"]: one["cells"]["pair"] for one in data["findings"]}
    assert marked  # candidates of the result stand in 20:17:4, whose middle lies in 10:8:2
    assert all(cells == ["10:8:2", "20:17:4"] for cells in marked.values())
    ids = {attributes.get("id") for _, attributes in page.tags}
    links = [attributes["data-finding"] for tag, attributes in page.tags if attributes.get("class") == "to-atlas"]
    assert set(links) == set(marked) <= ids


def test_a_cell_is_found_at_every_level() -> None:
    atlas = explored().atlases[0]
    assert cells_at_levels("20:17:4", atlas) == ["10:8:2", "20:17:4"]
    assert cells_at_levels("10:8:2", atlas) == ["10:8:2"]  # its middle lies in 20:17:5, which is empty
    assert cells_at_levels("", atlas) == []


def test_the_vendored_script_comes_with_its_licence() -> None:
    folder = resources.files("auditor.report") / "vendor" / "panzoom"
    assert "Permission is hereby granted" in (folder / "MIT-License.txt").read_text()
    assert "</script" not in (folder / "panzoom.min.js").read_text().lower()
