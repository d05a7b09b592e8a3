"""Networks saved as TorchScript."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from auditor.core.errors import ModelError
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.sources.archives import archive_names
from auditor.inputs.model.sources.protocol import BuiltNetwork, ModelSource, WeightsRule
from auditor.inputs.model.sources.scripted import observable
from auditor.inputs.model.weight_kinds import only_type

_SUFFIXES = (".pt", ".ts", ".torchscript", ".pth")


def load_torchscript(path: Path, size: tuple[int, int]) -> BuiltNetwork:
    """Load a TorchScript file, rewritten so that its layers can be observed where that is possible.

    Where it is not, the network runs as it is, and `LayerCut` says what to do.

    Args:
        size: (H, W) of prepared pictures.
    Raises:
        ModelError: no such file, or a file saved by torch.save, whose pickle is not run.
    """
    names = archive_names(path)
    if not any(name.endswith("/constants.pkl") for name in names):
        saved = any(name.endswith("/data.pkl") for name in names)
        raise ModelError(
            f"{path} is "
            + (
                "a file saved by torch.save, not TorchScript; its pickle could run code and was not loaded"
                if saved
                else "not a TorchScript file"
            )
            + "; give a state dict as [model] weights beside a network's name, or save the network with "
            "torch.jit.save or torch.export.save"
        )
    script = _load_script(path)
    try:
        example = _example(script, size)
        return BuiltNetwork(observable(script, example, path.name), file=path)
    except ModelError:
        # Marked by the attempt, so loaded anew.
        return BuiltNetwork(_load_script(path), file=path)


def _example(script: torch.jit.ScriptModule, size: tuple[int, int]) -> Tensor:
    """(2, 3, H, W) noise, in float32, or where the network does not take that, in the type of its weights."""
    example = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        try:
            script(example)
        except RuntimeError:
            return example.to(only_type(script))
    return example


def _load_script(path: Path) -> torch.jit.ScriptModule:
    with ForeignCode(f"loading TorchScript from {path}", "save it again with this version of torch"):
        script: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    return script


TORCHSCRIPT = ModelSource(
    label="TorchScript",
    spelling="a TorchScript (.pt) file",
    matches=lambda name: Path(name).suffix.lower() in _SUFFIXES,
    build=lambda request: load_torchscript(request.path, request.size),
    weights=WeightsRule.REFUSED,
    keys=frozenset(),
)
