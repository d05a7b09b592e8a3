"""Where built worlds lie: their weights, what is known of them, and whether they are whole. It trains nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from auditor.core.errors import StoreError
from auditor.core.hashing import sha256_of_file
from auditor.inputs.world.planted import World
from auditor.run.folder import RunFolder
from auditor.run.worlds.train import Effect, TrainingSettings

PLANTED, TWIN = "planted", "twin"
SIDES: Mapping[str, bool] = MappingProxyType({PLANTED: False, TWIN: True})
"""The two networks of a world, and whether it is the clean one."""

WEIGHTS, ACCOUNT, CONFIG = "weights.safetensors", "account.json", "audit.toml"


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a built network.

    Attributes:
        recipe: hash of the world and the settings it was trained with; sha256: of the weights.
        correct, pictures: right answers on held-out pictures, and of how many.
        effect: what the cue truly does. seconds: that building took. torch: its version.
    """

    world: str
    side: str
    recipe: str
    sha256: str
    correct: int
    pictures: int
    effect: Effect
    seconds: float
    torch: str


def default_cache() -> Path:
    """`auditor/worlds` below the user's cache directory."""
    above = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(above).expanduser() / "auditor" / "worlds"


def recipe_of(world: World, settings: TrainingSettings) -> str:
    """16 hex digits that change with whatever decides a world's weights, but for the code that draws and trains."""
    told = {name: str(getattr(world, name)) for name in World.__slots__ if name not in ("cue", "series")}
    text = json.dumps([told, world.cue.words, asdict(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def side_folder(cache: Path, world: World, side: str) -> Path:
    """The folder of one of a world's two networks."""
    return cache / world.name / side


def write_account(folder: Path, account: Account) -> None:
    """Note what is known of a network; the last file of a build, so that it says that the rest is there."""
    RunFolder(folder).write_text(ACCOUNT, json.dumps(asdict(account), indent=2) + "\n")


def account_of(cache: Path, world: World, side: str, settings: TrainingSettings) -> Account | None:
    """What is known of a built network; None where nothing was built.

    Raises:
        StoreError: it is half built, was built by another recipe, or its weights changed since.
    """
    folder = side_folder(cache, world, side)
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    again = f"build it again with {_building(cache, world)}"
    if not all((folder / file).is_file() for file in (ACCOUNT, WEIGHTS, CONFIG)):
        raise StoreError(f"the {side} network of world {world.name!r} in {folder} is half built; {again}")
    try:
        account = TypeAdapter(Account).validate_json(RunFolder(folder).read(ACCOUNT))
    except ValidationError as error:
        raise StoreError(f"{folder / ACCOUNT} is not what was written there; {again}") from error
    if account.recipe != recipe_of(world, settings):
        raise StoreError(f"the {side} network of world {world.name!r} in {folder} is of another version; {again}")
    if sha256_of_file(folder / WEIGHTS) != account.sha256:
        raise StoreError(f"the weights in {folder} changed since they were trained; {again}")
    return account


def built(cache: Path, world: World, side: str, settings: TrainingSettings) -> Account:
    """As `account_of`, where there has to be one.

    Raises:
        StoreError: as there, or nothing was built.
    """
    account = account_of(cache, world, side, settings)
    if account is None:
        raise StoreError(f"world {world.name!r} is not built in {cache}; build it with {_building(cache, world)}")
    return account


def _building(cache: Path, world: World) -> str:
    """The command that builds a world there."""
    same = "" if cache == default_cache() else " and the same --cache"
    return f"'auditor worlds build {world.name}'{same}"
