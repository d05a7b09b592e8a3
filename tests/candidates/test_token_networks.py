"""Tokens beside the grid (class, registers) are no places: icons, screening, faded shapes and dreams look past them."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from auditor.atlas.icons.directions import picture_activations
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.cell_icons import patch_settings
from auditor.candidates.makers.dreamed import dream_crops
from auditor.candidates.makers.shapes import contrast_over_crops, faded_patches
from auditor.candidates.screening import TailScreen
from auditor.core.progress import Silence
from auditor.core.records import Candidate, ClassGroup, Origin, Tier
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.trials.patch import Patch

SOURCE, TARGET = ClassGroup("pan", (0,)), ClassGroup("wok", (1,))


class Places(nn.Module):
    """A network of 4 × 4 places that answers alike with any number of tokens in front of them.

    The tokens are large, hold the mean of the places as well, and add their sum to every logit alike.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.patches = nn.Conv2d(3, 6, 8, stride=8)
        self.readout = nn.Linear(6 * 3, 3)
        self.block = nn.Identity()
        self.tokens = nn.Parameter(torch.randn(tokens, 6) * 3)

    def forward(self, images: Tensor) -> Tensor:
        places = self.patches(images).flatten(2).transpose(1, 2)
        tokens = self.block(torch.cat((self.tokens + places.mean(dim=1, keepdim=True), places), dim=1))
        beside, places = tokens.tensor_split([len(self.tokens)], dim=1)
        halves = torch.relu(places).tensor_split(3, dim=1)
        logits: Tensor = self.readout(torch.cat([half.mean(dim=1) for half in halves], dim=1))
        return logits + beside.sum(dim=(1, 2)).unsqueeze(1)


def cut_of(module: nn.Module, layer: str) -> LayerCut:
    preprocessing = Preprocessing((32, 32), None, "bilinear", (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    return LayerCut(
        Classifier(module, ClassNames(("pan", "wok", "cup"), ((), (), ())), preprocessing, torch.device("cpu")), layer
    )


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def crops_of(side_px: int) -> list[Patch]:
    rgba = [pixels(4, side_px, side_px, seed=seed) for seed in range(3)]
    for each in rgba:
        each[3] = 255
    return [
        Patch(Candidate(f"c-{seed}", "crop", Origin.CROP, Tier.THIRD_CLASS, "0" * 64), each)
        for seed, each in enumerate(rgba)
    ]


with_tokens = pytest.mark.parametrize("tokens", [1, 2, 5], ids=["class", "distilled", "registers"])


@with_tokens
@pytest.mark.parametrize("side_px", [32, 40], ids=["own size", "another size"])
def test_icons_are_those_of_the_network_without_tokens(tokens: int, side_px: int) -> None:
    directions = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32)
    settings = IconSettings(side_px=side_px, steps=12)
    plain, other = (
        render_icons(cut_of(Places(count), "block"), directions, ["a", "b"], settings, 0, Silence())
        for count in (0, tokens)
    )
    np.testing.assert_allclose(other.scores, plain.scores, atol=1e-5)
    assert np.abs(other.pixels.astype(int) - plain.pixels).max() <= 1


@with_tokens
def test_screening_is_that_of_the_network_without_tokens(tokens: int) -> None:
    pictures, patches = pixels(5, 3, 32, 32), [pixels(3, 16, 16, seed=seed) for seed in range(4)]
    plain, other = (TailScreen(cut_of(Places(count), "block"), pictures, TARGET, 0.5, 16) for count in (0, tokens))
    np.testing.assert_allclose(other.screen(patches), plain.screen(patches), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(other.seen(patches), plain.seen(patches), rtol=1e-4, atol=1e-5)
    linear = [LinearScreen(screen, patches[:2]).screen(patches) for screen in (other, plain)]
    np.testing.assert_allclose(*linear, rtol=1e-4, atol=1e-5)
    assert np.ptp(plain.screen(patches)) > 0.01
    _, cover = other.common.changes(patches[:1])
    assert cover[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@with_tokens
def test_contrast_fading_and_dreams_are_those_of_the_network_without_tokens(tokens: int) -> None:
    plain, other = (cut_of(Places(count), "block") for count in (0, tokens))
    parents = crops_of(32)
    crops = [parent.rgba[:3] for parent in parents]
    contrasts = [contrast_over_crops(cut, crops, SOURCE, TARGET) for cut in (other, plain)]
    assert contrasts[0].shape == (3, 4, 4)
    np.testing.assert_allclose(*contrasts, rtol=1e-4, atol=1e-6)
    faded = [faded_patches(cut, parents, ["s-1", "s-2", "s-3"], SOURCE, TARGET) for cut in (other, plain)]
    assert faded[1]
    for one, wanted in zip(*faded, strict=True):
        assert np.abs(one.rgba.astype(int) - wanted.rgba).max() <= 1
    settings = patch_settings(16, steps=8)
    dreams = [dream_crops(cut, parents, ["d-1", "d-2", "d-3"], settings, 0, Silence()) for cut in (other, plain)]
    for one, wanted in zip(*dreams, strict=True):
        assert np.abs(one.rgba.astype(int) - wanted.rgba).max() <= 1


def test_what_a_patch_changes_in_the_tokens_reaches_the_tail() -> None:
    """Each class token holds the mean of the places, to which every covered place adds a sixteenth of its change."""
    cut = cut_of(Places(2), "block")
    screen = TailScreen(cut, pixels(3, 3, 32, 32), TARGET, 0.5, 16, backgrounds=1)
    change, _ = screen.common.changes([pixels(3, 16, 16)])
    mean = change.grid[0].mean(dim=(1, 2))
    assert mean.abs().max() > 0.01
    torch.testing.assert_close(change.beside[0][0], mean.unsqueeze(1).expand(-1, 2), rtol=1e-4, atol=1e-5)


def torchvision_network() -> tuple[nn.Module, str, int]:
    network = torchvision.models.VisionTransformer(32, 8, 4, 2, 12, 24, num_classes=3)
    nn.init.normal_(network.heads.head.weight)
    for block in network.encoder.layers:
        nn.init.normal_(block.self_attention.in_proj_weight, std=0.5)
        nn.init.normal_(block.self_attention.out_proj.weight, std=0.5)
    return network, "encoder.layers.encoder_layer_1", 1


def timm_network(registers: int, class_token: bool) -> tuple[nn.Module, str, int]:
    network = timm.models.vision_transformer.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=12, depth=3, num_heads=2, num_classes=3, class_token=class_token,
        reg_tokens=registers, global_pool="avg",
    )  # fmt: skip
    return network, "blocks.1", registers + class_token


@pytest.mark.parametrize("kind", ["torchvision", "timm 0", "timm 4", "timm 1+4"])
def test_vision_transformers_tokens_are_told_from_their_places(kind: str) -> None:
    torch.manual_seed(2)
    module, layer, beside = {
        "torchvision": torchvision_network,
        "timm 0": lambda: timm_network(0, False),
        "timm 4": lambda: timm_network(4, False),
        "timm 1+4": lambda: timm_network(4, True),
    }[kind]()
    cut = cut_of(module, layer)
    kept: list[Tensor] = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    picture = pixels(3, 32, 32)
    found = picture_activations(cut, picture)
    handle.remove()
    assert kept[0].shape == (1, beside + 16, 12)
    np.testing.assert_array_equal(found, kept[0][0, beside:].unflatten(0, (4, 4)).numpy())

    # an icon that is given the direction of its own middle is where it wants to be
    middle = found[1:3, 1:3].reshape(4, 12)
    wanted = middle.mean(axis=0)
    still = IconSettings(side_px=32, steps=0)
    icons = render_icons(cut, wanted[None], ["a"], still, 0, Silence(), start=picture[None])
    own = picture_activations(cut, icons.pixels[0])[1:3, 1:3].reshape(4, 12)
    cosine = own @ wanted / np.linalg.norm(own, axis=1) / np.linalg.norm(wanted)
    np.testing.assert_allclose(icons.scores, [cosine.mean()], atol=1e-4)

    screen = TailScreen(cut, pixels(4, 3, 32, 32, seed=1), TARGET, 0.5, 16)
    change, cover = screen.common.changes([pixels(3, 16, 16)])
    assert cover[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert change.grid.shape == (1, 12, 4, 4)
    assert [each.shape for each in change.beside] == [(1, 12, beside)] * (beside > 0)
    assert contrast_over_crops(cut, [picture], SOURCE, TARGET).shape == (1, 4, 4)
