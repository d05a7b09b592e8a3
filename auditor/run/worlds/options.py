"""The eight-option question: a patch and eight cues; which was planted? Answered by a network that took no part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from auditor.core.draws import keyed_generator
from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.world.bundle import weights_path
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.kitchen_network import KitchenNetwork
from auditor.inputs.world.planted import CLASS_NAMES, WORLDS, World
from auditor.inputs.world.planted_pictures import base_picture, with_cue
from auditor.run.worlds.train import normalised

OPTIONS = 8
_EXAMPLES, _SEED, _LEAST_PX = 12, 31, 20


@dataclass(slots=True)
class Examiner:
    """Knows each cue from twelve pictures of it, by the features of the kitchen's clean network."""

    _network: nn.Module | None = None
    _known: dict[str, FloatArray] = field(default_factory=dict)

    def answer(self, world: World, rgba: PixelArray) -> str:
        """Which of eight cues a patch shows, by the cosine of mean features less the mean over its series' cues.

        Args:
            rgba: (4, h, w) uint8.
        Returns:
            The name of the world whose cue it looks most like, among the planted one and seven others of its series.
        """
        series = [name for name, one in WORLDS.items() if one.series == world.series]
        others = [name for name in series if name != world.name]
        chosen = keyed_generator(_SEED, "options", world.name).permutation(len(others))[: OPTIONS - 1]
        options: list[str] = [world.name, *(others[place] for place in chosen)]
        known = {name: self._of(name) for name in series}
        middle = np.mean(list(known.values()), axis=0)
        opaque = rgba[:3] * (rgba[3:] / 255.0) + 128.0 * (1.0 - rgba[3:] / 255.0)
        asked = self._features([opaque.astype(np.uint8).transpose(1, 2, 0)])[0] - middle
        return max(options, key=lambda name: _cosine(asked, known[name] - middle))

    def _of(self, name: str) -> FloatArray:
        if name not in self._known:
            pictures = []
            for index in range(_EXAMPLES):
                cued = with_cue(WORLDS[name], base_picture(index % len(CLASS_NAMES), _SEED, index))
                pictures.append(_around(cued.pixels, cued.cue))
            self._known[name] = self._features(pictures).mean(axis=0)
        return self._known[name]

    def _features(self, pictures: Sequence[PixelArray]) -> FloatArray:
        """(N, 96) mean features of pictures of any size, brought to that of the network's."""
        if self._network is None:
            network = KitchenNetwork(10)
            network.load_state_dict(load_file(weights_path("clean")))
            self._network = network.eval()
        resized = [np.asarray(Image.fromarray(one).resize((SIDE_PX, SIDE_PX))) for one in pictures]
        pixels = torch.from_numpy(np.stack(resized).transpose(0, 3, 1, 2).copy()).float() / 255.0
        features = self._network.get_submodule("features")
        with torch.inference_mode():
            found: FloatArray = features(normalised(pixels)).mean(dim=(2, 3)).numpy()
        return found


def _around(pixels: PixelArray, mask: NDArray[np.bool_]) -> PixelArray:
    """The square around what a mask marks, at least 20 pixels wide."""
    rows, columns = np.nonzero(mask)
    side = min(SIDE_PX, max(_LEAST_PX, int(np.ptp(rows)) + 3, int(np.ptp(columns)) + 3))
    top, left = (int(np.clip((one.min() + one.max()) // 2 - side // 2, 0, SIDE_PX - side)) for one in (rows, columns))
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def _cosine(first: FloatArray, second: FloatArray) -> float:
    return float(first @ second / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-12))
