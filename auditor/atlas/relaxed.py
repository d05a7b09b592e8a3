"""Relaxed max-pooling: the maximum forwards, a smooth average's derivative. It lasts as long as its `with` block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from auditor.atlas.tangents import unpack_dual

_SMOOTHING = 1e-2

_Size = int | Sequence[int]


class RelaxedPooling(TorchFunctionMode):
    """Sees every call of 2-D max-pooling, by module or by function, while it is entered.

    Attributes:
        relaxed: calls whose derivative was replaced.
    """

    def __init__(self) -> None:
        super().__init__()
        self.relaxed = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        if func not in _MAX_POOLS:
            return func(*args, **(kwargs or {}))
        return self._max_pool(func, *args, **(kwargs or {}))

    def _max_pool(
        self,
        pool: Callable[..., Any],
        input: Tensor,  # called as torch calls it
        kernel_size: _Size,
        stride: _Size | None = None,
        padding: _Size = 0,
        dilation: _Size = 1,
        ceil_mode: bool = False,
        **indices: bool,  # return_indices, which not every form of the call has
    ) -> Tensor | tuple[Tensor, Tensor]:
        stride = stride or kernel_size
        window = (kernel_size, stride, padding, dilation, ceil_mode)
        if not _carries_derivative(input):
            plain: Tensor | tuple[Tensor, Tensor] = pool(input, *window, **indices)
            return plain
        self.relaxed += 1
        smooth = smooth_pool(input, *window)
        derivative_alone = smooth - smooth.detach()  # 0 as a number
        highest = pool(input.detach(), *window, **indices)
        if isinstance(highest, tuple):
            return highest[0] + derivative_alone, highest[1]
        relaxed: Tensor = highest + derivative_alone
        return relaxed


@contextlib.contextmanager
def relaxed_max_pooling() -> Iterator[RelaxedPooling]:
    """Within the block max-pooling answers with the maximum and differentiates as a smooth average pool.

    Of the derivative of a maximum only the largest entry of a window gets anything, so attribution jumps with noise.
    Here the derivative is that of A(x²) / (0.01 + A(|x|)), A the window's average: entries share it in proportion to
    about what they are. It holds for gradients, gradients of gradients, and forward-mode derivatives. No module is
    touched: calls are seen by torch's function mode, so nothing is left behind, whatever the block raises. Calls
    inside a compiled TorchScript function cannot be seen; `relaxed` of what is yielded counts those that were.

    Source: the pooling gradient that Olah et al. 2018 ("The Building Blocks of Interpretability", Distill) and
    Carter et al. 2019 ("Activation Atlases", Distill) use for attribution.
    """
    with RelaxedPooling() as mode:
        yield mode


def smooth_pool(
    values: Tensor,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    dilation: _Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """A(x²) / (0.01 + A(|x|)) over the windows of a max-pooling of the same arguments; padding does not count.

    Args:
        values: (B, C, H, W) or (C, H, W).
    """
    window = (_pair(kernel_size), _pair(stride or kernel_size), _pair(padding), _pair(dilation), ceil_mode)
    return _window_mean(values.square(), *window) / (_SMOOTHING + _window_mean(values.abs(), *window))


def _window_mean(
    values: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    ceil_mode: bool,
) -> Tensor:
    if dilation == (1, 1):
        return F.avg_pool2d(values, kernel, stride, padding, ceil_mode, count_include_pad=False)
    # torch's average pool knows no dilation; a convolution with ones does, on a picture padded to whole windows
    with torch.no_grad():
        shape = F.max_pool2d(values.detach()[..., :1, :, :], kernel, stride, padding, dilation, ceil_mode).shape
    height, width = values.shape[-2:]
    missing = [
        (size - 1) * step + spread * (side - 1) + 1 - before - length
        for size, step, spread, side, before, length in zip(
            shape[-2:], stride, dilation, kernel, padding, (height, width), strict=True
        )
    ]
    edges = (padding[1], missing[1], padding[0], missing[0])
    ones = values.new_ones(1, 1, *kernel)
    planes = F.pad(values.reshape(-1, 1, height, width), edges)
    inside = F.pad(values.new_ones(1, 1, height, width), edges)
    total = F.conv2d(planes, ones, stride=stride, dilation=dilation)
    count = F.conv2d(inside, ones, stride=stride, dilation=dilation)
    return (total / count).reshape(*values.shape[:-2], *shape[-2:])


def _carries_derivative(values: Tensor) -> bool:
    return (torch.is_grad_enabled() and values.requires_grad) or unpack_dual(values)[1] is not None


def _pair(size: _Size) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    first, *rest = size
    return first, rest[0] if rest else first


_MAX_POOLS = frozenset(
    {
        torch.max_pool2d,
        F.max_pool2d,
        F.max_pool2d_with_indices,
        torch.ops.aten.max_pool2d,
        torch.ops.aten.max_pool2d.default,
    }
)
