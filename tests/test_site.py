"""The documentation as a site: every page is in it, and no link leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.docs.site import CONTENTS, ROOT, build, in_the_site


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](docs/numbers.md#controls)", "[a](numbers.md#controls)"),
        ("[a](../README.md)", "[a](index.md)"),
        ("[a](CHANGELOG.md)", "[a](changelog.md)"),
        ("[a](reports/sample)", "[a](path:reports/sample/report.html)"),
        ("![a](docs/images/report.png)", "![a](images/report.png)"),
        ("[a](#below)", "[a](#below)"),
        ("[a](https://doi.org/10.23915/distill.00015)", "[a](https://doi.org/10.23915/distill.00015)"),
    ],
)
def test_links_lead_to_where_things_lie_in_the_site(link: str, expected: str) -> None:
    assert in_the_site(link) == expected


@pytest.mark.filterwarnings("ignore:.*is deprecated")  # of its extension, against Sphinx
def test_the_site_is_built_without_a_warning_and_has_every_page(tmp_path: Path) -> None:
    assert build(tmp_path) == 0
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages | {"changelog"} == {name for names in CONTENTS.values() for name in names}
    for name in (*pages, "changelog", "index"):
        assert (tmp_path / f"{name}.html").is_file()
    first = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "report.html" in first  # the sample, which the README links to
