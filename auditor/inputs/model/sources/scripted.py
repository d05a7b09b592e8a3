"""Rewrite a TorchScript network as a graph of tensor operations whose layers can be observed. It loads nothing."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stderr
from typing import Any

import torch
from torch import Tensor, fx, nn

from auditor.core.errors import ModelError
from auditor.inputs.model.foreign import ForeignCode

_LIBRARY = torch.library.Library("auditor", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define("enter(Tensor value, str name) -> Tensor")  # type: ignore[no-untyped-call]
_LIBRARY.define("leave(Tensor value, str name) -> Tensor")  # type: ignore[no-untyped-call]


class _Passage(nn.Module):
    """Where a submodule's output passes, so that hooks on it see and replace that output."""

    def forward(self, value: Tensor) -> Tensor:
        return value


def observable(script: torch.jit.ScriptModule, example: Tensor, name: str) -> nn.Module:
    """Rewrite a TorchScript network so that its submodules' outputs can be observed, differentiated and replaced.

    Hooks on a scripted network's submodules never fire, because its interpreter calls them without Python. So each
    call of a submodule is marked in the TorchScript, torch's own converter turns the whole into a graph of
    tensor operations, and the marks become modules under the submodules' names.

    Args:
        script: freshly loaded; its code gets marks that this process alone sees, and do not alter what it computes.
        example: (B, 3, H, W) pictures for the converter.
    Raises:
        ModelError: the converter is absent from this torch, or cannot convert this network.
    """
    advice = "export the network with torch.export.save to a .pt2 file, whose layers can be observed"
    with ForeignCode(f"converting the TorchScript of {name}", advice):
        from torch._export.converter import TS2EPConverter

        class Converter(TS2EPConverter):  # type: ignore[misc, no-any-unimported, unused-ignore]
            """Stops at the graph: exporting it again would fix shapes and take long."""

            def retrace_as_exported_program(self, gm: fx.GraphModule, name_to_constant: object) -> None:
                del name_to_constant
                raise _ConvertedError(gm)

        script.eval()
        with torch.no_grad():
            expected = script(example)
        _mark_calls(script)
        quiet = logging.getLogger("torch._export.converter")
        level = quiet.level
        quiet.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Converter(script, (example,)).convert()
        except _ConvertedError as converted:
            network = _with_passages(converted.graph)
            # The graph holds parameters as buffers, which keep asking for gradients.
            for tensor in network.buffers():
                tensor.requires_grad_(False)
        finally:
            quiet.setLevel(level)
        # a graph that cannot be run prints its stack
        with torch.no_grad(), redirect_stderr(io.StringIO()):
            came = network(example)
        if isinstance(expected, Tensor) and not torch.allclose(came, expected, rtol=1e-4, atol=1e-5):
            raise ModelError(f"the TorchScript of {name} computes something else once converted; {advice}")
        return network


class _ConvertedError(Exception):
    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__()
        self.graph = graph


def _mark_calls(script: torch.jit.ScriptModule) -> None:
    """Put an `enter` before and a `leave` after every call of a submodule, in each distinct module's code once.

    Submodules of one kind share their code, so only the name relative to the caller is known here.
    """
    marked: set[str] = set()
    for each in script.modules():
        code: Any = each._c
        kind = str(code._type().qualified_name())
        if kind not in marked:
            marked.add(kind)
            for method in code._method_names():
                _mark_calls_in(code._get_method(method).graph)


def _mark_calls_in(graph: Any) -> None:
    for call in graph.findAllNodes("prim::CallMethod"):
        values, outputs = list(call.inputs()), list(call.outputs())
        path = _attribute_path(values[0])
        tensors = [value for value in values[1:] if str(value.type()) == "Tensor"]
        if not path or not tensors or [str(output.type()) for output in outputs] != ["Tensor"]:
            continue
        with graph.insert_point_guard(call):
            word = graph.insertConstant(path)
            enter = graph.create("auditor::enter", [tensors[0], word], 1)
            graph.insertNode(enter)
            leave = graph.create("auditor::leave", [outputs[0], word], 1)
        call.replaceInputWith(tensors[0], next(iter(enter.outputs())))
        leave.insertAfter(call)
        outputs[0].replaceAllUsesAfterNodeWith(leave, next(iter(leave.outputs())))


def _attribute_path(value: Any) -> str:
    names: list[str] = []
    node = value.node()
    while node.kind() == "prim::GetAttr":
        names.insert(0, node.s("name"))
        node = next(iter(node.inputs())).node()
    return ".".join(names)


def _with_passages(network: fx.GraphModule) -> fx.GraphModule:
    """Turn the marks, which stand in the order of execution, into modules under their full names."""
    open_calls: list[str] = []
    for node in list(network.graph.nodes):
        if node.op != "call_function":
            continue
        if node.target is torch.cond and not node.users:
            # What is left of an assertion in the scripted code; nothing uses it, and it cannot be differentiated.
            network.graph.erase_node(node)
        elif str(node.target).startswith("auditor.enter"):
            value, name = node.args
            open_calls.append(str(name))
            node.replace_all_uses_with(value)
            network.graph.erase_node(node)
        elif str(node.target).startswith("auditor.leave"):
            full_name = ".".join(open_calls)
            open_calls.pop()
            _install_passage(network, full_name)
            with network.graph.inserting_after(node):
                passage = network.graph.call_module(full_name, (node.args[0],))
            node.replace_all_uses_with(passage)
            network.graph.erase_node(node)
    network.graph.eliminate_dead_code()
    network.recompile()
    return network


def _install_passage(network: nn.Module, full_name: str) -> None:
    """Put a passage under a name, around the tensors and modules that are there already."""
    parent = network
    *way, last = full_name.split(".")
    for step in way:
        if step not in parent._modules:
            parent.add_module(step, nn.Module())
        parent = parent.get_submodule(step)
    present = parent._modules.get(last)
    if isinstance(present, _Passage):
        return
    passage = _Passage()
    if present is not None:
        passage._modules, passage._buffers = present._modules, present._buffers
        passage._parameters = present._parameters
    parent.add_module(last, passage)
