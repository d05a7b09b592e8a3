"""What training scripts keep beside the weights, by name: read as nothing, so that none of its code is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch

_PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
_PLAIN = ("bool", "dict", "float", "frozenset", "int", "list", "str", "tuple")
_OF_MODULE: dict[str, tuple[str, ...]] = {
    "builtins": _PLAIN,
    "__builtin__": _PLAIN,
    "argparse": ("Namespace",),
    "types": ("SimpleNamespace",),
    "pathlib": _PATHS,
    "pathlib._local": _PATHS,
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "uuid": ("UUID",),
    "typing": ("Any",),
    "collections": ("deque",),
    "numpy": ("dtype", "ndarray"),
    "numpy.core.multiarray": ("scalar", "_reconstruct"),
    "numpy._core.multiarray": ("scalar", "_reconstruct"),
    "omegaconf.dictconfig": ("DictConfig",),
    "omegaconf.listconfig": ("ListConfig",),
    "omegaconf.base": ("ContainerMetadata", "Metadata"),
    "omegaconf.nodes": ("AnyNode", "BooleanNode", "FloatNode", "IntegerNode", "PathNode", "StringNode"),
    "mmengine.logging.history_buffer": ("HistoryBuffer",),
}
_DICTIONARIES: dict[str, tuple[str, ...]] = {
    "collections": ("defaultdict",),
    "pytorch_lightning.utilities.parsing": ("AttributeDict",),
    "lightning.pytorch.utilities.parsing": ("AttributeDict",),
    "lightning_fabric.utilities.data": ("AttributeDict",),
    "lightning.fabric.utilities.data": ("AttributeDict",),
}


class Nothing:
    """Stands in a checkpoint where an object of another library, or of Python's, was: it takes what it is given."""

    def __init__(self, *_given: object) -> None:
        return

    def __new__(cls, *_given: object) -> Nothing:
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        return


class PlainDictionary:
    """Stands where a dictionary of a class of its own was, and makes a plain one: torch fills no other."""

    def __new__(cls, *_given: object) -> dict[object, object]:  # type: ignore[misc]
        return {}


def _stand_ins(base: type, of_module: dict[str, tuple[str, ...]]) -> Iterator[type]:
    for module, names in of_module.items():
        for name in names:
            yield type(name, (base,), {"__module__": module, "__qualname__": name})


_STAND_INS = [*_stand_ins(Nothing, _OF_MODULE), *_stand_ins(PlainDictionary, _DICTIONARIES)]


def harmless_extras() -> AbstractContextManager[object]:
    """Within it, `torch.load(weights_only=True)` reads objects of the names above as `Nothing`.

    Their own classes are neither imported nor called. A torch before 2.5 knows no such thing, and refuses them.
    """
    safe_globals = getattr(torch.serialization, "safe_globals", None)
    return nullcontext() if safe_globals is None else safe_globals(_STAND_INS)
