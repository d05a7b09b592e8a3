"""Networks that Python code builds: the user's own, or the built-in world's."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, ModuleType

from torch import nn

from auditor.core.errors import ModelError
from auditor.inputs.model.compiled import COMPILED, uncompiled
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.sources.black_box import BlackBox
from auditor.inputs.model.sources.imports import source_files
from auditor.inputs.model.sources.protocol import NO_ARGUMENTS, BuiltNetwork, ModelSource, NetworkRequest, WeightsRule

_MOVED: Mapping[str, str] = MappingProxyType({"auditor.worlds.network": "auditor.inputs.world.kitchen_network"})
"""Modules of this package that runs made by earlier versions name, and where they are now."""


def build_from_factory(
    name: str, classes: int, base: Path, arguments: Mapping[str, object] = NO_ARGUMENTS
) -> nn.Module:
    """Call 'package.module:factory' or 'file.py:factory' with the user's arguments, and `num_classes` if it takes it.

    The file's folder (for a module: `base`) can be imported from while the factory runs, as if it were a script.

    Raises:
        ModelError: nothing there, not callable, an exception within, or not a network.
    """
    origin, _, factory_name = name.rpartition(":")
    origin = _MOVED.get(origin, origin)
    is_file = origin.endswith(".py")
    path = Path(os.path.realpath(base / Path(origin).expanduser())) if is_file else None
    with _importing_from(path.parent if path is not None else base):
        module = _import_file(path) if path is not None else _import_module(origin)
        factory = getattr(module, factory_name, None)
        if not callable(factory):
            offered = ", ".join(_offered(module)[:8]) or "nothing"
            raise ModelError(f"{origin} has no function {factory_name!r}; it has {offered}")
        with ForeignCode(f"calling {name}", "it must return a torch.nn.Module, or a function of numpy arrays"):
            ours = {"num_classes": classes} if _takes_classes(factory) else {}
            network = factory(**{**ours, **arguments})
    if isinstance(network, nn.Module):
        return network
    if callable(network):
        return BlackBox(network, name)
    raise ModelError(
        f"{name} must return a torch.nn.Module, or a function of (B, 3, H, W) numpy arrays, but returned a "
        f"{type(network).__name__}"
    )


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"there is no file {path}")
    unique = f"audited_{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(unique, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    # Registered while it runs, because dataclasses and the like look their module up.
    sys.modules[unique] = module
    try:
        with ForeignCode(f"importing {path}"):
            spec.loader.exec_module(module)
    except ModelError:
        del sys.modules[unique]
        raise
    return module


def _import_module(name: str) -> ModuleType:
    with ForeignCode(f"importing {name!r}", "install the package, or give the file: 'path/to/file.py:factory'"):
        return importlib.import_module(name)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _offered(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]


def _takes_classes(factory: Callable[..., object]) -> bool:
    try:
        return "num_classes" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _build(request: NetworkRequest) -> BuiltNetwork:
    built = build_from_factory(request.name, request.classes, request.base, request.arguments)
    network, compiled = uncompiled(built)
    return BuiltNetwork(network, notes=(COMPILED.format(name=request.name),) if compiled else ())


FACTORY = ModelSource(
    label="Python factory",
    spelling="'package.module:factory', 'file.py:factory'",
    matches=lambda name: ":" in name,
    build=_build,
    weights=WeightsRule.ALLOWED,
    code=source_files,
)
