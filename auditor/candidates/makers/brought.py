"""The patches that a person brings: a folder of PNGs, each with a description beside it where they like."""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from pathlib import Path

from auditor.candidates.makers.maker import Found, Maker
from auditor.core.errors import PatchError
from auditor.core.plain_text import plain
from auditor.core.records import Candidate, Origin, Tier
from auditor.trials.patch import Patch, read_patch


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
    _refuse_alike([plain(path.stem) for path in paths], folder)
    patches = []
    for path in paths:
        described = read_description(path.with_suffix(".toml")) if os.path.isfile(path.with_suffix(".toml")) else {}
        patches.append(
            patch_from(path, BROUGHT, Tier.USER, described.get("title", plain(path.stem)), described.get("licence", ""))
        )
    return patches


def _refuse_alike(stems: list[str], folder: Path) -> None:
    # the run folder names a patch's files by these letters alone, so two patches must never share them
    letters = [re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") for stem in stems]
    alike = {name for name, count in Counter(letters).items() if count > 1}
    if alike:
        named = ", ".join(f"{stem}.png" for stem, name in zip(stems, letters, strict=True) if name in alike)
        raise PatchError(
            f"{folder}: the names {named} differ in nothing but case or signs other than a to z and 0 to 9; "
            "rename them, so that each patch's results can be told apart"
        )


def patch_from(path: Path, maker: Maker, tier: Tier, title: str, licence: str) -> Patch:
    """A file's picture as a candidate of a maker."""
    rgba = read_patch(path)
    candidate = Candidate(
        id=maker.identity(plain(path.stem)),
        name=title,
        origin=maker.origin,
        tier=tier,
        licence=licence,
    )
    return Patch(candidate, rgba)


def read_description(path: Path) -> dict[str, str]:
    """What the TOML beside a patch says of it: title, origin, licence and sha256.

    Raises:
        PatchError: it is missing, is no TOML, or lacks one of them.
    """
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


def _make(found: Found) -> list[Patch]:
    config = found.config
    return read_user_patches(config.path(config.candidates.patches)) if config.candidates.patches else []


BROUGHT = Maker("u", Origin.USER, "your own", _make, screened=False)
