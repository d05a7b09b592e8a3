"""CLIP models as zero-shot classifiers: small ones built and saved here, against open_clip's own computation."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file

from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import ConfigError, ModelError, UnknownNameError
from auditor.inputs.model.choosing import default_layer, documented_layer
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.layers import list_layers
from auditor.inputs.model.loading import check_model, load_classifier, preprocessing_of, unnamed_classifier
from auditor.inputs.model.sources.clip import clip_files, clip_preprocessing, text_features
from auditor.inputs.model.sources.protocol import Named

CPU = torch.device("cpu")
NAMES = ("frying pan", "wok", "teapot")
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
FED = {"mean": [0.5, 0.4, 0.3], "std": [0.5, 0.6, 0.7], "interpolation": "bilinear", "resize_mode": "squash"}
TOWERS = {
    "vit": ({"image_size": 32, "layers": 4, "width": 32, "head_width": 16, "patch_size": 4}, {}),
    "averaging": (
        {"image_size": 32, "layers": 4, "width": 32, "head_width": 16, "patch_size": 4, "pool_type": "avg"},
        {"init_logit_bias": -3.0},
    ),
    "resnet": ({"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16}, {}),
    "timm": ({"image_size": 96, "timm_model_name": "test_resnet", "timm_pool": "", "timm_proj": "linear"}, {}),
    "coca": (
        {
            "image_size": 32, "layers": 4, "width": 32, "head_width": 16, "patch_size": 4, "attentional_pool": True,
            "attn_pooler_heads": 2, "output_tokens": True,
        },
        {
            "custom_text": True,
            "multimodal_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
        },
    ),
}  # fmt: skip
LAYERS = {
    "vit": ("visual.transformer.resblocks.1", (32, 8, 8)),
    "averaging": ("visual.transformer.resblocks.1", (32, 8, 8)),
    "resnet": ("visual.layer3", (256, 4, 4)),
    "timm": ("visual.trunk.layer3", (192, 6, 6)),
    "coca": ("visual.transformer.resblocks.1", (32, 8, 8)),
}


def model_config(tower: str) -> dict[str, object]:
    vision, more = TOWERS[tower]
    text = {**TEXT, "embed_cls": True, "output_tokens": True} if tower == "coca" else TEXT
    return {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text, **more}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model a tower: its configuration, and random weights as open_clip's training saves them."""
    base = tmp_path_factory.mktemp("clip")
    for tower in TOWERS:
        folder = base / tower
        folder.mkdir()
        (folder / "open_clip_config.json").write_text(
            json.dumps({"model_cfg": model_config(tower), "preprocess_cfg": FED})
        )
        torch.manual_seed(0)
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
        for block in getattr(model.visual, "layer1", ()):  # zeros, so that no block would do anything
            torch.nn.init.ones_(block.bn3.weight)
        if tower == "coca":  # open_clip leaves its memory as it found it, NaN at times
            torch.nn.init.normal_(model.text_decoder.text_projection, std=0.1)
        state = {f"module.{name}": value for name, value in model.state_dict().items()}
        torch.save({"epoch": 3, "name": "run", "state_dict": state, "optimizer": {"state": {}}}, folder / "epoch_3.pt")
    return base


def configured(base: Path, name: str = "vit", names: tuple[str, ...] = NAMES, **model: object) -> AuditConfig:
    (base / "names.txt").write_text("\n".join(names))
    values = {"name": f"clip/{name}", "weights": f"{name}/epoch_3.pt", **model}
    return build_config(
        {
            "source": names[0], "target": names[1], "images": {"all": "photos"}, "classes": {"names": "names.txt"},
            "model": values,
        },
        base,
    )  # fmt: skip


def own_model(folder: Path) -> torch.nn.Module:
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    open_clip.load_checkpoint(model, str(folder / "epoch_3.pt"))
    return model.eval()


@pytest.mark.parametrize("tower", TOWERS)
def test_logits_are_those_of_open_clips_own_zero_shot_classifier(saved: Path, tower: str) -> None:
    prompts = ["a photo of a {}.", "a drawing of the {}.", "{}"]
    classifier = load_classifier(configured(saved, tower, prompts=prompts), CPU).classifier
    model = own_model(saved / tower)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{saved / tower}")
    text = open_clip.build_zero_shot_classifier(model, tokenizer, NAMES, prompts)
    images = torch.rand(3, 3, *classifier.preprocessing.output_size)
    with torch.no_grad():
        features = model.encode_image(classifier.normalise(images), normalize=True)
        expected = model.logit_scale.exp() * features @ text
        if model.logit_bias is not None:
            expected += model.logit_bias
        torch.testing.assert_close(classifier.logits(images), expected, rtol=1e-5, atol=1e-5)
    assert float(expected.std(dim=1).min()) > 0


@pytest.mark.parametrize("tower", TOWERS)
def test_the_default_layer_can_be_cut(saved: Path, tower: str) -> None:
    classifier = load_classifier(configured(saved, tower), CPU).classifier
    layer, shape = LAYERS[tower]
    name = f"clip/{tower}"
    assert default_layer(name, classifier)[0] == layer
    assert documented_layer(name, classifier.module) is not None
    cut = LayerCut(classifier, layer)
    assert cut.feature_shape == shape
    images = torch.rand(2, 3, *classifier.preprocessing.output_size)
    features = cut.features(images)
    assert len(features.beside) == (0 if tower in ("resnet", "timm") else 1)  # the class token
    torch.testing.assert_close(cut.logits(features), classifier.logits(images), rtol=1e-4, atol=1e-5)


def test_on_another_device_it_answers_alike(saved: Path, far: torch.device) -> None:
    """Text is encoded there too."""
    classifier = load_classifier(configured(saved), far).classifier
    images = torch.rand(2, 3, 32, 32)
    expected = load_classifier(configured(saved), CPU).classifier.logits(images)
    torch.testing.assert_close(classifier.logits(images.to(far)).cpu(), expected, rtol=1e-4, atol=1e-5)


def test_the_text_tower_is_left_behind_and_what_was_assumed_is_said(saved: Path) -> None:
    prompts = ["a {}", "the {}", "my {}", "one {}"]
    loaded = load_classifier(configured(saved, prompts=prompts), CPU)
    names = {name.split(".")[0] for name in loaded.classifier.module.state_dict()}
    assert names == {"visual", "text", "scale", "bias"}
    assert not any(each.requires_grad for each in loaded.classifier.module.parameters())
    assert loaded.weights_path == str(saved / "vit" / "epoch_3.pt")
    assert loaded.notes == (
        'clip/vit tells its classes apart by what is said of them: "a {}", "the {}", "my {}" and 1 more',
    )
    assert loaded.description == "clip/vit (open_clip), 3 classes"


def test_features_of_several_texts_are_averaged_at_length_1() -> None:
    """Tokens are lengths here: the features of a text of n letters are (n, 1) or, of 3 letters, (0, 5)."""

    def encode(tokens: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.tensor([0.0, 5.0]) if n == 3 else torch.tensor([float(n), 0.0]) for n in tokens])

    found = text_features(
        encode, lambda texts: torch.tensor([len(text) for text in texts]), [["a", "abc"], ["b", "bb"]]
    )
    torch.testing.assert_close(found, torch.tensor([[0.5**0.5, 0.5**0.5], [1.0, 0.0]]))


def test_many_classes_are_encoded_in_parts() -> None:
    asked: list[int] = []

    def encode(tokens: torch.Tensor) -> torch.Tensor:
        asked.append(len(tokens))
        return torch.nn.functional.one_hot(tokens, 300).float()

    found = text_features(
        encode, lambda texts: torch.tensor([int(text) for text in texts]), [[str(n)] for n in range(150)]
    )
    assert asked == [64, 64, 22]
    torch.testing.assert_close(found, torch.eye(150, 300))


@pytest.mark.parametrize("given", [{}, {"resize_mode": "squash", "interpolation": "bilinear"}, FED])
@pytest.mark.parametrize("size", [(60, 40), (32, 90)])
def test_pictures_are_prepared_as_open_clip_does(
    tmp_path: Path, given: dict[str, object], size: tuple[int, int]
) -> None:
    (tmp_path / "own").mkdir()
    values = {"model_cfg": model_config("vit"), "preprocess_cfg": given}
    (tmp_path / "own" / "open_clip_config.json").write_text(json.dumps(values))
    ours = clip_preprocessing(Named("clip/own", tmp_path, "a.pt"))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    theirs = image_transform_v2(PreprocessCfg(**{"size": 32, **given}), is_train=False)(picture)
    pixels = torch.from_numpy(ours.prepare(picture)).float() / 255
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (ours.mean, ours.std))
    torch.testing.assert_close((pixels - mean) / std, theirs)


@pytest.mark.parametrize("given", [{"resize_mode": "longest"}, {"mean": [120.0, 110.0, 100.0]}])
def test_preprocessing_without_counterpart_is_told(tmp_path: Path, given: dict[str, object]) -> None:
    (tmp_path / "own").mkdir()
    values = {"model_cfg": model_config("vit"), "preprocess_cfg": given}
    (tmp_path / "own" / "open_clip_config.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=r"give a \[preprocessing\] table"):
        clip_preprocessing(Named("clip/own", tmp_path))


def test_an_architecture_and_its_weights_say_how_pictures_are_prepared(tmp_path: Path) -> None:
    def prepared(name: str, weights: str | None) -> str:
        return clip_preprocessing(Named(f"clip/{name}", tmp_path, weights)).describe()

    assert prepared("ViT-B-32", "own.pt").startswith("shorter side resized to 224 px (bicubic")
    assert "mean 0.5/0.5/0.5" in prepared("ViT-L-14", "laion2b_s32b_b82k")
    assert "mean 0.481455/" in prepared("ViT-L-14", "openai")
    assert prepared("ViT-B-16-SigLIP-256", "own.pt").startswith("resized to 256x256 px (bicubic")
    with pytest.raises(
        ConfigError, match=r"fed in 2 ways.* openai, .* and 8 more \(mean 0\.481/.*laion2b_s32b_b82k \("
    ):
        prepared("ViT-L-14", "own.pt")
    assert prepared("ViT-L-14", None)  # its layers are asked for, and only the size counts


@pytest.fixture
def published(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An architecture of open_clip's own by the name of tiny, and weights under two tags, the second for QuickGELU."""
    save_file(own_model(saved / "vit").state_dict(), saved / "fetched.safetensors")
    tag = {"file": str(saved / "fetched.safetensors"), "mean": (0.5,) * 3, "std": (0.25,) * 3, "resize_mode": "squash"}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", model_config("vit"))
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"some": tag, "quick": {**tag, "quick_gelu": True}})


@pytest.mark.usefixtures("published")
def test_weights_that_open_clip_publishes(saved: Path) -> None:
    loaded = load_classifier(configured(saved, "tiny", weights="some"), CPU)
    assert loaded.weights_path == str(saved / "fetched.safetensors")
    assert (loaded.classifier.preprocessing.std, loaded.classifier.preprocessing.crop) == ((0.25,) * 3, None)
    images = torch.rand(2, 3, 32, 32)
    own = load_classifier(configured(saved), CPU).classifier
    torch.testing.assert_close(
        loaded.classifier.forward_normalised(images.clone()), own.forward_normalised(images.clone())
    )


@pytest.mark.usefixtures("published")
def test_weights_trained_with_another_activation_are_refused(saved: Path) -> None:
    with pytest.raises(ModelError, match=r"'quick' were trained with QuickGELU, and clip/tiny has none; name the arch"):
        load_classifier(configured(saved, "tiny", weights="quick"), CPU)
    chosen = load_classifier(configured(saved, "tiny", weights="quick", arguments={"force_quick_gelu": True}), CPU)
    assert any(type(each).__name__ == "QuickGELU" for each in chosen.classifier.module.modules())
    with pytest.raises(ModelError, match="'some' were trained without QuickGELU, and clip/tiny has it"):
        load_classifier(configured(saved, "tiny", weights="some", arguments={"force_quick_gelu": True}), CPU)


@pytest.mark.usefixtures("published")
def test_words_for_weights_that_cannot_serve(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"weights is missing: clip/tiny .* or 'some', 'quick' for open_clip's own"):
        load_classifier(configured(saved, "tiny", weights=None), CPU)
    with pytest.raises(ConfigError, match=r"'default' means .* there are none so called for clip/tiny; give a"):
        load_classifier(configured(saved, "tiny", weights="default"), CPU)
    with pytest.raises(
        ModelError, match=r"no weights file at .*sone, and open_clip publishes 'some', 'quick' for clip/t"
    ):
        check_model(configured(saved, "tiny", weights="sone"))
    with pytest.raises(ConfigError, match="state chooses among the weights of a checkpoint"):
        load_classifier(configured(saved, "tiny", weights="some", state="ema"), CPU)

    def unreachable(_config: object) -> str:
        raise FileNotFoundError("Failed to download file")

    monkeypatch.setattr(open_clip, "download_pretrained", unreachable)
    with pytest.raises(ModelError, match=r"fetching 'some' for clip/tiny failed .* fetch it where there is a network"):
        load_classifier(configured(saved, "tiny", weights="some"), CPU)


def test_prompts_are_checked_and_belong_to_clip_alone(saved: Path, configure: Callable[..., AuditConfig]) -> None:
    with pytest.raises(
        ConfigError, match=r"model\.prompts\.1: expected \{\} where the class name stands, got 'a photo'"
    ):
        configured(saved, prompts=["a {}", "a photo"])
    with pytest.raises(ConfigError, match="prompts"):
        configured(saved, prompts=[])
    with pytest.raises(
        ConfigError, match=r"prompts tell 'clip/ARCHITECTURE' its classes, and the model is resnet18; le"
    ):
        load_classifier(configure("resnet18", "w.pt", prompts=["a {}"]), CPU)


@pytest.mark.parametrize("names", [("Wok", "wok", "pan"), (f"{'very ' * 20}big", f"{'very ' * 20}small", "pan")])
def test_classes_that_read_the_same_are_refused(saved: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"clip/vit reads '.*' and '.*' as the same text, since case does not count"):
        load_classifier(configured(saved, names=names), CPU)


def test_what_open_clip_does_not_have_is_told(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match=r"'clip/ViT-B32' is not in open_clip .*; the nearest is 'clip/ViT-B-32"):
        preprocessing_of(configured(saved, "ViT-B32", weights="a.pt"))
    with pytest.raises(ModelError, match=r"vit/epoch_3\.pt does not fit clip/resnet: \d+ tensors missing"):
        load_classifier(configured(saved, "resnet", weights="vit/epoch_3.pt"), CPU)
    with pytest.raises(ModelError, match=r"building clip/vit failed .*check \[model\] arguments"):
        load_classifier(configured(saved, arguments={"nonsense": 1}), CPU)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "open_clip_config.json").write_text("{")
    with pytest.raises(ModelError, match=r"reading .*open_clip_config\.json failed"):
        preprocessing_of(configured(tmp_path, "odd", weights="a.pt"))

    def unreachable(_name: str) -> None:
        raise OSError("couldn't connect")

    monkeypatch.setattr(open_clip, "get_tokenizer", unreachable)
    with pytest.raises(ModelError, match=r"reading the tokeniser of clip/vit failed .* where there is a network"):
        load_classifier(configured(saved), CPU)
    assert list_layers(unnamed_classifier("clip/vit", saved, CPU))  # without classes nothing is told


def test_what_decides_its_numbers_is_fingerprinted(saved: Path) -> None:
    assert clip_files("clip/vit", saved) == (saved / "vit" / "open_clip_config.json",)
    assert clip_files("clip/ViT-B-32", saved) == ()


def test_a_factory_in_a_folder_called_clip_is_a_factory(tmp_path: Path) -> None:
    from auditor.inputs.model.sources import source_of

    assert source_of("clip/model.py:build").label == "Python factory"
    assert source_of("clip/model.onnx").label == "ONNX"
    assert source_of("clip/ViT-B-32").label == "open_clip"


def test_without_open_clip_a_sentence_says_what_to_install(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ModelError, match=r'clip/vit needs open_clip, which is not .*; pip install "auditor\[clip\]"'):
        load_classifier(configured(saved), CPU)
