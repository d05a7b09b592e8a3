"""The atlas explorer of the HTML report: its data as JSON that no name can leave, its scripts, and their hashes."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import resources

from auditor.core.records import AuditResult, Finding
from auditor.core.records.explorer import ExploredAtlas
from auditor.report.anchors import anchor
from auditor.report.order import by_concern
from auditor.report.text import plain, shown_path

_SCRIPTS = ("vendor/panzoom/panzoom.min.js", "templates/explorer.js")
_IN_A_SCRIPT = {ord(one): f"\\u{ord(one):04x}" for one in "<>&"}
"""What could end a script element, or begin a comment in one, as JSON escapes; a string is the same with them."""


@dataclass(frozen=True, slots=True)
class Explorer:
    """What the template puts into the page: data, scripts, and the hashes by which the page lets them run.

    Attributes:
        data: JSON, safe inside a script element: the template puts it there as it is.
        scripts: their text, the package's own; hashes: `'sha256-…'` of each, for the content security policy.
        findings: anchors of the findings whose cells the explorer shows.
    """

    data: str
    scripts: tuple[str, ...]
    hashes: tuple[str, ...]
    findings: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Marked:
    """A finding as the explorer marks it: its verdict for the mark's colour, and in words; cells by the atlas' key."""

    id: str
    name: str
    anchor: str
    verdict: str
    word: str
    cells: dict[str, list[str]]


def explorer_of(result: AuditResult) -> Explorer | None:
    """The explorer of a result; None where its run has none."""
    explored = result.explored
    if explored is None or not any(atlas.cells for atlas in explored.atlases):
        return None
    findings = [_finding(one, explored.atlases) for one in by_concern(result)]
    marked = [one for one in findings if any(one.cells.values())]
    values = {
        "source": plain(result.source.name),
        "target": plain(result.target.name),
        "pair": [list(result.source.indices), list(result.target.indices)],
        "classes": [plain(name) for name in result.class_names],
        "pictures": [[shown_path(one.path), one.label] for one in explored.pictures],
        "atlases": [_atlas(atlas, result.pictures.get(f"explorer-{atlas.key}", b"")) for atlas in explored.atlases],
        "findings": [asdict(one) for one in marked],
    }
    text = json.dumps(values, separators=(",", ":")).translate(_IN_A_SCRIPT)
    scripts = _scripts()
    return Explorer(text, scripts, tuple(map(_hash, scripts)), frozenset(one.anchor for one in marked))


def _atlas(atlas: ExploredAtlas, tiles: bytes) -> dict[str, object]:
    values = asdict(atlas)
    for cell in values["cells"]:
        cell["word"] = plain(cell["word"])
    names = {name: plain(values[name]) for name in ("layer", "left", "right")}
    return {**values, **names, "picture": base64.b64encode(tiles).decode("ascii")}


def _finding(finding: Finding, atlases: tuple[ExploredAtlas, ...]) -> _Marked:
    candidate = finding.candidate
    cells = {
        atlas.key: cells_at_levels(candidate.pasted_cell if atlas.pasted else candidate.cell, atlas)
        for atlas in atlases
        if candidate.layer in ("", atlas.layer)  # of an earlier version's run, which had one layer: none named
    }
    word = finding.word
    return _Marked(plain(candidate.id), plain(candidate.name), anchor(finding), word.name.lower(), word.value, cells)


def cells_at_levels(cell: str, atlas: ExploredAtlas) -> list[str]:
    """A cell, and at every other level the cell that holds its middle, where there is one; none of no cell."""
    if not cell:
        return []
    level, column, row = map(int, cell.split(":"))
    return [
        one.name
        for one in atlas.cells
        if (one.column, one.row) == tuple((2 * place + 1) * one.level // (2 * level) for place in (column, row))
    ]


@functools.cache
def _scripts() -> tuple[str, ...]:
    package = resources.files("auditor.report")
    return tuple(package.joinpath(*file.split("/")).read_text(encoding="utf-8") for file in _SCRIPTS)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"
