"""Which networks the matrix tries, by rules that look at names and sizes alone.

- torchvision: every classifier that it lists.
- timm: of every family the network of fewest parameters (of equals the first by name). A family is what one of timm's
  modules calls by one word: the letters a name begins with. Names that begin with test_ are left out, being made for
  timm's own tests.
- transformers: every model type that AutoModelForImageClassification knows, but ShieldGemma 2, a language model that
  takes text beside the picture. Built from its configuration's defaults, apart from `SMALLER`.

Counting the parameters of all that timm has takes a quarter of an hour, so `timm_names.txt` holds what the rule gives:

    python -m benchmarks.models.families        # counts again, and says where the list differs
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import timm
import torch
import torchvision
from timm.models._registry import _model_to_module
from transformers.models.auto.image_processing_auto import (  # type: ignore[attr-defined]  # imported there
    IMAGE_PROCESSOR_MAPPING_NAMES,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

from auditor.inputs.model.sources.huggingface import HF_PREFIX
from auditor.inputs.model.sources.timm import TIMM_PREFIX

SIDE_PX = 224
"""Of a transformers network's pictures."""

_LANGUAGE_MODELS = ("shieldgemma2",)

_SQUARE = {"height": SIDE_PX, "width": SIDE_PX}
_ENCODER = {"hidden_size": 96, "num_hidden_layers": 8, "num_attention_heads": 4, "intermediate_size": 192}
_WITH_RATIO = {"hidden_size": 96, "num_hidden_layers": 8, "num_attention_heads": 4}
_VISION: dict[str, object] = {"vision_config": _ENCODER}

SMALLER: Mapping[str, Mapping[str, object]] = {
    **dict.fromkeys(("beit", "data2vec-vision", "deit", "ijepa", "vit", "vit_msn"), _ENCODER),
    **dict.fromkeys(("clip", "metaclip_2", "siglip", "siglip2"), _VISION),
    **dict.fromkeys(("dinov2", "dinov2_with_registers"), _WITH_RATIO),
    "efficientnet": {"width_coefficient": 1.0, "depth_coefficient": 1.0, "image_size": SIDE_PX, "hidden_dim": 1280},
    "imagegpt": {"n_embd": 96, "n_layer": 8, "n_head": 4},
    "perceiver": {"image_size": SIDE_PX, "num_latents": 64, "d_latents": 96, "num_self_attends_per_block": 4},
    "textnet": {"image_size": (SIDE_PX, SIDE_PX)},
}
"""Of configurations what is not the default, where that makes a large network or takes pictures of another size."""

PROCESSING: Mapping[str, Mapping[str, object]] = {
    "ConvNextImageProcessor": {"size": {"shortest_edge": SIDE_PX}},
    "EfficientNetImageProcessor": {"size": _SQUARE},
    "SegformerImageProcessor": {"size": _SQUARE},
    "TextNetImageProcessor": {"size": {"shortest_edge": SIDE_PX}, "do_center_crop": True},
}
"""Settings of processors that bring pictures to another size otherwise."""


@dataclass(frozen=True, slots=True)
class HuggingFaceFamily:
    """A model type of transformers with an image classifier.

    Attributes:
        model_type: as transformers calls it. architecture: the classifier's class.
        processor: the class of its processor; '' where it has none that its defaults can make.
        smaller: of its configuration, what is not the default. processing: the same of its processor.
    """

    model_type: str
    architecture: str
    processor: str
    smaller: Mapping[str, object] = field(default_factory=dict)
    processing: Mapping[str, object] = field(default_factory=dict)


def hugging_face_families() -> dict[str, HuggingFaceFamily]:
    """By [model] name, which is that of the folder."""
    found = {}
    for model_type, architectures in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.items():
        if model_type in _LANGUAGE_MODELS:
            continue
        architecture = architectures if isinstance(architectures, str) else architectures[0]
        processor = IMAGE_PROCESSOR_MAPPING_NAMES.get(model_type, {}).get("torchvision", "")
        smaller, processing = SMALLER.get(model_type, {}), PROCESSING.get(processor, {})
        found[HF_PREFIX + model_type] = HuggingFaceFamily(model_type, architecture, processor, smaller, processing)
    return found


def family_of(name: str) -> tuple[str, str]:
    """The family of a network of timm: its module, and the word that its name begins with."""
    word = re.match(r"[a-z]+", name)
    return _model_to_module[name], word.group() if word else name


def timm_names_by_rule() -> list[str]:
    """Counts the parameters of every network of timm."""
    fewest: dict[tuple[str, str], tuple[int, str]] = {}
    for name in sorted(timm.list_models(exclude_filters=["test_*"])):
        with torch.device("meta"):
            network = timm.create_model(name)
        sized = (sum(parameter.numel() for parameter in network.parameters()), name)
        family = family_of(name)
        fewest[family] = min(fewest.get(family, sized), sized)
    return sorted(name for _, name in fewest.values())


def all_names() -> list[str]:
    """As [model] name has them, source by source."""
    torchvision_names = torchvision.models.list_models(module=torchvision.models)
    return [*torchvision_names, *(TIMM_PREFIX + name for name in TIMM), *hugging_face_families()]


TIMM = tuple((Path(__file__).parent / "timm_names.txt").read_text(encoding="utf-8").split())
"""What the rule gives for timm 1.0.31."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser.parse_args()


def main() -> None:
    arguments()
    given = set(timm_names_by_rule())
    for name in sorted(given.symmetric_difference(TIMM)):
        print(f"{name}: {'missing from the list' if name in given else 'not what the rule gives'}")
    sys.exit(0 if given == set(TIMM) else 1)


if __name__ == "__main__":
    main()
