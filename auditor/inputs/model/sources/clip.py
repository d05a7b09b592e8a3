"""CLIP models of open_clip, an optional extra, as zero-shot classifiers: each class is what is said of its pictures.

Weights are the user's own file or what open_clip publishes. Text is encoded once, when the model is opened; the network
that is audited is the image tower, whose features are compared with those of the text.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

from auditor.core.config import PreprocessingConfig
from auditor.core.errors import ConfigError, ModelError, UnknownNameError
from auditor.inputs.model.defaults import BEFORE_LAST_STAGE, THREE_QUARTERS, at_three_quarters
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.protocol import (
    ARGUMENTS,
    PROMPTS,
    BuiltNetwork,
    ModelSource,
    Named,
    NetworkRequest,
    WeightsRule,
)
from auditor.inputs.model.sources.timm import timm_layer
from auditor.inputs.model.weights import StateDict, read_weights

CLIP_PREFIX = "clip/"
CONFIG_FILE = "open_clip_config.json"

_FOLDER = "local-dir:"
"""How open_clip marks a folder with a configuration of its own."""

_USUAL = {
    "mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711),
    "interpolation": "bicubic", "resize_mode": "shortest",
}  # fmt: skip
"""How open_clip prepares pictures where nothing else is said."""

_TEXTS_AT_ONCE = 64
_SHOWN = 3


class ZeroShot(nn.Module):
    """(B, 3, H, W) -> (B, K): the cosine of an image's features with each class's, times the model's own scale.

    Its layers are those of `visual`, as open_clip calls them.
    """

    text: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, model: nn.Module, text: Tensor) -> None:
        """
        Args:
            model: open_clip's, of which the image tower, the scale and the bias are kept. text: (K, D), of length 1.
        """
        super().__init__()
        self.visual = model.get_submodule("visual")
        state = model.state_dict()
        self.register_buffer("text", text)
        self.register_buffer("scale", state["logit_scale"].exp())
        self.register_buffer("bias", state.get("logit_bias", torch.zeros_like(self.scale)).clone())

    def forward(self, images: Tensor) -> Tensor:
        seen = self.visual(images)
        features = functional.normalize(seen[0] if isinstance(seen, tuple) else seen, dim=-1)
        return self.scale * features @ self.text.T + self.bias


def text_features(
    encode: Callable[[Tensor], Tensor], tokenise: Callable[[list[str]], Tensor], texts: Sequence[Sequence[str]]
) -> Tensor:
    """Features of the classes: of each the mean of its texts' features of length 1, brought to length 1 again.

    Args:
        encode: (N, L) tokens -> (N, D). texts: for each of K classes, as many texts as for the others.
    Returns:
        (K, D).
    Source: Radford et al. 2021, section 3.1.4, arXiv:2103.00020.
    """
    flat = [text for of_class in texts for text in of_class]
    parts = [encode(tokenise(flat[at : at + _TEXTS_AT_ONCE])) for at in range(0, len(flat), _TEXTS_AT_ONCE)]
    each = functional.normalize(torch.cat(parts), dim=-1)
    return functional.normalize(each.reshape(len(texts), -1, each.shape[-1]).mean(dim=1), dim=-1)


def clip_preprocessing(named: Named) -> Preprocessing:
    """What open_clip says of an architecture and its weights: size, crop, interpolation, mean and std.

    Raises:
        ModelError, UnknownNameError: open_clip is not installed, or has no such architecture.
        ConfigError: weights of this architecture are fed in different ways, and the file does not say which; or in
            one that has no counterpart here.
    """
    architecture = _architecture(named)
    ways = _ways(named, architecture)
    with ForeignCode(f"reading the configuration of {named.name}"):
        size = _open_clip(named.name).get_model_config(architecture)["vision_cfg"].get("image_size", 224)
        height, width = (size, size) if isinstance(size, int) else size
    if len(ways) > 1 and named.weights is not None:
        told = "; ".join(f"{_words(tags)} {_described(way)}" for way, tags in ways.items())
        raise ConfigError(
            f"weights of {named.name} are fed in {len(ways)} ways, and a file does not say which is its own: {told}; "
            "give a [preprocessing] table"
        )
    return _as_preprocessing(dict(next(iter(ways))), int(height), int(width), named.name)


Way = tuple[tuple[str, object], ...]
"""Settings of a preprocessing with their values, which can be compared."""


def _ways(named: Named, architecture: str) -> dict[Way, list[str]]:
    """How pictures are prepared for the weights at hand, or for all that are published, with their tags."""
    clip = _open_clip(named.name)
    if architecture.startswith(_FOLDER):
        file = Path(architecture.removeprefix(_FOLDER)) / CONFIG_FILE
        with ForeignCode(f"reading {file}"):
            return {_way(json.loads(file.read_text(encoding="utf-8")).get("preprocess_cfg", {})): []}
    tags = clip.list_pretrained_tags_by_model(architecture)
    ways: dict[Way, list[str]] = {}
    for tag in [named.weights] if named.weights in tags else tags:
        ways.setdefault(_way(clip.get_pretrained_cfg(architecture, tag)), []).append(str(tag))
    return ways or {_way({}): []}


def _way(given: Mapping[str, object]) -> Way:
    settings = {key: given.get(key) or usual for key, usual in _USUAL.items()}
    return tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in settings.items())


def _as_preprocessing(way: Mapping[str, object], height: int, width: int, name: str) -> Preprocessing:
    squashed, square = way["resize_mode"] == "squash", height == width
    if not squashed and not (way["resize_mode"] == "shortest" and square):
        raise ConfigError(
            f"{name} prepares its pictures by resizing {way['resize_mode']!r} to {height}x{width}, which has no "
            "counterpart here; give a [preprocessing] table"
        )
    table = {
        "resize": (height, width) if squashed else height,
        "crop": None if squashed else (height, width),
        # open_clip takes every other word for bicubic
        "interpolation": "bilinear" if way["interpolation"] == "bilinear" else "bicubic",
        "mean": way["mean"],
        "std": way["std"],
    }
    try:
        return Preprocessing.from_config(PreprocessingConfig.model_validate(table))
    except ValidationError as problem:
        raise ConfigError(f"{name}: {problem.errors()[0]['msg']}; give a [preprocessing] table") from problem


def _described(way: Way) -> str:
    settings = dict(way)
    mean = settings["mean"]
    shown = "/".join(f"{value:.3g}" for value in mean) if isinstance(mean, tuple) else mean
    return f"(mean {shown}, {settings['interpolation']}, resized {settings['resize_mode']!r})"


def clip_words(name: str) -> tuple[str, ...]:
    """The tags under which open_clip publishes weights of an architecture.

    Raises:
        ModelError: open_clip is not installed.
    """
    return tuple(_open_clip(name).list_pretrained_tags_by_model(name.removeprefix(CLIP_PREFIX)))


def clip_weights(name: str, tag: str, _classes: int) -> tuple[StateDict, Path]:
    """Weights that open_clip publishes, from its cache or the network; they are read for tensors alone.

    Raises:
        ModelError: they can be neither found nor fetched, or read.
    """
    clip = _open_clip(name)
    with ForeignCode(
        f"fetching {tag!r} for {name}", "fetch it where there is a network, or give [model] weights a file"
    ):
        file = Path(clip.download_pretrained(clip.get_pretrained_cfg(name.removeprefix(CLIP_PREFIX), tag)))
    return read_weights(file).state, file


def clip_layer(_name: str, network: nn.Module) -> tuple[str, str] | None:
    """Vision transformers of open_clip: the block at three quarters of the depth; its ResNets: `layer3`; those of timm
    as timm's own."""
    visual = getattr(network, "visual", None)
    if not isinstance(visual, nn.Module):
        return None
    if isinstance(trunk := getattr(visual, "trunk", None), nn.Module):
        found = timm_layer("", trunk)
        return None if found is None else (f"visual.trunk.{found[0]}", found[1])
    names = [f"visual.{name}" for name, _ in visual.named_modules()]
    if "visual.attnpool" in names and "visual.layer3" in names:
        return "visual.layer3", BEFORE_LAST_STAGE
    blocks = [name for name in names if re.fullmatch(r"visual\.transformer\.resblocks\.\d+", name)]
    return (at_three_quarters(blocks), THREE_QUARTERS) if blocks else None


def clip_files(name: str, base: Path) -> tuple[Path, ...]:
    """The files of a model's folder that decide how it is built, fed and told; () for one of open_clip's own."""
    folder = Named(name, base).path(CLIP_PREFIX)
    if not (folder / CONFIG_FILE).is_file():
        return ()
    return tuple(sorted(file for file in folder.iterdir() if file.suffix in (".json", ".txt", ".model")))


def _build(request: NetworkRequest) -> BuiltNetwork:
    clip, architecture = _open_clip(request.name), _architecture(request.named)
    _check_activation(request, architecture)
    own = {"pretrained": None, "load_weights": False, "pretrained_text": False, "pretrained_image": False}
    advice = (
        "text towers of transformers need the network once; check [model] arguments, which open_clip.create_model gets"
    )
    with ForeignCode(f"building {request.name}", advice), _quietly():
        model: nn.Module = clip.create_model(architecture, **{**request.arguments, **own})
    shown = ", ".join(f'"{prompt}"' for prompt in request.prompts[:_SHOWN])
    more = f" and {len(request.prompts) - _SHOWN} more" if len(request.prompts) > _SHOWN else ""
    note = f"{request.name} tells its classes apart by what is said of them: {shown}{more}"
    return BuiltNetwork(model, notes=(note,), finished=lambda: _zero_shot(model, request, architecture))


def _check_activation(request: NetworkRequest, architecture: str) -> None:
    """Refuse published weights in a network with another activation than theirs: names and shapes fit all the same."""
    if not request.own_weights or request.named.weights is None:
        return
    clip = _open_clip(request.name)
    theirs = bool(clip.get_pretrained_cfg(architecture, request.named.weights).get("quick_gelu", False))
    given = bool(clip.get_model_config(architecture).get("quick_gelu", False))
    if theirs != (given or bool(request.arguments.get("force_quick_gelu", False))):
        raise ModelError(
            f"the weights {request.named.weights!r} were trained {'with' if theirs else 'without'} QuickGELU, and "
            f"{request.name} has {'none' if theirs else 'it'}; name the architecture "
            f"{'with' if theirs else 'without'} '-quickgelu', or set arguments = {{ force_quick_gelu = true }}"
        )


def _zero_shot(model: nn.Module, request: NetworkRequest, architecture: str) -> nn.Module:
    """The classifier, once the weights are in the model."""
    model.to(request.device).eval()
    if not request.names:  # nobody knows the classes, and layers are the same for any
        width = int(_open_clip(request.name).get_model_config(architecture)["embed_dim"])
        return ZeroShot(model, torch.eye(2, width, device=request.device))
    texts = [[prompt.replace("{}", name) for prompt in request.prompts] for name in request.names]
    advice = "where it is one of transformers it is fetched once; open the model where there is a network"
    with ForeignCode(f"reading the tokeniser of {request.name}", advice), _quietly():
        tokenizer = _open_clip(request.name).get_tokenizer(architecture)
        first = tokenizer([of_class[0] for of_class in texts])
    _refuse_same(first, request)
    encode: Any = model.encode_text
    with ForeignCode(f"encoding the class names by {request.name}"), torch.no_grad():
        text = text_features(encode, lambda some: tokenizer(some).to(request.device), texts)
    return ZeroShot(model, text.float())


def _refuse_same(tokens: Tensor, request: NetworkRequest) -> None:
    seen: dict[tuple[int, ...], str] = {}
    for name, row in zip(request.names, tokens.tolist(), strict=True):
        other = seen.setdefault(tuple(row), name)
        if other is not name:
            raise ConfigError(
                f"{request.name} reads {other!r} and {name!r} as the same text, since case does not count and long "
                "text is cut off; give [classes] names that differ"
            )


def _architecture(named: Named) -> str:
    """As open_clip calls it: a name of its own, or a marked folder that holds a configuration.

    Raises:
        UnknownNameError: it is neither.
    """
    folder = named.path(CLIP_PREFIX)
    if (folder / CONFIG_FILE).is_file():
        return f"{_FOLDER}{folder}"
    clip, plain = _open_clip(named.name), named.name.removeprefix(CLIP_PREFIX)
    if plain not in clip.list_models():
        known = [CLIP_PREFIX + each for each in clip.list_models()]
        hint = f"or a folder that holds {CONFIG_FILE}"
        raise UnknownNameError("model", named.name, known, f"open_clip {clip.__version__}", hint)
    return plain


def _words(tags: Sequence[str]) -> str:
    more = f" and {len(tags) - _SHOWN} more" if len(tags) > _SHOWN else ""
    return f"{', '.join(tags[:_SHOWN])}{more}"


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep open_clip's advice, which it gives the root logger, from standing between ours."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


def _open_clip(name: str) -> ModuleType:
    """Imported when it is first asked for: it takes seconds."""
    try:
        import open_clip
    except ModuleNotFoundError as error:
        raise ModelError(f'{name} needs open_clip, which is not installed; pip install "auditor[clip]"') from error
    module: ModuleType = open_clip
    return module


CLIP = ModelSource(
    label="open_clip",
    spelling="'clip/ARCHITECTURE'",
    matches=lambda name: name.startswith(CLIP_PREFIX),
    build=_build,
    weights=WeightsRule.NEEDED,
    keys=frozenset({ARGUMENTS, PROMPTS}),
    preprocessing=clip_preprocessing,
    own_words=clip_words,
    own_weights=clip_weights,
    default_layer=clip_layer,
    code=clip_files,
)
