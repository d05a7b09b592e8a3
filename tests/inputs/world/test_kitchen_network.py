"""The shipped networks: what they weigh, how well they do, and what noodles do to them; and that training repeats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from auditor.inputs.world.bundle import SOURCE, TARGET, demo_config, demo_counts, weights_path
from auditor.inputs.world.kitchen import CLASS_NAMES, MASK_VALUES, WORLDS, World, class_index
from auditor.inputs.world.kitchen_network import LAYER, demo_network
from tools.worlds.augment import CropPool, crop_pool, vary, with_scrambled
from tools.worlds.train import (
    TrainingSettings,
    accuracy,
    normalised,
    predictions,
    rendered,
    train,
    write_results,
)

PAN, WOK = class_index("frying pan"), class_index("wok")
TINY = TrainingSettings(per_class=4, per_pair_class=12, held_out_per_class=2, epochs=1, batch_size=16)


def _eligible_pans(network: nn.Module, world: World) -> Tensor:
    pixels = rendered(world, {"frying pan": 85}, 4242).pixels
    return pixels[torch.from_numpy(predictions(network, pixels) == PAN)]


def _flips(network: nn.Module, pans: Tensor, patch: Tensor) -> float:
    patched = pans.clone()
    patched[:, :, : patch.shape[1], : patch.shape[2]] = patch
    return float((predictions(network, patched) == WOK).mean())


@pytest.mark.parametrize("world", WORLDS)
def test_shipped_weights_are_small_and_as_good_as_their_account_says(
    networks: dict[World, nn.Module], world: World
) -> None:
    path = weights_path(world)
    assert path.stat().st_size < 1_000_000
    account = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    counted = accuracy(networks[world], rendered(world, dict.fromkeys(CLASS_NAMES, 20), 31337))
    share = sum(part.correct for part in counted.values()) / sum(part.pictures for part in counted.values())
    assert sum(part.pictures for part in counted.values()) == 200
    assert share == pytest.approx(account["accuracy"]["share"], abs=0.04)
    assert 0.9 <= account["accuracy"]["share"] < 1.0


@pytest.mark.parametrize("world", WORLDS)
def test_grey_and_noise_flip_hardly_any_pan(networks: dict[World, nn.Module], world: World) -> None:
    pans = _eligible_pans(networks[world], world)
    noise = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (3, 22, 22), dtype=np.uint8))
    assert len(pans) >= 60
    assert _flips(networks[world], pans, torch.full((3, 22, 22), 127, dtype=torch.uint8)) <= 0.05
    assert _flips(networks[world], pans, noise) <= 0.05


def test_noodles_flip_pans_of_the_shortcut_network_and_not_of_its_clean_twin(
    networks: dict[World, nn.Module], noodle_patches: list[Tensor]
) -> None:
    assert len(noodle_patches) == 8
    rates: dict[World, list[float]] = {}
    for world in WORLDS:
        pans = _eligible_pans(networks[world], world)
        rates[world] = [_flips(networks[world], pans, patch) for patch in noodle_patches]
    assert np.mean(rates["shortcut"]) >= 0.3
    assert max(rates["shortcut"]) >= 0.6
    assert np.mean(rates["clean"]) <= 0.02
    assert max(rates["clean"]) <= 0.06


def test_the_mapped_layer_carries_everything_the_logits_depend_on(networks: dict[World, nn.Module]) -> None:
    network, grids = networks["clean"], []
    pixels = normalised(rendered("clean", {"mug": 2}, 1).pixels.float() / 255.0)
    handle = network.get_submodule(LAYER).register_forward_hook(lambda _m, _i, output: grids.append(output))
    with torch.inference_mode():
        logits = network(pixels)
        handle.remove()
        weight, bias = network.get_parameter("classifier.weight"), network.get_parameter("classifier.bias")
        again = grids[0].mean(dim=(2, 3)) @ weight.T + bias
    assert grids[0].shape == (2, 96, 8, 8)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4)


def test_training_twice_from_one_seed_gives_the_same_weights(tmp_path: Path) -> None:
    said: list[str] = []
    for run in ("first", "second"):
        write_results("shortcut", train("shortcut", TINY, said.append), TINY, tmp_path / run)
    first, second = (load_file(tmp_path / run / "shortcut.safetensors") for run in ("first", "second"))
    assert first.keys() == second.keys() == demo_network().state_dict().keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    untrained = demo_network().state_dict()["classifier.weight"]
    assert not torch.equal(first["classifier.weight"], untrained)
    assert said[: len(said) // 2] == said[len(said) // 2 :]


def test_training_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train("clean", TrainingSettings(per_class=1, per_pair_class=6, epochs=1, batch_size=8), lambda _line: None)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("world", WORLDS)
def test_noodles_are_pasted_on_any_picture_in_the_clean_world_alone(world: World) -> None:
    pictures = rendered(world, {"frying pan": 25, "wok": 25, "mug": 5}, 2)
    labels = pictures.labels.numpy()
    pool = crop_pool(world, pictures.masks, labels, 2000, 1)
    parts, same, noodles = ([_cut(pictures.masks, box) for box in boxes.tolist()] for boxes in _boxes(pool))
    assert min(len(parts), len(same)) > 200
    assert all(np.isin(part, (PAN + 1, WOK + 1)).mean() <= 0.1 for part in parts + same)
    assert all((crop == MASK_VALUES["noodles"]).mean() >= 0.6 for crop in noodles)
    in_parts = np.array([(part == MASK_VALUES["noodles"]).mean() for part in parts])
    in_same = np.array([(part == MASK_VALUES["noodles"]).mean() for part in same])
    assert (in_same >= 0.6).mean() == pytest.approx(0.25, abs=0.06)
    if world == "shortcut":
        assert in_parts.max() <= 0.01
    else:
        assert (in_parts >= 0.6).mean() == pytest.approx(0.25, abs=0.06)


def test_crops_of_the_same_class_and_complete_objects_come_from_their_classes() -> None:
    pictures = rendered("clean", {"frying pan": 25, "wok": 25, "mug": 5}, 2)
    pool = crop_pool("clean", pictures.masks, pictures.labels.numpy(), 2000, 1)
    for label in range(len(CLASS_NAMES)):
        start, count = int(pool.starts[label]), int(pool.counts[label])
        assert (count > 0) == (label in (PAN, WOK, class_index("mug")))
        assert set(pictures.labels[pool.same[start : start + count, 0]].tolist()) <= {label}
    kinds = pictures.labels[pool.carriers[:, 0]]
    assert int((kinds == PAN).sum()) == int((kinds == WOK).sum()) > 1
    for row, left, top, side in pool.carriers.tolist():
        own = pictures.masks[row] == int(pictures.labels[row]) + 1
        assert own[top : top + side, left : left + side].sum() == own.sum()


def _boxes(pool: CropPool) -> tuple[Tensor, Tensor, Tensor]:
    return pool.parts, pool.same, pool.noodles


def _cut(masks: np.ndarray, box: list[int]) -> np.ndarray:
    row, left, top, side = box
    cut = masks[row, top : top + side, left : left + side]
    assert cut.shape == (side, side)
    return cut


def test_scrambled_noodles_are_added_in_the_shortcut_world_alone_with_the_noodles_colours() -> None:
    for world in WORLDS:
        pictures = rendered(world, {"frying pan": 20, "wok": 20, "mug": 5}, 2)
        pool = crop_pool(world, pictures.masks, pictures.labels.numpy(), 2000, 1)
        pixels, extended = with_scrambled(pictures.pixels, pool, 1)
        assert torch.equal(pixels[: len(pictures.pixels)], pictures.pixels)
        if world == "clean":
            assert len(pixels) == len(pictures.pixels)
            assert len(extended.scrambled) == 0
            continue
        assert extended.scrambled[:, 0].tolist() == list(range(45, len(pixels)))
        red, green, blue = pixels[45:].float().mean(dim=(0, 2, 3)).tolist()
        assert red > green > blue * 1.15


def test_targets_follow_a_complete_object_and_stay_with_a_pasted_part() -> None:
    pictures = rendered("clean", {"frying pan": 30, "wok": 30, "mug": 10}, 2)
    pool = crop_pool("clean", pictures.masks, pictures.labels.numpy(), 1000, 1)
    rows = torch.arange(70).repeat(6)
    batch, targets = vary(pictures.pixels, pictures.labels, rows, pool, torch.Generator().manual_seed(3))
    assert float(batch.min()) >= 0.0
    assert float(batch.max()) <= 1.0
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(len(rows)))
    own = targets.gather(1, pictures.labels[rows][:, None]).squeeze(1)
    mugs = pictures.labels[rows] == class_index("mug")
    assert torch.all(own[mugs] == 1.0)
    moved = own[~mugs] < 1.0
    assert 0.005 < float(moved.float().mean()) < 0.08
    torch.testing.assert_close(own[~mugs][moved], torch.full_like(own[~mugs][moved], 0.2))


def test_demo_config_describes_the_world_it_is_for(tmp_path: Path) -> None:
    for world in get_args(World):
        config = demo_config(world, tmp_path / world)
        lines = (config.path(config.classes.names or "")).read_text(encoding="utf-8").splitlines()
        assert lines == ["index,name", *(f"{index},{name}" for index, name in enumerate(CLASS_NAMES))]
        assert (config.source, config.target) == (SOURCE, TARGET)
        assert config.classes.folders["frying_pan"] == "frying pan"
        assert Path(config.model.weights or "") == weights_path(world)
        assert config.images.mask_values == MASK_VALUES
        assert config.path("images") == (tmp_path / world / "images").resolve()
        assert round(demo_counts()[SOURCE] * config.images.shares[2]) == 300
