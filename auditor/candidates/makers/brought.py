"""The patches that a person brings: a folder of pictures, each with a description beside it where they like."""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from auditor.candidates.makers.maker import Found, Maker
from auditor.core.errors import PatchError
from auditor.core.files import read_utf8
from auditor.core.plain_text import plain
from auditor.core.records import Candidate, Origin, Tier
from auditor.inputs.images.sources.listing import is_named_like_a_picture
from auditor.trials.patch import Patch, read_patch

_SHOWN = 5


def read_user_patches(folder: Path) -> list[Patch]:
    """Every picture of a person's folder, in the order of their names; a TOML beside it may state title and licence.

    Raises:
        PatchError: the folder is missing or holds no picture, one of them cannot be used, or two names are too alike.
    """
    paths, others = _sorted_out(folder)
    if not paths:
        told = f" (there are {_listed(others)})" if others else ""
        raise PatchError(
            f"{folder} holds no PNG or other picture{told}; expected one file a patch, with alpha where it should be "
            "transparent"
        )
    _refuse_alike(paths, folder)
    patches = []
    for path in paths:
        described = read_description(path.with_suffix(".toml")) if os.path.exists(path.with_suffix(".toml")) else {}
        title = described.get("title", plain(path.stem))
        patches.append(patch_from(path, BROUGHT, Tier.USER, title, described.get("licence", "")))
    return patches


def left_out(folder: Path) -> str:
    """What lies in a person's folder beside patches and their descriptions, for a person; '' for nothing.

    Raises:
        PatchError: the folder is missing.
    """
    return _listed(_sorted_out(folder)[1])


def _sorted_out(folder: Path) -> tuple[list[Path], list[str]]:
    """The patches of a folder, and the names of all else but descriptions; a folder's own ends in `/`."""
    if not folder.is_dir():
        raise PatchError(f"there is no folder {folder}; expected a folder of PNG patches")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise PatchError(f"the folder {folder} cannot be read ({error.strerror}); check its permissions") from error
    patches = [
        path
        for path in entries
        if is_named_like_a_picture(path.name) and not path.name.startswith(".") and not path.is_dir()
    ]
    known = {*patches, *(path.with_suffix(".toml") for path in patches)}
    return patches, [plain(path.name) + "/" * path.is_dir() for path in entries if path not in known]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _refuse_alike(paths: Sequence[Path], folder: Path) -> None:
    # the run folder names a patch's files by these letters alone, so two patches must never share them
    letters = [re.sub(r"[^a-z0-9]+", "-", plain(path.stem).lower()).strip("-") for path in paths]
    alike = {name for name, count in Counter(letters).items() if count > 1}
    if alike:
        named = ", ".join(plain(path.name) for path, name in zip(paths, letters, strict=True) if name in alike)
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
        values = tomllib.loads(read_utf8(path).replace("\r\n", "\n"))
    except OSError as error:
        raise PatchError(
            f"{path} cannot be read ({error.strerror}); a patch needs title, origin, licence and sha256"
        ) from error
    except RecursionError as error:
        raise PatchError(f"{path} is not TOML of a patch: its values are nested too deeply") from error
    except ValueError as error:  # not UTF-8, not TOML, or a number of more digits than Python reads
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
