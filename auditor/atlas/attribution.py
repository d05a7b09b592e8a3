"""Attribution: what the activation at one position carries towards each class. It stops at numbers for given features.

Attribution is h · ∂logit_c/∂h, the first-order part of logit c that activation h carries. Contrast is the same product
with the target − source margin in the place of the logit, so for two single classes it is the attribution to the target
minus the attribution to the source.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from enum import StrEnum

import torch
from torch import Tensor
from torch.autograd import forward_ad

from auditor.atlas.network import CutNetwork
from auditor.atlas.tangents import FixedWeights, make_dual, unpack_dual
from auditor.core.errors import ModelError
from auditor.core.records import ClassGroup
from auditor.inputs.model.classifier import group_logit, margin, members
from auditor.inputs.model.features import Features
from auditor.inputs.model.foreign import DIFFERENTIATING
from auditor.inputs.model.memory import pass_out_of_memory


class AttributionMethod(StrEnum):
    """How attribution to every class at once is computed. All agree to float tolerance; they differ in time."""

    FORWARD = "forward-mode derivative"
    DOUBLE_BACKWARD = "two backward passes"
    PER_CLASS = "one backward pass a class"


def attribution_map(cut: CutNetwork, features: Features, group: ClassGroup) -> Tensor:
    """Attribution to a class, or a group of classes, at every position, by one backward pass of its logit.

    Args:
        features: activations of the layer for B pictures. They are not changed.
    Returns:
        (B, H', W') over the grid in logits, without a graph.
    """
    return _map_of(cut, features, lambda logits: group_logit(logits, group.indices))[1]


def contrast_map(cut: CutNetwork, features: Features, source: ClassGroup, target: ClassGroup) -> tuple[Tensor, Tensor]:
    """Contrast at every position, by one backward pass of the margin through the tail.

    Args:
        features: activations of the layer for B pictures. They are not changed.
    Returns:
        Logits (B, K), and contrast (B, H', W') over the grid in logits; neither carries a graph.
    """
    return _map_of(cut, features, lambda logits: margin(logits, source, target))


def _map_of(cut: CutNetwork, features: Features, carried: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Logits (B, K), and what each activation carries of a number (B,) that is made of them."""
    with torch.enable_grad():
        features = features.each(_differentiable)
        leaf = features.grid.requires_grad_(True)
        logits = cut.logits(features)
        with DIFFERENTIATING:
            (slope,) = torch.autograd.grad(carried(logits).sum(), leaf)
    return logits.detach(), (leaf.detach() * slope).sum(dim=1)


def attribution_all_classes(
    cut: CutNetwork,
    features: Features,
    y: Tensor,
    x: Tensor,
    *,
    method: AttributionMethod = AttributionMethod.FORWARD,
    chunk: int = 256,
) -> Tensor:
    """Attribution of one position of each feature map to every class.

    Args:
        features: activations of the layer for B pictures. They are not changed.
        y, x: (B,) whole numbers, the position in each map.
        method: what `attribution_method` found this tail to support.
        chunk: feature maps sent through the tail at once; it bounds the memory, not the result.
    Returns:
        (B, K) attributions in logits, without a graph.
    """
    return logits_and_attribution(cut, features, y, x, method=method, chunk=chunk)[1]


def logits_and_attribution(
    cut: CutNetwork,
    features: Features,
    y: Tensor,
    x: Tensor,
    *,
    method: AttributionMethod = AttributionMethod.FORWARD,
    chunk: int = 256,
) -> tuple[Tensor, Tensor]:
    """The logits of each feature map beside `attribution_all_classes`, both (B, K).

    The forward-mode derivative of the logits along the tangent that is h at the position and 0 elsewhere
    is h · ∂logit_c/∂h for all c in one pass of the tail.
    """
    compute = _COMPUTE[method]
    features = features.each(_differentiable)
    device = features.grid.device
    y, x = y.to(device), x.to(device)
    tangent = torch.zeros_like(features.grid[:chunk])
    parts: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(features), chunk):
        part = features[start : start + chunk]
        at = (
            torch.arange(len(part), device=device),
            slice(None),
            y[start : start + chunk],
            x[start : start + chunk],
        )
        tangent[at] = part.grid[at]
        with DIFFERENTIATING:
            parts.append(compute(cut, part, tangent[: len(part)]))
        tangent[at] = 0
    logits, attribution = zip(*parts, strict=True)
    return torch.cat(logits).detach(), torch.cat(attribution).detach()


def contrast_of(logits: Tensor, attribution: Tensor, source: ClassGroup, target: ClassGroup) -> Tensor:
    """Contrast of samples whose attribution to every class is known: what `contrast_map` says of their positions.

    Args:
        logits: (B, K) of the sample's picture; they say how a group's logit is shared between its classes.
        attribution: (B, K) of the sample.
    Returns:
        (B,) in logits.
    """
    of_source, of_target = (
        (torch.softmax(members(logits, group.indices), dim=1) * members(attribution, group.indices)).sum(dim=1)
        for group in (source, target)
    )
    return of_target - of_source


def attribution_method(cut: CutNetwork, features: Features) -> AttributionMethod:
    """The fastest way this tail supports, tried on one feature map.

    Operations without a forward-mode derivative (a custom autograd function, some compiled graphs) need the backward
    passes; those whose backward pass cannot be differentiated again need one pass a class.

    Args:
        features: activations of the layer for B ≥ 1 pictures; the first one's are used.
    """
    one = features[:1].each(lambda tensor: tensor.detach().clone())
    for method in (AttributionMethod.FORWARD, AttributionMethod.DOUBLE_BACKWARD):
        try:
            with warnings.catch_warnings():
                # torch compiles its forward-mode rules on first use, with a function it calls deprecated itself
                warnings.simplefilter("ignore", FutureWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
                _COMPUTE[method](cut, one, one.grid)
        except (RuntimeError, ModelError) as error:
            pass_out_of_memory(error)
            # torch's only word for a derivative that is missing (NotImplementedError is one); within the network's
            # own code it arrives as a ModelError
            continue
        return method
    return AttributionMethod.PER_CLASS


def _differentiable(activations: Tensor) -> Tensor:
    """The same numbers without a graph; a copy where torch can take no derivative of the tensor itself.

    That is so of tensors made in inference mode, and of expanded ones, whose maps share their memory.
    """
    shared = activations.is_inference() or 0 in activations.stride()
    return activations.clone() if shared else activations.detach()


def _forward(cut: CutNetwork, features: Features, tangent: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad(), forward_ad.dual_level(), FixedWeights():
        dual = Features(make_dual(features.grid, tangent), features.beside)
        logits, derivative = unpack_dual(cut.logits(dual))
        return logits, torch.zeros_like(logits) if derivative is None else derivative


def _double_backward(cut: CutNetwork, features: Features, tangent: Tensor) -> tuple[Tensor, Tensor]:
    """The backward pass is linear in the slopes fed to it, so differentiating it by them gives the forward one."""
    with torch.enable_grad():
        leaf = features.grid.detach().requires_grad_(True)
        logits = cut.logits(Features(leaf, features.beside))
        slopes = torch.zeros_like(logits, requires_grad=True)
        (back,) = torch.autograd.grad(logits, leaf, slopes, create_graph=True)
        (derivative,) = torch.autograd.grad(back, slopes, tangent)
        return logits, derivative


def _per_class(cut: CutNetwork, features: Features, tangent: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = features.grid.detach().requires_grad_(True)
        logits = cut.logits(Features(leaf, features.beside))
        columns: list[Tensor] = []
        for column in logits.sum(dim=0):
            (slope,) = torch.autograd.grad(column, leaf, retain_graph=True)
            columns.append((slope * tangent).sum(dim=(1, 2, 3)))
        return logits, torch.stack(columns, dim=1)


_COMPUTE: dict[AttributionMethod, Callable[[CutNetwork, Features, Tensor], tuple[Tensor, Tensor]]] = {
    AttributionMethod.FORWARD: _forward,
    AttributionMethod.DOUBLE_BACKWARD: _double_backward,
    AttributionMethod.PER_CLASS: _per_class,
}
