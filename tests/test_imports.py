"""The order in which the package's rooms may import each other, what else they import, and what only the command line
may do."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "auditor"

MAY_IMPORT: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "inputs": frozenset({"core"}),
    "atlas": frozenset({"core", "inputs"}),
    "trials": frozenset({"core", "inputs"}),
    "candidates": frozenset({"core", "inputs", "atlas", "trials"}),
    "statistics": frozenset({"core"}),
    "report": frozenset({"core"}),
    "run": frozenset({"core", "inputs", "atlas", "trials", "candidates", "statistics", "report"}),
    "cli": frozenset({"core", "inputs", "atlas", "trials", "candidates", "statistics", "report", "run"}),
}
"""The nine rooms, and what each may import beside itself (docs/design.md, section 3)."""

SPEAKERS = {"cli/edge.py", "cli/console.py"}
"""The screen; the commands beside it speak too."""


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted({room_of(module) for module in MODULES} - {"__init__", "__main__"})


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
    return other == room or other in MAY_IMPORT[room]


def test_the_rooms_are_the_nine() -> None:
    """Whoever opens the package sees nine things beside what makes it a package."""
    seen = {entry.name for entry in PACKAGE.iterdir() if entry.name != "__pycache__"}
    assert seen - {"__init__.py", "__main__.py", "py.typed"} == set(MAY_IMPORT)
    assert set(ROOMS) == set(MAY_IMPORT)


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
    tree = ast.parse(
        "def f():\n    from auditor.run.audit import audit\nimport auditor.cli\nfrom auditor import report\n"
    )
    assert list(imported_rooms(tree)) == [("cli", 3), ("report", 4), ("run", 2)]
    for room, other in [
        ("statistics", "inputs"),
        ("report", "statistics"),
        ("atlas", "trials"),
        ("trials", "atlas"),
        ("trials", "candidates"),
        ("inputs", "atlas"),
        ("core", "inputs"),
        ("candidates", "run"),
        ("run", "cli"),
    ]:
        assert not allowed(room, other), f"{room} must not import {other}"
    for room, other in [("candidates", "trials"), ("run", "report"), ("cli", "inputs"), ("core", "core")]:
        assert allowed(room, other)


def test_the_package_itself_loads_nothing_until_it_is_asked_for() -> None:
    tree = parsed(PACKAGE / "__init__.py")
    at_once = ast.Module([node for node in tree.body if not isinstance(node, ast.If)], [])
    assert list(imported_rooms(at_once)) == []


IMPORTED_AS = {
    "mlflow-skinny": "mlflow",
    "open_clip_torch": "open_clip",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}
"""Packages that are imported under another name than they are installed by."""

LOADED_BY_OTHERS = {"matplotlib"}
"""Packages that another one, here TorchDR, imports and does not declare."""


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = ("clip", "timm", "hf", "onnx", "mlflow", "ray", "torchdr")
    declared = [*project["dependencies"], *(package for extra in used for package in extras[extra])]
    names = [re.match(r"[\w-]+", line)[0] for line in declared]  # type: ignore[index]
    imported = set()
    for module in MODULES:
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"auditor"}
    assert foreign == {IMPORTED_AS.get(name, name) for name in names} - LOADED_BY_OTHERS


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


QUIET = [
    name
    for name in (str(module.relative_to(PACKAGE)) for module in MODULES)
    if name not in SPEAKERS and not name.startswith("cli/commands/")
]


@pytest.mark.parametrize("name", QUIET)
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
