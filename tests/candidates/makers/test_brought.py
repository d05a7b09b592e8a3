"""The folders of patches that a person brings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.candidates.makers.brought import read_user_patches
from auditor.core.errors import PatchError
from auditor.core.records import Origin, Tier
from auditor.trials.patch import MAX_SIDE_PX


def test_a_persons_patches_need_no_description(
    tmp_path: Path, write_patch: Callable[..., None], describe: Callable[..., None]
) -> None:
    write_patch(tmp_path / "b.png", (1, 2, 3, 128))
    write_patch(tmp_path / "a.png")
    describe(tmp_path / "a.png", title="a red card", licence="mine")
    first, second = read_user_patches(tmp_path)
    assert (first.candidate.id, first.candidate.name, first.candidate.licence) == ("u-a", "a red card", "mine")
    assert (second.candidate.id, second.candidate.name, second.candidate.licence) == ("u-b", "b", "")
    assert first.candidate.tier is Tier.USER
    assert first.candidate.origin is Origin.USER
    np.testing.assert_array_equal(second.rgba, np.broadcast_to(np.array([1, 2, 3, 128])[:, None, None], (4, 4, 6)))


def test_pictures_without_alpha_are_opaque(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 70).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(
        read_user_patches(tmp_path)[0].rgba, np.broadcast_to(np.array([70, 70, 70, 255])[:, None, None], (4, 2, 3))
    )


def test_names_that_a_run_folder_could_not_tell_apart_are_refused(
    tmp_path: Path, write_patch: Callable[..., None]
) -> None:
    for name in ("Red Dot", "red-dot", "blue"):
        write_patch(tmp_path / f"{name}.png")
    with pytest.raises(PatchError, match=r"the names Red Dot\.png, red-dot\.png differ in nothing but"):
        read_user_patches(tmp_path)


def test_folders_and_files_that_hold_no_patch_are_refused(tmp_path: Path, write_patch: Callable[..., None]) -> None:
    with pytest.raises(PatchError, match="there is no folder"):
        read_user_patches(tmp_path / "nowhere")
    with pytest.raises(PatchError, match="holds no PNG"):
        read_user_patches(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(PatchError, match="cannot be read as a picture"):
        read_user_patches(tmp_path)
    write_patch(tmp_path / "text.png", (9, 9, 9, 0))
    with pytest.raises(PatchError, match="transparent everywhere"):
        read_user_patches(tmp_path)
    write_patch(tmp_path / "text.png", size=(MAX_SIDE_PX + 1, 1))
    with pytest.raises(PatchError, match=f"at most {MAX_SIDE_PX} px a side"):
        read_user_patches(tmp_path)
