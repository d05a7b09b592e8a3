"""Find a network's layers, read what one puts out, and leave the network as it was. Cutting is in cut.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from auditor.core.errors import LayerError, UnknownNameError
from auditor.inputs.model.classifier import Classifier, set_eval
from auditor.inputs.model.foreign import DIFFERENTIATING
from auditor.inputs.model.grids import GridForm
from auditor.inputs.model.layout import copied, layouts, member


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One module as it ran on one black picture.

    Attributes:
        name: as `named_modules` calls it; type: its class.
        shape: (D, H', W') as it is mapped; of its output for one picture, without the batch, where it is no grid;
            () where that is not a tensor.
        calls: how often it ran in one forward.
        why_not: why it cannot be mapped; "" where it runs once, puts out a grid over the picture of at least 3x3
            positions (`grids.grid_form`), no path of the network goes around it, and some position of the grid reaches
            the logits.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    calls: int
    why_not: str

    @property
    def mappable(self) -> bool:
        return not self.why_not


@dataclass(slots=True)
class Captured:
    """What a layer put out in the latest forward: `output` is a copy that later in-place modules cannot touch."""

    output: object = None
    calls: int = 0


def find_layer(module: nn.Module, layer: str, network: str = "") -> nn.Module:
    """The submodule of that name.

    Raises:
        UnknownNameError: there is none; carries the nearest.
        LayerError: the network is TorchScript, which runs its layers out of sight.
    """
    refuse_torchscript(module)
    known: dict[str, nn.Module] = dict(module.named_modules(remove_duplicate=False))
    if layer in known and layer:
        return known[layer]
    name = network or type(module).__name__
    raise UnknownNameError("layer", layer, [each for each in known if each], name, f"auditor layers {name} lists them")


def refuse_torchscript(module: nn.Module) -> None:
    """Raise a LayerError for a TorchScript network: its interpreter calls submodules without Python's hooks."""
    if isinstance(module, torch.jit.ScriptModule):
        raise LayerError(
            "the layers of this TorchScript network cannot be observed, as of most scripted transformers; save it by "
            "tracing (torch.jit.trace in place of torch.jit.script), or with torch.export.save to a .pt2 file, or give "
            "its Python as 'file.py:factory' with its weights"
        )


@contextmanager
def capture(module: nn.Module, layer: str) -> Iterator[Captured]:
    """Within the body, every forward of the network leaves the layer's output in what is yielded.

    The network runs in eval mode within the body. Afterwards, also when the body raises, the hook is gone and every
    submodule is in the mode it was in.

    Raises:
        UnknownNameError: no such layer.
        LayerError: the layer runs and its output is neither a tensor nor a list or tuple.
    """
    with capture_all(module, [layer]) as captured:
        yield captured[layer]


@contextmanager
def capture_all(module: nn.Module, layers: Iterable[str]) -> Iterator[dict[str, Captured]]:
    """`capture` of several layers at once, by name."""
    captured = {layer: Captured() for layer in layers}
    with ExitStack() as hooks:
        for layer, kept in captured.items():
            hooks.callback(find_layer(module, layer).register_forward_hook(_keeper(layer, kept)).remove)
        with _in_eval_mode(module):
            yield captured


def _keeper(layer: str, captured: Captured) -> Callable[[nn.Module, object, object], None]:
    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, (Tensor, list, tuple)):
            raise LayerError(
                f"layer {layer!r} puts out a {type(output).__name__}, not a tensor or several; choose a layer inside it"
            )
        captured.output = copied(output)
        captured.calls += 1

    return keep


@contextmanager
def _in_eval_mode(module: nn.Module) -> Iterator[None]:
    modes = [(each, each.training) for each in module.modules()]
    try:
        set_eval(module)
        yield
    finally:
        for each, mode in modes:
            if each.training != mode:
                each.training = mode


@dataclass(slots=True)
class _Seen:
    """What one module put out on one black picture; only tokens are kept, the others cost too much."""

    shape: tuple[int, ...] = ()
    form: GridForm | None = None
    calls: int = 0
    node: Node | None = None
    tokens: Tensor | None = None


def list_layers(classifier: Classifier) -> list[LayerInfo]:
    """Every module below the network itself, from one forward on one black picture, in the network's order.

    Whether a path goes around a layer is read from the autograd graph of that forward: if every path from the logits
    to the picture runs through the layer's output, the layer carries everything. Paths through operations that have
    no derivative are not seen; `LayerCut` verifies the layer that is used.

    Raises:
        LayerError: the network is TorchScript. ModelError: its answer is not (B, K) finite logits.
    """
    refuse_torchscript(classifier.module)
    names = [(name, each) for name, each in classifier.module.named_modules() if name]
    seen = {name: _Seen() for name, _ in names}
    size = classifier.preprocessing.output_size
    handles = [each.register_forward_hook(_recorder(seen[name], *size)) for name, each in names]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            image = classifier.black().requires_grad_()
            logits = classifier.forward_normalised(image)
    finally:
        for handle in handles:
            handle.remove()
    nodes = {record.node for record in seen.values() if record.node is not None}
    everything = _nodes_on_every_path(logits.grad_fn, image, nodes) if logits.grad_fn is not None else nodes
    why_not = {name: _why_not(record, everything) for name, record in seen.items()}
    for name in _unread(logits, {name: record for name, record in seen.items() if not why_not[name]}):
        why_not[name] = "the network reads its prefix tokens alone, and no position of the picture"
    return [_layer_info(name, each, seen[name], why_not[name]) for name, each in names]


def _layer_info(name: str, module: nn.Module, record: _Seen, why_not: str) -> LayerInfo:
    shape = record.form.shape if not why_not and record.form is not None else record.shape
    return LayerInfo(name, type(module).__name__, shape, record.calls, why_not)


def _why_not(record: _Seen, everything: set[Node]) -> str:
    """Why a layer cannot be mapped, as one forward and its autograd graph tell; "" where it may be."""
    if record.calls != 1:
        return f"it runs {record.calls} times in one pass" if record.calls else "it does not run"
    if record.form is None:
        put_out = " × ".join(map(str, record.shape)) or "what is no tensor"
        return f"it puts out {put_out}, which is no grid over the picture of at least 3 × 3 positions"
    return "" if record.node in everything else "a path of the network goes around it"


def _recorder(record: _Seen, height_px: int, width_px: int) -> Callable[[nn.Module, object, object], None]:
    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        record.calls += 1
        found = layouts(output, 1, height_px, width_px)
        record.form = found[0].form if found else None
        mapped = member(output, found[0].mapped) if found else output
        if isinstance(mapped, Tensor):
            record.shape, record.node = tuple(mapped.shape[1:]), mapped.grad_fn
            record.tokens = mapped if record.form is not None and record.form.prefix_tokens else None

    return note


def _unread(logits: Tensor, records: dict[str, _Seen]) -> set[str]:
    """Layers of which the network reads the prefix tokens alone, so that nothing can be attributed to the grid."""
    tokens = {name: record.tokens for name, record in records.items() if record.tokens is not None}
    if not tokens or logits.grad_fn is None:
        return set()
    # NaN sent backwards passes through weights that are 0 too, as a freshly built head's often are
    start = torch.full_like(logits, torch.nan)
    with DIFFERENTIATING:
        slopes = torch.autograd.grad(logits, list(tokens.values()), start, allow_unused=True, materialize_grads=True)
    unread = set()
    for name, slope in zip(tokens, slopes, strict=True):
        form = records[name].form
        if form is not None and not bool(slope[:, form.prefix_tokens :].any()):
            unread.add(name)
    return unread


def _nodes_on_every_path(end: Node, leaf: Tensor, wanted: set[Node]) -> set[Node]:
    """Of the wanted nodes of an autograd graph, those that every path from `end` to `leaf` runs through.

    A node is on every path exactly if (paths from `end` to it) x (paths from it to the leaf) is the number of all
    paths. Counts are whole numbers without limit, so this is exact.
    """
    order: list[Node] = []
    visited: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(end, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in visited:
            visited.add(node)
            stack.append((node, True))
            stack.extend((following, False) for following, _ in node.next_functions if following is not None)
    to_leaf: dict[Node, int] = {}
    for node in order:
        behind = [each for each, _ in node.next_functions if each is not None]
        to_leaf[node] = (
            sum(to_leaf[each] for each in behind) if behind else int(getattr(node, "variable", None) is leaf)
        )
    from_end = dict.fromkeys(order, 0)
    from_end[end] = 1
    for node in reversed(order):
        for following, _ in node.next_functions:
            if following is not None:
                from_end[following] += from_end[node]
    return {node for node in wanted if from_end.get(node, 0) * to_leaf.get(node, 0) == to_leaf[end] > 0}
