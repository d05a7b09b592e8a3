"""The networks that benchmarks measure, as configurations, and pictures for them: the demonstration's, real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from auditor.core.config import AuditConfig, build_config
from auditor.core.records import PixelArray
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.world.bundle import demo_config
from auditor.inputs.world.kitchen import CLASS_NAMES, render

PAN, WOK = "frying pan", "wok"
SEED = 20261127


def subjects(real: Path, scratch: Path) -> Iterator[tuple[str, AuditConfig]]:
    """The networks to measure, as configurations; the pictures they are measured on are another matter."""
    yield "demo network, 64 px", demo_config("shortcut", scratch)
    common: dict[str, object] = {"source": "0", "target": "1", "images": {"all": "."}}
    if not real.is_dir():
        return
    kitchen = {
        "model": {"name": "mobilenet_v2", "weights": str(real / "kitchen32" / "mobilenet_v2.safetensors")},
        "classes": {"names": str(real / "kitchen32" / "classes.csv")},
        "preprocessing": {"resize": [112, 112], "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    yield "mobilenet_v2 (kitchen32), 112 px", build_config({**common, **kitchen}, real)
    squeezenet = {
        "model": {"name": "squeezenet1_0", "weights": str(real / "imagenet" / "squeezenet1_0.safetensors")},
        "classes": {"names": str(real / "imagenet" / "classes.csv")},
    }
    yield "squeezenet1_0 (ImageNet), 224 px", build_config({**common, **squeezenet}, real)


def pans(name: str, real: Path, preprocessing: Preprocessing, count: int) -> PixelArray:
    """(count, 3, H, W) uint8 pictures that a network of `subjects` is audited on, over and over where there are fewer.

    Pans: rendered for the demonstration's, photographs for kitchen32's; all of the pack's photographs for ImageNet's.
    """
    if name.startswith("demo"):
        label = CLASS_NAMES.index(PAN)
        every = [Image.fromarray(render("shortcut", label, SEED, index).pixels) for index in range(min(count, 300))]
    else:
        folder = real / "kitchen32" / "unseen" / "frying_pan" if "kitchen32" in name else real / "imagenet" / "images"
        every = []
        for path in sorted(folder.glob("*.jpg"))[:count]:
            with Image.open(path) as photograph:
                every.append(photograph.convert("RGB"))
    prepared = np.stack([preprocessing.prepare(one) for one in every])
    return np.resize(prepared, (count, *prepared.shape[1:]))
