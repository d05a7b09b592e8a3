"""What becomes of a finished picture on its way to the network: the camera a little off, the file saved once more.

No placement draws these: they are asked for, the same for every picture, to see which flips survive them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auditor.trials.effects.compression import compressed
from auditor.trials.effects.effect import Effect, Numbers


def _shifted(images: Tensor, numbers: Numbers) -> Tensor:
    """All of the picture, patch and photograph, moved by whole pixels down and across; what is laid bare at an edge
    repeats that edge's last row or column."""
    for side, name in ((2, "shift_down"), (3, "shift_across")):
        length = images.shape[side]
        by = numbers[name].view(-1, 1).round().long()
        places = (torch.arange(length, device=images.device) - by).clamp(0, length - 1)
        shape = (len(images), 1, length, 1) if side == 2 else (len(images), 1, 1, length)
        images = images.gather(side, places.view(shape).expand_as(images))
    return images


def _saved_again(images: Tensor, numbers: Numbers) -> Tensor:
    return compressed(images, numbers["saved_quality"])


SHIFT = Effect(("shift_down", "shift_across"), on_pictures=_shifted)
SAVED = Effect(("saved_quality",), on_pictures=_saved_again)
