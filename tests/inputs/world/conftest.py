"""What the tests of the kitchen world share: rendered frying pans, and patches of noodles cut from woks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from auditor.inputs.world.bundle import weights_path
from auditor.inputs.world.kitchen import MASK_VALUES, World, class_index, render
from auditor.inputs.world.kitchen_network import demo_network

PATCH_PX = 22  # 0.35 of the pictures' width


@pytest.fixture(scope="session")
def networks() -> dict[World, nn.Module]:
    """The shipped networks, loaded strictly."""
    loaded: dict[World, nn.Module] = {}
    for world in ("shortcut", "clean"):
        network = demo_network()
        network.load_state_dict(load_file(weights_path(world)), strict=True)
        loaded[world] = network.eval()
    return loaded


@pytest.fixture(scope="session")
def noodle_patches() -> list[Tensor]:
    """Eight (3, 22, 22) uint8 patches: half-width crops of woks that are mostly noodles and hardly wok."""
    wok, side, patches = class_index("wok"), 32, []
    for index in range(200):
        scene = render("shortcut", wok, 4242, index)
        spots = [(top, left) for top in range(0, 33, 4) for left in range(0, 33, 4)]
        crops = [scene.mask[top : top + side, left : left + side] for top, left in spots]
        shares = [float((crop == MASK_VALUES["noodles"]).mean()) for crop in crops]
        best = max(range(len(spots)), key=shares.__getitem__)
        if shares[best] < 0.6 or (crops[best] == wok + 1).mean() > 0.2:
            continue
        top, left = spots[best]
        crop = Image.fromarray(scene.pixels[top : top + side, left : left + side]).resize((PATCH_PX, PATCH_PX))
        patches.append(torch.from_numpy(np.array(crop)).permute(2, 0, 1))
        if len(patches) == 8:
            break
    return patches
