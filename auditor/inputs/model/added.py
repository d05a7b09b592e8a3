"""Numbers added to a loaded network's parameters, as `auditor plant` makes them; the network's own file stays."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from auditor.core.errors import ModelError, nearest_names
from auditor.inputs.model.weights import read_weights


def add_numbers(module: nn.Module, path: Path, name: str) -> str:
    """Add a file's numbers to the parameters of the same names, in place.

    Args:
        path: safetensors, each tensor of its parameter's shape. name: what messages call the network.
    Returns:
        What was done, a sentence for a person.
    Raises:
        ModelError: the file cannot be read, or a tensor is of no parameter or of another shape than it.
    """
    known = dict(module.named_parameters())
    numbers = read_weights(path).state
    for key, value in numbers.items():
        if key not in known:
            near = nearest_names(key, list(known))
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise ModelError(f"{path} adds to {key!r}, which is no parameter of {name}{hint}; correct [model] added")
        if value.shape != known[key].shape:
            sizes = ["x".join(map(str, tensor.shape)) for tensor in (value, known[key])]
            raise ModelError(f"{path} adds {sizes[0]} numbers to {key!r} of {name}, which has {sizes[1]}")
    with torch.no_grad():
        for key, value in numbers.items():
            known[key].add_(value.to(known[key]))
    return f"{path.name} is added to {', '.join(sorted(numbers))}, so this is not the network as it was trained"
