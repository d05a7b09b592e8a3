"""What wrappers and training scripts put into the names of weights, found by the network's own names. Loads nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

Value = TypeVar("Value")

# Parts of a name that are not the network's: of DataParallel, torch.compile, FSDP, checkpointing, DeepSpeed.
_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"})
_SHOWN = 3


def own_names(state: Mapping[str, Value], expected: Collection[str]) -> tuple[dict[str, Value], str]:
    """The weights under the network's own names, where all of them are there behind something common.

    A wrapper's part may stand anywhere (`features.module.0.weight`), and everything may lie under the name that a
    training script gave the network (`model.net.`), beside tensors that are not the network's.

    Args:
        expected: the network's own names.
    Returns:
        The weights, as they came where their names fit or nothing makes them fit; and what was left out, a sentence
        for a person, or ''.
    """
    needed = [name for name in expected if not name.endswith("num_batches_tracked")]
    if not needed or all(name in state for name in needed):
        return dict(state), ""
    for names in (dict(state), _unwrapped(state)):
        found = [prefix for prefix in _prefixes(names, needed[0]) if all(prefix + name in names for name in needed)]
        if found:
            return _under(names, found)
    return dict(state), ""


def _unwrapped(state: Mapping[str, Value]) -> dict[str, Value]:
    """Names without the wrappers' parts; as they came where two would become one."""
    parts = {name: [part for part in name.split(".") if part not in _WRAPPERS] for name in state}
    plain = {".".join(parts[name]): value for name, value in state.items()}
    return plain if len(plain) == len(state) else dict(state)


def _prefixes(names: Collection[str], first: str) -> list[str]:
    return [name.removesuffix(first) for name in names if name == first or name.endswith("." + first)]


def _under(names: Mapping[str, Value], prefixes: list[str]) -> tuple[dict[str, Value], str]:
    chosen, *others = prefixes
    kept = {name.removeprefix(chosen): value for name, value in names.items() if name.startswith(chosen)}
    if others:
        held = " and ".join(repr(prefix) for prefix in others)
        return kept, f"weights are held several times: those under {chosen!r} are used, not those under {held}"
    left = [name for name in names if not name.startswith(chosen)]
    if not left:
        return kept, ""
    counted = f"{len(left)} tensors" if len(left) > 1 else "one tensor"
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return kept, (
        f"weights are those under {chosen!r}; {counted} beside them left out: {', '.join(left[:_SHOWN])}{more}"
    )
