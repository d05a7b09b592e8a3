"""The files of Python that a factory is made of: its own, and those of its folder that it imports. None is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import auditor

_INSTALLED = frozenset(("site-packages", "dist-packages"))
_OWN = Path(auditor.__file__).resolve().parent


def source_files(name: str, base: Path) -> tuple[Path, ...]:
    """The files of a factory, sorted: its own, and those beside or below it that it imports, however far that goes.

    Imports are read from the text. Once the factory was called, so are modules found that it imported by other means.
    Of an installed package it is the module's own file alone: what belongs to it has a version. Of this package it is
    none.

    Args:
        name: 'package.module:factory' or 'file.py:factory'. base: the folder that relative paths start from.
    """
    origin = name.rpartition(":")[0]
    if origin.endswith(".py"):
        start = (base / Path(origin).expanduser()).resolve()
        root = start.parent
    else:
        found = _module_file(origin, base)
        if found is None:
            return ()
        start, root = found
    on_the_way = set() if origin.endswith(".py") else set(_files_of(root, origin.split(".")))
    if not start.is_file() or start.is_relative_to(_OWN):
        return ()
    if _INSTALLED & set(start.parts):
        return (start,)
    files = _imported_from({start, *on_the_way}, root) | _loaded_below(root)
    return tuple(sorted(files))


def _module_file(module: str, base: Path) -> tuple[Path, Path] | None:
    """A module's file, and the folder that its top package is imported from; None: it is no file."""
    where: list[str] | None = [str(base.resolve()), *sys.path]
    *packages, last = module.split(".")
    root: Path | None = None
    for package in packages:
        spec = PathFinder.find_spec(package, where)
        if spec is None or spec.submodule_search_locations is None:
            return None
        where = list(spec.submodule_search_locations)
        root = root or Path(where[0]).resolve().parent
    spec = PathFinder.find_spec(last, where)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin).resolve()
    above = file.parent.parent if file.name == "__init__.py" else file.parent
    return file, root or above


def _imported_from(files: set[Path], root: Path) -> set[Path]:
    known: set[Path] = set()
    ahead = set(files)
    while ahead:
        file = ahead.pop()
        known.add(file)
        ahead |= {each for each in _imports_of(file, root) if each not in known}
    return known


def _imports_of(file: Path, root: Path) -> Iterator[Path]:
    """Files below `root` that one of them imports."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # importing it says what is wrong
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            start = root if not node.level else file.parents[node.level - 1]
            parts = node.module.split(".") if node.module else []
            yield from _files_of(start, parts)
            for alias in node.names:
                yield from _files_of(start, [*parts, alias.name])


def _files_of(start: Path, parts: list[str]) -> Iterator[Path]:
    """The files that importing a module runs: of each package on the way, and its own."""
    for count in range(len(parts) + 1):
        place = start.joinpath(*parts[:count])
        for file in ((place / "__init__.py"), place.with_name(f"{place.name}.py")):
            if count and file.is_file():
                yield file.resolve()


def _loaded_below(root: Path) -> set[Path]:
    """Files of modules that this process has imported from a folder, without what is installed there."""
    names = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    below = [Path(name).resolve() for name in names if isinstance(name, str) and name.startswith(str(root))]
    return {
        file
        for file in below
        if file.suffix == ".py"
        and file.is_relative_to(root)
        and file.is_file()
        and not _INSTALLED & set(file.parts)
        and not file.is_relative_to(_OWN)
    }
