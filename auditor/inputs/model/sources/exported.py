"""Networks saved by torch.export."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from auditor.core.errors import ModelError
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.sources.archives import archive_names
from auditor.inputs.model.sources.protocol import BuiltNetwork, ModelSource, WeightsRule

_SUFFIX = ".pt2"


def load_exported(path: Path, device: torch.device) -> BuiltNetwork:
    """Load a program saved by torch.export.save, with its submodules restored so that its layers have names.

    A program is code, and is trusted as such; but pickles inside it are read for tensors alone, and compiled
    libraries are refused.

    Raises:
        ModelError: no such file, damaged, or holding anything but one program and its tensors.
    """
    archive_names(path)
    content = path.read_bytes()
    # Names in a zip archive are stored plainly, so this holds whatever the archive's directory says.
    if b"opaque_obj_" in content or b"data/aotinductor/" in content:
        raise ModelError(
            f"{path} holds pickled objects or compiled libraries, which could run anything, so it was not loaded; "
            "save the plain program with torch.export.save"
        )
    program = _load_program(path)
    with ForeignCode(f"restoring the submodules of {path}"):
        from torch.export.passes import move_to_device_pass

        images = next(
            node.meta["val"]
            for node in program.graph.nodes
            if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
        )
        batch, height, width = (
            side if isinstance(side, int) else None for side in (images.shape[axis] for axis in (0, 2, 3))
        )
        module = torch.export.unflatten(move_to_device_pass(program, device))
    size = (height, width) if height is not None and width is not None else None
    return BuiltNetwork(module, batch, size, path)


def _load_program(path: Path) -> torch.export.ExportedProgram:
    try:
        with ForeignCode(f"loading {path}", "save it again with torch.export.save"), _tensors_only():
            return torch.export.load(path)
    except ModelError as error:
        if isinstance(error.__cause__, pickle.UnpicklingError):
            raise ModelError(
                f"{path} holds more than tensors beside its program, such as quantised weights of torchao, which could "
                "run code, so it was not loaded; give the network by a factory, or export it as ONNX"
            ) from error
        raise


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Force weights_only on every torch.load within, by torch's own switch: torch.export.load asks for the contrary."""
    switch = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(switch)
    os.environ[switch] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before


EXPORTED = ModelSource(
    label="torch.export",
    spelling="a torch.export (.pt2) file",
    matches=lambda name: Path(name).suffix.lower() == _SUFFIX,
    build=lambda request: load_exported(request.path, request.device),
    weights=WeightsRule.REFUSED,
    keys=frozenset(),
)
