"""Controls drawn for each picture: what they keep, what they change, and that no picture's depends on its company."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auditor.candidates.controls import OWN_CONTROLS
from auditor.core.config import TrialsConfig
from auditor.core.errors import PatchError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, Placement
from auditor.core.records.trials import Predictions
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.trials.grounds import Grounds
from auditor.trials.placements import variants_of
from auditor.trials.stand_ins import Changed, Control, CutFromPictures, Draw, shuffled
from auditor.trials.sweep import Sweep

RED, GREEN = ClassGroup("red", (0,)), ClassGroup("green", (1,))
SIZE = (40, 48)


def patch(side: int = 20) -> np.ndarray:
    """A patch with a half transparent edge, and no two pixels alike."""
    rgba = np.random.default_rng(4).integers(0, 256, size=(4, side, side), dtype=np.uint8)
    rgba[3] = 255
    rgba[3, :, :4] = 100
    return rgba


def pictures(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(count, 3, *SIZE), dtype=np.uint8)


@pytest.fixture
def sweep(colour_classifier: Callable[..., Classifier]) -> Callable[..., Sweep]:
    def build(pixels: np.ndarray, keys: list[str] | None = None, batch_size: int = 64, **settings: object) -> Sweep:
        keys = keys or [f"k{number}" for number in range(len(pixels))]
        config = TrialsConfig.model_validate({"size": 0.5, **settings}).model_copy(update={"batch_size": batch_size})
        count = len(pixels)
        maps = {key: np.random.default_rng(ord(key[-1])).normal(size=SIZE).astype(np.float32) for key in keys}
        clean = Predictions.of_none(count)
        return Sweep(
            colour_classifier(SIZE), TargetCalled(RED, GREEN), pixels, keys, clean, config, 7, pictures(5, seed=9),
            grounds=Grounds(attribution=maps),
        )  # fmt: skip

    return build


def own(name: str) -> Control:
    return Control(name, OWN_CONTROLS[name])


def shown(
    sweep: Sweep, placement: Placement, control: Control | None, key: str = "k0", rgba: np.ndarray | None = None
) -> np.ndarray:
    """(3, H, W) of a picture with what is pasted on it."""
    variant = variants_of(placement, sweep._config)[-1]
    return sweep.picture(key, patch() if rgba is None else rgba, variant, "c-001", control)[1].astype(np.float64)


def test_each_picture_has_a_drawing_of_its_own_and_keeps_it(sweep: Callable[..., Sweep]) -> None:
    same = np.repeat(pictures(1), 3, axis=0)
    first = sweep(same)
    noises = [shown(first, Placement.FIXED, own("noise"), f"k{number}") for number in range(3)]
    assert np.abs(noises[0] - noises[1]).max() > 100
    assert np.abs(noises[1] - noises[2]).max() > 100
    alone = sweep(same[:1], keys=["k2"])
    np.testing.assert_array_equal(shown(alone, Placement.FIXED, own("noise"), "k2"), noises[2])


@pytest.mark.parametrize("placement", [one for one in Placement if one.of_anything])
@pytest.mark.parametrize("name", [*OWN_CONTROLS, "cut"])
def test_no_number_depends_on_the_company_of_a_picture(
    sweep: Callable[..., Sweep], name: str, placement: Placement
) -> None:
    control = Control("source crop", CutFromPictures(np.arange(5))) if name == "cut" else own(name)
    pixels = pictures(7)
    variants = variants_of(placement, sweep(pixels)._config)
    together = sweep(pixels).run(patch(), variants, "c-001", Silence(), control)
    one_by_one = sweep(pixels, batch_size=1).run(patch(), variants, "c-001", Silence(), control)
    np.testing.assert_array_equal(together.patched, one_by_one.patched)
    np.testing.assert_allclose(together.after, one_by_one.after, rtol=1e-4, atol=1e-6)
    backwards = sweep(pixels[::-1].copy(), keys=[f"k{number}" for number in range(6, -1, -1)])
    turned = backwards.run(patch(), variants, "c-001", Silence(), control)
    np.testing.assert_allclose(together.after, turned.after[:, ::-1], rtol=1e-4, atol=1e-6)


def test_noise_is_as_strong_where_the_patch_is_shrunk_and_turned(sweep: Callable[..., Sweep]) -> None:
    """Made at the patch's own size it would melt: a uniform 0 to 255 has a standard deviation of 73.6."""
    grey = np.full((1, 3, *SIZE), 128, dtype=np.uint8)
    opaque = patch(60)
    opaque[3] = 255
    for placement, settings in ((Placement.BEST, {"best_sizes": (0.25,)}), (Placement.RANDOM, {"colour_jitter": 0.0})):
        over = shown(sweep(grey, **settings), placement, own("noise"), rgba=opaque)
        inside = over[np.abs(over - 128) > 0.5]
        assert inside.std() > 67  # a half transparent pixel at the edge of a turned patch is less
    upright = shown(sweep(grey), Placement.FIXED, own("noise"))[:, 1:19, 5:19]
    assert upright.std() == pytest.approx(73.6, abs=3)


@pytest.mark.parametrize("seen", [0.0, 0.02, 0.6, 1.0])
@pytest.mark.parametrize("distinct", [3, 2**20])
def test_pixels_are_shuffled_as_if_all_of_a_window_were_sorted(seen: float, distinct: int) -> None:
    """Bit for bit, where keys are the same too: then they stay in their order."""
    generator = np.random.default_rng(5)
    alpha = np.where(generator.random((4, 1, 13, 17)) < seen, generator.integers(1, 256, (4, 1, 13, 17)) / 255, 0)
    colour = generator.random((4, 3, 13, 17)) * alpha
    numbers = generator.integers(0, distinct, (4, 1, 13, 17)) / distinct
    layers = [torch.from_numpy(each.astype(np.float32)) for each in (colour, alpha, numbers)]
    found = shuffled(*layers).numpy()
    colour, alpha, numbers = (layer.numpy().reshape(4, -1, 13 * 17) for layer in layers)
    for row in range(4):
        opacity, drawn = alpha[row, 0], numbers[row, 0]
        level = np.where(opacity > 0, np.minimum(np.floor(opacity * np.float32(255 / 64)), 3), -1).astype(np.float32)
        key = level + drawn * np.float32(0.999)
        places = sorted(range(len(level)), key=lambda place: (level[place], place))
        sources = sorted(range(len(level)), key=lambda place: (key[place], place))
        wanted = np.zeros((3, len(level)), dtype=np.float32)
        for place, source in zip(places, sources, strict=True):
            pixel = colour[row, :, source] / max(opacity[source], np.float32(1e-6))
            wanted[:, place] = pixel * opacity[place]
        np.testing.assert_array_equal(found[row].reshape(3, -1), wanted)


def test_shuffled_pixels_are_the_same_pixels_elsewhere_and_of_like_opacity() -> None:
    generator = torch.Generator().manual_seed(0)
    alpha = torch.ones(2, 1, 9, 11)
    alpha[:, :, :, :4] = 0.3
    alpha[:, :, 0] = 0.0
    opaque = torch.rand(2, 3, 9, 11, generator=generator)
    stand_in = OWN_CONTROLS["pixel shuffled"]
    assert isinstance(stand_in, Changed)
    numbers = stand_in.numbers(Draw(3, "c", "pixel shuffled"), ["a", "b"], (9, 11), torch.device("cpu"))
    moved = stand_in.change(opaque * alpha, alpha, numbers) / alpha.clamp(min=1e-6)
    for level in (0.3, 1.0):
        alike = (alpha == level).expand(2, 3, 9, 11)
        before, after = (torch.sort(one[alike].view(-1))[0] for one in (opaque, moved))
        torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-5)
    changed = (moved - opaque).abs().amax(dim=1)[alpha[:, 0] > 0]
    assert (changed > 1e-3).float().mean() > 0.9


def test_a_scrambled_patch_keeps_its_spectrum_and_its_mean() -> None:
    y, x = np.mgrid[:16, :16]
    # small about mid grey, so that nothing is clipped
    waves = 0.5 + 0.05 * np.stack([np.sin(2 * np.pi * (x * 2 + y) / 16), np.cos(2 * np.pi * y * 3 / 16), x / 16 - 0.5])
    colour, alpha = torch.from_numpy(waves).float()[None], torch.ones(1, 1, 16, 16)
    stand_in = OWN_CONTROLS["phase scrambled"]
    assert isinstance(stand_in, Changed)
    numbers = stand_in.numbers(Draw(3, "c", "phase scrambled"), ["a"], (16, 16), torch.device("cpu"))
    scrambled = stand_in.change(colour, alpha, numbers)
    before, after = (torch.fft.fft2(one.double()).abs() for one in (colour, scrambled))
    torch.testing.assert_close(before, after, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(scrambled.mean(dim=(2, 3)), colour.mean(dim=(2, 3)))
    assert (scrambled - colour).abs().max() > 0.03


def test_mean_colour_and_grey_draw_nothing(sweep: Callable[..., Sweep]) -> None:
    rgba = patch()
    weight = rgba[3].astype(np.float64)
    mean = (rgba[:3] * weight).sum(axis=(1, 2)) / weight.sum()
    black = np.zeros((1, 3, *SIZE), dtype=np.uint8)
    filled = shown(sweep(black), Placement.FIXED, own("mean colour"))
    np.testing.assert_allclose(filled[:, 10, 15], mean, atol=1)
    np.testing.assert_allclose(filled[:, 10, 1], mean * 100 / 255, atol=1)
    np.testing.assert_allclose(shown(sweep(black), Placement.FIXED, own("grey"))[:, 10, 15], 127.5, atol=1)
    assert filled[:, 25:].max() == 0


def test_a_crop_of_another_picture_is_shown_as_it_is(sweep: Callable[..., Sweep]) -> None:
    others = pictures(5, seed=9)
    centre = CutFromPictures(np.array([3]), np.array([[0.5, 0.5]]))
    black = np.zeros((1, 3, *SIZE), dtype=np.uint8)
    over = shown(sweep(black), Placement.FIXED, Control("quiet crop", centre))
    np.testing.assert_allclose(over[:, :20, 4:20], others[3][:, 10:30, 18:34], atol=1)
    np.testing.assert_allclose(over[:, :20, :4], others[3][:, 10:30, 14:18] * (100 / 255), atol=1)
    anywhere = Control("source crop", CutFromPictures(np.arange(5)))
    places = [shown(sweep(black, keys=[key]), Placement.FIXED, anywhere, key) for key in ("a", "b", "c", "d")]
    assert len({place[:, :20, 4:20].tobytes() for place in places}) == 4


def test_without_other_pictures_nothing_can_be_cut(colour_classifier: Callable[..., Classifier]) -> None:
    config = TrialsConfig()
    bare = Sweep(
        colour_classifier(SIZE), TargetCalled(RED, GREEN), pictures(1), ["k0"],
        Predictions.of_none(1), config, 7,
    )  # fmt: skip
    with pytest.raises(PatchError, match="'source crop' is cut from other pictures, and there are none here"):
        bare.run(
            patch(), variants_of(Placement.FIXED, config), "c", Silence(),
            Control("source crop", CutFromPictures(np.arange(2))),
        )  # fmt: skip
