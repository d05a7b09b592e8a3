"""What a source of models has to offer, and what it gives back. The sources themselves stand beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.weights import StateDict

NO_ARGUMENTS: Mapping[str, object] = MappingProxyType({})

ARGUMENTS, PROMPTS, RUN_BY = "arguments", "prompts", "run_by"
"""Keys of [model] that not every source understands."""

OWN_WEIGHTS = "default"
"""What [model] weights says for the weights of a source that publishes one set for a network."""


class WeightsRule(Enum):
    """Whether [model] weights stands beside a network of a source."""

    NEEDED = "needed"
    ALLOWED = "allowed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Named:
    """A [model] name, the folder that relative paths start from, and what [model] weights says."""

    name: str
    base: Path
    weights: str | None = None

    def path(self, prefix: str = "") -> Path:
        """The name without a prefix, read as a path."""
        return Path(os.path.realpath(self.base / Path(self.name.removeprefix(prefix)).expanduser()))


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """What is asked of a source.

    Attributes:
        name: as [model] name.
        classes: K.
        size: (H, W) of prepared pictures.
        base: the folder that relative paths start from.
        device: where the network will run; it need not be there yet.
        state: the weights that will be loaded into the network afterwards; None: none will.
        weights: as [model] weights.
        own_weights: `state` is what the source itself publishes under that word.
        arguments: the user's own keyword arguments for what builds the network.
        run_by: what is to run a saved network that several could; None: as its source chooses.
        names: of the K classes, in order; () where nobody knows them.
        prompts: what is said of a picture of a class, its name in the place of `{}`.
        examples: gives (B, 3, H, W) normalised pictures to try the network on; None: there are none yet.
    """

    name: str
    classes: int
    size: tuple[int, int]
    base: Path
    device: torch.device
    state: StateDict | None = None
    weights: str | None = None
    own_weights: bool = False
    arguments: Mapping[str, object] = field(default_factory=lambda: NO_ARGUMENTS)
    run_by: str | None = None
    names: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    examples: Callable[[], Tensor] | None = None

    @property
    def named(self) -> Named:
        return Named(self.name, self.base, self.weights)

    @property
    def path(self) -> Path:
        """The name, read as a path."""
        return self.named.path()


@dataclass(frozen=True, slots=True)
class BuiltNetwork:
    """A network as its source gives it back.

    Attributes:
        batch: the only batch size it takes; None: any, as far as its source says.
        size: the only (H, W) it takes; None: any, as far as its source says.
        file: the file that it came from, weights and all; None: it was built by code.
        notes: what was assumed of it and could be otherwise, each a sentence for people.
        run_by: what runs it, where several could; a run is continued by the same alone.
        finished: makes the network that answers of `module`, once the weights are in it; None: it is `module`.
    """

    module: nn.Module
    batch: int | None = None
    size: tuple[int, int] | None = None
    file: Path | None = None
    notes: tuple[str, ...] = ()
    run_by: str = ""
    finished: Callable[[], nn.Module] | None = None


def _nothing(_name: str) -> None:
    return None


def _publishes_none(_named: Named) -> None:
    return None


def _no_code(_name: str, _base: Path) -> tuple[Path, ...]:
    return ()


def _no_words(_name: str) -> tuple[str, ...]:
    return ()


def _no_layer(_name: str, _network: nn.Module) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ModelSource:
    """One source of networks: everything the package has to know of it. What is left out, the source does not offer.

    Attributes:
        label: what people call it.
        spelling: how [model] name is written for it, for messages.
        matches: whether a [model] name is this source's. The first source of the table that says yes has it.
        build: makes the network, without the weights that stand beside it.
        weights: whether [model] weights stands beside it.
        keys: of those keys of [model] that not every source understands, its own.
        check_name: raises where the source has no network of that name.
        preprocessing: what the source publishes of the way to prepare pictures; None: nothing.
        class_names: what the source calls the classes of a network's own weights; None: nothing.
        own_words: what [model] weights may say for weights that the source itself publishes for a network.
        own_weights: gives those, for a network of K classes, and their file; None: the source publishes none.
        default_layer: the layer to map, and the rule behind it in words; None: no rule.
        code: the user's own files of Python that a network of that name is made of, which a run is continued with
            only if they are what they were; beside the name it takes the folder that relative paths start from.
    """

    label: str
    spelling: str
    matches: Callable[[str], bool]
    build: Callable[[NetworkRequest], BuiltNetwork]
    weights: WeightsRule
    keys: frozenset[str] = frozenset({ARGUMENTS})
    check_name: Callable[[str], None] = _nothing
    preprocessing: Callable[[Named], Preprocessing | None] = _publishes_none
    class_names: Callable[[Named], ClassNames | None] = _publishes_none
    own_words: Callable[[str], tuple[str, ...]] = _no_words
    own_weights: Callable[[str, str, int], tuple[StateDict, Path]] | None = None
    default_layer: Callable[[str, nn.Module], tuple[str, str] | None] = _no_layer
    code: Callable[[str, Path], tuple[Path, ...]] = _no_code
