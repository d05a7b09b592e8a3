"""Forward-mode derivatives through layers that are linear in what goes in. It changes what they cost, no number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

# torch leaves these two without types.
make_dual: Callable[[Tensor, Tensor], Tensor] = forward_ad.make_dual
unpack_dual: Callable[[Tensor], tuple[Tensor, Tensor | None]] = forward_ad.unpack_dual


class FixedWeights(TorchFunctionMode):
    """While it is entered, weights are taken to carry no tangent, so none is computed for them.

    torch's own rule for a convolution adds the derivative along the input to the one along the weights, and runs a
    whole convolution with zeros for the second; its rule for batch normalisation takes eight passes where a network
    in eval mode needs one. Here either is the layer itself, without its bias, on the tangent; and where the tangent
    is 0 at most positions, as behind a layer whose tangent was one position, a 1×1 convolution visits the others alone.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        # called by position alone, which is how modules call them; anything else goes torch's way
        if func in _LINEAR and len(args) >= 2 and "weight" not in kwargs:
            tangent = unpack_dual(args[0])[1]
            if tangent is not None:
                return _linear(func, tangent, args, kwargs)
        elif func is F.batch_norm and args:
            tangent = unpack_dual(args[0])[1]
            if tangent is not None and not _of_batch(*args[1:], **kwargs):
                return _normalise(func, tangent, args, kwargs)
        return func(*args, **kwargs)


def _linear(func: Callable[..., Tensor], tangent: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    values, weight, *rest = args
    output = func(unpack_dual(values)[0], weight, *rest, **kwargs)
    if _is_pointwise(weight, tangent, output):
        sparse = _pointwise(tangent, weight)
        if sparse is not None:
            return make_dual(output, sparse)
    without_bias = {**kwargs, "bias": None} if "bias" in kwargs else kwargs
    return make_dual(output, func(tangent, weight, *([None, *rest[1:]] if rest else rest), **without_bias))


def _is_pointwise(weight: Tensor, tangent: Tensor, output: Tensor) -> bool:
    """Whether a layer is a wide 1×1 convolution of all channels, on a device where looking for zeros costs little."""
    return (
        weight.numel() >= _WIDE
        and weight.ndim == tangent.ndim == 4
        and weight.shape[1:] == (tangent.shape[1], 1, 1)
        and output.shape[2:] == tangent.shape[2:]
        and tangent.device.type == "cpu"
    )


def _pointwise(tangent: Tensor, weight: Tensor) -> Tensor | None:
    """A 1×1 convolution of the positions that are not 0; None where they are too many for that to pay."""
    rows = tangent.permute(0, 2, 3, 1)
    moved = rows.ne(0).any(dim=3)
    if int(moved.sum()) > moved.numel() * _FEW:
        return None
    output = tangent.new_zeros(*moved.shape, len(weight))
    output[moved] = rows[moved] @ weight.flatten(1).T
    return output.permute(0, 3, 1, 2)


def _normalise(func: Callable[..., Tensor], tangent: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    values, *rest = args
    scale = _batch_norm_scale(*rest, **kwargs).view(-1, *([1] * (tangent.ndim - 2)))
    return make_dual(func(unpack_dual(values)[0], *rest, **kwargs), tangent * scale)


def _of_batch(
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> bool:
    """Whether batch normalisation is by the batch's own numbers; takes its arguments behind the input."""
    del weight, bias, momentum, eps
    return training or running_mean is None or running_var is None


def _batch_norm_scale(
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(C,) factor of a normalisation by recorded numbers."""
    del running_mean, bias, training, momentum
    scale = torch.rsqrt(running_var + eps)
    return scale if weight is None else scale * weight


_WIDE = 2**18
"""A convolution of fewer weights than this is over before the zeros are found."""

_FEW = 0.25
"""Up to this share of positions a convolution of those alone is faster than one of all."""

_LINEAR = frozenset({torch.conv2d, F.linear, torch.ops.aten.conv2d.default, torch.ops.aten.linear.default})
