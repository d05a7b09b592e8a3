"""The patch library and its script, and the folders of patches that a person brings."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from auditor.candidates.makers.brought import library_folder, read_library, read_user_patches
from auditor.core.errors import PatchError
from auditor.core.hashing import sha256_of
from auditor.core.records import Origin, Tier
from auditor.trials.patch import MAX_SIDE_PX, patch_png

LIBRARY = Path(__file__).resolve().parents[3] / "patches"
SLUGS = sorted(path.stem for path in LIBRARY.glob("*.png"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "patch_library_script", LIBRARY.parent / "tools" / "patches" / "make.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, spec.name, module)
        patched.setattr(sys, "dont_write_bytecode", True)  # nothing of a test's may end up among the patches
        spec.loader.exec_module(module)
    return module


def write_patch(
    path: Path, rgba: tuple[int, int, int, int] = (200, 10, 20, 255), size: tuple[int, int] = (6, 4)
) -> None:
    Image.new("RGBA", size, rgba).save(path)


def describe(path: Path, **changed: str) -> None:
    values = {"title": "a patch", "origin": "drawn", "licence": "CC0", "sha256": sha256_of(path.read_bytes())} | changed
    path.with_suffix(".toml").write_text("".join(f'{key} = "{value}"\n' for key, value in values.items()))


@pytest.mark.parametrize("slug", SLUGS)
def test_the_script_renders_the_pixels_of_the_file(script: ModuleType, slug: str) -> None:
    with Image.open(LIBRARY / f"{slug}.png") as picture:
        assert picture.mode == "RGBA"
        np.testing.assert_array_equal(script.render(slug), np.asarray(picture))


def test_the_script_knows_every_file_and_every_file_its_script(script: ModuleType) -> None:
    assert sorted(script.LIBRARY) == SLUGS == sorted(path.stem for path in LIBRARY.glob("*.toml"))


def test_making_the_library_twice_gives_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    few = {slug: script.LIBRARY[slug] for slug in ("cow-spots", "noise", "rings")}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(script, "LIBRARY", few)
        for folder in (tmp_path / "first", tmp_path / "second"):
            folder.mkdir()
            script.make_library(folder)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert first == second
    assert len(first) == 6


@pytest.mark.parametrize("slug", SLUGS)
def test_every_description_fits_its_picture(slug: str) -> None:
    described = tomllib.loads((LIBRARY / f"{slug}.toml").read_text(encoding="utf-8"))
    assert described["sha256"] == hashlib.sha256((LIBRARY / f"{slug}.png").read_bytes()).hexdigest()
    assert described["licence"] == "Apache-2.0"
    assert described["origin"] == "rendered by tools/patches/make.py, seed 0"
    assert re.fullmatch(r"[a-z][a-z ,'-]+", described["title"])


def test_the_library_is_read_in_the_order_of_its_names() -> None:
    assert library_folder() == LIBRARY
    patches = read_library(LIBRARY)
    assert [patch.candidate.id for patch in patches] == [f"l-{slug}" for slug in SLUGS]
    for patch in patches:
        candidate = patch.candidate
        assert (candidate.origin, candidate.tier, candidate.licence) == (Origin.LIBRARY, Tier.SYNTHETIC, "Apache-2.0")
        assert patch.rgba.shape == (4, 128, 128)
        assert candidate.sha256 == sha256_of(patch_png(patch.rgba))


def test_rendered_things_are_transparent_around_and_opaque_inside() -> None:
    cut_out = {patch.candidate.id for patch in read_library(LIBRARY) if patch.rgba[3, 0, 0] == 0}
    assert cut_out == {"l-lemon", "l-noodle-bowl", "l-rings", "l-star-sticker"}
    for patch in read_library(LIBRARY):
        assert patch.rgba[3, 64, 64] == 255


def test_a_changed_picture_is_refused(tmp_path: Path) -> None:
    write_patch(tmp_path / "dot.png")
    describe(tmp_path / "dot.png")
    assert read_library(tmp_path)[0].candidate.name == "a patch"
    write_patch(tmp_path / "dot.png", (0, 0, 0, 255))
    with pytest.raises(PatchError, match=r"dot\.png: its sha256 is .* but dot\.toml says"):
        read_library(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"cannot be read .* needs title, origin, licence and sha256"),
        (b"title = ", r"is not valid TOML"),
        (b'title = "caf\xe9"', r"is not valid TOML"),
        (b'title = "t"\norigin = 3\nlicence = "CC0"', r"lacks origin, sha256;"),
    ],
)
def test_a_description_that_says_too_little_is_refused(tmp_path: Path, text: bytes | None, said: str) -> None:
    write_patch(tmp_path / "dot.png")
    if text is not None:
        (tmp_path / "dot.toml").write_bytes(text)
    with pytest.raises(PatchError, match=said):
        read_library(tmp_path)


def test_a_persons_patches_need_no_description(tmp_path: Path) -> None:
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


def test_names_that_a_run_folder_could_not_tell_apart_are_refused(tmp_path: Path) -> None:
    for name in ("Red Dot", "red-dot", "blue"):
        write_patch(tmp_path / f"{name}.png")
    with pytest.raises(PatchError, match=r"the names Red Dot\.png, red-dot\.png differ in nothing but"):
        read_user_patches(tmp_path)


def test_folders_and_files_that_hold_no_patch_are_refused(tmp_path: Path) -> None:
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
