"""Masks of where a sticker may go, as the network sees the pictures, and what cannot serve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import AnnotationError
from auditor.core.records import ImageRecord, Split
from auditor.inputs.images.allowed import check_allowed, read_allowed
from auditor.inputs.model.preprocessing import Preprocessing

Configure = Callable[..., AuditConfig]
SEEN = Preprocessing(4, (4, 4), "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def picture(name: str) -> ImageRecord:
    return ImageRecord(name.rjust(16, "0"), "0" * 64, f"photos/wok/{name}.jpg", 0, Split.DISCOVERY, 12, 8)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "photos/wok").mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (12, 8)).save(tmp_path / f"photos/wok/{name}.jpg")
    return tmp_path


def write(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def test_one_mask_is_laid_over_what_the_network_sees(pictures: Path, configure: Configure) -> None:
    values = np.zeros((8, 8))
    values[:4, 4:] = 255
    values[4:, :4] = 127  # not yet white
    write(pictures / "places.png", values)
    config = configure({"all": "photos", "places": "places.png"})
    check_allowed(config, (4, 4))
    allowed = read_allowed(config, [picture("a"), picture("b")], SEEN)
    assert allowed is not None
    wanted = np.zeros((4, 4), dtype=bool)
    wanted[:2, 2:] = True
    for name in ("a", "b"):
        np.testing.assert_array_equal(allowed[picture(name).key], wanted)
    assert read_allowed(configure({"all": "photos"}), [picture("a")], SEEN) is None


def test_what_is_transparent_allows_nothing(pictures: Path, configure: Configure) -> None:
    values = np.full((4, 4, 4), 255)
    values[:, :2, 3] = 0
    write(pictures / "places.png", values)
    allowed = read_allowed(configure({"all": "photos", "places": "places.png"}), [picture("a")], SEEN)
    assert allowed is not None
    np.testing.assert_array_equal(allowed[picture("a").key], [[False, False, True, True]] * 4)


def test_a_pictures_own_mask_is_resized_and_cropped_as_it_is(pictures: Path, configure: Configure) -> None:
    values = np.zeros((8, 12))
    values[2:4, 6:] = 255
    for name in ("a", "b"):
        write(pictures / f"masks/wok/{name}.png", values if name == "a" else 255 - values)
    config = configure({"all": "photos", "places": "masks"})
    check_allowed(config, None)
    allowed = read_allowed(config, [picture("a"), picture("b")], SEEN)
    assert allowed is not None
    # 12 × 8 to 6 × 4, and the middle four columns of it
    wanted = np.zeros((4, 4), dtype=bool)
    wanted[1, 2:] = True
    np.testing.assert_array_equal(allowed[picture("a").key], wanted)
    np.testing.assert_array_equal(allowed[picture("b").key], ~wanted)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "there is no mask and no folder of masks at .*places; correct images.places"),
        ({"places/wok/a.png": np.ones((8, 12)) * 255}, "has no mask for photos/wok/b.jpg; every source picture"),
        ({"places/x/a.png": np.ones((8, 12)) * 255}, "has no mask for photos/wok/a.jpg and for 1 more; every"),
        (
            {"places/wok/a.png": np.ones((8, 12)) * 255, "places/wok/b.png": np.ones((4, 6)) * 255},
            "b.png has 6×4 pixels, its picture photos/wok/b.jpg 12×8",
        ),
        (
            {"places/wok/a.png": np.ones((8, 12)) * 255, "places/wok/b.png": np.eye(8, 12) * 0},
            "b.png allows no place in what the network sees of its picture",
        ),
        ({"places": np.ones((8, 12)) * 255}, "has 12×8 pixels, and what the network sees of a picture 4×4"),
        ({"places": np.zeros((4, 4))}, "allows no place; make it white"),
    ],
)
def test_what_cannot_serve_is_told_in_a_sentence(
    pictures: Path, configure: Configure, files: dict[str, np.ndarray], told: str
) -> None:
    for name, values in files.items():
        path = pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values.astype(np.uint8)).save(path, "PNG")
    config = configure({"all": "photos", "places": "places"})
    with pytest.raises(AnnotationError, match=told):
        read_allowed(config, [picture("a"), picture("b")], SEEN)


def test_a_mask_that_is_no_picture_is_told(pictures: Path, configure: Configure) -> None:
    (pictures / "places.png").write_text("no picture")
    with pytest.raises(AnnotationError, match=r"places.png cannot be read: not a picture"):
        check_allowed(configure({"all": "photos", "places": "places.png"}), (4, 4))
