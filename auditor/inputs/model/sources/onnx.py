"""Networks saved as ONNX: turned into torch where that proves equal (converted.py), else run by onnxruntime.

onnxruntime is an optional extra. It runs a network on the CPU and shows no layer of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.errors import ModelError
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.probing import unlike_pictures
from auditor.inputs.model.sources.black_box import BlackBox
from auditor.inputs.model.sources.converted import TOLERANCE, converted
from auditor.inputs.model.sources.protocol import (
    RUN_BY,
    BuiltNetwork,
    ModelSource,
    Named,
    NetworkRequest,
    WeightsRule,
)

_SUFFIX = ".onnx"
_TORCH, _ONNXRUNTIME = "torch", "onnxruntime"


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file opened by onnxruntime; batch and size as of `BuiltNetwork`."""

    path: Path
    runtime: ModuleType
    answers: BlackBox
    batch: int | None
    size: tuple[int, int] | None


def build_onnx(request: NetworkRequest) -> BuiltNetwork:
    """Open a network with one input of pictures; of several outputs the first is read.

    Raises:
        ModelError: onnxruntime is not installed, the file cannot be read, or the network takes something else; or
            torch was asked for, and it cannot be turned into torch.
    """
    opened = _opened(request.path)
    several = external_files(opened.path)
    notes = (
        (f"the weights of {opened.path.name} lie in several files, so that no sha256 names them",) if several else ()
    )
    if request.run_by == _ONNXRUNTIME:
        return _as_black_box(opened, "as [model] run_by says", notes)
    try:
        examples = _examples(request, opened.size)
        module = converted(opened.path, opened.runtime, opened.answers, examples)
    except ModelError as error:
        if request.run_by == _TORCH:
            raise
        return _as_black_box(opened, f"since it could not be turned into torch ({error})", notes)
    told = (
        f"{opened.path.name} is turned into torch by onnx2pytorch {version('onnx2pytorch')} and run so; on "
        f"{len(examples)} pictures its outputs are those of onnxruntime within {TOLERANCE:.2%} of the largest"
    )
    return BuiltNetwork(module, opened.batch, opened.size, opened.path, (told, *notes), _TORCH)


def _as_black_box(opened: _Opened, why: str, notes: tuple[str, ...]) -> BuiltNetwork:
    told = f"{opened.path.name} is run by onnxruntime on the CPU, which shows no layer, {why}"
    return BuiltNetwork(opened.answers, opened.batch, opened.size, opened.path, (told, *notes), _ONNXRUNTIME)


def _opened(path: Path) -> _Opened:
    if not path.is_file():
        raise ModelError(f"there is no file {path}")
    runtime = _onnxruntime(path)
    with ForeignCode(f"loading {path}", "export it again with torch.onnx.export, or check it with onnx.checker"):
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        told = ", ".join(f"{one.name}: {one.type} {one.shape}" for one in inputs)
        raise ModelError(f"{path} must take one input of (B, 3, H, W) 32-bit floats, but takes {told}")
    batch, channels, height, width = (side if isinstance(side, int) else None for side in inputs[0].shape)
    if channels not in (3, None):
        raise ModelError(f"{path} takes pictures of {channels} channels, and RGB has 3")
    pictures, answer = inputs[0].name, outputs[0].name

    def ask(images: NDArray[np.float32]) -> NDArray[np.float32]:
        said: NDArray[np.float32] = session.run([answer], {pictures: images})[0]
        return said

    size = (height, width) if height is not None and width is not None else None
    return _Opened(path, runtime, BlackBox(ask, path.name), batch, size)


def _examples(request: NetworkRequest, size: tuple[int, int] | None) -> Tensor:
    """Pictures to try the network on; those of the request, where it has such."""
    if request.examples is not None and size in (None, request.size):
        return request.examples()
    return unlike_pictures(*(size or request.size)) * 2 - 1


def external_files(path: Path) -> tuple[Path, ...]:
    """The files beside a network in which its exporter put weights, sorted; () where the network holds them all.

    Without the package onnx it is the one that torch's exporter writes, called as the network with `.data` behind.
    """
    usual = path.with_name(f"{path.name}.data")
    try:
        import onnx
    except ModuleNotFoundError:
        return (usual,) if usual.is_file() else ()
    try:
        with ForeignCode(f"reading {path}"):
            tensors = onnx.load(path, load_external_data=False).graph.initializer
            named = {entry.value for each in tensors for entry in each.external_data if entry.key == "location"}
    except ModelError:  # opening the network says what is wrong
        return ()
    return tuple(sorted(path.parent / name for name in named))


def _onnxruntime(path: Path) -> ModuleType:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModelError(
            f'{path.name} needs onnxruntime, which is not installed; pip install "auditor[onnx]"'
        ) from error
    module: ModuleType = onnxruntime
    return module


ONNX = ModelSource(
    label="ONNX",
    spelling="an ONNX (.onnx) file",
    matches=lambda name: Path(name).suffix.lower() == _SUFFIX,
    build=build_onnx,
    weights=WeightsRule.REFUSED,
    keys=frozenset({RUN_BY}),
    code=lambda name, base: external_files(Named(name, base).path()),
)
