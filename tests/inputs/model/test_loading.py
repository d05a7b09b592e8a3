"""Loading from every source, and every failure in words that say what to do."""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, LayerError, ModelError, UnknownNameError
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.layers import list_layers
from auditor.inputs.model.loading import load_classifier, unnamed_classifier
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.torchvision import build_torchvision, torchvision_preprocessing

Configure = Callable[..., AuditConfig]
Networks = dict[str, type[nn.Module]]
CPU = torch.device("cpu")
# Small pictures keep these quick.
SIZE = (32, 32)

FACTORY = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, classes)
    def forward(self, images):
        return self.head(self.body(images).mean((2, 3)))

def make():
    return Net(3)

def make_for(num_classes):
    return Net(num_classes)

def make_wrong():
    return [1]

def make_and_raise():
    raise LookupError("no such checkpoint")

def make_and_exit():
    raise SystemExit("bye")

def __getattr__(name):
    if name == "make_by_getattr":
        raise SystemExit(0)
    raise AttributeError(name)

class Sometimes(Net):
    def forward(self, images):
        raise ValueError("expected 224x224")

def make_failing():
    return Sometimes(3)

class OneOnly(Net):
    def forward(self, images):
        return self.head(self.body(images).view(1, 4, -1).mean(2))

def make_one_only():
    return OneOnly(3)

class Drops(Net):
    def forward(self, images):
        return nn.functional.dropout(super().forward(images), 0.5, training=True)

def make_dropping():
    torch.manual_seed(0)
    return Drops(3)

class Mingles(Net):
    def forward(self, images):
        return super().forward(images) * len(images)

def make_mingling():
    torch.manual_seed(0)
    return Mingles(3)
"""


class Evil:
    """A pickle that leaves a file behind if it is ever run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def state() -> dict[str, Tensor]:
    return dict(torchvision.models.squeezenet1_1(num_classes=3).state_dict())


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(FACTORY)
    return path


def loaded_logits(config: AuditConfig, images: Tensor) -> Tensor:
    return load_classifier(config, CPU).classifier.logits(images)


# ------------------------------------------------------------------------------------------- torchvision and weights


def test_safetensors_state_dicts_and_checkpoints_give_the_same_network(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor]
) -> None:
    save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pt")
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "c.pth")
    torch.save({"model": OrderedDict((f"_orig_mod.{k}", v) for k, v in state.items())}, tmp_path / "m.pth")
    images = torch.rand(2, 3, *SIZE)
    module = torchvision.models.squeezenet1_1(num_classes=3).eval()
    module.load_state_dict(state)
    expected = module((images - 0.5) / 0.25)
    for weights in ("w.safetensors", "w.pt", "c.pth", "m.pth"):
        loaded = load_classifier(configure("squeezenet1_1", weights, size=SIZE), CPU)
        # another memory layout adds up in another order
        torch.testing.assert_close(loaded.classifier.logits(images), expected, atol=1e-6, rtol=1e-5)
        assert loaded.weights_sha256 == hashlib.sha256((tmp_path / weights).read_bytes()).hexdigest()
        assert loaded.weights_path == str((tmp_path / weights).resolve())
    assert loaded.description == "squeezenet1_1 (torchvision), 3 classes"


def test_a_lightning_checkpoint_gives_the_same_network_and_says_what_it_left(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor]
) -> None:
    lightning = {f"model.net.{name}": value for name, value in state.items()} | {"criterion.weight": torch.ones(3)}
    torch.save({"state_dict": lightning, "epoch": 3}, tmp_path / "l.ckpt")
    save_file(state, tmp_path / "w.safetensors")
    images = torch.rand(2, 3, *SIZE)
    expected = loaded_logits(configure("squeezenet1_1", "w.safetensors", size=SIZE), images)
    loaded = load_classifier(configure("squeezenet1_1", "l.ckpt", size=SIZE), CPU)
    assert torch.equal(loaded.classifier.logits(images), expected)
    assert "weights are those under 'model.net.'; one tensor beside them left out: criterion.weight" in loaded.notes


class Trap:
    """Stands where a harmless class of Python's was when the file was written, and would leave a file behind."""

    def __init__(self, path: str) -> None:
        os.mkdir(path)


def test_harmless_extras_beside_the_weights_are_read_over_and_nothing_of_them_is_run(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    extras = {
        "args": argparse.Namespace(lr=0.1, out=Path("runs/3"), when=datetime(2024, 1, 2)),
        "best": np.float64(0.9),
        "history": defaultdict(list, loss=[0.3, 0.2]),
        "cfg": SimpleNamespace(name="resnet", sizes=(1, 2)),
        "losses": np.arange(3.0),
        "frozen": frozenset({1}),
    }
    torch.save({"state_dict": state, **extras}, tmp_path / "c.pth")
    target, allowed = tmp_path / "executed", set(torch.serialization.get_safe_globals())
    monkeypatch.setattr(argparse, "Namespace", lambda **_given: Trap(str(target)))
    loaded = load_classifier(configure("squeezenet1_1", "c.pth", size=SIZE), CPU)
    found = loaded.classifier.module.state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items())
    assert not target.exists()
    assert set(torch.serialization.get_safe_globals()) == allowed  # nothing stays allowed


def test_an_object_of_other_code_among_harmless_extras_is_still_refused(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor]
) -> None:
    target = tmp_path / "executed"
    torch.save({"state_dict": state, "args": argparse.Namespace(hook=Evil(target))}, tmp_path / "c.pth")
    with pytest.raises(ModelError, match="holds more than tensors"):
        load_classifier(configure("squeezenet1_1", "c.pth", size=SIZE), CPU)
    assert not target.exists()


@pytest.mark.parametrize("file", ["w.safetensors", "w.pt", "plain.pt"])
def test_weights_that_name_no_version_are_loaded(tmp_path: Path, configure: Configure, file: str) -> None:
    """torchvision's MNASNet refuses weights whose version is not told, as in every file of tensors alone."""
    state = torchvision.models.mnasnet0_5(num_classes=3).state_dict()
    torch.save(state, tmp_path / "w.pt")
    torch.save(dict(state), tmp_path / "plain.pt")
    save_file(dict(state), tmp_path / "w.safetensors")
    loaded = load_classifier(configure("mnasnet0_5", file, size=SIZE), CPU)
    found = loaded.classifier.module.state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items())


def test_a_vision_transformer_is_built_for_the_pictures_it_gets(tmp_path: Path, configure: Configure) -> None:
    assert torchvision_preprocessing("vit_h_14").output_size == (518, 518)
    with torch.device("meta"):
        network = build_torchvision("vit_h_14", 5, size=(518, 518))
    assert network.encoder.pos_embedding.shape == (1, 37 * 37 + 1, 1280)
    arguments = {"image_size": 224}  # the user's own go first
    with torch.device("meta"):
        network = build_torchvision("vit_b_16", 5, size=(384, 384), arguments=arguments)
    assert network.encoder.pos_embedding.shape == (1, 14 * 14 + 1, 768)


def test_an_unknown_model_names_the_nearest(configure: Configure) -> None:
    with pytest.raises(UnknownNameError, match=r"model 'mobilenet_v9' is not in torchvision .* 'mobilenet_v"):
        load_classifier(configure("mobilenet_v9", "w.pt"), CPU)


def test_torchvision_without_weights_is_refused(configure: Configure) -> None:
    with pytest.raises(ConfigError, match=r"\[model\] weights is missing: resnet18 without weights knows nothing"):
        load_classifier(configure("resnet18"), CPU)


@pytest.mark.parametrize("file", ["evil.pt", "evil.pth", "evil_state.pt"])
def test_a_pickle_that_would_run_code_is_never_run(tmp_path: Path, configure: Configure, file: str) -> None:
    target = tmp_path / "executed"
    content = {"state_dict": {"a": torch.zeros(1), "b": Evil(target)}} if "state" in file else Evil(target)
    torch.save(content, tmp_path / file)
    with pytest.raises(ModelError, match=r"holds more than tensors, .*not loaded; save model\.state_dict\(\)"):
        load_classifier(configure("resnet18", file), CPU)
    assert not target.exists()
    torch.load(tmp_path / file, weights_only=False)  # the trap is armed: without care it springs
    assert target.exists()


def test_a_whole_pickled_network_is_refused_as_weights(tmp_path: Path, configure: Configure) -> None:
    torch.save(torchvision.models.squeezenet1_1(num_classes=3), tmp_path / "whole.pt")
    with pytest.raises(ModelError, match="holds more than tensors"):
        load_classifier(configure("squeezenet1_1", "whole.pt"), CPU)


def test_a_head_for_other_classes_says_both_numbers(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor]
) -> None:
    torch.save(state, tmp_path / "w.pt")
    message = (
        r"does not fit squeezenet1_1: 2 tensors of another shape: classifier\.1\.weight \(3x512x1x1, expected "
        r"4x512x1x1\), classifier\.1\.bias \(3, expected 4\); its head has 3 classes, but there are 4 class names"
    )
    with pytest.raises(ModelError, match=message):
        load_classifier(configure("squeezenet1_1", "w.pt", names=("a", "b", "c", "d")), CPU)


def test_missing_and_unexpected_tensors_are_counted_and_named(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor]
) -> None:
    first = next(iter(state))
    other = {k: v for k, v in state.items() if k != first} | {f"extra{i}": torch.zeros(1) for i in range(5)}
    torch.save(other, tmp_path / "w.pt")
    message = (
        rf"1 tensor missing: {first}; 5 tensors unexpected: extra0, extra1, extra2 and 2 more; check that the weights"
    )
    with pytest.raises(ModelError, match=message):
        load_classifier(configure("squeezenet1_1", "w.pt"), CPU)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("w.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{", "is not a whole safetensors file"),
        ("w.safetensors", b"", "is not a whole safetensors file"),
        ("w.pt", b"not a checkpoint at all", "is neither safetensors nor a whole file saved by torch.save"),
        ("w.pt", b"", "is neither safetensors nor a whole file saved by torch.save"),
        ("w.pt", b"PK\x03\x04broken", "is neither safetensors nor a whole file saved by torch.save"),
        ("w.pt", None, "there is no weights file at"),
    ],
)
def test_damaged_weights_are_refused(
    tmp_path: Path, configure: Configure, file: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load_classifier(configure("resnet18", file), CPU)


def test_what_is_no_state_dict_is_refused(tmp_path: Path, configure: Configure) -> None:
    torch.save({"epoch": 3, "optimizer": [1]}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="holds a dict with keys 'epoch', 'optimizer', not a state dict"):
        load_classifier(configure("resnet18", "w.pt"), CPU)


def test_of_several_sets_of_weights_one_is_read_and_the_others_are_said(
    tmp_path: Path, configure: Configure, state: dict[str, Tensor]
) -> None:
    averaged = {name: tensor + 1 for name, tensor in state.items()}
    wrapped = {"n_averaged": torch.tensor(7), **{f"module.{name}": tensor for name, tensor in averaged.items()}}
    torch.save(
        {"model": state, "optimizer": {"state": {}, "param_groups": []}, "model_ema": wrapped}, tmp_path / "c.pth"
    )
    plain = load_classifier(configure("squeezenet1_1", "c.pth", size=SIZE), CPU)
    assert plain.notes == (
        "c.pth holds several sets of weights: 'model' is used, not 'model_ema' ([model] state chooses)",
    )
    chosen = load_classifier(configure("squeezenet1_1", "c.pth", size=SIZE, state="model_ema"), CPU)
    assert chosen.notes == (
        "c.pth holds several sets of weights: 'model_ema' is used, not 'model' ([model] state chooses)",
    )
    for loaded, expected in ((plain, state), (chosen, averaged)):
        assert torch.equal(loaded.classifier.module.state_dict()["classifier.1.bias"], expected["classifier.1.bias"])
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "one.pth")
    assert load_classifier(configure("squeezenet1_1", "one.pth", size=SIZE), CPU).notes == ()


def test_a_key_for_weights_that_cannot_serve(tmp_path: Path, configure: Configure, state: dict[str, Tensor]) -> None:
    save_file(state, tmp_path / "w.safetensors")
    torch.save({"averages": state}, tmp_path / "c.pth")
    torch.save(state, tmp_path / "w.pth")
    for weights, key, message in (
        ("c.pth", "ema", r"holds no weights under 'ema'; it holds those under 'averages': correct \[model\] state"),
        (
            "c.pth",
            None,
            r"holds a dict with keys 'averages', not a state dict; .* or set \[model\] state to 'averages'",
        ),
        ("w.pth", "ema", r"holds no weights under 'ema'; it holds no weights under any key"),
        ("w.safetensors", "ema", r"holds one set of weights, so there is no 'ema' in it; leave \[model\] state out"),
    ):
        with pytest.raises(ModelError, match=message):
            load_classifier(configure("squeezenet1_1", weights, size=SIZE, state=key), CPU)
    with pytest.raises(ConfigError, match=r"\[model\] state chooses among the weights of a checkpoint"):
        load_classifier(configure("net.py:make", state="ema"), CPU)


def test_not_finite_weights_are_found_out(tmp_path: Path, configure: Configure, state: dict[str, Tensor]) -> None:
    state["classifier.1.bias"][1] = float("nan")
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(
        ModelError, match=r"w\.pt does not fit squeezenet1_1: 1 tensor with NaN or infinity: classifier\.1\.bias; give"
    ):
        load_classifier(configure("squeezenet1_1", "w.pt", size=SIZE), CPU)


def test_own_weights_without_a_network_say_where_they_would_lie(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*arguments: object, **settings: object) -> None:
        assert settings["weights_only"] is True
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    with pytest.raises(ModelError, match=r"squeezenet1_1 are not in .*checkpoints and could not be fetched .*no route"):
        load_classifier(configure("squeezenet1_1", "default", names=None), CPU)


def test_own_weights_bring_names_and_preprocessing(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    state = torchvision.models.squeezenet1_1().state_dict()
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *a, **k: state)
    monkeypatch.setattr("auditor.inputs.model.loading.weights_sha256", lambda path: "0" * 64)
    classifier = load_classifier(configure("squeezenet1_1", "default", names=None, size=None), CPU).classifier
    assert classifier.class_names.names[909] == "wok"
    means = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert classifier.preprocessing == Preprocessing(256, (224, 224), "bilinear", *means)


def test_contradicting_settings_are_refused(configure: Configure, factory: Path) -> None:
    with pytest.raises(ConfigError, match=r"know 1000 classes, but \[classes\] names holds 3"):
        load_classifier(configure("resnet18", "default"), CPU)
    with pytest.raises(ConfigError, match=r"'default' means .* there are none so called for net\.py:make; leave"):
        load_classifier(configure("net.py:make", "default"), CPU)
    with pytest.raises(ConfigError, match=r"net.py:make needs its class names"):
        load_classifier(configure("net.py:make", names=None), CPU)
    with pytest.raises(ConfigError, match=r"net.py:make needs a \[preprocessing\] table"):
        load_classifier(configure("net.py:make", size=None), CPU)
    with pytest.raises(ConfigError, match=r"model\.pt2 brings its own weights; leave"):
        load_classifier(configure("model.pt2", "w.pt"), CPU)
    with pytest.raises(ModelError, match=r"is a \.tflite file, which is not a network that can be loaded"):
        load_classifier(configure("model.tflite"), CPU)


# ------------------------------------------------------------------------------------------------------- factories


def test_factories_from_a_file_and_a_module_with_and_without_class_count(
    tmp_path: Path, configure: Configure, factory: Path
) -> None:
    assert load_classifier(configure("net.py:make"), CPU).classifier.classes == 3
    five = ("a", "b", "c", "d", "e")
    loaded = load_classifier(configure("net.py:make_for", names=five), CPU)
    assert loaded.classifier.logits(torch.rand(1, 3, 8, 8)).shape == (1, 5)
    assert (loaded.weights_path, loaded.weights_sha256) == ("", "")
    factory.rename(tmp_path / "module_of_a_user.py")
    assert load_classifier(configure("module_of_a_user:make"), CPU).classifier.classes == 3


def test_a_factory_takes_weights_from_a_file(tmp_path: Path, configure: Configure, factory: Path) -> None:
    module = load_classifier(configure("net.py:make"), CPU).classifier.module
    state = {name: torch.full(tensor.shape, 0.1) for name, tensor in module.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    images = torch.full((1, 3, 8, 8), 0.5)  # 0 once normalised, so the body answers its bias
    expected = torch.full((1, 3), 4 * 0.1 * 0.1 + 0.1)
    torch.testing.assert_close(loaded_logits(configure("net.py:make", "w.safetensors"), images), expected)


def test_a_file_may_import_its_neighbours(tmp_path: Path, configure: Configure, factory: Path) -> None:
    (tmp_path / "beside.py").write_text("from net import make\n\ndef build():\n    return make()\n")
    assert load_classifier(configure("beside.py:build"), CPU).classifier.classes == 3


def test_a_factory_gets_the_users_arguments(configure: Configure, factory: Path) -> None:
    made = "def make_wide(num_classes, width):\n    return nn.Sequential(Net(width), nn.Linear(width, num_classes))\n"
    factory.write_text(f"{FACTORY}\n\n{made}")
    loaded = load_classifier(configure("net.py:make_wide", arguments={"width": 5}), CPU)
    assert loaded.classifier.module[1].in_features == 5
    with pytest.raises(ModelError, match=r"calling net\.py:make_wide failed with TypeError: .*'depth'"):
        load_classifier(configure("net.py:make_wide", arguments={"width": 5, "depth": 2}), CPU)
    with pytest.raises(ConfigError, match=r"model\.pt2 is built already, so it takes no arguments"):
        load_classifier(configure("model.pt2", arguments={"width": 5}), CPU)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.py:nothing", "has no function 'nothing'; it has Net, make, make_for"),
        ("missing.py:make", "there is no file"),
        ("no_such_package_at_all:make", "importing 'no_such_package_at_all' failed with ModuleNotFoundError"),
        ("net.py:make_wrong", r"or a function of \(B, 3, H, W\) numpy arrays, but returned a list"),
        ("net.py:make_and_raise", "calling net.py:make_and_raise failed with LookupError: no such checkpoint"),
        ("net.py:make_and_exit", "failed with SystemExit: bye"),
        ("net.py:make_by_getattr", "building net.py:make_by_getattr failed with SystemExit: 0"),
        ("net.py:make_failing", "on a batch of 1 failed with ValueError: expected 224x224; it was given 3x8x8"),
        ("net.py:make_dropping", "gives the same picture other logits the second time"),
        ("net.py:make_mingling", "gives the same picture other logits .* training mode: call eval"),
        ("net.py:make_one_only", "answers batches of 1 picture only; .* dynamic batch dimension"),
    ],
)
def test_factories_that_fail(configure: Configure, factory: Path, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_classifier(configure(name), CPU)


def test_a_file_that_does_not_import_carries_its_cause(tmp_path: Path, configure: Configure) -> None:
    (tmp_path / "broken.py").write_text("def make(:\n")
    with pytest.raises(ModelError, match=r"importing .*broken\.py failed with SyntaxError") as caught:
        load_classifier(configure("broken.py:make"), CPU)
    assert isinstance(caught.value.__cause__, SyntaxError)


def test_a_softmax_is_undone_by_a_key(tmp_path: Path, configure: Configure) -> None:
    layers = "nn.Conv2d(3, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)"
    (tmp_path / "soft.py").write_text(f"from torch import nn\n\ndef make():\n    return nn.Sequential({layers})\n")
    with pytest.raises(ModelError, match=r"soft\.py:make answers with probabilities"):
        load_classifier(configure("soft.py:make"), CPU)
    logits = loaded_logits(configure("soft.py:make", outputs="probabilities"), torch.rand(4, 3, 8, 8))
    torch.testing.assert_close(logits.exp().sum(dim=1), torch.ones(4))
    assert [info.name for info in list_layers(unnamed_classifier("soft.py:make", tmp_path, CPU)) if info.mappable] == [
        "0"
    ]


# -------------------------------------------------------------------------------------------------- saved programs


def mobile() -> nn.Module:
    return torchvision.models.squeezenet1_1(num_classes=3).eval()


def exported(module: nn.Module, path: Path, batch: object) -> None:
    example = torch.rand(2, 3, *SIZE)
    shapes = ({0: batch},) if batch is not None else None
    torch.export.save(torch.export.export(module, (example,), dynamic_shapes=shapes), path)


@pytest.mark.parametrize("form", ["scripted.pt", "traced.ts", "exported.pt2"])
@pytest.mark.filterwarnings("ignore")
def test_saved_programs_answer_and_can_be_cut_as_the_network_they_came_from(
    tmp_path: Path, configure: Configure, form: str
) -> None:
    module = mobile()
    if form == "scripted.pt":
        torch.jit.save(torch.jit.script(module), tmp_path / form)
    elif form == "traced.ts":
        torch.jit.save(torch.jit.trace(module, torch.rand(2, 3, *SIZE)), tmp_path / form)
    else:
        exported(module, tmp_path / form, torch.export.Dim("batch"))
    loaded = load_classifier(configure(form, size=SIZE), CPU)
    assert loaded.weights_sha256 == hashlib.sha256((tmp_path / form).read_bytes()).hexdigest()
    images = torch.rand(5, 3, *SIZE)
    expected = module((images - 0.5) / 0.25)
    torch.testing.assert_close(loaded.classifier.logits(images), expected)
    mappable = {info.name: info.shape for info in list_layers(loaded.classifier) if info.mappable}
    assert mappable["features.6"] == (256, 3, 3)
    cut = LayerCut(loaded.classifier, "features.6")
    torch.testing.assert_close(cut.features(images).grid, module.features[:7]((images - 0.5) / 0.25))
    torch.testing.assert_close(cut.logits(cut.features(images)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_transformer_is_told_to_be_traced_which_works(tmp_path: Path, configure: Configure) -> None:
    module = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3).eval()
    torch.nn.init.normal_(module.heads[0].weight)
    torch.jit.save(torch.jit.script(module), tmp_path / "scripted.pt")
    with pytest.raises(LayerError, match=r"save it by tracing \(torch\.jit\.trace in place of torch\.jit\.script\)"):
        list_layers(load_classifier(configure("scripted.pt", size=SIZE), CPU).classifier)
    traced = torch.jit.trace(module, torch.rand(2, 3, *SIZE), check_trace=False)
    torch.jit.save(traced, tmp_path / "traced.pt")
    layers = list_layers(load_classifier(configure("traced.pt", size=SIZE), CPU).classifier)
    assert "encoder.layers.encoder_layer_0" in [info.name for info in layers if info.mappable]


def test_a_fixed_batch_or_picture_size_is_refused(tmp_path: Path, configure: Configure) -> None:
    exported(mobile(), tmp_path / "fixed.pt2", None)
    with pytest.raises(ModelError, match="exported for batches of exactly 2; export it with a dynamic batch dimension"):
        load_classifier(configure("fixed.pt2", size=SIZE), CPU)
    exported(mobile(), tmp_path / "free.pt2", torch.export.Dim("batch"))
    with pytest.raises(ModelError, match=r"exported for 32x32 pictures, but \[preprocessing\] makes them 8x8"):
        load_classifier(configure("free.pt2"), CPU)


@pytest.mark.parametrize("name", ["model.pt", "model.pt2"])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_files_that_are_no_program(tmp_path: Path, configure: Configure, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    message = "there is no model file at" if content is None else "is not a file that torch.jit.save or"
    with pytest.raises(ModelError, match=message):
        load_classifier(configure(name), CPU)


@pytest.mark.parametrize("name", ["model.pt", "model.pt2"])
def test_a_pickled_network_given_as_a_program_is_not_run(tmp_path: Path, configure: Configure, name: str) -> None:
    target = tmp_path / "executed"
    torch.save({"net": Evil(target)}, tmp_path / name)
    expected = "saved by torch.save, not TorchScript; its pickle could run code" if name == "model.pt" else "loading"
    with pytest.raises(ModelError, match=expected):
        load_classifier(configure(name), CPU)
    assert not target.exists()


@pytest.mark.filterwarnings("ignore")
def test_a_pickle_inside_an_exported_program_is_not_run(tmp_path: Path, configure: Configure) -> None:
    target = tmp_path / "executed"
    exported(mobile(), tmp_path / "good.pt2", torch.export.Dim("batch"))
    trap = io.BytesIO()
    torch.save((Evil(target),), trap)
    replaced = 0
    with zipfile.ZipFile(tmp_path / "good.pt2") as good, zipfile.ZipFile(tmp_path / "evil.pt2", "w") as evil:
        for name in good.namelist():
            swap = "sample_inputs" in name
            replaced += swap
            evil.writestr(name, trap.getvalue() if swap else good.read(name))
    assert replaced == 1
    with pytest.raises(ModelError, match=r"evil\.pt2 holds more than tensors beside its program"):
        load_classifier(configure("evil.pt2", size=SIZE), CPU)
    assert not target.exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_an_exported_program_with_pickled_objects_is_refused(tmp_path: Path, configure: Configure) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as archive:
        archive.writestr("model/data/constants/opaque_obj_0", b"anything")
    with pytest.raises(ModelError, match="holds pickled objects or compiled libraries"):
        load_classifier(configure("model.pt2"), CPU)


# ----------------------------------------------------------------------------------------------- looking at layers


def test_an_unnamed_network_can_be_looked_at(tmp_path: Path, factory: Path) -> None:
    classifier = unnamed_classifier("net.py:make", tmp_path, CPU)
    assert classifier.class_names.names == ("0", "1", "2")
    assert [info.name for info in list_layers(classifier) if info.mappable] == ["body"]
    with pytest.raises(UnknownNameError, match="model 'sqeezenet' is not in torchvision"):
        unnamed_classifier("sqeezenet", tmp_path, CPU)
