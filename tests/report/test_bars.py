"""Where the interval bars lie, and how pictures are shrunk."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from auditor.core.records import AuditResult, Interval
from auditor.report.album import Album
from auditor.report.bars import Bar, Scale, scale_of


def encoded(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def test_a_bar_lies_in_proportion_between_the_margins() -> None:
    scale = Scale(-0.2, 0.8, 0.1)
    assert (scale.x(-0.2), scale.x(0.8), scale.x(0.3)) == (8.0, 192.0, 100.0)
    assert scale.bar(0.3, Interval(0.05, 0.55, 0.95, "Tango")) == Bar(54.0, 146.0, 100.0)


@pytest.mark.parametrize(("low", "begins"), [(0.0, 99.0), (-0.1, 122.0)])
def test_the_limits_label_begins_at_the_limit_and_ends_within_the_drawing(low: float, begins: float) -> None:
    assert Scale(low, 0.2, 0.1).label_x == begins


def test_a_bar_beyond_the_scale_stops_at_its_edge_and_nan_has_none() -> None:
    scale = Scale(-0.2, 0.8, 0.1)
    assert scale.bar(0.3, Interval(-0.9, 0.95, 0.95, "Tango")) == Bar(8.0, 192.0, 100.0)
    assert scale.bar(0.3, Interval(float("nan"), 0.9, 0.95, "Tango")) is None


def test_the_scale_holds_zero_the_limit_and_every_interval(full_result: AuditResult, empty_result: AuditResult) -> None:
    assert scale_of(empty_result) == Scale(0.0, 0.2, 0.1)
    scale = scale_of(full_result)
    assert (scale.low, scale.high) == (-0.1, 0.9)
    wide = dataclasses.replace(full_result, limits=dataclasses.replace(full_result.limits, uplift=0.9))
    assert scale_of(wide).high == 1.0


def test_a_small_picture_keeps_its_bytes() -> None:
    png = encoded(np.full((12, 20, 3), 7, dtype=np.uint8))
    picture = Album({"a": png}).show("a", 256)
    assert picture is not None
    assert base64.b64decode(picture.uri.split(",", 1)[1]) == png
    assert (picture.width_px, picture.height_px, picture.coarse) == (20, 12, True)


@pytest.mark.parametrize(("channels", "media_type"), [(3, "image/webp"), (4, "image/png")])
def test_a_large_picture_is_shrunk_and_alpha_survives(channels: int, media_type: str) -> None:
    pixels = np.zeros((300, 600, channels), dtype=np.uint8)
    pixels[:, 300:] = 200
    picture = Album({"a": encoded(pixels)}).show("a", 100)
    assert picture is not None
    assert picture.uri.startswith(f"data:{media_type};base64,")
    shrunk = decoded(picture.uri)
    assert shrunk.size == (100, 50)
    assert (picture.width_px, picture.height_px) == (100, 50)
    left, right = np.asarray(shrunk)[25, 20], np.asarray(shrunk)[25, 80]
    assert np.abs(left.astype(int) - 0).max() <= 3
    assert np.abs(right.astype(int) - 200).max() <= 3
    assert len(left) == channels


def test_a_picture_longer_than_webp_holds_is_still_one() -> None:
    picture = Album({"a": encoded(np.zeros((16400, 12, 3), dtype=np.uint8))}).sheet("a", 10)
    assert picture is not None
    assert picture.uri.startswith("data:image/webp;base64,")
    picture = Album({"a": encoded(np.random.default_rng(0).integers(0, 9, (20_000, 12, 3), np.uint8))}).sheet("a", 11)
    assert picture is not None
    assert picture.uri.startswith("data:image/jpeg;base64,")
    assert decoded(picture.uri).size == (11, picture.height_px)


def test_a_webp_picture_is_shown_as_it_is() -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 20), (200, 10, 10)).save(file, "WEBP")
    picture = Album({"a": file.getvalue()}).show("a", 100)
    assert picture is not None
    assert picture.uri.startswith("data:image/webp;base64,")
    assert decoded(picture.uri).size == (40, 20)


def test_missing_and_broken_pictures_are_none_and_keys_sort_by_number() -> None:
    truncated = encoded(np.zeros((80, 80, 3), dtype=np.uint8))[:60]
    album = Album({"atlas-20": b"", "atlas-5": truncated, "atlas-10": b"GIF89a", "other": b""})
    assert [album.show(key, 100) for key in ("atlas-20", "atlas-5", "atlas-10", "none")] == [None] * 4
    assert album.keys("atlas-") == ("atlas-5", "atlas-10", "atlas-20")


def test_a_tall_sheet_is_bound_by_its_width_and_a_photograph_by_its_longer_side() -> None:
    album = Album({"contact-sheet": encoded(np.zeros((400, 100, 3), dtype=np.uint8))})
    sheet, photograph = album.sheet("contact-sheet", 50), album.show("contact-sheet", 50)
    assert sheet is not None
    assert photograph is not None
    assert (sheet.width_px, sheet.height_px) == (50, 200)
    assert (photograph.width_px, photograph.height_px) == (12, 50)
    assert album.sheet("contact-sheet", 100) == album.show("contact-sheet", 400)
    assert album.sheet("gone", 50) is None


def test_a_sheet_in_webp_that_fits_is_kept_as_it_is() -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "WEBP", quality=95)
    assert len(file.getvalue()) > 48_000
    shown = Album({"sheet": file.getvalue()}).sheet("sheet", 300)
    assert shown is not None
    assert base64.b64decode(shown.uri.split(",", 1)[1]) == file.getvalue()
