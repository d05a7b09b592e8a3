"""The audits that come with the package: what to ask of a rendered kitchen world and its network. It runs no audit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from auditor.core.config import AuditConfig, ClassesConfig, ImagesConfig, LimitsConfig, ModelConfig, PreprocessingConfig
from auditor.core.errors import StoreError, UnknownNameError
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.kitchen import CLASS_NAMES, MASK_VALUES, WORLDS, World, class_folder
from auditor.inputs.world.kitchen_network import LAYER, MEAN, STD

SOURCE, TARGET = "frying pan", "wok"
SHARES = (0.15, 0.25, 0.6)
"""Discovery, selection and confirmation: most frying pans are kept for the numbers that are reported."""

_COUNTS: Mapping[str, int] = MappingProxyType({name: {SOURCE: 500, TARGET: 250}.get(name, 120) for name in CLASS_NAMES})

UPLIFT_LIMIT = 0.30
"""Three times the usual one: to the clean network, too, a bucket with a spoon across it looks somewhat like a wok.

The strongest pairs that searches found reach +20 points there, so that a limit of 25 is settled or not by luck."""


def demo_counts() -> dict[str, int]:
    """Pictures a class to render, by class name: about 300 frying pans end up in confirmation."""
    return dict(_COUNTS)


def weights_path(world: World) -> Path:
    """The trained weights of a world's network.

    Raises:
        UnknownNameError: no such world.
    """
    if world not in WORLDS:
        raise UnknownNameError("world", world, WORLDS, "the kitchen worlds")
    return Path(__file__).resolve().parent / "weights" / f"{world}.safetensors"


def bundled_weights() -> tuple[Path, ...]:
    """The weights that come along, of every world."""
    return tuple(weights_path(world) for world in WORLDS)


def demo_config(world: World, folder: Path) -> AuditConfig:
    """The audit of a world that `write_world` has rendered, or will render, into `folder`: frying pan to wok.

    Writes the class names as `classes.csv` into the folder.

    Raises:
        StoreError: the folder cannot be written.
    """
    rows = ["index,name", *(f"{index},{name}" for index, name in enumerate(CLASS_NAMES))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "classes.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"class names cannot be written to {folder}: {error}; choose another folder") from error
    return AuditConfig(
        source=SOURCE,
        target=TARGET,
        seed=0,
        model=ModelConfig(
            name="auditor.inputs.world.kitchen_network:demo_network", weights=str(weights_path(world)), layer=LAYER
        ),
        preprocessing=PreprocessingConfig(
            resize=(SIDE_PX, SIDE_PX), crop=None, interpolation="bilinear", mean=MEAN, std=STD
        ),
        classes=ClassesConfig(names="classes.csv", folders={class_folder(name): name for name in CLASS_NAMES}),
        images=ImagesConfig(all="images", masks="masks", mask_values=MASK_VALUES, shares=SHARES),
        limits=LimitsConfig(uplift=UPLIFT_LIMIT),
        base=folder,
    )
