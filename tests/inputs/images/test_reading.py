"""Reading single pictures: what is accepted looks right, what is refused has its fixed reason."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from auditor.core.errors import UnreadableImageError
from auditor.inputs.images.reading import decode, decode_image, decode_rgba, formats_read, read_bytes

LIMIT = 1_000_000


def read_image(path: Path, max_pixels: int) -> Image.Image:
    return decode_image(read_bytes(path, max_pixels), max_pixels)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(seed: int = 0, side: int = 32) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = zlib.compress(bytes((width * 6 + 1) * height)) if width * height < 10_000 else b""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def grey16() -> bytes:
    return encode(Image.fromarray(np.full((4, 4), 40000, dtype=np.uint16)), "PNG")


def frames(kind: str) -> bytes:
    return encode(noise(1), kind, save_all=True, append_images=[noise(2), noise(3)])


BAD = {
    "zero": (b"", "zero bytes"),
    "text": (b"this is a text file named .jpg, and long enough to be looked at", "not a picture"),
    "half a jpeg": (encode(noise(), "JPEG")[:600], "truncated"),
    "start of a jpeg": (encode(noise(), "JPEG")[:20], "truncated"),
    "half a png": (encode(noise(), "PNG")[:900], "truncated"),
    "half a webp": (encode(noise(), "WEBP", lossless=True)[:900], "truncated"),
    "half a gif": (encode(noise(), "GIF")[:900], "truncated"),
    "16-bit grey png": (grey16(), "16-bit"),
    "16-bit colour png": (png_header(4, 4, depth=16), "16-bit"),
    "16-bit tiff": (encode(Image.fromarray(np.zeros((4, 4), dtype=np.uint16)), "TIFF"), "16-bit"),
    "float tiff": (encode(Image.fromarray(np.zeros((4, 4), dtype=np.float32)), "TIFF"), "16-bit"),
    "16-bit ppm": (b"P6 2 2 65535\n" + bytes(24), "16-bit"),
    "cmyk jpeg": (encode(noise().convert("CMYK"), "JPEG"), "CMYK"),
    "animated gif": (frames("GIF"), "animated"),
    "animated png": (frames("PNG"), "animated"),
    "animated webp": (frames("WEBP"), "animated"),
    "tiff of pages": (frames("TIFF"), "animated"),
    "lab tiff": (encode(noise().convert("LAB"), "TIFF"), "not a picture"),
    "decompression bomb": (png_header(60_000, 60_000), "too many pixels"),
    "bomb that only warns": (png_header(10_000, 10_000), "too many pixels"),
    "just too large": (png_header(1001, 1000), "too many pixels"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "not a picture"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_each_bad_picture_has_its_reason(tmp_path: Path, kind: str) -> None:
    data, reason = BAD[kind]
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(UnreadableImageError) as caught:
        read_image(tmp_path / "a.jpg", LIMIT)
    assert caught.value.reason == reason


@pytest.mark.parametrize("limit", [50_000_000, 10**12])
def test_pillows_own_warning_refuses_even_where_it_is_an_error_or_the_limit_is_higher(limit: int) -> None:
    for action in ("error", "ignore"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.filters", [(action, None, Warning, None, 0)])
            with pytest.raises(UnreadableImageError) as caught:
                decode_image(png_header(10_000, 10_000), limit)
        assert caught.value.reason == "too many pixels"


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.jpg").mkdir()
    for name, reason in (("folder.jpg", "unreadable file"), ("absent.jpg", "missing file")):
        with pytest.raises(UnreadableImageError) as caught:
            read_image(tmp_path / name, LIMIT)
        assert caught.value.reason == reason

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    noise().save(tmp_path / "a.png")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnreadableImageError, match="unreadable file: Permission denied"):
        read_image(tmp_path / "a.png", LIMIT)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(10**10)  # sparse: takes no room
    with pytest.raises(UnreadableImageError) as caught:
        read_image(tmp_path / "a.png", LIMIT)
    assert caught.value.reason == "too many pixels"


def test_exactly_the_limit_is_read() -> None:
    assert decode_image(encode(noise(side=10), "PNG"), 100).size == (10, 10)
    with pytest.raises(UnreadableImageError):
        decode_image(encode(noise(side=10), "PNG"), 99)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("1", (2, 2), 1), (255, 255, 255)),
        (Image.new("L", (2, 2), 77), (77, 77, 77)),
        (Image.new("LA", (2, 2), (0, 51)), (204, 204, 204)),
        (Image.new("RGB", (2, 2), (10, 20, 30)), (10, 20, 30)),
        (Image.new("RGB", (2, 2), (10, 20, 30)).quantize(4), (10, 20, 30)),
        (Image.new("RGBA", (2, 2), (10, 20, 30, 255)), (10, 20, 30)),
        (Image.new("RGBA", (2, 2), (10, 20, 30, 0)), (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (255, 0, 0, 51)), (255, 204, 204)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_each_accepted_kind_becomes_the_rgb_a_person_sees(image: Image.Image, expected: tuple[int, int, int]) -> None:
    read = decode_image(encode(image, "PNG"), LIMIT)
    assert read.mode == "RGB"
    assert {tuple(pixel) for pixel in np.asarray(read).reshape(-1, 3).tolist()} == {expected}


def test_a_transparent_palette_colour_becomes_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([1, 2, 3, 4, 5, 6])
    image.putpixel((1, 0), 1)
    read = decode_image(encode(image, "PNG", transparency=0), LIMIT)
    assert np.asarray(read).tolist() == [[[255, 255, 255], [4, 5, 6]]]


def test_a_still_of_several_views_is_read_as_its_first() -> None:
    read = decode_image(
        encode(Image.new("RGB", (8, 8), (200, 0, 0)), "MPO", save_all=True, append_images=[noise()]), LIMIT
    )
    assert np.abs(np.asarray(read).astype(int) - (200, 0, 0)).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, kind: str, orientation: int) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    # What EXIF 2.32 says of each value: where the stored first row and first column lie in the upright picture.
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / "a"
    path.write_bytes(encode(Image.fromarray(stored), kind, exif=exif, **options))
    np.testing.assert_array_equal(np.asarray(read_image(path, LIMIT)), upright)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_picture() -> None:
    image = Image.new("RGB", (8, 8), (0, 0, 0))
    data = encode(image, "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f" + b"\xff" * 30)
    assert np.asarray(decode_image(data, LIMIT)).max() == 0


FORMATS = {kind: encode(noise(4), kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")}


def test_every_format_is_read() -> None:
    for kind in ("PNG", "BMP", "TIFF", "PPM"):
        np.testing.assert_array_equal(np.asarray(decode_image(FORMATS[kind], LIMIT)), np.asarray(noise(4)))
    for kind in ("JPEG", "GIF", "WEBP"):
        assert decode_image(FORMATS[kind], LIMIT).size == (32, 32)


@given(kind=st.sampled_from(sorted(FORMATS)), data=st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_a_picture_or_a_reason_and_never_another_error(kind: str, data: st.DataObject) -> None:
    content = bytearray(FORMATS[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content) - 1, 200)))] = data.draw(st.integers(0, 255))
    try:
        outcome = decode_image(bytes(content[: data.draw(st.integers(1, len(content)))]), LIMIT).mode
    except UnreadableImageError as problem:
        outcome = problem.reason
    assert outcome in {"RGB", "truncated", "not a picture", "16-bit", "CMYK", "animated", "too many pixels"}


def png(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_what_shows_through_is_white_and_told() -> None:
    half = Image.new("RGBA", (2, 1), (0, 100, 200, 255))
    half.putpixel((1, 0), (0, 100, 200, 0))
    decoded = decode(png(half), 100)
    assert decoded.on_white
    assert [decoded.image.getpixel((x, 0)) for x in (0, 1)] == [(0, 100, 200), (255, 255, 255)]
    assert decode_rgba(png(half), 100).getpixel((1, 0))[3] == 0
    for whole in (Image.new("RGBA", (2, 1), (0, 100, 200, 255)), Image.new("RGB", (2, 1), (0, 100, 200))):
        decoded = decode(png(whole), 100)
        assert not decoded.on_white
        assert decoded.image.getpixel((0, 0)) == (0, 100, 200)
        assert decode_rgba(png(whole), 100).getpixel((1, 0)) == (0, 100, 200, 255)


def test_a_pipe_is_no_picture_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImageError, match="unreadable file: it is no file"):
        read_bytes(tmp_path / "pipe.png", 100)


def test_newer_formats_are_read_where_pillow_has_them() -> None:
    picture = Image.fromarray(np.full((8, 8, 3), (200, 40, 90), dtype=np.uint8))
    for kind in ("AVIF", "HEIF", "JXL"):
        assert (kind in formats_read()) == (kind in Image.OPEN)
    if "AVIF" in formats_read():
        pixels = np.asarray(decode_image(encode(picture, "AVIF", quality=100), LIMIT)).astype(int)
        assert np.abs(pixels - (200, 40, 90)).max() <= 4
    with pytest.raises(UnreadableImageError, match="not a picture: its bytes are none of JPEG, PNG"):
        decode_image(b"\x00\x00\x00\x20ftypnone" + bytes(40), LIMIT)
