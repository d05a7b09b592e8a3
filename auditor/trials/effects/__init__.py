"""What happens to a patch between the file and the network: printed, lit, out of focus, photographed, compressed.

One file a kind of effect. An effect's numbers are drawn for each picture by a generator of its own, so that leaving one
effect out changes no draw of another; candidate and controls share them. What an effect does follows from the numbers
of a draw alone, so whoever has these numbers has the effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from auditor.core.config import TrialsConfig
from auditor.core.draws import keyed_generator
from auditor.trials.effects.afterwards import SAVED, SHIFT
from auditor.trials.effects.camera import NOISE, RESCALE
from auditor.trials.effects.compression import JPEG
from auditor.trials.effects.effect import Effect, Numbers, Patches
from auditor.trials.effects.focus import BLUR, DEFOCUS
from auditor.trials.effects.light import LIGHT
from auditor.trials.effects.printing import PRINT

EFFECTS: Mapping[str, Effect] = {
    "print": PRINT,
    "light": LIGHT,
    "defocus": DEFOCUS,
    "blur": BLUR,
    "rescale": RESCALE,
    "noise": NOISE,
    "jpeg": JPEG,
}
"""Every effect, in the order in which they happen: first to the patch, then to the whole picture."""

AFTERWARDS: Mapping[str, Effect] = {"shift": SHIFT, "saved": SAVED}
"""What happens to the whole picture after all of these, where it is asked for; drawn by nobody."""

SHAPE = ("stretch_y", "stretch_x", "shear")
"""Numbers of a draw that say how a patch is deformed before it is turned and tilted; 1, 1 and 0 leave it as it is."""

FURTHER_COLUMNS = (*SHAPE, *(name for each in (EFFECTS, AFTERWARDS) for one in each.values() for name in one.columns))
"""Every number that a draw may have beside those of all draws."""


def drawn_effects(
    config: TrialsConfig, image_keys: Sequence[str], draw_key: str, seed: int
) -> dict[str, NDArray[np.float64]]:
    """The numbers of every effect of `trials.effects`, (B,) each, keyed by picture, candidate and effect."""
    columns: dict[str, NDArray[np.float64]] = {}
    for name, effect in EFFECTS.items():
        if name not in config.effects or effect.draw is None:
            continue
        rows = [effect.draw(config, keyed_generator(seed, "effect", name, key, draw_key)) for key in image_keys]
        table = np.array(rows, dtype=np.float64).reshape(len(image_keys), len(effect.columns))
        columns |= dict(zip(effect.columns, table.T, strict=True))
    return columns


def reach_px(columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """How far effects carry a patch beyond its outline, in pixels: (B,), or () where none does."""
    reaching = [effect.reach(columns[effect.columns[0]]) for effect in _there(columns) if effect.reach is not None]
    return np.sum(reaching, axis=0, dtype=np.float64) if reaching else np.zeros(())


def change_patches(patches: Patches, numbers: Numbers) -> tuple[Tensor, Tensor]:
    """Premultiplied colours (B, 3, h, w) and opacity (B, 1, h, w) of pasted patches after the effects on them.

    Args:
        numbers: (B, 1, 1, 1) each, by name.
    """
    for effect in _there(numbers.drawn):
        if effect.on_patches is not None:
            patches = effect.on_patches(patches, numbers)
    return patches.colour, patches.alpha


def change_pictures(images: Tensor, numbers: Numbers) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] after the effects on whole pictures; `images` itself where there are none."""
    for effect in _there(numbers.drawn):
        if effect.on_pictures is not None:
            images = effect.on_pictures(images, numbers)
    return images


def _there(named: Mapping[str, object]) -> list[Effect]:
    every = (*EFFECTS.values(), *AFTERWARDS.values())
    return [effect for effect in every if effect.columns[0] in named]
