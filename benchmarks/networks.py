"""The networks that benchmarks measure, as configurations: the demonstration's, and the real ones where they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor.core.config import AuditConfig, build_config
from auditor.inputs.world.bundle import demo_config


def subjects(real: Path, scratch: Path) -> Iterator[tuple[str, AuditConfig]]:
    """The networks to measure, as configurations; the pictures they are measured on are random numbers."""
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
