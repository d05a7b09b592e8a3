"""A network that fails on one picture: the message says on which, when it is predicted and when a patch is on it."""

from __future__ import annotations

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
