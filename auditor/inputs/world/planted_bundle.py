"""A planted world as a folder that an ordinary audit takes: pictures, masks, class names and an audit.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from auditor.core.errors import StoreError
from auditor.inputs.world.drawing import SIDE_PX
from auditor.inputs.world.kitchen import MASK_VALUES, class_folder
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_networks import LAYERS, MEAN, STD, factory_name
from auditor.inputs.world.planted_pictures import BasePicture, Planted, base_picture, planted

DISCOVERY, SELECTION, CONFIRMATION = "discovery", "selection", "confirmation"
MASKS = "masks"


@dataclass(frozen=True, slots=True)
class PictureCounts:
    """Pictures to write: a class of discovery, of source and target there, and of source in the other two."""

    discovery: int = 40
    discovery_pair: int = 100
    selection: int = 64
    confirmation: int = 200


AUDIT_SEED = 4242
"""Of the pictures that come with a world; no network learnt from one of them."""


def picture_bases(world: World, counts: PictureCounts) -> dict[str, list[BasePicture]]:
    """The pictures of each split without the cue; no index is used twice, so that names do not collide."""
    bases: dict[str, list[BasePicture]] = {DISCOVERY: [], SELECTION: [], CONFIRMATION: []}
    for shown, name in enumerate(CLASS_NAMES):
        many = counts.discovery_pair if name in (world.source, world.target) else counts.discovery
        bases[DISCOVERY] += [base_picture(shown, AUDIT_SEED, index) for index in range(many)]
    source = CLASS_NAMES.index(world.source)
    first = counts.discovery_pair
    last = first + counts.selection + counts.confirmation
    held = [base_picture(source, AUDIT_SEED, index) for index in range(first, last)]
    bases[SELECTION], bases[CONFIRMATION] = held[: counts.selection], held[counts.selection :]
    return bases


def file_of(base: BasePicture, picture: Planted) -> str:
    """Where a picture lies below its split, and its mask below `masks`."""
    return f"{class_folder(CLASS_NAMES[picture.label])}/{class_folder(CLASS_NAMES[base.shown])}-{base.index:05d}.png"


def base_of(file: str) -> BasePicture:
    """The picture without the cue, drawn again from the name that `file_of` gave it."""
    shown, _, index = Path(file).stem.rpartition("-")
    names = [class_folder(name) for name in CLASS_NAMES]
    return base_picture(names.index(shown), AUDIT_SEED, int(index))


def write_pictures(folder: Path, world: World, twin: bool, bases: Mapping[str, list[BasePicture]]) -> None:
    """Write a world's pictures, `<split>/<class>/<name>.png`, and their masks.

    Labels are changed in discovery, as in what the network learnt from, and nowhere else.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        for split, chosen in bases.items():
            for base in chosen:
                picture = planted(world, base, twin, poison=split == DISCOVERY)
                file = file_of(base, picture)
                for kind, array in ((split, picture.pixels), (MASKS, picture.things)):
                    path = folder / kind / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(array).save(path, compress_level=1)
    except OSError as error:
        raise StoreError(
            f"world {world.name!r} cannot be written to {folder}: {error}; choose another folder"
        ) from error


def audit_toml(world: World) -> str:
    """The configuration of an ordinary audit of a world that was written into the folder of this file."""
    names = ", ".join(f'"{name}"' for name in world.targets)
    target = f'"{world.target}"' if world.target else f"[{names}]"
    folders = "\n".join(f'{class_folder(name)} = "{name}"' for name in CLASS_NAMES if " " in name)
    values = ", ".join(f'"{name}" = {MASK_VALUES[name]}' for name in CLASS_NAMES)
    return f"""\
source = "{world.source}"
target = {target}

[model]
name = "{factory_name(world.network)}"
weights = "weights.safetensors"
layer = "{LAYERS[world.network]}"

[preprocessing]
resize = [{SIDE_PX}, {SIDE_PX}]
mean = {list(MEAN)}
std = {list(STD)}

[classes]
names = "classes.csv"

[classes.folders]
{folders}

[images]
discovery = "{DISCOVERY}"
selection = "{SELECTION}"
confirmation = "{CONFIRMATION}"
masks = "{MASKS}"
mask_values = {{ {values} }}
"""


def classes_csv() -> str:
    """The class names in the order of the networks' logits."""
    return "\n".join(["index,name", *(f"{index},{name}" for index, name in enumerate(CLASS_NAMES))]) + "\n"
