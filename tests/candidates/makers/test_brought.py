"""The folders of patches that a person brings."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.candidates.makers.brought import left_out, read_user_patches
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


def test_every_picture_is_a_patch_whatever_its_suffix(tmp_path: Path) -> None:
    names = ("a.PNG", "b.jpg", "c.webp", "d.JPEG", "e.gif", "f.bmp", "g.tif", "h.ppm", "i.png")
    for name in names:
        Image.new("RGB", (6, 4), (40, 90, 200)).save(tmp_path / name, lossless=True)
    patches = read_user_patches(tmp_path)
    assert [patch.candidate.id for patch in patches] == [f"u-{letter}" for letter in "abcdefghi"]
    for patch in patches:
        assert patch.rgba.shape == (4, 4, 6)
        assert np.abs(patch.rgba[:, 0, 0].astype(int) - (40, 90, 200, 255)).max() <= 4  # JPEG and GIF come near
    assert left_out(tmp_path) == ""


def test_what_is_no_patch_is_named(
    tmp_path: Path, write_patch: Callable[..., None], describe: Callable[..., None]
) -> None:
    write_patch(tmp_path / "a.png")
    describe(tmp_path / "a.png")
    write_patch(tmp_path / ".hidden.png")
    for name in ("notes.txt", "alone.toml", "drawing.svg"):
        (tmp_path / name).write_text("")
    (tmp_path / "more.png").mkdir()
    assert len(read_user_patches(tmp_path)) == 1
    assert left_out(tmp_path) == ".hidden.png, alone.toml, drawing.svg, more.png/, notes.txt"
    (tmp_path / "z\x1b.txt").write_text("")
    (tmp_path / "zz").write_text("")
    assert left_out(tmp_path).endswith("notes.txt and 2 more")
    (tmp_path / "a.png").unlink()
    with pytest.raises(PatchError, match=r"holds no PNG or other picture \(there are \.hidden\.png, a\.toml, "):
        read_user_patches(tmp_path)


def grey_of_16_bits(path: Path) -> None:
    Image.fromarray(np.full((4, 4), 77, dtype=np.uint16)).save(path)


def colour_of_16_bits(path: Path) -> None:
    rows = b"".join(b"\0" + struct.pack(">12H", *[77] * 12) for _ in range(4))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def floats(path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0.5, dtype=np.float32)).save(path, "TIFF")


def film(path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(path, "PNG", save_all=True, append_images=frames[1:])


def print_colours(path: Path) -> None:
    Image.new("CMYK", (4, 4), (10, 200, 10, 0)).save(path, "JPEG")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (grey_of_16_bits, "16-bit"),
        (colour_of_16_bits, "16-bit"),
        (floats, "16-bit"),
        (film, "animated"),
        (print_colours, "CMYK"),
        (os.mkfifo, "unreadable file"),
    ],
)
def test_what_is_no_still_picture_of_8_bits_is_refused(
    tmp_path: Path, write: Callable[[Path], None], reason: str
) -> None:
    write(tmp_path / "a.png")
    with pytest.raises(PatchError, match=rf"a\.png cannot be read as a picture \({reason}.*8 bits a channel"):
        read_user_patches(tmp_path)


def test_a_patch_stands_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (6, 4), "red")
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_user_patches(tmp_path)[0].rgba.shape == (4, 6, 4)


def test_two_suffixes_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        Image.new("RGB", (6, 4), "red").save(tmp_path / name)
    with pytest.raises(PatchError, match=r"the names a\.jpg, a\.png differ"):
        read_user_patches(tmp_path)
