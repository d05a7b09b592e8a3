"""Networks under torch.compile run as they were before it: compiled code calls no hooks, and serves one size each."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

COMPILED = (
    "{name} is compiled by torch.compile; it is audited as it is without that, with the same weights and operations"
)
"""What a person is told."""


def uncompiled(module: nn.Module) -> tuple[nn.Module, bool]:
    """The network without what torch.compile put around it, or around and into its parts.

    Functions that were compiled, such as a decorated `forward`, stay; `uncompiled_calls` has them run as they were.

    Returns:
        The network, its parts exchanged in place, and whether anything was compiled.
    """
    original, found = _original(module), _original(module) is not module
    for each in list(original.modules()):
        for name, part in each._modules.items():
            if part is not None and _original(part) is not part:
                each._modules[name], found = uncompiled(part)[0], True
        if getattr(each, "_compiled_call_impl", None) is not None:
            each._compiled_call_impl, found = None, True
    return original, found


def _original(module: nn.Module) -> nn.Module:
    """What torch.compile(module) was called with; the module itself where it was not."""
    inside = module._modules.get("_orig_mod")
    return inside if type(module).__name__ == "OptimizedModule" and isinstance(inside, nn.Module) else module


def uncompiled_calls() -> AbstractContextManager[object]:
    """Within it, compiled functions run as they were before. A torch before 2.6 knows no such thing."""
    set_stance = getattr(torch.compiler, "set_stance", None)
    if set_stance is None or "torch._dynamo" not in sys.modules:  # nothing was compiled, and it takes seconds to import
        return nullcontext()
    stance: AbstractContextManager[object] = set_stance("force_eager")
    return stance
