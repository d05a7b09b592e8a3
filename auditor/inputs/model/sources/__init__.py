"""The table of sources: where a network comes from. Loading it is in loading.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auditor.core.config import DEFAULT_PROMPTS, ModelConfig
from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.sources.clip import CLIP
from auditor.inputs.model.sources.exported import EXPORTED
from auditor.inputs.model.sources.factory import FACTORY
from auditor.inputs.model.sources.huggingface import HUGGING_FACE
from auditor.inputs.model.sources.onnx import ONNX
from auditor.inputs.model.sources.protocol import ARGUMENTS, OWN_WEIGHTS, PROMPTS, RUN_BY, ModelSource, WeightsRule
from auditor.inputs.model.sources.served import SERVED
from auditor.inputs.model.sources.timm import TIMM
from auditor.inputs.model.sources.torchscript import TORCHSCRIPT
from auditor.inputs.model.sources.torchvision import TORCHVISION

SOURCES: tuple[ModelSource, ...] = (SERVED, HUGGING_FACE, ONNX, EXPORTED, TORCHSCRIPT, FACTORY, CLIP, TIMM, TORCHVISION)
"""In the order in which they are asked whether a name is theirs; torchvision takes any bare word.

A new source is one file beside this one, whose `ModelSource` stands here, and its line in docs/your-model.md.
"""

_SHOWN = 4


def source_of(name: str) -> ModelSource:
    """The source that a [model] name belongs to, told by the name's looks.

    Raises:
        ModelError: it belongs to none, such as a file of a kind that cannot be read.
    """
    for source in SOURCES:
        if source.matches(name):
            return source
    raise ModelError(
        f"[model] name {name!r} is a {Path(name).suffix} file, which is not a network that can be loaded; "
        f"give {spellings()}"
    )


def spellings() -> str:
    """How a network of each source is named, as words of a sentence."""
    *first, last = (source.spelling for source in reversed(SOURCES))
    return f"{', '.join(first)} or {last}"


def check_settings(source: ModelSource, model: ModelConfig) -> None:
    """Make sure that the source has the network, and that what stands beside its name goes with it.

    Raises:
        UnknownNameError, ModelError: there is no such network.
        ConfigError: weights are missing, or a key is given that cannot serve this network.
    """
    name, weights = model.name, model.weights
    source.check_name(name)
    if weights is None and source.weights is WeightsRule.NEEDED:
        words = source.own_words(name)
        own = f", or {_listed(words)} for {source.label}'s own" if words else ""
        raise ConfigError(
            f"[model] weights is missing: {name} without weights knows nothing; give a .safetensors file or a state "
            f"dict{own}"
        )
    if weights == OWN_WEIGHTS and not is_own(model):
        instead = "give a file" if source.weights is WeightsRule.NEEDED else "leave weights out"
        raise ConfigError(
            f"weights = '{OWN_WEIGHTS}' means those that a library publishes for its model, and there are none so "
            f"called for {name}; {instead}"
        )
    if weights is not None and source.weights is WeightsRule.REFUSED:
        raise ConfigError(f"{name} brings its own weights; leave [model] weights out")
    if model.state is not None and (weights is None or is_own(model)):
        raise ConfigError("[model] state chooses among the weights of a checkpoint; give [model] weights that file")
    if model.arguments and ARGUMENTS not in source.keys:
        raise ConfigError(f"{name} is built already, so it takes no arguments; leave [model] arguments out")
    if model.run_by is not None and RUN_BY not in source.keys:
        takers = " or ".join(each.spelling for each in SOURCES if RUN_BY in each.keys)
        raise ConfigError(f"[model] run_by chooses what runs {takers}, and the model is {name}; leave it out")
    if model.prompts != DEFAULT_PROMPTS and PROMPTS not in source.keys:
        takers = " or ".join(each.spelling for each in SOURCES if PROMPTS in each.keys)
        raise ConfigError(f"[model] prompts tell {takers} its classes, and the model is {name}; leave them out")


def is_own(model: ModelConfig) -> bool:
    """Whether [model] weights is a word for what the source itself publishes, and no file.

    Raises:
        ModelError: the network is of no source, or its library is not installed.
    """
    return model.weights is not None and model.weights in source_of(model.name).own_words(model.name)


def no_such_weights(model: ModelConfig, path: Path) -> str:
    """What is said where there is no file of weights."""
    source = source_of(model.name)
    words = source.own_words(model.name)
    also = f", and {source.label} publishes {_listed(words)} for {model.name}" if words else ""
    return f"there is no weights file at {path}{also}"


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{', '.join(map(repr, words[:_SHOWN]))}{more}"
