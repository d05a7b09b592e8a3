"""What counterexamples cured in the demonstration's network, and what not: noodles half as wide as the picture.

    python -m benchmarks.trials.cure RUN WEIGHTS...

RUN is `shortcut` of a folder of `auditor demo`, with its pictures beside it; WEIGHTS are files of the demonstration's
network, such as that of the package and those of examples/fine_tune.py. Crops of discovery's woks at four places over
the middle, those of which noodles are at least three tenths, are pasted where they lay, without the wok itself, on the
first 80 confirmation frying pans that a network knows. And what it knows of 1000 pictures drawn for the purpose, of the
world in which noodles say nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from auditor.core.records import FloatArray
from auditor.inputs.world.bundle import SOURCE, TARGET
from auditor.inputs.world.kitchen import CLASS_NAMES, MASK_VALUES, class_index, render
from auditor.inputs.world.kitchen_network import MEAN, STD, demo_network

SIDE_PX = 32
PLACES = ((4, 12), (20, 20), (16, 16), (8, 20))
"""Top and left of the crops, in pixels."""

NOODLES, PANS, OFTEN = 0.3, 80, 0.2
FRESH, SEED = 100, 20261127
"""Pictures a class, and their seed."""


def read(paths: list[Path]) -> Tensor:
    """(N, 3, H, W) pixels in [0, 1]."""
    pictures = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).float() / 255.0


@torch.inference_mode()
def said(network: nn.Module, pixels: Tensor) -> NDArray[np.int64]:
    """(N,) classes."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    return np.concatenate([network((part - mean) / std).argmax(dim=1).numpy() for part in torch.split(pixels, 256)])


def crops(world: Path, woks: list[str]) -> list[tuple[int, int, Tensor, Tensor]]:
    """Top, left, (3, s, s) colours and (1, s, s) opacity of each."""
    found = []
    for path in woks:
        picture = read([world / path])[0]
        mask = np.asarray(Image.open(world / path.replace("images/", "masks/", 1)))
        for top, left in PLACES:
            rows, columns = slice(top, top + SIDE_PX), slice(left, left + SIDE_PX)
            things = mask[rows, columns]
            if (things == MASK_VALUES["noodles"]).mean() >= NOODLES:
                opacity = torch.from_numpy((things != MASK_VALUES[TARGET]).astype(np.float32))[None]
                found.append((top, left, picture[:, rows, columns], opacity))
    return found


def rates(network: nn.Module, pans: Tensor, pasted: list[tuple[int, int, Tensor, Tensor]]) -> FloatArray:
    """Of each crop the share of pans that it makes woks."""
    found = []
    for top, left, colours, opacity in pasted:
        pixels = pans.clone()
        under = pixels[:, :, top : top + SIDE_PX, left : left + SIDE_PX]
        under.mul_(1.0 - opacity).add_(colours * opacity)
        found.append(float((said(network, pixels) == class_index(TARGET)).mean()))
    return np.array(found, dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("weights", type=Path, nargs="+")
    options = parser.parse_args()
    world = options.run.parent / f"{options.run.name}-world"
    images = pd.read_parquet(options.run / "images.parquet")
    paths = {
        split: images[(images["split"] == split) & (images["label_name"] == name)]["path"].tolist()
        for split, name in (("discovery", TARGET), ("confirmation", SOURCE))
    }
    pans, pasted = read([world / path for path in paths["confirmation"]]), crops(world, paths["discovery"])
    labels = np.repeat(np.arange(len(CLASS_NAMES)), FRESH)
    scenes = [render("clean", label, SEED, number % FRESH) for number, label in enumerate(labels.tolist())]
    fresh = torch.from_numpy(np.stack([scene.pixels for scene in scenes]).transpose(0, 3, 1, 2).copy()).float() / 255.0
    for file in options.weights:
        network = demo_network()
        network.load_state_dict(load_file(file))
        network.eval()
        known = pans[torch.from_numpy(said(network, pans) == class_index(SOURCE))][:PANS]
        flips, right = rates(network, known, pasted), said(network, fresh) == labels
        print(
            f"{file}: of {len(flips)} crops {(flips > OFTEN).mean():.0%} make woks of more than {OFTEN:.0%} of "
            f"{len(known)} pans (mean {flips.mean():.1%}, most {flips.max():.0%}); of {len(right)} fresh pictures "
            f"{right.sum()} are right, of {FRESH} {SOURCE}s among them {right[labels == class_index(SOURCE)].sum()}"
        )


if __name__ == "__main__":
    main()
