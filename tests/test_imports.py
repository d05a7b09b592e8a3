"""The order in which the package's rooms may import each other, and what only the command line may do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "auditor"

ORDER: tuple[frozenset[str], ...] = (
    frozenset({"records", "errors", "draws", "progress"}),
    frozenset({"config"}),
    frozenset({"statistics"}),
    frozenset({"subject", "images"}),
    frozenset({"inversion"}),
    frozenset({"atlas"}),
    frozenset({"candidates"}),
    frozenset({"trials"}),
    frozenset({"tables", "store"}),
    frozenset({"setup"}),
    frozenset({"stages"}),
    frozenset({"atlases"}),
    frozenset({"looking"}),
    frozenset({"measuring"}),
    frozenset({"examples"}),
    frozenset({"results"}),
    frozenset({"run"}),
    frozenset({"transfer"}),
    frozenset(
        {
            "patch_trials",
            "other_atlases",
            "showing",
            "demo",
            "reviews",
            "inspecting",
            "options",
            "terminal",
        }
    ),
    frozenset({"cli"}),
)
"""A room may import what stands before it, and itself; rooms on one line leave each other alone."""

ONLY: dict[str, frozenset[str]] = {
    "records": frozenset(),
    "errors": frozenset(),
    "draws": frozenset(),
    "progress": frozenset(),
    "config": frozenset({"records", "errors"}),
    "statistics": frozenset({"records", "errors"}),
    "report": frozenset({"records", "errors"}),
    "worlds": frozenset({"records", "errors", "progress", "config", "subject", "images"}),
}
"""Rooms that may import no more than these, and themselves."""

ASIDE = {"report": "results", "worlds": "run"}
"""Rooms beside the order, and the first in it that may import them."""

SPEAKERS = {"cli/edge.py", "cli/auditing.py", "cli/exploring.py", "terminal.py", "worlds/train.py"}
"""The command line, its screen, and the one script that is a command of its own."""


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted({room_of(module) for module in MODULES} - {"__init__"})
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}


def imported_rooms(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Rooms of the package that a module imports anywhere in it, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names = [f"auditor.{name.name}" for name in node.names] if node.module == "auditor" else [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "auditor" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1], node.lineno


def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


def allowed(room: str, other: str) -> bool:
    if other == room:
        return True
    if room in ONLY:
        return other in ONLY[room]
    if other in ASIDE:
        return RANK[room] >= RANK[ASIDE[other]]
    return RANK[other] < RANK[room]


def test_every_room_has_its_place() -> None:
    """A new module must be put into the order (and into the design) before it may be imported from anywhere."""
    assert set(ROOMS) <= set(RANK) | set(ASIDE)
    # a module by the name of a room that does not exist would make a line of the order say nothing
    assert {"records", "errors", "config", "statistics", "subject", "images", "atlas"} <= set(ROOMS)
    assert {"candidates", "trials", "tables", "store", "run", "report", "worlds"} <= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    wrong = [
        f"{module.relative_to(PACKAGE)}:{line} imports {other}"
        for module in MODULES
        if room_of(module) == room
        for other, line in imported_rooms(parsed(module))
        if not allowed(room, other)
    ]
    assert wrong == []


def test_the_order_itself_is_told_apart() -> None:
    """What the walk must catch, on imports that are not there."""
    tree = ast.parse("def f():\n    from auditor.run import audit\nimport auditor.cli\nfrom auditor import store\n")
    assert list(imported_rooms(tree)) == [("cli", 3), ("store", 4), ("run", 2)]
    for room, other in [
        ("statistics", "config"),
        ("subject", "images"),
        ("atlas", "candidates"),
        ("trials", "run"),
        ("report", "statistics"),
        ("worlds", "statistics"),
        ("candidates", "worlds"),
        ("stages", "report"),
        ("store", "tables"),
        ("run", "cli"),
    ]:
        assert not allowed(room, other), f"{room} must not import {other}"
    for room, other in [("trials", "candidates"), ("run", "report"), ("cli", "worlds"), ("worlds", "images")]:
        assert allowed(room, other)


def test_the_package_itself_loads_nothing_until_it_is_asked_for() -> None:
    tree = parsed(PACKAGE / "__init__.py")
    at_once = ast.Module([node for node in tree.body if not isinstance(node, ast.If)], [])
    assert list(imported_rooms(at_once)) == []


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize(
    "name", [name for name in (str(module.relative_to(PACKAGE)) for module in MODULES) if name not in SPEAKERS]
)
def test_only_the_command_line_prints_or_exits(name: str) -> None:
    wrong = []
    for node in ast.walk(parsed(PACKAGE / name)):
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if called in ("print", "exit", "quit", "input") or called.endswith(".print"):
                wrong.append(f"line {node.lineno}: {called}()")
        if isinstance(node, ast.Attribute) and dotted(node) in ("sys.exit", "sys.stdout", "sys.stderr", "os._exit"):
            wrong.append(f"line {node.lineno}: {dotted(node)}")
        if isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.dump(node.exc):
            wrong.append(f"line {node.lineno}: SystemExit")
    assert wrong == []
