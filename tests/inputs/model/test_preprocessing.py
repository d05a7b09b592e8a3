"""Pictures are prepared as torchvision prepares them, and boxes find their way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from auditor.core.config import PreprocessingConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.inputs.model.preprocessing import Preprocessing


def picture(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def made(**settings: object) -> Preprocessing:
    return Preprocessing.from_config(PreprocessingConfig.model_validate(settings))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize(
    ("resize", "crop"), [(40, 32), (41, 32), (32, 40), (40, (33, 20)), ((30, 50), None), ((30, 50), 25), ((30, 50), 44)]
)
@pytest.mark.parametrize("size", [(64, 64), (97, 61), (61, 97), (20, 23), (40, 40), (133, 41)])
def test_equals_torchvision(
    interpolation: str, resize: int | tuple[int, int], crop: int | tuple[int, int] | None, size: tuple[int, int]
) -> None:
    prepared = made(resize=resize, crop=crop, interpolation=interpolation)
    steps: list[object] = [Resize(resize, interpolation=InterpolationMode(interpolation))]
    steps += [CenterCrop(crop)] if crop is not None else []
    image = picture(*size)
    expected = np.asarray(Compose(steps)(image)).transpose(2, 0, 1)
    result = prepared.prepare(image)
    assert result.shape[1:] == prepared.output_size
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, expected)


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    image = picture(16, 12)
    np.testing.assert_array_equal(made(resize=(12, 16)).prepare(image), np.asarray(image).transpose(2, 0, 1))


def test_a_prepared_box_maps_back_to_the_original() -> None:
    # 400x200 is resized to 200x100 and loses 60 columns and 10 rows on each side: half the scale, shifted.
    prepared = made(resize=100, crop=(80, 80))
    assert prepared.original_box(0, 0, 80, 80, 400, 200) == (120, 20, 280, 180)
    assert prepared.original_box(10, 20, 30, 40, 400, 200) == (140, 60, 180, 100)


def test_a_mapped_box_stays_inside_the_picture_and_keeps_a_pixel() -> None:
    prepared = made(resize=(10, 10))
    assert prepared.original_box(-5, -5, 20, 20, 37, 23) == (0, 0, 37, 23)
    assert prepared.original_box(5, 5, 5, 5, 10, 10) == (5, 5, 6, 6)
    assert prepared.original_box(10, 10, 12, 12, 10, 10) == (9, 9, 10, 10)


def test_a_marked_square_is_found_again_through_its_box() -> None:
    pixels = np.zeros((300, 200, 3), dtype=np.uint8)
    pixels[120:180, 60:100] = 255
    prepared = made(resize=100, crop=(100, 100), interpolation="nearest")
    rows, columns = np.nonzero(prepared.prepare(Image.fromarray(pixels))[0])
    box = prepared.original_box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 200, 300)
    assert box == (60, 120, 100, 180)


def test_other_modes_and_extreme_strips_are_refused() -> None:
    prepared = made(resize=224, crop=224)
    with pytest.raises(ImageError, match="expected an RGB picture, got mode 'L'"):
        prepared.prepare(Image.new("L", (8, 8)))
    with pytest.raises(
        UnreadableImageError, match="extreme proportions: 9000x1 pixels would be resized to 2016000x224"
    ):
        prepared.prepare(Image.new("RGB", (9000, 1)))


def test_the_description_says_everything() -> None:
    assert made(resize=256, crop=224).describe() == (
        "shorter side resized to 256 px (bilinear, antialiased), centre crop 224x224; "
        "mean 0.485/0.456/0.406, std 0.229/0.224/0.225"
    )
    assert made(resize=(112, 96), interpolation="nearest").describe().startswith("resized to 112x96 px (nearest);")


def test_without_a_crop_the_shorter_side_gives_no_size() -> None:
    with pytest.raises(ImageError, match="needs a crop"):
        _ = Preprocessing(256, None, "bilinear", (0.0,) * 3, (1.0,) * 3).output_size
    assert torch.Size(made(resize=256, crop=224).output_size) == (224, 224)
