"""Networks saved as ONNX, run by onnxruntime, an optional extra, on the CPU. No layer of them is mapped."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from auditor.core.errors import ModelError
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.sources.black_box import BlackBox
from auditor.inputs.model.sources.protocol import BuiltNetwork, ModelSource, NetworkRequest, WeightsRule

_SUFFIX = ".onnx"
_NOTE = "is run by onnxruntime on the CPU, which shows no layer: it is audited without an atlas"


def load_onnx(path: Path) -> BuiltNetwork:
    """Open a network with one input of pictures; of several outputs the first is read.

    Raises:
        ModelError: onnxruntime is not installed, the file cannot be read, or the network takes something else.
    """
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
    return BuiltNetwork(BlackBox(ask, path.name), batch, size, path, (f"{path.name} {_NOTE}",))


def _build(request: NetworkRequest) -> BuiltNetwork:
    return load_onnx(request.path)


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
    build=_build,
    weights=WeightsRule.REFUSED,
    takes_arguments=False,
)
