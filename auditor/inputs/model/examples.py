"""A few of the audit's own pictures, to try a network on before anything is measured with it. It judges nothing."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from auditor.core.config import AuditConfig
from auditor.core.errors import AuditorError
from auditor.inputs.images.pixels import to_float
from auditor.inputs.images.reading import decode_image
from auditor.inputs.images.sources import given_sources, list_images
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.probing import unlike_pictures

_OWN = 4


def example_pictures(config: AuditConfig, preprocessing: Preprocessing) -> Tensor:
    """Up to 4 photographs of the audit's first source, far apart in its list, and `unlike_pictures` behind them.

    What cannot be listed or read is passed over: it is told where pictures are read for the audit.

    Returns:
        (4 to 8, 3, H, W) float32, normalised.
    """
    pictures = unlike_pictures(*preprocessing.output_size)
    own = _own_pictures(config, preprocessing)
    if own:
        pictures = torch.cat((to_float(np.stack(own), pictures.device), pictures))
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (preprocessing.mean, preprocessing.std))
    return (pictures - mean) / std


def _own_pictures(config: AuditConfig, preprocessing: Preprocessing) -> list[np.ndarray]:
    try:
        listed = list_images(given_sources(config)[0].path, config.classes.ignore).images
    except (AuditorError, OSError):
        return []
    found = []
    for at in np.linspace(0, len(listed) - 1, min(_OWN, len(listed))).astype(int):
        try:
            data = listed[at].open(config.images.max_pixels)
            found.append(preprocessing.prepare(decode_image(data, config.images.max_pixels)))
        except (AuditorError, OSError):
            continue
    return found
