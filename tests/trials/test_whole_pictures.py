"""Effects over whole pictures against slow references, and controls that change a picture exactly as much."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import fft

from auditor.core.draws import keyed_generator
from auditor.core.errors import DamagedFileError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup
from auditor.inputs.criterion import TargetCalled
from auditor.trials.whole_pictures import (
    OF_ANY_CHANGE,
    OF_FINE_DETAIL,
    Added,
    Blended,
    Contrast,
    ContrastOf,
    Filtered,
    Said,
    Saturation,
    Surroundings,
    blend,
    picture_under,
)

HEIGHT, WIDTH = 10, 14
CONTROLS = OF_ANY_CHANGE | OF_FINE_DETAIL


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (7, 3, HEIGHT, WIDTH), dtype=np.uint8)


@pytest.fixture
def images(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).float() / 255


def draws(count: int) -> list[np.random.Generator]:
    return [keyed_generator(5, "test", number) for number in range(count)]


def test_added_is_added() -> None:
    images = torch.full((2, 3, 1, 2), 0.5)
    change = Added(torch.tensor([0.25, 0.0, -0.75]).view(3, 1, 1))
    after = Blended(("w", ""), change).on(images, ["a", "b"], 0)
    assert after[1, :, 0, 1].tolist() == [0.75, 0.5, 0.0]  # clipped, never below black
    assert images.unique().tolist() == [0.5]


def test_contrast_and_saturation_pixel_by_pixel(images: torch.Tensor) -> None:
    contrast, saturation = Contrast(1.5)(images, draws(7)), Saturation(0.25)(images, draws(7))
    for place in range(7):
        for channel in range(3):
            mean = float(images[place, channel].double().mean())
            for y, x in ((0, 0), (3, 13), (9, 7)):
                value = float(images[place, channel, y, x])
                assert float(contrast[place, channel, y, x]) == pytest.approx((1.5 - 1) * (value - mean), abs=1e-6)
                grey = sum(float(images[place, one, y, x]) for one in range(3)) / 3
                expected = grey + 0.25 * (value - grey) - value
                assert float(saturation[place, channel, y, x]) == pytest.approx(expected, abs=1e-6)


def test_contrast_of_a_change_is_its_spread_and_no_more(images: torch.Tensor) -> None:
    centres, gains = np.linspace(0.02, 0.7, 9), np.linspace(1.2, 0.1, 9)
    filtered = Filtered(centres, gains)
    after = images + ContrastOf(filtered)(images, draws(7))
    for place in range(7):
        grey = [one[place].double().numpy().mean(axis=0) for one in (images, images + filtered(images, draws(7)))]
        gain = grey[1].std() / grey[0].std()
        assert gain < 0.9
        for channel in range(3):
            pixels = images[place, channel].double().numpy()
            expected = pixels.mean() + gain * (pixels - pixels.mean())
            assert np.allclose(after[place, channel].numpy(), expected, atol=1e-6)
    plain = torch.full((1, 3, 4, 4), 0.25)
    assert not ContrastOf(Added(torch.rand(3, 4, 4)))(plain, draws(1)).any()


def test_no_saturation_is_a_grey_scale(images: torch.Tensor) -> None:
    after = images + Saturation(0.0)(images, draws(7))
    assert torch.allclose(after, images.mean(dim=1, keepdim=True).expand_as(after), atol=1e-6)


def test_filtering_agrees_with_a_cosine_transform(images: torch.Tensor) -> None:
    """The mirrored picture's Fourier spectrum is the picture's cosine transform, which is computed another way."""
    centres, gains = np.linspace(0.02, 0.7, 9), np.linspace(1.2, 0.1, 9)
    after = images + Filtered(centres, gains)(images, draws(7))
    radius = np.hypot(np.arange(HEIGHT)[:, None] / (2 * HEIGHT), np.arange(WIDTH)[None] / (2 * WIDTH))
    by_radius = np.interp(radius, centres, gains)
    by_radius[0, 0] = 1.0
    for place in range(7):
        for channel in range(3):
            cosines = fft.dctn(images[place, channel].double().numpy(), norm="ortho")
            expected = fft.idctn(cosines * by_radius, norm="ortho")
            assert np.allclose(after[place, channel].numpy(), expected, atol=1e-6)
    assert torch.allclose(after.mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=1e-6)


def test_surroundings_come_from_one_drawn_picture(images: torch.Tensor) -> None:
    others = np.stack([np.full((3, HEIGHT, WIDTH), level, np.uint8) for level in (51, 204)])
    weight = torch.zeros(HEIGHT, WIDTH)
    weight[0], weight[1] = 1.0, 0.5
    after = images + Surroundings(others, weight)(images, draws(7))
    assert torch.equal(after[:, :, 2:], images[:, :, 2:])
    levels = after[:, 0, 0, 0].tolist()
    assert {round(level, 4) for level in levels} == {0.2, 0.8}
    for place, level in enumerate(levels):
        assert torch.allclose(after[place, :, 0], torch.tensor(level), atol=1e-6)
        assert torch.allclose(after[place, :, 1], (images[place, :, 1] + level) / 2, atol=1e-6)


def test_every_control_is_as_large_on_every_picture(images: torch.Tensor) -> None:
    change = Saturation(0.3)(images, draws(7))
    size = change.square().mean(dim=(1, 2, 3))
    assert set(CONTROLS) == {"opposite", "other colours", "noise"}
    for name, instead in CONTROLS.items():
        other = instead(change, draws(7))
        assert torch.allclose(other.square().mean(dim=(1, 2, 3)), size, rtol=1e-5), name
        assert not torch.allclose(other, change, atol=1e-2), name
    assert torch.equal(CONTROLS["opposite"](change, draws(7)), -change)
    turned = CONTROLS["other colours"](change, draws(7))
    assert torch.allclose(turned.square().sum(dim=1), change.square().sum(dim=1), atol=1e-6)  # at every pixel


def test_turned_colours_have_no_favourite() -> None:
    """Of ten thousand turns of one colour the mean is none, and the three channels share its square alike."""
    change = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(10_000, 3, 1, 1)
    turned = CONTROLS["other colours"](change, draws(10_000))[:, :, 0, 0]
    assert torch.allclose(turned.mean(dim=0), torch.zeros(3), atol=0.03)
    assert torch.allclose(turned.square().mean(dim=0), torch.full((3,), 1 / 3), atol=0.03)


@pytest.mark.parametrize("control", ["", *CONTROLS])
def test_batches_and_company_decide_nothing(colour_classifier, pixels: np.ndarray, control: str) -> None:
    classifier = colour_classifier((HEIGHT, WIDTH))
    criterion = TargetCalled(ClassGroup("red", (0,)), ClassGroup("blue", (2,)))
    blended = Blended(("w-x", control), Contrast(1.7), CONTROLS.get(control))
    keys = [f"k{number}" for number in range(7)]

    def said(rows: slice, batch: int) -> dict[str, np.ndarray]:
        return blend(classifier, criterion, pixels[rows], keys[rows], blended, batch, 4, Silence()).arrays()

    whole, parts, alone = said(slice(0, 7), 7), said(slice(0, 7), 2), said(slice(4, 5), 1)
    for name, values in whole.items():
        assert np.array_equal(values, parts[name]), name
        assert values[4] == alone[name][0], name
    assert np.array_equal(Said.from_arrays(whole, 7).change, whole["change"])
    with pytest.raises(DamagedFileError, match="7 pictures, and there are 6"):
        Said.from_arrays(whole, 6)


def test_what_the_model_is_shown_is_the_changed_picture(colour_classifier, pixels: np.ndarray) -> None:
    """Three classes are the sums of the channels: more blue makes every picture blue."""
    classifier = colour_classifier((HEIGHT, WIDTH))
    criterion = TargetCalled(ClassGroup("red", (0,)), ClassGroup("blue", (2,)))
    keys = [f"k{number}" for number in range(7)]
    bluer = Blended(("w-b", ""), Added(torch.tensor([-0.4, 0.0, 0.4]).view(3, 1, 1)))
    said = blend(classifier, criterion, pixels, keys, bluer, 3, 0, Silence())
    assert said.of.predicted.tolist() == [2] * 7
    assert (said.of.rank == 1).all()
    shown = picture_under(pixels[2], keys[2], bluer, 0, classifier.device)
    expected = np.clip(pixels[2].astype(float) + np.array([-102, 0, 102])[:, None, None], 0, 255)
    assert np.abs(shown - expected).max() <= 1
    change = (shown.astype(float) - pixels[2]) / 255
    assert said.change[2] == pytest.approx(np.sqrt((change**2).mean()), abs=1e-3)
