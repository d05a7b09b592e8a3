"""Turn an ONNX network into torch by onnx2pytorch, an optional extra, and prove that onnxruntime answers the same."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.inputs.model.foreign import ForeignCode

TOLERANCE = 1e-4
"""Of the largest output: libraries that add up 32-bit floats in another order differ by a hundredth of that."""


def converted(path: Path, runtime: ModuleType, answers: nn.Module, examples: Tensor) -> nn.Module:
    """Turn a network into a module of torch, whose layers can be mapped.

    Args:
        runtime: onnxruntime, which simplifies the graph first: what it computes from constants alone, such as
            weights that the exporter stored once for several layers, becomes a constant.
        answers: the same network, run by onnxruntime.
        examples: (B, 3, H, W) pictures on which both have to agree, alone and together.
    Raises:
        ModelError: onnx2pytorch is not installed, cannot convert the network, or makes another one of it.
    """
    convert = _converter()
    # its operations are written for torch of before, which torch says anew in every forward
    warnings.filterwarnings("ignore", module=r"onnx2pytorch\.")
    with ForeignCode(f"turning {path.name} into torch by onnx2pytorch"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected: Tensor = answers(examples)
        graph = _simplified(path, runtime)
        module: nn.Module = convert(graph)
        del graph.graph.initializer[:]  # they are the module's tensors by now
        module.eval()
        with torch.no_grad():
            together, alone = module(examples), module(examples[:1])
    largest = float(expected.abs().max())
    for came, wanted in ((together, expected), (alone, expected[:1])):
        if not isinstance(came, Tensor) or came.shape != wanted.shape:
            raise ModelError(f"turned into torch by onnx2pytorch, {path.name} answers in another form")
        difference = float((came - wanted).abs().max())
        if not difference <= TOLERANCE * largest:
            raise ModelError(
                f"turned into torch by onnx2pytorch, {path.name} answers otherwise than run by onnxruntime: its "
                f"outputs differ by up to {difference:.3g}, where the largest is {largest:.3g}"
            )
    return module


def _simplified(path: Path, runtime: ModuleType) -> Any:
    """The graph as onnxruntime's basic optimisations leave it, in operations of ONNX itself, with its first output."""
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "simplified.onnx"
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(file)
        options.log_severity_level = 3
        # else weights that lie beside the network would be looked for beside the copy
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "weights.bin")
        runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        model = onnx.load(file)
    for node in model.graph.node:
        for attribute in list(node.attribute):
            # written out by the older exporter, and unknown to the converter: a batch norm that does not train
            if attribute.name == "training_mode" and not attribute.i:
                node.attribute.remove(attribute)
    del model.graph.output[1:]
    return model


def _converter() -> Any:
    try:
        from onnx2pytorch import ConvertModel
    except ModuleNotFoundError as error:
        raise ModelError('onnx2pytorch is not installed; pip install "auditor[onnx]"') from error
    return ConvertModel
