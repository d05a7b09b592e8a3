"""Icons of heads whose best picture is known; batches, seeds, starts; the network is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement
from auditor.core.errors import LayerError
from auditor.core.progress import Silence
from auditor.inputs.model.features import Features

STILL = Movement(jitter_px=0, scale=0, rotation_degrees=0)
SMALL = IconSettings(side_px=20, steps=12, movement=Movement(2, 0.1, 10))


def render(head: Any, directions: Any, settings: IconSettings = SMALL, seed: int = 0, **more: Any) -> Any:
    directions = np.asarray(directions, np.float32)
    keys = more.pop("keys", [f"icon {index}" for index in range(len(directions))])
    return render_icons(head, directions, keys, settings, seed, Silence(), **more)


def test_where_the_picture_is_the_layer_an_icon_takes_the_colour_of_its_direction(colour_head: Any) -> None:
    wanted = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]], np.float32)
    settings = IconSettings(side_px=15, steps=150, learning_rate=0.5, movement=Movement(2, 0, 0))
    icons = render(colour_head, wanted, settings)
    middle = icons.pixels[:, :, 7, 7].astype(float)
    np.testing.assert_allclose(middle, wanted * 255, atol=30)
    assert icons.scores.min() > 0.99
    shown = middle / np.linalg.norm(middle, axis=1, keepdims=True)
    expected = (shown * wanted / np.linalg.norm(wanted, axis=1, keepdims=True)).sum(axis=1)
    np.testing.assert_allclose(icons.scores, expected, atol=1e-5)


def test_a_linear_patch_embedding_draws_its_own_weights(make_head: Callable[..., Any]) -> None:
    """One position, h = ⟨w, x⟩: the best picture is bright where w is positive and dark where it is negative."""
    embed = nn.Conv2d(3, 1, 12, stride=12, bias=False)
    smooth = nn.functional.avg_pool2d(torch.randn(1, 3, 20, 20), 9, stride=1)
    with torch.no_grad():
        embed.weight.copy_(smooth / smooth.abs().max())
    icons = render(make_head(embed, (1, 1, 1), (12, 12)), [[1.0]], IconSettings(12, 150, 0.3, movement=STILL))
    weight, pixels = embed.weight[0].detach().numpy(), icons.pixels[0].astype(float) / 255 - 0.5
    strong = np.abs(weight) > np.median(np.abs(weight))
    assert (np.sign(weight) == np.sign(pixels))[strong].mean() > 0.97
    reached, best = (weight * (pixels + 0.5)).sum(), weight[weight > 0].sum()
    assert reached > 0.9 * best
    assert icons.scores[0] == pytest.approx(1.0)


def test_steering_raises_the_cosine_of_every_icon(conv_head: Any) -> None:
    directions = np.random.default_rng(0).normal(size=(6, 6))
    before = render(conv_head, directions, IconSettings(20, 0, movement=STILL)).scores
    after = render(conv_head, directions, IconSettings(20, 60, 0.2, movement=Movement(1, 0, 0))).scores
    assert (after > before).all()
    assert (after - before).mean() > 0.3


def test_alone_or_together_an_icon_is_the_same(conv_head: Any) -> None:
    directions = np.random.default_rng(1).normal(size=(5, 6))
    keys = ["a", "b", "c", "d", "e"]
    together = render(conv_head, directions, keys=keys, batch_size=5)
    for settings in (2, 3):
        chunked = render(conv_head, directions, keys=keys, batch_size=settings)
        assert np.abs(chunked.pixels.astype(int) - together.pixels.astype(int)).max() <= 1
        np.testing.assert_allclose(chunked.scores, together.scores, atol=2e-3)
    alone = render(conv_head, directions[3:4], keys=keys[3:4])
    assert np.abs(alone.pixels[0].astype(int) - together.pixels[3].astype(int)).max() <= 1


class Counted(Silence):
    """Progress that keeps how far it had come each time something was told."""

    def __init__(self) -> None:
        self.reached = [0]

    def advance(self, steps: int = 1) -> None:
        self.reached.append(self.reached[-1] + steps)


@pytest.mark.parametrize("steps", [0, 12])
def test_progress_goes_on_within_a_batch_and_ends_at_the_number_of_icons(conv_head: Any, steps: int) -> None:
    directions, progress = np.ones((6, 6), np.float32), Counted()
    settings = replace(SMALL, steps=steps)
    render_icons(conv_head, directions, list("abcdef"), settings, 0, progress, batch_size=4)
    assert progress.reached[-1] == 6
    assert progress.reached == sorted(progress.reached)
    assert set(progress.reached) == ({0, 4, 6} if steps == 0 else set(range(7)))


def test_progress_of_a_batch_that_fails_is_taken_back(conv_head: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    progress, at = Counted(), iter(range(100))
    features = conv_head.features

    def failing(images: Tensor) -> Features:
        if next(at) == 8:
            raise RuntimeError("at the ninth step")
        return features(images)

    monkeypatch.setattr(conv_head, "features", failing)
    with pytest.raises(RuntimeError, match="ninth"):
        render_icons(conv_head, np.ones((4, 6), np.float32), list("abcd"), SMALL, 0, progress)
    assert max(progress.reached) == 2
    assert progress.reached[-1] == 0


def test_the_seed_and_the_key_decide_the_icon(conv_head: Any) -> None:
    direction = np.ones((1, 6))
    first = render(conv_head, direction, keys=["a"])
    assert np.array_equal(first.pixels, render(conv_head, direction, keys=["a"]).pixels)
    assert not np.array_equal(first.pixels, render(conv_head, direction, keys=["b"]).pixels)
    assert not np.array_equal(first.pixels, render(conv_head, direction, keys=["a"], seed=1).pixels)


def test_callers_without_gradients_get_the_same_icons(conv_head: Any) -> None:
    expected = render(conv_head, np.ones((1, 6)))
    with torch.inference_mode():
        assert np.array_equal(render(conv_head, np.ones((1, 6))).pixels, expected.pixels)
    with torch.no_grad():
        assert np.array_equal(render(conv_head, np.ones((1, 6))).pixels, expected.pixels)


def test_no_steps_from_a_picture_give_the_picture(conv_head: Any) -> None:
    start = np.random.default_rng(2).integers(0, 256, (3, 3, 20, 20), dtype=np.uint8)
    icons = render(conv_head, np.ones((3, 6)), IconSettings(side_px=20, steps=0), start=start)
    assert np.array_equal(icons.pixels, start)


def test_a_picture_dreamt_further_stays_like_itself_and_comes_nearer(conv_head: Any) -> None:
    smooth = np.random.default_rng(3).integers(60, 200, (2, 3, 5, 5)).repeat(4, axis=2).repeat(4, axis=3)
    start, directions = smooth.astype(np.uint8), np.random.default_rng(4).normal(size=(2, 6))
    before = render(conv_head, directions, IconSettings(side_px=20, steps=0), start=start)
    after = render(conv_head, directions, IconSettings(side_px=20, steps=25), start=start)
    assert (after.scores > before.scores).all()
    for index in range(2):
        itself, other = (np.corrcoef(after.pixels[index].ravel(), start[k].ravel())[0, 1] for k in (index, 1 - index))
        assert itself > 0.8
        assert itself > other


def test_whitened_icons_are_those_of_whitened_directions_scored_by_the_plain_ones(conv_head: Any) -> None:
    generator = np.random.default_rng(5)
    whitening = Whitening.fit(generator.normal(size=(50, 6)).astype(np.float32) @ np.diag(np.arange(1, 7)))
    directions = generator.normal(size=(2, 6)).astype(np.float32)
    steered = render(conv_head, directions, whitening=whitening)
    by_hand = render(conv_head, whitening.whitened(directions, SMALL.ridge))
    assert np.array_equal(steered.pixels, by_hand.pixels)
    with torch.no_grad():
        h = conv_head.features(torch.from_numpy(steered.pixels).float() / 255).grid[:, :, 4:6, 4:6].flatten(2).numpy()
    lengths = np.linalg.norm(h, axis=1) * np.linalg.norm(directions, axis=1)[:, None]
    expected = (np.einsum("ndp,nd->np", h, directions) / lengths).mean(axis=1)
    np.testing.assert_allclose(steered.scores, expected, atol=1e-4)


def test_a_network_of_one_size_renders_at_that_size(fixed_head: Any) -> None:
    icons = render(fixed_head, np.eye(5), IconSettings(side_px=10, steps=60, learning_rate=0.2))
    assert icons.pixels.shape == (5, 3, 10, 10)
    start = render(fixed_head, np.eye(5), IconSettings(side_px=10, steps=0))
    assert (icons.scores > start.scores).all()


def test_a_network_that_takes_no_size_is_refused(fixed_head: Any) -> None:
    fixed_head.input_size = (12, 12)
    with pytest.raises(LayerError, match=r"at 20x20 px or at its own size 12x12 px"):
        render(fixed_head, np.eye(5))


@pytest.mark.parametrize(
    ("directions", "more", "message"),
    [
        (np.ones((2, 5)), {}, r"\(N, 6\) finite numbers.*\(2, 5\)"),
        (np.full((1, 6), np.nan), {}, "finite"),
        (np.ones((2, 6)), {"keys": ["a"]}, "2 directions and 1 keys"),
        (np.ones((1, 6)), {"start": np.zeros((1, 3, 8, 8), np.uint8)}, r"\(1, 3, 20, 20\).*\(1, 3, 8, 8\)"),
    ],
)
def test_what_does_not_fit_is_refused(conv_head: Any, directions: Any, more: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        render(conv_head, directions, **more)


def test_the_network_is_left_as_it_was(conv_head: Any) -> None:
    module = conv_head.classifier.module
    module[0].train()
    module[3].weight.requires_grad_(False)
    before = _state(module)
    render(conv_head, np.ones((2, 6)))
    assert _state(module) == before


def test_the_network_is_left_as_it_was_when_rendering_fails(conv_head: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = conv_head.classifier.module.train()
    before, calls = _state(module), []

    def features(images: Tensor) -> Features:
        assert not any(each.training for each in module.modules())
        assert not any(parameter.requires_grad for parameter in module.parameters())
        calls.append(images)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return Features(module(images))

    monkeypatch.setattr(conv_head, "features", features)
    with pytest.raises(KeyboardInterrupt):
        render(conv_head, np.ones((1, 6)))
    assert _state(module) == before


def _state(module: nn.Module) -> tuple[Any, ...]:
    return (
        [each.training for each in module.modules()],
        [parameter.requires_grad for parameter in module.parameters()],
        [parameter.grad is None for parameter in module.parameters()],
        [value.numpy().tobytes() for value in module.state_dict().values()],
        [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules()],
    )


def test_no_directions_give_no_icons(conv_head: Any) -> None:
    icons = render(conv_head, np.zeros((0, 6)))
    assert len(icons) == 0
    assert icons.pixels.shape == (0, 3, 20, 20)


def test_bfloat16_is_asked_for_and_stays_within_the_network(conv_head: Any) -> None:
    seen: list[torch.dtype] = []
    conv_head.classifier.module.register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    directions = np.random.default_rng(2).normal(size=(4, 6))
    settings = IconSettings(20, 40, 0.1, movement=Movement(1, 0, 0))
    exact = render(conv_head, directions, settings)
    assert set(seen) == {torch.float32}
    seen.clear()
    rounded = render(conv_head, directions, replace(settings, bfloat16=True))
    assert seen.count(torch.bfloat16) == settings.steps
    assert seen[-1] == torch.float32  # the score
    other = render(conv_head, directions, settings, seed=1)
    apart, aside = (np.abs(each.pixels.astype(int) - exact.pixels.astype(int)).mean() for each in (rounded, other))
    assert 0 < apart < aside / 3
    np.testing.assert_allclose(rounded.scores, exact.scores, atol=0.03)
