"""The patches that come with auditor."""

from __future__ import annotations

import hashlib
from pathlib import Path

from auditor.candidates.makers.brought import patch_from, read_description
from auditor.candidates.makers.maker import Found, Maker
from auditor.core.errors import PatchError
from auditor.core.records import Origin, Tier
from auditor.trials.patch import Patch


def library_folder() -> Path:
    """The folder of the library: inside the installed package, or beside it in a source checkout.

    Raises:
        PatchError: neither is there.
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "patches", package.parent / "patches"):
        if any(folder.glob("*.png")):
            return folder
    raise PatchError("the patch library is missing from this installation; reinstall auditor")


def read_library(folder: Path) -> list[Patch]:
    """Every `<slug>.png` with its `<slug>.toml` (title, origin, licence, sha256), in the order of their names.

    Raises:
        PatchError: a description is missing or malformed, or the picture's sha256 is not the described one.
    """
    patches = []
    for path in sorted(folder.glob("*.png")):
        description = read_description(path.with_suffix(".toml"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != description["sha256"]:
            raise PatchError(
                f"patch {path.name}: its sha256 is {digest}, but {path.stem}.toml says {description['sha256']}"
            )
        patches.append(patch_from(path, LIBRARY, Tier.SYNTHETIC, description["title"], description["licence"]))
    return patches


def _make(found: Found) -> list[Patch]:
    return read_library(library_folder()) if found.config.candidates.library else []


LIBRARY = Maker("l", Origin.LIBRARY, "comes with auditor", _make, screened=False)
