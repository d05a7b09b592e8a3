"""Patches from folders: the library that comes with auditor, and the ones a person brings."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

from auditor.core.errors import PatchError
from auditor.core.hashing import sha256_of
from auditor.core.records import Candidate, Origin, Tier
from auditor.trials.patch import Patch, patch_png, read_patch


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
        description = _read_description(path.with_suffix(".toml"))
        digest = sha256_of(path.read_bytes())
        if digest != description["sha256"]:
            raise PatchError(
                f"patch {path.name}: its sha256 is {digest}, but {path.stem}.toml says {description['sha256']}"
            )
        patches.append(
            _patch(f"l-{path.stem}", path, description["title"], Origin.LIBRARY, Tier.SYNTHETIC, description["licence"])
        )
    return patches


def read_user_patches(folder: Path) -> list[Patch]:
    """Every PNG of a person's folder, in the order of their names; a TOML beside it may state title and licence.

    Raises:
        PatchError: the folder is missing or holds no PNG, one of them cannot be used, or two names are too alike.
    """
    if not folder.is_dir():
        raise PatchError(f"there is no folder {folder}; expected a folder of PNG patches")
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise PatchError(f"{folder} holds no PNG; expected one file a patch, with alpha where it should be transparent")
    _refuse_alike([path.stem for path in paths], folder)
    patches = []
    for path in paths:
        described = _read_description(path.with_suffix(".toml")) if path.with_suffix(".toml").exists() else {}
        patches.append(
            _patch(
                f"u-{path.stem}",
                path,
                described.get("title", path.stem),
                Origin.USER,
                Tier.USER,
                described.get("licence", ""),
            )
        )
    return patches


def _refuse_alike(stems: list[str], folder: Path) -> None:
    # the run folder names a patch's files by these letters alone, so two patches must never share them
    plain = [re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") for stem in stems]
    alike = {name for name, count in Counter(plain).items() if count > 1}
    if alike:
        named = ", ".join(f"{stem}.png" for stem, name in zip(stems, plain, strict=True) if name in alike)
        raise PatchError(
            f"{folder}: the names {named} differ in nothing but case or signs other than a to z and 0 to 9; "
            "rename them, so that each patch's results can be told apart"
        )


def _patch(identity: str, path: Path, title: str, origin: Origin, tier: Tier, licence: str) -> Patch:
    rgba = read_patch(path)
    candidate = Candidate(
        id=identity, name=title, origin=origin, tier=tier, sha256=sha256_of(patch_png(rgba)), licence=licence
    )
    return Patch(candidate, rgba)


def _read_description(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise PatchError(
            f"{path} cannot be read ({error.strerror}); a patch needs title, origin, licence and sha256"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PatchError(f"{path} is not valid TOML: {error}") from error
    missing = [key for key in ("title", "origin", "licence", "sha256") if not isinstance(values.get(key), str)]
    if missing:
        raise PatchError(
            f"{path} lacks {', '.join(missing)}; a patch needs title, origin, licence and sha256 as strings"
        )
    return {key: str(value) for key, value in values.items()}
