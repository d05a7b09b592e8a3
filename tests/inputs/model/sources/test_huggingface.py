"""Classifiers of transformers: small ones of several families, built and saved here, opened as a user would."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.choosing import default_layer
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.loading import load_classifier
from auditor.inputs.model.sources import huggingface
from auditor.inputs.model.sources.huggingface import hf_class_names, hf_files, hf_preprocessing, preprocessing_of
from auditor.inputs.model.sources.protocol import Named

LABELS = {
    "id2label": {0: "frying pan", 1: "wok, big wok", 2: "teapot"},
    "label2id": {"frying pan": 0, "wok, big wok": 1, "teapot": 2},
}
HALF = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.6, 0.7]}
FAMILIES = {
    "vit": (
        transformers.ViTConfig(
            hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=48, image_size=48,
            patch_size=8, **LABELS,
        ),
        transformers.ViTImageProcessor(size={"height": 48, "width": 48}, **HALF),
        "network.vit.layers.1", (32, 6, 6),
    ),
    "resnet": (
        transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1], layer_type="basic", **LABELS
        ),
        transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.8),
        "network.resnet.encoder.stages.2.layers.0.activation", (16, 4, 4),
    ),
    "convnext": (
        transformers.ConvNextConfig(hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1], **LABELS),
        transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.8),
        "network.convnext.encoder.stages.3.downsampling_layer.0", (16, 4, 4),
    ),
    "swin": (
        transformers.SwinConfig(
            image_size=64, patch_size=4, embed_dim=16, depths=[1, 1, 2], num_heads=[1, 2, 4], window_size=4, **LABELS
        ),
        transformers.ViTImageProcessor(size={"height": 64, "width": 64}, **HALF),
        "network.swin.layernorm", (64, 4, 4),
    ),
    "mobilenet": (
        transformers.MobileNetV2Config(depth_multiplier=0.35, image_size=64, **LABELS),
        transformers.MobileNetV2ImageProcessor(
            size={"shortest_edge": 72}, crop_size={"height": 64, "width": 64}, **HALF
        ),
        "network.mobilenet_v2.layer.12.expand_1x1.activation", (192, 4, 4),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one saved model a family, as save_pretrained writes them."""
    folder = tmp_path_factory.mktemp("hub")
    torch.manual_seed(0)
    for name, (configuration, processor, _, _) in FAMILIES.items():
        transformers.AutoModelForImageClassification.from_config(configuration).eval().save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    return folder


def configured(folder: Path, name: str, **tables: object) -> AuditConfig:
    values = {"source": "frying pan", "target": "wok", "images": {"all": "photos"}, "model": {"name": f"hf/{name}"}}
    return build_config({**values, **tables}, folder)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_saved_classifier_opens_by_its_folder_alone(saved: Path, name: str) -> None:
    loaded = load_classifier(configured(saved, name), torch.device("cpu"))
    classifier = loaded.classifier
    assert classifier.class_names.names == ("frying pan", "wok", "teapot")
    assert classifier.class_names.index_of("big wok") == 1
    assert loaded.weights_path == str(saved / name / "model.safetensors")
    assert len(loaded.weights_sha256) == 64
    network = transformers.AutoModelForImageClassification.from_pretrained(saved / name).eval()
    images = torch.rand(3, 3, *classifier.preprocessing.output_size)
    with torch.no_grad():
        expected = network(pixel_values=classifier.normalise(images)).logits
    torch.testing.assert_close(classifier.logits(images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_layer_is_found_and_cut(saved: Path, name: str) -> None:
    _, _, layer, shape = FAMILIES[name]
    classifier = load_classifier(configured(saved, name), torch.device("cpu")).classifier
    assert default_layer(f"hf/{name}", classifier)[0] == layer
    cut = LayerCut(classifier, layer)
    assert cut.feature_shape == shape
    images = torch.rand(2, 3, *classifier.preprocessing.output_size)
    torch.testing.assert_close(cut.logits(cut.features(images)), classifier.logits(images), rtol=1e-4, atol=1e-5)


def test_a_classifier_that_calls_its_logits_otherwise(tmp_path: Path) -> None:
    """PP-LCNet puts them out as its last hidden state."""
    configuration = transformers.PPLCNetConfig(scale=0.25, **LABELS)
    network = transformers.PPLCNetForImageClassification(configuration).eval()
    network.save_pretrained(tmp_path / "lcnet")
    transformers.PPLCNetImageProcessor(
        size={"height": 72, "width": 72}, crop_size={"height": 64, "width": 64}
    ).save_pretrained(tmp_path / "lcnet")
    classifier = load_classifier(configured(tmp_path, "lcnet"), torch.device("cpu")).classifier
    images = torch.rand(2, 3, 64, 64)
    expected = network(pixel_values=classifier.normalise(images)).last_hidden_state
    torch.testing.assert_close(classifier.logits(images), expected.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (transformers.ImageGPTConfig(n_embd=16, n_layer=1, n_head=2, **LABELS), "takes input_ids, and no batch of"),
        (
            transformers.Siglip2Config(
                vision_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}, **LABELS
            ),
            "Siglip2ForImageClassification, which takes pictures cut into patches",
        ),
    ],
)
def test_a_classifier_of_something_else_is_told(
    tmp_path: Path, configuration: transformers.PreTrainedConfig, message: str
) -> None:
    transformers.AutoModelForImageClassification.from_config(configuration).save_pretrained(tmp_path / "own")
    table = {"resize": [32, 32], "mean": [0.5] * 3, "std": [0.5] * 3}
    with pytest.raises(ModelError, match=message):
        load_classifier(configured(tmp_path, "own", preprocessing=table), torch.device("cpu"))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("size", [(180, 140), (64, 90)])
def test_pictures_are_prepared_as_its_own_processor_does(saved: Path, name: str, size: tuple[int, int]) -> None:
    """Apart from rounding to whole colour values, which photographs are made of."""
    smooth = np.random.default_rng(1).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    picture = Image.fromarray(smooth).resize(size, Image.Resampling.BICUBIC)
    ours = hf_preprocessing(Named(f"hf/{name}", saved))
    assert ours is not None
    pixels = torch.from_numpy(ours.prepare(picture)).double() / 255
    mean, std = (torch.tensor(each, dtype=torch.float64).view(3, 1, 1) for each in (ours.mean, ours.std))
    theirs = transformers.AutoImageProcessor.from_pretrained(saved / name)(images=picture, return_tensors="pt")
    difference = ((pixels - mean) / std - theirs.pixel_values[0].double()).abs() * std * 255
    assert difference.max() <= 2.01
    assert difference.mean() < 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"do_flip_channel_order": True}, "MobileViTImageProcessor with what .*do_flip_channel_order"),
        ({"do_resize": False}, "no resizing"),
        ({"resample": 1}, "resampling 1"),
        ({"do_rescale": False}, "rescaling by"),
        ({"rescale_factor": 1 / 127.5}, "rescaling by 0.0078"),
        ({"size": {"longest_edge": 224}}, "size {'longest_edge': 224}"),
        ({"size": {"shortest_edge": 224}}, "size {'shortest_edge': 224}, crop None"),
        ({"image_mean": [123.0, 117.0, 104.0]}, "may not be larger than 1"),
    ],
)
def test_a_processor_without_counterpart_is_told(values: dict[str, object], message: str) -> None:
    usual = {"image_processor_type": "MobileViTImageProcessor", "size": {"height": 32, "width": 32}, **HALF}
    with pytest.raises(ConfigError, match=message):
        preprocessing_of({**usual, **values}, "hf/some")


@pytest.mark.parametrize(
    ("values", "described"),
    [
        ({"size": 224}, r"resized to 224x224 px \(bilinear, antialiased\); mean 0.5/"),
        ({"size": {"height": 8, "width": 9}, "resample": 3}, r"resized to 8x9 px \(bicubic"),
        ({"size": {"height": 8, "width": 9}, "do_normalize": False}, "mean 0/0/0, std 1/1/1"),
        (
            {"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": True},
            "shorter side resized to 256 px .*, centre crop 224x224",
        ),
        ({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}}, "resized to 384x384"),
        (
            {
                "image_processor_type": "", "feature_extractor_type": "ConvNextFeatureExtractor",
                "size": {"shortest_edge": 224}, "crop_pct": 0.875,
            },
            "shorter side resized to 256 px .*, centre crop 224x224",
        ),
        (
            {
                "image_processor_type": "LevitImageProcessor", "size": {"shortest_edge": 224}, "crop_size": 224,
                "do_center_crop": True,
            },
            "shorter side resized to 256 px .*, centre crop 224x224",
        ),
        (
            {
                "image_processor_type": "PerceiverImageProcessor", "size": 224, "crop_size": 256,
                "do_center_crop": True,
            },
            "shorter side resized to 256 px .*, centre crop 224x224",
        ),
    ],
)  # fmt: skip
def test_processors_read_by_hand(values: dict[str, object], described: str) -> None:
    usual = {"image_processor_type": "ViTImageProcessor", **HALF}
    assert re.search(described, preprocessing_of({**usual, **values}, "hf/some").describe())


def test_classes_that_are_only_numbered_need_names(saved: Path, tmp_path: Path) -> None:
    configuration = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic", num_labels=3
    )
    transformers.AutoModelForImageClassification.from_config(configuration).save_pretrained(tmp_path / "own")
    assert hf_class_names(Named("hf/own", tmp_path)) is None
    with pytest.raises(ConfigError, match="hf/own needs its class names"):
        load_classifier(configured(tmp_path, "own"), torch.device("cpu"))


def test_what_decides_its_numbers_is_fingerprinted(saved: Path) -> None:
    assert [path.name for path in hf_files("hf/vit", saved)] == ["config.json", "preprocessor_config.json"]
    assert hf_files("hf/google/vit-base", saved) == ()


def test_what_is_not_there_or_not_whole_is_told(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="reading the configuration of hf/empty failed"):
        load_classifier(configured(tmp_path, "empty"), torch.device("cpu"))
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in ("config.json", "preprocessor_config.json"):
        (bare / file).write_bytes((saved / "resnet" / file).read_bytes())
    with pytest.raises(ModelError, match=r"building hf/bare failed .*config\.json and model\.safetensors"):
        load_classifier(configured(tmp_path, "bare"), torch.device("cpu"))
    (bare / "preprocessor_config.json").unlink()
    with pytest.raises(ConfigError, match=r"hf/bare needs a \[preprocessing\] table"):
        load_classifier(configured(tmp_path, "bare"), torch.device("cpu"))
    with pytest.raises(ConfigError, match="hf/vit brings its own weights"):
        load_classifier(configured(saved, "vit", model={"name": "hf/vit", "weights": "a.pt"}), torch.device("cpu"))


def test_without_transformers_a_sentence_says_what_to_install(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r'needs transformers, which is not installed; pip install "auditor\[hf\]"'):
        huggingface.hf_class_names(Named("hf/vit", saved))
