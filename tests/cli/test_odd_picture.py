"""A network that fails on one picture, or on a part of one that is pasted elsewhere: the message says on which."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny_world import FACTORY, World

ODD = (1, 2, 3)
PICKY = (
    FACTORY
    + f'''

ODD = (torch.tensor({ODD}) / 255 - 0.5) / 0.5


def is_drawn(images, y, x):
    return (images[:, :, y, x] - ODD.to(images)[None]).abs().sum(dim=1) < 1e-3


def is_odd(images):
    return is_drawn(images, -1, -1) & is_drawn(images, -1, 0) & is_drawn(images, 0, -1)


class Picky(Areas):
    def __init__(self, pasted):
        super().__init__(6)
        self.pasted = pasted

    def forward(self, images):
        """Fails on a whole marked picture: as it was drawn, or with something else in its upper left corner."""
        if bool((is_odd(images) & (is_drawn(images, 3, 3) != self.pasted)).any()):
            raise ValueError("odd")
        return super().forward(images)


def picky():
    return Picky(False)


def picky_of_patches():
    return Picky(True)


class PickyOfCrops(Areas):
    """Fails where the corner in which crops are screened is magenta, as no whole picture's is."""

    def forward(self, images):
        magenta = torch.tensor([1.0, -1.0, 1.0]).view(1, 3, 1, 1)
        if bool(((images[:, :, 2:6, 2:6] - magenta).abs().amax(dim=(1, 2, 3)) < 0.2).any()):
            raise ValueError("odd")
        return super().forward(images)


def picky_of_crops():
    return PickyOfCrops(6)


def picky_of_crops_without_slopes():
    made = PickyOfCrops(6)
    made.forward = torch.no_grad()(made.forward)
    return made


def picky_nan():
    made = Picky(False)
    made.forward = lambda images: Areas.forward(made, images) + torch.where(
        is_odd(images)[:, None], float("nan"), 0.0
    )
    return made
'''
)


def marked(path: Path) -> None:
    """Pixels by which the network knows a whole picture: three corners, and one that a patch in the fourth hides."""
    pixels = np.asarray(Image.open(path)).copy()
    pixels[-1, -1] = pixels[-1, 0] = pixels[0, -1] = pixels[3, 3] = ODD
    Image.fromarray(pixels).save(path)


def magenta(path: Path) -> None:
    """A large block in the middle: crops of this picture show little else."""
    pixels = np.asarray(Image.open(path)).copy()
    pixels[6:-6, 6:-6] = (255, 0, 255)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def odd(own_world: World) -> World:
    (own_world.folder / "network.py").write_text(PICKY)
    return own_world


@pytest.mark.parametrize(("factory", "said"), [("picky", "failed with ValueError: odd"), ("picky_nan", "6 NaN")])
@pytest.mark.parametrize("picture", ["red pan/05.png", "pink cup/03.png"])
def test_a_picture_that_cannot_be_predicted_is_named(
    factory: str, said: str, picture: str, odd: World, invoke, tmp_path
) -> None:
    marked(odd.folder / "photos" / picture)
    config = odd.edited("odd.toml", ("network.py:network", f"network.py:{factory}"))
    result = invoke("run", config, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert f"on photos/{picture}: " in result.stderr
    assert said in result.stderr


def test_a_picture_that_fails_with_a_patch_on_it_is_named(odd: World, invoke, tmp_path) -> None:
    for path in (odd.folder / "photos" / "red pan").glob("*.png"):
        marked(path)
    config = odd.edited("odd.toml", ("network.py:network", "network.py:picky_of_patches"))
    result = invoke("trial", config, "--patches", odd.folder / "stickers", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "on photos/red pan/" in result.stderr
    assert ".png with u-Plain Grey on it: running network.py:picky_of_patches on a batch of 1" in result.stderr
    assert "failed with ValueError: odd" in result.stderr


@pytest.mark.parametrize("layers", [[], ["--layers", "features.1,features.3"]])
def test_a_picture_whose_activations_cannot_be_had_is_named(layers: list[str], odd: World, invoke, tmp_path) -> None:
    marked(odd.folder / "photos" / "pink cup" / "03.png")
    config = odd.edited("odd.toml", ("network.py:network", "network.py:picky"))
    result = invoke("atlas", config, *layers, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "on photos/pink cup/03.png: running network.py:picky on a batch of 1 failed with ValueError" in result.stderr


@pytest.mark.parametrize(
    ("factory", "layer", "said"),
    [
        ("picky_of_crops", 'layer = "features.3"\n', "on a crop of photos/pink cup/03.png: running"),
        ("picky_of_crops_without_slopes", "", ".png with a crop of photos/pink cup/03.png on it: running"),
    ],
)
def test_a_crop_that_cannot_be_screened_is_named(
    factory: str, layer: str, said: str, odd: World, invoke, tmp_path
) -> None:
    magenta(odd.folder / "photos" / "pink cup" / "03.png")
    changes = ("network.py:network", f"network.py:{factory}"), ('layer = "features.3"\n', layer)
    config = odd.edited("odd.toml", *changes, ("screened = 24", "screened = 400"))
    result = invoke("suggest", config, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "failed with ValueError: odd" in result.stderr


def test_a_photograph_that_cannot_be_looked_at_is_named(odd: World, invoke, tmp_path) -> None:
    photograph = tmp_path / "odd.png"
    shutil.copy(odd.folder / "photos" / "red pan" / "01.png", photograph)
    marked(photograph)
    config = odd.edited("odd.toml", ("network.py:network", "network.py:picky"))
    made = invoke("atlas", config, "--out", tmp_path / "run")
    assert made.exit_code == 0, made.output
    result = invoke("look", tmp_path / "run", photograph)
    assert result.exit_code == 2
    assert f"on {photograph}: running network.py:picky on a batch of 1 failed with ValueError: odd" in result.stderr
