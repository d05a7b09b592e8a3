"""Which tensors can be weights: what a file holds beside what the network has, and what a network itself holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from auditor.core.errors import ModelError

_SHOWN = 3
_SPARSE = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)

_NO_NUMBERS: tuple[tuple[str, Callable[[Tensor], bool], str], ...] = (
    ("without values", lambda tensor: is_lazy(tensor) or tensor.is_meta, "load or initialise them first, on the CPU"),
    ("sparse", lambda tensor: tensor.layout in _SPARSE, "make them dense (tensor.to_dense())"),
    ("nested", lambda tensor: tensor.is_nested, "make them plain tensors"),
)
"""What no network here computes with: in words, how it is told, and what to do about it."""

QUANTISED = (
    "weights of a quantised network need that network: give it by a factory that loads them, or saved as TorchScript "
    "or ONNX; or give the weights from before it was quantised"
)
_SAME_MODEL = "check that the weights were saved from this very model"


def unfit_tensors(state: Mapping[str, Tensor], module: nn.Module) -> tuple[list[str], str]:
    """Tensors of a file that cannot stand where the network has one of that name, and what to do about the first kind.

    Floating point numbers of any width stand for one another. Whole numbers stand for whole ones that hold their
    values; for floating point ones they do not, since they are the codes of quantised weights.

    Args:
        state: names that the network lacks are passed over.
    Returns:
        One phrase a kind, such as "2 tensors sparse: head.weight, head.bias"; and advice, '' where all fit.
    """
    expected = module.state_dict()
    finite = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    found: dict[tuple[str, str], list[str]] = {}
    for name, came in state.items():
        own = expected.get(name)
        if isinstance(own, Tensor):
            unfit = _unfit(came, own, name.endswith("num_batches_tracked"), name in finite)
            if unfit is not None:
                found.setdefault(unfit, []).append(name)
    phrases = [counted(kind, names) for (kind, _), names in found.items()]
    return phrases, next((advice for _, advice in found), "")


def _unfit(came: Tensor, own: Tensor, unread: bool, finite: bool) -> tuple[str, str] | None:
    """What keeps a tensor from standing for the network's own, and advice.

    Args:
        unread: nothing reads it. finite: its numbers are weights; others, such as masks, may be infinite.
    """
    for kind, told, advice in _NO_NUMBERS:
        if told(came):
            return kind, advice
    if came.is_quantized:
        return None if own.is_quantized else ("quantised", QUANTISED)
    if own.is_quantized or is_lazy(own) or came.shape != own.shape:
        return None
    if came.is_complex() and not own.is_complex():
        return "complex, where the network's are real", _SAME_MODEL
    numbers = f"{_plain(came.dtype)} instead of {_plain(own.dtype)}"
    if own.is_floating_point() or own.is_complex():
        if not (came.is_floating_point() or came.is_complex()):
            return f"of whole numbers, {numbers}", QUANTISED
        broken = _broken(came.to(own.dtype), finite)
        return (f"with {broken}", "give weights from before training diverged") if broken else None
    if not unread and not _equal(came, came.to(own.dtype)):
        return f"whose numbers do not fit, {numbers}", _SAME_MODEL
    return None


def _equal(came: Tensor, cast: Tensor) -> bool:
    return bool((cast.to(torch.float64) == came.to(torch.float64)).all())


def _broken(numbers: Tensor, finite: bool) -> str:
    """What no sum of weights survives: NaN, and infinities where they are not allowed.

    Of tensors of other libraries, such as quantised ones, torch cannot ask it.
    """
    if type(numbers) not in (Tensor, nn.Parameter):
        return ""
    wide = numbers if numbers.dtype.itemsize > 1 else numbers.float()  # torch asks nothing of 8 bits
    if finite and not bool(torch.isfinite(wide).all()):
        return "NaN or infinity"
    return "NaN" if bool(wide.isnan().any()) else ""


def refuse_without_numbers(module: nn.Module, name: str) -> None:
    """Make sure that a network computes with plain numbers.

    Args:
        name: what messages call the network.
    Raises:
        ModelError: some of its weights have no values, are sparse or nested.
    """
    for kind, told, advice in _NO_NUMBERS:
        own = chain(module.named_parameters(), module.named_buffers())
        names = [each for each, tensor in own if told(tensor)]
        if names:
            raise ModelError(f"{name} has {counted(kind, names)}; {advice}")


def other_types(state: Mapping[str, Tensor], module: nn.Module) -> str:
    """Floating point numbers that were rounded or widened into the network's: "float16 as float32"; '' for none."""
    expected = module.state_dict()
    pairs = {
        (came.dtype, expected[name].dtype) for name, came in state.items() if isinstance(expected.get(name), Tensor)
    }
    floating = [pair for pair in pairs if pair[0] is not pair[1] and all(each.is_floating_point for each in pair)]
    return ", ".join(sorted(f"{_plain(came)} as {_plain(own)}" for came, own in floating))


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def only_type(module: nn.Module) -> torch.dtype | None:
    """The type of a network's floating point numbers; None where they are of several, or there are none."""
    tensors = chain(module.parameters(), module.buffers())
    types = {each.dtype for each in tensors if each.is_floating_point()}
    return types.pop() if len(types) == 1 else None


def counted(kind: str, names: list[str]) -> str:
    """'2 tensors missing: a, b', naming the first few."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} tensor{'s' if len(names) > 1 else ''} {kind}: {', '.join(names[:_SHOWN])}{more}"
