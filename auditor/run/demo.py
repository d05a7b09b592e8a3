"""The built-in demonstration: render a kitchen world and audit its network, in folders of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from auditor.core.errors import StoreError
from auditor.core.progress import Progress
from auditor.core.records import Verdict
from auditor.inputs.world.bundle import demo_config, demo_counts
from auditor.inputs.world.kitchen import WORLDS, World, write_world
from auditor.run.audit import audit
from auditor.run.finished import Audit

__all__ = ["EXPECTED", "WORLDS", "demo_folder", "run_demo"]

EXPECTED: Mapping[World, Verdict] = {"shortcut": Verdict.FAIL, "clean": Verdict.PASS}
"""What an audit must say of a network that takes noodles for a wok, and of one that does not."""


def demo_folder() -> Path:
    """`reports/demo-<UTC time>` below the current folder."""
    return Path("reports") / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def run_demo(world: World, folder: Path, progress: Progress) -> Audit:
    """Render a world's pictures into `folder/<world>-world` and audit its network into `folder/<world>`.

    Raises:
        StoreError: one of the two folders exists already and is not empty.
    """
    pictures = folder / f"{world}-world"
    if pictures.exists() and any(pictures.iterdir()):
        raise StoreError(f"{pictures} already exists and is not empty; choose another folder with --out")
    config = demo_config(world, pictures)
    write_world(pictures, world, demo_counts(), config.seed, progress)
    return audit(config, folder / world, progress)
