"""Where a network comes from: torchvision, a user's Python, a saved program. timm, weights, checks are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from torch import nn

from auditor.core.errors import ModelError
from auditor.inputs.model.sources.timm import TIMM_PREFIX


class SourceKind(Enum):
    """What [model] name means."""

    TORCHVISION = "torchvision"
    TIMM = "timm"
    FACTORY = "Python factory"
    TORCHSCRIPT = "TorchScript"
    EXPORTED = "torch.export"


_TORCHSCRIPT_SUFFIXES = (".pt", ".ts", ".torchscript", ".pth")
_NAME_HINT = "a file needs its suffix, a factory a colon, a timm network 'timm/' before its name"
_EXPORTED_SUFFIX = ".pt2"
_OTHER_SUFFIXES = (".onnx", ".h5", ".keras", ".pb", ".tflite", ".mlmodel", ".pkl", ".pickle", ".bin", ".safetensors")


def source_kind(name: str) -> SourceKind:
    """Tell the kinds of [model] name apart by their looks.

    Raises:
        ModelError: a file of a kind that cannot be read.
    """
    suffix = Path(name).suffix.lower()
    if suffix == _EXPORTED_SUFFIX:
        return SourceKind.EXPORTED
    if suffix in _TORCHSCRIPT_SUFFIXES:
        return SourceKind.TORCHSCRIPT
    if suffix in _OTHER_SUFFIXES:
        raise ModelError(
            f"[model] name {name!r} is a {suffix} file, which is not a network that can be loaded; give a torchvision "
            "name, 'timm/NAME', 'package.module:factory', 'file.py:factory', a TorchScript (.pt) or a torch.export "
            "(.pt2) file"
        )
    if ":" in name:
        return SourceKind.FACTORY
    return SourceKind.TIMM if name.startswith(TIMM_PREFIX) else SourceKind.TORCHVISION


@dataclass(frozen=True, slots=True)
class SavedProgram:
    """A network that came whole from a file.

    Attributes:
        batch: the only batch size it takes; None: any, as far as the file says.
        size: the only (H, W) it takes; None: any, as far as the file says.
    """

    module: nn.Module
    batch: int | None
    size: tuple[int, int] | None
