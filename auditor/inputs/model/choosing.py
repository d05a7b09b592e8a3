"""Which layer is mapped where nobody names one: by its source's rule (defaults.py), or found by trying."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from torch import nn

from auditor.core.errors import LayerError
from auditor.core.progress import Progress
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.defaults import BY_TRYING, THREE_QUARTERS_BY_TRYING, at_three_quarters
from auditor.inputs.model.layers import LayerInfo, list_layers, refuse_torchscript
from auditor.inputs.model.probes import Probes, probe_layers
from auditor.inputs.model.sources import source_of

WANTED_STRIDE = 16
"""Pixels of the picture along a side of one position of the grid."""

_MOST_TRIED, _MOST_OF_ONE_GRID = 24, 6
_FEWEST_BLOCKS = 3


def documented_layer(model_name: str, module: nn.Module) -> tuple[str, str] | None:
    """The layer that a source's rule gives for an architecture, and the rule in words; None: it has no rule."""
    found = source_of(model_name).default_layer(model_name, module)
    if found is None or not found[0] or found[0] not in dict(module.named_modules()):
        return None
    layer, rule = found
    return layer, f"default for {model_name}: {rule}"


def default_layer(model_name: str, classifier: Classifier) -> tuple[str, str]:
    """The layer to map: the source's documented one, or one found by trying; either passes all checks.

    Of layers with grids of several sizes those are tried whose positions cover about 16 × 16 pixels, the last of them
    first, then others; a network of one grid throughout is tried from the block at three quarters of its depth.

    Returns:
        The layer's name, and the rule in words.
    Raises:
        LayerError: no layer of the network can be mapped.
    """
    if classifier.without_slopes:
        refuse_torchscript(classifier.module)
        raise LayerError(classifier.without_slopes)
    documented = documented_layer(model_name, classifier.module)
    if documented is not None and not _refusal(classifier, documented[0], probe_layers(classifier, documented[:1])):
        return documented
    instead = f"{documented[0]}, the {documented[1]}, cannot be mapped here; " if documented is not None else ""
    layers = list_layers(classifier)
    mappable = [info for info in layers if info.mappable]
    one_grid = len({info.shape[1:] for info in mappable}) == 1
    blocks = _blocks(layers) if one_grid else []
    ordered = _from_three_quarters(blocks) if blocks else _few_of_each_grid(_nearest_stride(mappable, classifier))
    tried = ordered[:_MOST_TRIED]
    probes = probe_layers(classifier, tried)
    for name in tried:
        if not _refusal(classifier, name, probes):
            return name, instead + (THREE_QUARTERS_BY_TRYING if blocks else BY_TRYING)
    raise LayerError(
        f"no layer of {model_name} was found that can be mapped, of {len(mappable)} that put out a grid; name another "
        f"by [model] layer (auditor layers {model_name} lists them)"
    )


def refused_layers(classifier: Classifier, layers: Sequence[LayerInfo], progress: Progress) -> dict[str, str]:
    """The layers that cannot be mapped, each with why: those that look as if they could are cut at, one by one.

    Raises:
        ModelError: the network fails.
    """
    refused = {info.name: classifier.without_slopes or info.why_not for info in layers}
    wanted = [name for name, why_not in refused.items() if not why_not]
    progress.start("trying layers", len(wanted))
    probes = probe_layers(classifier, wanted)
    for name in wanted:
        refused[name] = _refusal(classifier, name, probes)
        progress.advance()
    return {name: why_not for name, why_not in refused.items() if why_not}


def _refusal(classifier: Classifier, layer: str, probes: Probes) -> str:
    """Why the network cannot be cut at a layer; "" where it can."""
    try:
        LayerCut(classifier, layer, probes)
    except LayerError as error:
        return str(error)
    return ""


def _few_of_each_grid(layers: Sequence[LayerInfo]) -> list[str]:
    """Names in their order, a few of each grid: where those fail, such as for the order of tokens, so do the others."""
    count: Counter[tuple[int, ...]] = Counter()
    names = []
    for info in layers:
        count[info.shape[1:]] += 1
        if count[info.shape[1:]] <= _MOST_OF_ONE_GRID:
            names.append(info.name)
    return names


def _nearest_stride(layers: Sequence[LayerInfo], classifier: Classifier) -> list[LayerInfo]:
    """By how far a position's side is from the wanted one, to half an octave; of equals the last first."""
    height, width = classifier.preprocessing.output_size

    def distance(info: LayerInfo) -> int:
        stride = math.sqrt(height * width / (info.shape[1] * info.shape[2]))
        return round(2 * abs(math.log2(stride / WANTED_STRIDE)))

    return [info for _, info in sorted(enumerate(layers), key=lambda pair: (distance(pair[1]), -pair[0]))]


def _blocks(layers: Sequence[LayerInfo]) -> list[LayerInfo]:
    """The row of numbered modules of one type, such as `encoder.layers.0` and on, of which most can be mapped.

    All of the row are given: at three quarters of how many is asked, and the last cannot be mapped where it feeds a
    class token alone. [] where fewer than 3 can be.
    """
    rows: dict[tuple[str, str], list[LayerInfo]] = {}
    for info in layers:
        above, _, last = info.name.rpartition(".")
        if last.isdecimal():
            rows.setdefault((above, info.type), []).append(info)
    longest = max(rows.values(), key=lambda row: sum(info.mappable for info in row), default=[])
    return longest if sum(info.mappable for info in longest) >= _FEWEST_BLOCKS else []


def _from_three_quarters(blocks: list[LayerInfo]) -> list[str]:
    """Names of blocks that can be mapped: the one at three quarters first, then those before it, then those behind."""
    names = [info.name for info in blocks]
    at = names.index(at_three_quarters(names))
    mappable = {info.name for info in blocks if info.mappable}
    return [name for name in (*reversed(names[: at + 1]), *names[at + 1 :]) if name in mappable]
