"""Read a network's weights from a file and load them strictly. Nothing in a file is ever run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file
from torch import Tensor, nn

from auditor.core.errors import ModelError
from auditor.core.hashing import sha256_of_file
from auditor.core.plain_text import utf8
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.harmless import harmless_extras
from auditor.inputs.model.memory import pass_out_of_memory
from auditor.inputs.model.weight_kinds import QUANTISED, counted, unfit_tensors
from auditor.inputs.world.bundle import bundled_weights

StateDict = dict[str, Tensor]

# Where training scripts put the weights in a checkpoint, and what wrappers put before each name.
_CHECKPOINT_KEYS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")
# Beside the weights in torch's AveragedModel.
_COUNT_OF_AVERAGED = "n_averaged"
# Torch's own words for something in a pickle that is neither a tensor nor a plain container.
_MORE_THAN_TENSORS = ("unsupported global", "unsupported class", "unrecognized", "can only ")
_SHOWN = 3


def weights_sha256(path: Path) -> str:
    """The sha256 of a file of weights, as hex digits.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


def find_weights(path: Path, sha256: str) -> Path:
    """The file of weights that a run was begun with, also where the package that it came with lies elsewhere now.

    Args:
        path: where it was. sha256: of the file then, as hex digits.
    Returns:
        `path` where there is a file; else the file of the same content among the weights that come along; else `path`.
    """
    if path.is_file():
        return path
    return next((each for each in bundled_weights() if sha256_of_file(each) == sha256), path)


def require_file(path: Path) -> None:
    """Make sure that there is a file of weights.

    Raises:
        ModelError: there is none.
    """
    if not path.is_file():
        raise ModelError(f"there is no weights file at {path}")


@dataclass(frozen=True, slots=True)
class Weights:
    """What was read from a file of weights.

    Attributes:
        key: where in a checkpoint they lay; '' where the file holds nothing else.
        others: keys of other sets of weights in the same file, such as averages over the training's last steps.
    """

    state: StateDict
    key: str = ""
    others: tuple[str, ...] = ()


def read_weights(path: Path, key: str | None = None) -> Weights:
    """Read a .safetensors file, or a state dict (or a checkpoint holding one) saved by torch.save.

    Args:
        key: where in a checkpoint the weights lie; None: under one of the usual keys.
    Raises:
        ModelError: no such file, damaged, not a state dict, or a pickle that holds more than tensors and what is known
            to lie harmlessly beside them (never run).
    """
    require_file(path)
    if path.suffix.lower() == ".safetensors":
        if key is not None:
            raise ModelError(f"{path} holds one set of weights, so there is no {key!r} in it; leave [model] state out")
        try:
            # what is mapped into memory needs a path of UTF-8
            return Weights(load_file(path) if utf8(str(path)) == str(path) else load(path.read_bytes()))
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            pass_out_of_memory(error)
            raise ModelError(f"{path} is not a whole safetensors file ({error}); copy or export it again") from error
    return unwrapped(_unpickled_tensors(path), path, key)


def _unpickled_tensors(path: Path) -> object:
    try:
        with ForeignCode("reading"), harmless_extras():
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelError as error:
        cause = error.__cause__
        if any(words in str(cause).lower() for words in _MORE_THAN_TENSORS):
            advice = "save model.state_dict() with torch.save, or the tensors as .safetensors"
            raise ModelError(
                f"{path} is a pickle that holds more than tensors, which could run code, so it was not loaded; "
                f"{QUANTISED if 'torchao' in str(cause) else advice}"
            ) from error
        raise ModelError(
            f"{path} is neither safetensors nor a whole file saved by torch.save; copy or save it again"
        ) from error


def unwrapped(content: object, path: Path, key: str | None = None) -> Weights:
    """Find the state dict in a checkpoint, and strip the prefixes that wrappers add.

    Args:
        key: as `read_weights`.
    Raises:
        ModelError: there is none.
    """
    sets = _sets_of_weights(content)
    if key is not None and key not in sets:
        held = f"those under {', '.join(map(repr, sets))}" if sets else "no weights under any key"
        raise ModelError(f"{path} holds no weights under {key!r}; it holds {held}: correct [model] state")
    if isinstance(content, Mapping):
        key = key or next((each for each in _CHECKPOINT_KEYS if isinstance(content.get(each), Mapping)), None)
        content = content[key] if key is not None else content
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        if isinstance(content, Mapping) and any("_packed_params" in str(name) for name in content):
            raise ModelError(f"{path} holds the packed weights of a quantised network; {QUANTISED}")
        held = f"a {type(content).__name__}"
        if isinstance(content, Mapping):
            held += f" with keys {', '.join(repr(key) for key in list(content)[:_SHOWN])}" if content else " of nothing"
        named = f", or set [model] state to {' or '.join(map(repr, sets))}" if sets else ""
        raise ModelError(
            f"{path} holds {held}, not a state dict; save model.state_dict(), alone or under the key 'state_dict'"
            f"{named}"
        )
    state = {str(name): value for name, value in content.items() if name != _COUNT_OF_AVERAGED}
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return Weights(state, key or "", tuple(each for each in sets if each != key))


def _sets_of_weights(content: object) -> list[str]:
    """Keys of a checkpoint under which state dicts lie."""
    if not isinstance(content, Mapping):
        return []
    return [
        str(key)
        for key, value in content.items()
        if isinstance(value, Mapping) and value and all(isinstance(each, Tensor) for each in value.values())
    ]


def load_strictly(module: nn.Module, state: StateDict, classes: int, where: str, network: str) -> None:
    """Load a state dict in which every name, shape and kind of number fits, or load nothing.

    Batch norm's `num_batches_tracked` may be absent, since it plays no part in eval mode.

    Args:
        classes: K, so that a head for another number of classes is named as such.
        where: the file; network: the model; both for messages.
    Raises:
        ModelError: names, shapes or kinds of numbers differ, or numbers are NaN; counts and names the first few.
    """
    expected = module.state_dict()
    unfit, advice = unfit_tensors(state, module)
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in expected]
    reshaped = [
        name
        for name in expected
        if name in state and not state[name].is_nested and state[name].shape != expected[name].shape
    ]
    kinds = {
        "missing": missing,
        "unexpected": unexpected,
        "of another shape": [_shapes(name, expected[name], state[name]) for name in reshaped],
    }
    problems = [*(counted(kind, names) for kind, names in kinds.items() if names), *unfit]
    if problems:
        head = _head_classes(expected, state, reshaped, classes)
        if head is not None and not missing and not unexpected:
            advice = (
                f"its head has {head} classes, but there are {classes} class names: give [classes] names its own list"
            )
        elif not advice or missing or unexpected:
            advice = "check that the weights were saved from this very model"
        raise ModelError(f"{where} does not fit {network}: {'; '.join(problems)}; {advice}")
    carrying: OrderedDict[str, Tensor] = OrderedDict(state)
    # versions of layers: some networks refuse weights that name none, and a file of tensors names none; all shapes fit
    carrying._metadata = getattr(expected, "_metadata", {})  # type: ignore[attr-defined]
    module.load_state_dict(carrying, strict=False)


def _head_classes(expected: Mapping[str, Tensor], state: StateDict, reshaped: list[str], classes: int) -> int | None:
    """Class count of the file's head, where all that differs is a first axis of K."""
    came = {int(state[name].shape[0]) for name in reshaped if state[name].ndim}
    only_heads = all(
        state[name].ndim
        and expected[name].shape[:1] == (classes,)
        and state[name].shape[1:] == expected[name].shape[1:]
        for name in reshaped
    )
    return came.pop() if reshaped and only_heads and len(came) == 1 else None


def _shapes(name: str, expected: Tensor, came: Tensor) -> str:
    return f"{name} ({'x'.join(map(str, came.shape))}, expected {'x'.join(map(str, expected.shape))})"
