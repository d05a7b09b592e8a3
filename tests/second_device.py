"""A second device that every machine has: real numbers in the processor's memory, under rules as strict as a GPU's.

torch keeps a name for devices from elsewhere (PrivateUse1). Here it is called `far`. A tensor of it has memory of its
own, in fact the processor's, and goes through torch's autograd and dispatch as any device's does; each of its
operations ends in one function, `_run`, which has the processor compute it on the same memory. So numbers are the
processor's own, and what would fail on a GPU fails here: tensors of two devices in one operation, and draws from a
generator of the other one. What a GPU waits for is counted: copies up, copies down, and other looks at its numbers.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils import dlpack

NAME = "far"

# device types of DLPack (dlpack.h): kDLCPU, kDLExtDev
_HOST, _FAR = 1, 12

# operations for whose result, or its size, the processor waits
_LOOKS = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim", "bincount"})
_INDEXING = frozenset({"index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_"})
_MASKS = (torch.bool, torch.uint8)
# operations that make another view of the same memory: the processor's own are of no device
_VIEWS = frozenset({"as_strided", "view", "_reshape_alias", "unfold", "view_as_real", "view_as_complex"})
_PROCESSOR = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
# operations that take no number of the processor beside their own tensors, even of no dimension
_STRICT = frozenset({"cat", "stack", "gather", "scatter", "scatter_", "convolution", "addmm", "mm", "bmm"})


class _Head(ctypes.Structure):
    """The first fields of a DLManagedTensor: where the numbers lie, and on which device."""

    _fields_ = (("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32))


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def _as(kind: int, tensor: Tensor) -> Tensor:
    """A tensor on the other device that shares this one's memory, shape and strides."""
    capsule = dlpack.to_dlpack(tensor.detach().resolve_conj().resolve_neg())
    head = _Head.from_address(_pointer(capsule, b"dltensor"))
    head.device_type, head.device_id = kind, 0
    return dlpack.from_dlpack(capsule)


@dataclass
class Traffic:
    """What went between the processor and the second device, each by the line of auditor/ that asked for it.

    Attributes:
        up, down: copies to and from the device. looks: other numbers of it that the processor waited for.
    """

    up: Counter[str] = field(default_factory=Counter)
    down: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)

    def counts(self) -> tuple[int, int, int]:
        """Copies up, copies down, looks."""
        return self.up.total(), self.down.total(), self.looks.total()


class MixedDevicesError(RuntimeError):
    """Tensors of two devices in one operation, or a generator of the other device."""


_counting: list[Traffic] = []
_HERE = str(Path(__file__).resolve())
_OURS = str(Path(__file__).resolve().parents[1] / "auditor")


def _line() -> str:
    """The innermost line of auditor/ that is being run."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OURS):
            return f"{frame.f_code.co_filename[len(_OURS) + 1 :]}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def _count(kind: str) -> None:
    for traffic in _counting:
        getattr(traffic, kind)[_line()] += 1


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return _leaves(list(value.values()))
    return [leaf for each in value for leaf in _leaves(each)] if isinstance(value, (list, tuple)) else [value]


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    """The same change made to everything in lists, tuples and dicts."""
    if isinstance(value, dict):
        return {key: _each(change, each) for key, each in value.items()}
    return type(value)([_each(change, each) for each in value]) if isinstance(value, (list, tuple)) else change(value)


def _is_far(value: object) -> bool:
    return isinstance(value, Tensor) and value.device.type == NAME


def _check(name: str, operands: list[Any]) -> None:
    """Refuse what a GPU refuses, and count what it waits for; arithmetic takes a number of no dimension, as there."""
    near = [value for value in operands if isinstance(value, Tensor) and value.device.type == "cpu"]
    if near and any(map(_is_far, operands)):
        if name in _INDEXING and _is_far(operands[0]) and not any(value.is_floating_point() for value in near):
            _count("up")  # indices may lie on the processor, at the price of a copy
        elif any(value.ndim for value in near) or name in _STRICT:
            shapes = ", ".join(str(tuple(value.shape)) for value in near)
            raise MixedDevicesError(f"{name} takes tensors on the processor ({shapes}) and on {NAME}, at {_line()}")
    if name in _LOOKS or (name in _INDEXING and any(_is_far(value) and value.dtype in _MASKS for value in operands)):
        _count("looks")
    for value in operands:
        if isinstance(value, torch.Generator) and value.device.type != NAME:
            raise MixedDevicesError(f"{name} on {NAME} draws from a generator of {value.device}, at {_line()}")


def _run(operation: Any, *args: Any, **kwargs: Any) -> Any:
    """Any operation with a tensor on the device, or that makes one: done by the processor on the same memory."""
    name = operation._schema.name.split("::")[1]
    operands = _leaves((args, kwargs))
    _check(name, operands)
    if name in _INSTEAD:
        return _INSTEAD[name](*args, **kwargs)
    if name in _VIEWS:
        return operation.redispatch(_PROCESSOR, *args, **kwargs)
    lent: dict[int, tuple[Tensor, Tensor]] = {}

    def near(value: Any) -> Any:
        if isinstance(value, torch.device):
            return torch.device("cpu")
        if not _is_far(value):
            return value
        twin = _as(_HOST, value) if value.numel() else _empty(value)
        lent[id(twin)] = (twin, value)
        return twin

    def far(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) not in lent:
            return _as(_FAR, value)
        given = lent[id(value)][1]
        if value.shape != given.shape or value.stride() != given.stride():
            given.data = _as(_FAR, value)  # it was resized
        return given

    near_args, near_kwargs = _each(near, args), _each(near, kwargs)
    return _each(far, operation(*_with_tensors(operation, near_args), **near_kwargs))


def _empty(value: Tensor) -> Tensor:
    """The processor's twin of a tensor without numbers: it may be resized, into what is left of its memory or anew."""
    room = value.untyped_storage().nbytes() // value.element_size() - value.storage_offset()
    if room <= 0:
        return value.new_empty(value.shape, device="cpu")
    return _as(_HOST, value.as_strided((room,), (1,))).as_strided(value.shape, value.stride())


def _with_tensors(operation: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, with a tensor wherever a plain number stands for one, of the type that arithmetic would take."""
    first = next((value for value in args if isinstance(value, Tensor)), None)
    return tuple(
        torch.tensor(value, dtype=torch.result_type(first, value))
        if first is not None and isinstance(value, (int, float)) and str(argument.type) == "Tensor"
        else value
        for value, argument in zip(args, operation._schema.arguments, strict=False)
    )


def _copy(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    """Copies within the device, and the only way onto it and off it."""
    del non_blocking
    if _is_far(source) != _is_far(target):
        _count("up" if _is_far(target) else "down")
    near = [_as(_HOST, each) if _is_far(each) else each for each in (target, source)]
    near[0].copy_(near[1])
    return target


def _convolution(*args: Any) -> Any:
    return _run(torch.ops.aten.convolution.default, *args)


def _convolution_backward(gradient: Tensor, image: Tensor, weight: Tensor, *args: Any) -> Any:
    return _run(torch.ops.aten.convolution_backward.default, gradient, image, weight, None, *args)


def _deepcopied(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """Copies by `clone`: torch would copy the memory itself, for which a device needs an allocator of its own."""
    if not _is_far(tensor):
        return _deepcopy(tensor, memo)
    if id(tensor) not in memo:
        memo[id(tensor)] = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    return memo[id(tensor)]


_deepcopy: Callable[[Tensor, dict[int, Any]], Tensor] = Tensor.__deepcopy__


def _zeros(size: list[int], *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return torch.zeros(size, dtype=dtype, device=second_device())


_INSTEAD: dict[str, Callable[..., Any]] = {
    # the tangent that is 0 has no memory elsewhere, so that it could not be lent
    "_efficientzerotensor": _zeros,
    # attention by plain operations: the fused kernels are other devices' own
    "_fused_sdp_choice": lambda *_, **__: 0,
}


class _Module:
    """What torch asks a device's module."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def manual_seed_all(self, seed: int) -> None:
        del seed

    def _is_in_bad_fork(self) -> bool:
        return False

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


class _Hook(torch._C._acc.PrivateUse1Hooks):
    def is_available(self) -> bool:
        return True

    def has_primary_context(self, index: int) -> bool:
        return index == 0

    def is_built(self) -> bool:
        return True


class _Guard(torch._C._acc.DeviceGuard):
    def type_(self) -> object:
        return torch._C._autograd.DeviceType.PrivateUse1


# torch keeps no hold of these, and calls them as long as it lives
_registered: list[object] = []


def prepare() -> None:
    """Let torch count the device, before anything is differentiated: it starts a device's threads then or never."""
    if not _registered:
        _registered.append(_Guard())
        torch._C._acc.register_python_privateuseone_device_guard(_registered[0])


@functools.cache
def second_device() -> torch.device:
    """The device; from the first call on this process knows it. `prepare` goes before."""
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, _Module())
    _registered.append(_Hook())
    torch._C._acc.register_python_privateuseone_hook(_registered[-1])
    everything, some = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    everything.fallback(_run, "PrivateUse1")
    some.impl("_copy_from", _copy, "PrivateUse1")
    some.impl("convolution_overrideable", _convolution, "PrivateUse1")
    some.impl("convolution_backward_overrideable", _convolution_backward, "PrivateUse1")
    _registered.extend((everything, some))
    Tensor.__deepcopy__ = _deepcopied
    return torch.device(NAME, 0)


@contextmanager
def counted() -> Iterator[Traffic]:
    """Count what goes up, down and is looked at within the body."""
    traffic = Traffic()
    _counting.append(traffic)
    try:
        yield traffic
    finally:
        _counting.remove(traffic)
