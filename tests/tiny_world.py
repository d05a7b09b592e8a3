"""A tiny world for whole audits from the command line: six classes of drawn pictures and a network with known weights.

The network sees colour areas and nothing else. Yellow spots lie in most pictures of the target, and a spot anywhere
calls the target; a patch whose colours are averaged, shuffled or scrambled loses its spots.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

SIDE = 32
CLASSES = ("red pan", "blue wok", "green kettle", "pink cup", "cyan jug", "white plate")
COUNTS = {"red pan": 44, "blue wok": 24, "green kettle": 10, "pink cup": 10, "cyan jug": 10, "white plate": 10}
COLOURS = {
    "red pan": (205, 50, 45),
    "blue wok": (45, 60, 205),
    "green kettle": (45, 180, 60),
    "pink cup": (225, 60, 200),
    "cyan jug": (40, 200, 210),
    "white plate": (235, 235, 235),
}

FACTORY = '''
"""A network whose weights are known: eight averaged colour areas, and a linear reading of how much there is of each."""
import torch
from torch import nn


class Areas(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.ReLU()
        )
        self.head = nn.Linear(8, classes)

    def forward(self, images):
        return self.head(self.features(images).mean(dim=(2, 3)))


def network(classes=6):
    return Areas(classes)


class Odd(Areas):
    def __init__(self, kind):
        super().__init__(6)
        self.kind = kind

    def forward(self, images):
        logits = super().forward(images)
        return {"nan": logits * float("nan"), "shape": logits.flatten(), "dict": {"logits": logits}}[self.kind]


class WithoutSlopes(Areas):
    """The same answers, without a gradient."""

    @torch.no_grad()
    def forward(self, images):
        return super().forward(images)


def without_slopes():
    return WithoutSlopes(6)




def says_nan():
    return Odd("nan")


def says_wrong_shape():
    return Odd("shape")


def says_dict():
    return Odd("dict")
'''

PLACES = """\
[places]
findings = 1
grid = 2
sizes = [0.35]
pictures = 4
dose_sizes = [0.2]
opacities = [0.5]
dose_pictures = 4
"""
"""The smallest map of places."""

AUDIT = """\
source = "red pan"
target = "blue wok"
seed = 5
device = "cpu"

[model]
name = "network.py:network"
weights = "weights.safetensors"
layer = "features.3"

[preprocessing]
resize = [32, 32]
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[classes]
names = "classes.csv"

[images]
all = "photos"
shares = [0.2, 0.2, 0.6]

[atlas]
levels = [4, 6]
min_count = 2
icons = 6
icon_px = 16
icon_steps = 2
looks = 0
repeats = 1

[candidates]
sizes = [0.3]
icon_steps = 8
screened = 24
screening_images = 4
tried = 6
random = 6
strongest = 3
icons = 2
dreams = 1
shapes = 2
pairs = 2
made = 4
trained = 3
confirmed = 3
library = false
drawn = 0

[trials]
placements = ["fixed"]
batch_size = 16

"""
AUDIT += PLACES
AUDIT += """
[needed]
pictures = 4

[survival]
findings = 1

[limits]
uplift = 0.35
fragility = 0.9
confidence = 0.8
"""


PLAIN = (
    ("[places]\nfindings = 1", "[places]\nfindings = 0"),
    ("[needed]\npictures = 4", "[needed]\npictures = 0"),
    ("[survival]\nfindings = 1", "[survival]\nfindings = 0"),
    ("repeats = 1", "repeats = 0"),
    ("library = false", "library = false\nwhole_pictures = 0"),
)
"""What makes of the audit one without anything that takes long and that few tests look at."""


@dataclass(frozen=True)
class World:
    """A folder with an audit.toml and everything that it names."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "audit.toml"

    def edited(self, name: str, *changes: tuple[str, str]) -> Path:
        """Another TOML file beside audit.toml with some of its text replaced."""
        text = self.config.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = self.folder / name
        path.write_text(text)
        return path


def draw(label: str, generator: np.random.Generator) -> Image.Image:
    """A disc in the class's colour on a grey, unevenly lit ground; on most blue woks small yellow spots."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    ground = generator.uniform(70, 130) + generator.uniform(-1.2, 1.2) * x + generator.uniform(-1.2, 1.2) * y
    picture = np.repeat(ground[..., None], 3, axis=2)
    centre_y, centre_x = generator.uniform(11, 21, size=2)
    inside = np.hypot(y - centre_y, x - centre_x) < generator.uniform(8, 11)
    picture[inside] = np.array(COLOURS[label]) * generator.uniform(0.85, 1.05)
    if label == "blue wok" and generator.random() < 0.7:
        row, column = generator.integers(3, SIDE - 11, size=2)
        for offset_y, offset_x in ((0, 0), (5, 3)):
            top, left = row + offset_y, column + offset_x
            picture[top : top + 4, left : left + 4] = (250, 235, 10)
    picture += generator.normal(0, 4, size=picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def weights() -> dict[str, torch.Tensor]:
    """Channels: red, blue, green, pink, cyan, white areas, yellow spots, and one that is off."""
    rgb = torch.tensor(
        [[1.0, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, -1, 1], [-1, 1, 1], [1, 1, 1], [1, 1, -1.5], [0, 0, 0]]
    )
    threshold = torch.tensor([0.6, 0.6, 0.6, 1.2, 1.0, 2.0, 2.2, 0.0])
    first = rgb[:, :, None, None].expand(8, 3, 3, 3) / 9.0
    head = torch.zeros(6, 8)
    for label in range(6):
        head[label, label] = 12.0
    head[1, 6] = 800.0
    return {
        "features.0.weight": first.contiguous(),
        "features.0.bias": -threshold,
        "features.2.weight": torch.eye(8)[:, :, None, None].contiguous(),
        "features.2.bias": torch.zeros(8),
        "head.weight": head,
        "head.bias": torch.zeros(6),
    }


def build_world(folder: Path, *changes: tuple[str, str]) -> World:
    """The world in a folder of its own, with some of the audit's text replaced."""
    generator = np.random.default_rng(20)
    for label in CLASSES:
        (folder / "photos" / label).mkdir(parents=True)
        for number in range(COUNTS[label]):
            draw(label, generator).save(folder / "photos" / label / f"{number:02d}.png")
    (folder / "network.py").write_text(FACTORY)
    (folder / "classes.csv").write_text("index,name\n" + "".join(f"{i},{name}\n" for i, name in enumerate(CLASSES)))
    save_file(weights(), folder / "weights.safetensors")
    (folder / "audit.toml").write_text(AUDIT)
    World(folder).edited("audit.toml", *changes)
    (folder / "stickers").mkdir()
    spots = np.full((11, 11, 3), (90, 90, 110), dtype=np.uint8)
    spots[3:8, 3:8] = (250, 235, 10)
    Image.fromarray(spots).save(folder / "stickers" / "spots.png")
    Image.fromarray(np.full((11, 11, 3), 128, dtype=np.uint8)).save(folder / "stickers" / "Plain Grey.png")
    return World(folder)
