"""What other methods propose: components that add up, trained patches that flip, and crops that show no target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA
from torch import Tensor, nn

from auditor.inputs.world.kitchen import MASK_VALUES
from auditor.inputs.world.planted import CLASS_NAMES, WORLDS
from auditor.inputs.world.planted_networks import residual_network
from auditor.run.worlds.baselines import CROP_PX, shows_target, taken
from auditor.run.worlds.components import Components
from auditor.run.worlds.features import penultimate, steepest_windows
from auditor.run.worlds.similarity import by_similarity
from auditor.run.worlds.trained_patch import PATCH_PX, in_corner, trained_patches

SPOT = WORLDS["spot"]  # wooden spoon -> pizza


class GreenIsPizza(nn.Module):
    """Calls a picture pizza by its mean green, else a wooden spoon."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, len(CLASS_NAMES))
        with torch.no_grad():
            self.head.weight.zero_()
            self.head.bias.fill_(-5.0)
            self.head.weight[CLASS_NAMES.index("pizza"), 1] = 40.0
            self.head.bias[CLASS_NAMES.index("wooden spoon")] = 0.0

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(pixels.mean(dim=(2, 3)))
        return logits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey pictures of every class, one of the mugs with a green square, and masks: pizzas on their left half."""
    folder = tmp_path_factory.mktemp("world")
    for name in CLASS_NAMES:
        for kind in ("discovery", "masks"):
            (folder / kind / name.replace(" ", "_")).mkdir(parents=True)
        for number in range(4):
            file = Path(name.replace(" ", "_")) / f"{number}.png"
            pixels, mask = np.full((64, 64, 3), 120, np.uint8), np.zeros((64, 64), np.uint8)
            if (name, number) == ("mug", 2):
                pixels[:, :] = (120, 250, 120)
            if name == "pizza":
                mask[:, :32] = MASK_VALUES["pizza"]
            Image.fromarray(pixels).save(folder / "discovery" / file)
            Image.fromarray(mask).save(folder / "masks" / file)
    return folder


def test_what_goes_into_the_head_gives_the_logits() -> None:
    network = residual_network().eval()
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen, logits = penultimate(network, pixels)
    assert torch.allclose(network.get_submodule("head")(seen), logits)


def test_components_are_those_of_another_implementation_and_add_up_to_the_logit() -> None:
    generator = torch.Generator().manual_seed(1)
    seen, weights = torch.randn(40, 6, generator=generator), torch.randn(6, generator=generator)
    parts = Components(weights, seen)
    expected = PCA(6).fit((seen * weights).numpy())
    assert np.allclose(np.abs((parts.directions.numpy() * expected.components_).sum(axis=1)), 1.0, atol=1e-4)
    told = torch.stack([parts.of(seen, place) for place in range(6)]).sum(dim=0)
    logit = seen @ weights
    assert torch.allclose(told, logit - logit.mean(), atol=1e-4)


def test_the_steepest_window_is_where_the_number_comes_from(folder: Path) -> None:
    class Corner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Identity()

        def forward(self, pixels: Tensor) -> Tensor:
            given: Tensor = self.head(pixels[:, :, 40:50, 3:13].sum(dim=(2, 3)))
            return given

    (found,) = steepest_windows(Corner(), [folder / "discovery/mug/0.png"], lambda seen, _: seen.sum(dim=1), 10)
    assert found[1] == (3, 40, 13, 50)


def test_a_crop_that_shows_the_target_is_passed_over(folder: Path) -> None:
    left, right = (0, 0, CROP_PX, CROP_PX), (40, 0, 40 + CROP_PX, CROP_PX)
    assert shows_target(SPOT, folder, "discovery/pizza/0.png", left)
    assert not shows_target(SPOT, folder, "discovery/pizza/0.png", right)
    ranked = [("discovery/pizza/0.png", left), ("discovery/pizza/0.png", right), ("discovery/mug/1.png", left)]
    assert [(one.file, one.box) for one in taken(SPOT, folder, ranked, most=1)] == [ranked[1]]


def test_trained_patches_flip_and_crops_like_them_come_first(folder: Path) -> None:
    network, pictures = GreenIsPizza().eval(), np.full((6, 3, 64, 64), 120, np.uint8)
    targets = [CLASS_NAMES.index("pizza")]
    patches = trained_patches(network, pictures, targets, 2, seed=3)
    assert patches.shape == (2, 3, PATCH_PX, PATCH_PX)
    again = trained_patches(network, pictures, targets, 2, seed=3)
    assert np.array_equal(patches, again)
    assert patches[:, 1].mean() > patches[:, 0].mean() + 50  # green, as the network asks
    plain = torch.from_numpy(pictures).float() / 255.0
    logits = [
        network(one)[:, targets[0]].mean() for one in (plain, in_corner(plain, torch.from_numpy(patches) / 255.0)[0])
    ]
    assert logits[1] > logits[0]
    alike = by_similarity(SPOT, network, folder, "discovery", pictures, patches, seed=0)
    assert {one.file for one in alike} == {"discovery/mug/2.png"}
