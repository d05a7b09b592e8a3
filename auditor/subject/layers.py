"""Find a network's layers, read or replace what one puts out, and leave the network as it was. Cutting is in cut.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from auditor.errors import LayerError, UnknownNameError
from auditor.subject.classifier import Classifier, set_eval

# The borders are not sampled, so a smaller grid has no position left.
_SMALLEST_GRID = 3


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One module as it ran on one black picture.

    Attributes:
        name: as `named_modules` calls it; type: its class.
        shape: of its output for one picture, without the batch; () where it is not a tensor.
        calls: how often it ran in one forward.
        mappable: runs once, puts out (B, D, H', W') in the picture's proportions with at least 3x3 positions, and
            no path of the network goes around it.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    calls: int
    mappable: bool


@dataclass(slots=True)
class Captured:
    """What a layer put out in the latest forward: `output` is a copy that later in-place modules cannot touch."""

    output: Tensor | None = None
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
            "the layers of this TorchScript network cannot be observed; save it with torch.export.save to a .pt2 file, "
            "or give its Python as 'file.py:factory' with its weights"
        )


@contextmanager
def capture(module: nn.Module, layer: str) -> Iterator[Captured]:
    """Within the body, every forward of the network leaves the layer's output in what is yielded.

    The network runs in eval mode within the body. Afterwards, also when the body raises, the hook is gone and every
    submodule is in the mode it was in.

    Raises:
        UnknownNameError: no such layer.
        LayerError: the layer runs and its output is not a tensor.
    """
    captured = Captured()

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, Tensor):
            raise LayerError(
                f"layer {layer!r} puts out a {type(output).__name__}, not a tensor; choose a layer inside it"
            )
        captured.output = output.clone()
        captured.calls += 1

    handle = find_layer(module, layer).register_forward_hook(keep)
    try:
        with _in_eval_mode(module):
            yield captured
    finally:
        handle.remove()


@contextmanager
def inject(module: nn.Module, layer: str, replacement: Tensor) -> Iterator[None]:
    """Within the body, the layer puts out `replacement` whatever comes in; the network is in eval mode meanwhile.

    The modules behind the layer get a copy, so `replacement` is never written to; gradients flow into it.
    The network is left as by `capture`.

    Raises:
        UnknownNameError: no such layer.
    """

    def replace(_module: nn.Module, _inputs: object, _output: object) -> Tensor:
        return replacement.clone()

    handle = find_layer(module, layer).register_forward_hook(replace)
    try:
        with _in_eval_mode(module):
            yield
    finally:
        handle.remove()


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
    shape: tuple[int, ...] = ()
    floating: bool = False
    calls: int = 0
    node: Node | None = None


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
    handles = [each.register_forward_hook(_recorder(seen[name])) for name, each in names]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            image = classifier.black().requires_grad_()
            logits = classifier.forward_normalised(image)
    finally:
        for handle in handles:
            handle.remove()
    nodes = {record.node for record in seen.values() if record.node is not None}
    everything = _nodes_on_every_path(logits.grad_fn, image, nodes) if logits.grad_fn is not None else nodes
    height, width = classifier.preprocessing.output_size
    return [
        LayerInfo(
            name,
            type(each).__name__,
            seen[name].shape,
            seen[name].calls,
            seen[name].calls == 1
            and seen[name].floating
            and is_grid(seen[name].shape, height, width)
            and seen[name].node in everything,
        )
        for name, each in names
    ]


def is_grid(shape: tuple[int, ...], height_px: int, width_px: int) -> bool:
    """Whether (D, H', W') is a grid over the picture: its proportions, not larger, and at least 3x3.

    A channels-last (H', W', D) output fails by its proportions.
    """
    if len(shape) != 3 or min(shape[1:]) < _SMALLEST_GRID or shape[1] > height_px or shape[2] > width_px:
        return False
    # Strided layers round each side on its own; two positions cover every padding rule met in practice.
    return abs(shape[1] - shape[2] * height_px / width_px) <= 2 or abs(shape[2] - shape[1] * width_px / height_px) <= 2


def _recorder(record: _Seen) -> Callable[[nn.Module, object, object], None]:
    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        record.calls += 1
        if isinstance(output, Tensor):
            record.shape, record.floating = tuple(output.shape[1:]), output.is_floating_point()
            record.node = output.grad_fn

    return note


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


# The last stage but one: features are specific to objects there, and its grid is still 14x14 or so on a
# 224-pixel picture, where the last stage has 7x7. Longest prefix first where one family's name begins another's.
_DEFAULT_LAYERS: tuple[tuple[str, str], ...] = (
    ("convnext", "features.5"),
    ("densenet", "features.denseblock3"),
    ("efficientnet", "features.5"),
    ("googlenet", "inception4d"),
    ("inception_v3", "Mixed_6d"),
    ("maxvit", "blocks.2"),
    ("mnasnet", "layers.11"),
    ("mobilenet_v2", "features.13"),
    ("mobilenet_v3_large", "features.12"),
    ("mobilenet_v3_small", "features.8"),
    ("regnet", "trunk_output.block3"),
    ("resnet", "layer3"),
    ("resnext", "layer3"),
    ("shufflenet", "stage3"),
    ("squeezenet", "features.10"),
    ("swin", "permute"),
    ("wide_resnet", "layer3"),
)
# Plain stacks: their own rule.
_BEFORE_LAST_POOL = ("alexnet", "vgg")


def default_layer(model_name: str, module: nn.Module, classifier: Classifier | None = None) -> tuple[str, str]:
    """The documented layer of an architecture family, for torchvision's names.

    The rule: the output of the last block of the stage before the last, whose grid is finer than the last stage's
    (14x14 on a 224-pixel picture for most families). AlexNet and VGG: the last ReLU before the last pooling.
    Swin: the final grid, since its inner stages put out channels last.

    Args:
        classifier: the same network ready to run, so that a refusal can name layers that can be mapped.
    Returns:
        The layer's name, and the rule in words.
    Raises:
        LayerError: another architecture.
    """
    known = {name for name, _ in module.named_modules()}
    if model_name.startswith(_BEFORE_LAST_POOL):
        layer, rule = _relu_before_last_pool(module), "the last ReLU before the last pooling"
    else:
        layer = next((layer for prefix, layer in _DEFAULT_LAYERS if model_name.startswith(prefix)), "")
        rule = "the last grid" if model_name.startswith("swin") else "the end of the stage before the last"
    if layer and layer in known:
        return layer, f"default for {model_name}: {rule}"
    candidates = [info.name for info in list_layers(classifier) if info.mappable] if classifier is not None else []
    shown = f", such as {', '.join(repr(name) for name in candidates[-6:])}" if candidates else ""
    raise LayerError(
        f"there is no default layer for {model_name}; give [model] layer one that can be mapped{shown} "
        f"(auditor layers {model_name} lists them)"
    )


def _relu_before_last_pool(module: nn.Module) -> str:
    pools = [name for name, each in module.named_modules() if isinstance(each, nn.MaxPool2d)]
    before: str = ""
    for name, each in module.named_modules():
        if pools and name == pools[-1]:
            break
        if isinstance(each, nn.ReLU):
            before = name
    return before
