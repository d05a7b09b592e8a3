"""timm's networks load from a user's file, prepare pictures as timm does, and are cut at the documented layer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.table import Table
from safetensors.torch import save_file

from auditor.atlas.attribution import AttributionMethod, attribution_all_classes, attribution_method, contrast_map
from auditor.cli.listing import layers_parts, listed_layers
from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, ModelError, UnknownNameError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup
from auditor.inputs.model.choosing import default_layer, documented_layer
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.loading import load_classifier, unnamed_classifier
from auditor.inputs.model.sources.timm import build_timm, timm_preprocessing

timm = pytest.importorskip("timm")
Configure = Callable[..., AuditConfig]
CPU = torch.device("cpu")


def test_a_timm_network_with_weights_from_a_file(tmp_path: Path, configure: Configure) -> None:
    module = timm.create_model("test_resnet", num_classes=3).eval()
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    loaded = load_classifier(configure("timm/test_resnet", "w.safetensors", size=(64, 64)), CPU)
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(loaded.classifier.logits(images), module((images - 0.5) / 0.25), atol=1e-6, rtol=1e-5)
    assert loaded.description == "timm/test_resnet (timm), 3 classes"


def test_a_timm_network_of_another_size(tmp_path: Path, configure: Configure) -> None:
    module = timm.create_model("test_vit", num_classes=3, img_size=96).eval()
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    config = configure("timm/test_vit", "w.safetensors", size=(96, 96), arguments={"img_size": 96})
    images = torch.rand(2, 3, 96, 96)
    expected = module((images - 0.5) / 0.25)
    torch.testing.assert_close(load_classifier(config, CPU).classifier.logits(images), expected, atol=1e-6, rtol=1e-5)


def test_preprocessing_left_out_is_timms_own(tmp_path: Path, configure: Configure) -> None:
    module = timm.create_model("test_vit", num_classes=3)
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    prepared = load_classifier(configure("timm/test_vit", "w.safetensors", size=None), CPU).classifier.preprocessing
    data = timm.data.resolve_model_data_config(module)
    assert prepared.output_size == data["input_size"][1:] == (160, 160)
    assert (prepared.mean, prepared.std, prepared.interpolation) == (data["mean"], data["std"], data["interpolation"])


@pytest.mark.parametrize(
    "name", ["test_vit", "resnet18.a1_in1k", "vit_base_patch16_siglip_224"]
)  # the last one squashes pictures
def test_pictures_are_prepared_as_timm_prepares_them(name: str) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    config = timm.data.resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    transform = timm.data.create_transform(**config, normalize=False)
    expected = np.asarray(transform(picture))
    assert np.array_equal(timm_preprocessing(f"timm/{name}").prepare(picture), expected)


def test_a_tag_decides_the_preprocessing() -> None:
    assert timm_preprocessing("timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k").mean == (0.5, 0.5, 0.5)
    assert timm_preprocessing("timm/resnet18.tv_in1k").interpolation == "bilinear"
    assert timm_preprocessing("timm/resnet18.a1_in1k").interpolation == "bicubic"


def test_a_network_that_timm_does_not_have(tmp_path: Path, configure: Configure) -> None:
    with pytest.raises(UnknownNameError, match=r"model 'timm/resnet19' is not in timm .*; the nearest is 'timm/resnet"):
        unnamed_classifier("timm/resnet19", tmp_path, CPU)
    with pytest.raises(ModelError, match="no weights tagged 'nope' for resnet18; leave the tag out"):
        load_classifier(configure("timm/resnet18.nope", "w.safetensors"), CPU)


def test_weights_are_the_users(configure: Configure) -> None:
    with pytest.raises(ConfigError, match=r"weights is missing: timm/test_resnet .* a \.safetensors file or a state"):
        load_classifier(configure("timm/test_resnet"), CPU)
    with pytest.raises(ConfigError, match=r"'default' means .* there are none so called for timm/test_resnet; give"):
        load_classifier(configure("timm/test_resnet", "default"), CPU)


def test_without_timm_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModelError, match=r'timm/test_resnet needs timm, .* pip install "auditor\[timm\]"'):
        unnamed_classifier("timm/test_resnet", tmp_path, CPU)


def test_layers_of_a_timm_network_are_listed() -> None:
    (table,) = layers_parts(listed_layers("timm/test_vit", True, Silence()))
    assert isinstance(table, Table)
    names = list(map(str, table.columns[0].cells))
    assert "blocks.3" in names
    assert "blocks.5" not in names  # behind the last block the class token alone is read
    assert list(table.columns[2].cells)[names.index("blocks.3")] == "64 × 10 × 10"


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("test_resnet", "layer3"),
        ("test_vit", "blocks.3"),
        ("test_convnext", "stages.3.downsample.0"),  # a norm of each position
        ("swin_tiny_patch4_window7_224", "layers.2"),  # whose norm merges four
        ("deit_tiny_distilled_patch16_224", "blocks.8"),
        ("mobilenetv3_small_050", "blocks.3"),
        ("regnetx_002", "s3"),
        ("convmixer_768_32", "blocks.23"),
    ],
)
def test_documented_default_layers_of_timm(name: str, layer: str) -> None:
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        module = timm.create_model(name)
    documented = documented_layer(f"timm/{name}", module)
    assert documented is not None
    found, rule = documented
    assert found == layer
    assert rule.startswith(f"default for timm/{name}: the ")


def test_a_timm_network_without_a_default_says_so() -> None:
    with torch.device("meta"):
        module = timm.create_model("twins_svt_small")  # timm's own list names modules that it does not have
    assert documented_layer("timm/twins_svt_small", module) is None


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext", "test_efficientnet", "test_nfnet"])
def test_default_layers_are_cut_and_attributed(name: str) -> None:
    module = build_timm(f"timm/{name}", 5)
    names = ClassNames(("a", "b", "c", "d", "e"), ((),) * 5)
    classifier = Classifier(module, names, timm_preprocessing(f"timm/{name}"), CPU)
    cut = LayerCut(classifier, default_layer(f"timm/{name}", classifier)[0])
    images = torch.rand(2, 3, *classifier.preprocessing.output_size)
    with torch.no_grad():
        features, logits = cut.features_and_logits(images)
        torch.testing.assert_close(cut.logits(features), logits, rtol=1e-4, atol=1e-5)
    _, contrast = contrast_map(cut, features, ClassGroup("a", (1,)), ClassGroup("b", (3,)))
    assert attribution_method(cut, features) is AttributionMethod.FORWARD
    y, x = torch.tensor([1, 4]), torch.tensor([2, 3])
    every = attribution_all_classes(cut, features, y, x)
    expected = contrast[torch.arange(2), y, x]
    torch.testing.assert_close(every[:, 3] - every[:, 1], expected, rtol=1e-3, atol=float(contrast.abs().max()) * 1e-5)
