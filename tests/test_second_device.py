"""Everything that runs a network runs on a device of its own too, says what the processor says, and copies little."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.testing import Result

from auditor.atlas.alignment import collect_layers
from auditor.atlas.attribution import AttributionMethod, attribution_all_classes, attribution_method, contrast_map
from auditor.atlas.build import build_class_atlas, build_full_atlas, collect_pair
from auditor.atlas.collection import Mapped
from auditor.atlas.icons import transforms
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.candidates.controls import CONTROLS, OWN_CONTROLS
from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.dreamed import dream_crops
from auditor.candidates.makers.shapes import contrast_over_crops
from auditor.candidates.makers.trained import Lesson, TrainingBudget, train_patch
from auditor.candidates.screening import TailScreen
from auditor.core.config import AtlasConfig, TrialsConfig
from auditor.core.errors import ModelError
from auditor.core.progress import Silence
from auditor.core.records import Candidate, ClassGroup, ImagePool, ImageRecord, Origin, Outputs, Placement, Split, Tier
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.sources.exported import load_exported
from auditor.run.beside.transfer import transfer_run
from auditor.run.folder import RunFolder
from auditor.trials.effects import compression
from auditor.trials.grounds import Grounds
from auditor.trials.patch import Patch
from auditor.trials.placements import variants_of
from auditor.trials.stand_ins import Control, CutFromPictures
from auditor.trials.sweep import Sweep, predict_clean
from tests.second_device import MixedDevicesError, Traffic, counted
from tests.tiny_world import World

CPU = torch.device("cpu")
SOURCE, TARGET = ClassGroup("pan", (0,)), ClassGroup("wok or cup", (3, 1))
CRITERION = TargetCalled(SOURCE, TARGET)
SIDE = 32


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.block = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.tail = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Linear(32, 5)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = 4 * self.head(self.tail(self.block(images)).flatten(1))
        return logits


class Tokens(nn.Module):
    """Places and one token in front of them, with attention between all."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.patches = nn.Conv2d(3, 12, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, 12))
        self.block = nn.TransformerEncoderLayer(12, 3, 24, dropout=0.0, batch_first=True)
        self.after = nn.TransformerEncoderLayer(12, 3, 24, dropout=0.0, batch_first=True)
        self.head = nn.Linear(12, 5)

    def forward(self, images: Tensor) -> Tensor:
        places = self.patches(images).flatten(2).transpose(1, 2)
        tokens = self.after(self.block(torch.cat((self.token.expand(len(images), -1, -1), places), dim=1)))
        logits: Tensor = self.head(tokens.mean(dim=1))
        return logits


NETWORKS = [pytest.param(Convolutions, id="convolutions"), pytest.param(Tokens, id="tokens")]


def classifier_on(device: torch.device, module: nn.Module, outputs: Outputs = Outputs.LOGITS) -> Classifier:
    names = ClassNames(("pan", "wok", "jug", "cup", "plate"), ((),) * 5)
    preprocessing = Preprocessing((SIDE, SIDE), None, "bilinear", (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    return Classifier(module, names, preprocessing, device, outputs=outputs)


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def cuts(far: torch.device, network: Callable[[], nn.Module]) -> list[LayerCut]:
    return [LayerCut(classifier_on(device, network()), "block") for device in (CPU, far)]


class AtEachStep(Silence):
    """Keeps what went up, down and was looked at between one step and the next."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic, self._before = traffic, (0, 0, 0)
        self.steps: list[tuple[int, ...]] = []

    def start(self, *_: object) -> None:
        self._before = self._traffic.counts()

    def advance(self, steps: int = 1) -> None:
        now = self._traffic.counts()
        self.steps.append(tuple(after - before for after, before in zip(now, self._before, strict=True)))
        self._before = now


def test_what_a_gpu_refuses_is_refused_and_what_it_waits_for_is_counted(far: torch.device) -> None:
    near = torch.arange(6.0).view(2, 3)
    with counted() as traffic:
        there = near.to(far)
        assert (there.device, traffic.counts()) == (far, (1, 0, 0))
        doubled = (there.T * 2).contiguous()
        assert traffic.counts() == (1, 0, 0)
        assert torch.equal(doubled.cpu(), near.T * 2)
        assert traffic.counts() == (1, 1, 0)
        assert float(there.sum()) == 15.0
        assert traffic.counts() == (1, 1, 1)
        assert len(there[there > 2]) == 3
        assert traffic.looks.total() > 1
        there[:, [0, 2]]
        assert traffic.up.total() >= 2
    assert there.data_ptr() != near.data_ptr()
    mixed = (lambda: there + near, lambda: torch.cat((there, near)), lambda: there @ near.T, lambda: near[there > 2])
    for mixture in mixed:
        with pytest.raises(RuntimeError, match=r"far.* and cpu|on the processor|indices should be"):
            mixture()
    with pytest.raises(MixedDevicesError, match="generator of cpu"):
        torch.rand(3, device=far, generator=torch.Generator())
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()


@pytest.fixture
def controls() -> list[Control | None]:
    """Every control there is; those cut from pictures anywhere, and at a given place."""
    cut = {
        "source crop": CutFromPictures(np.arange(7)),
        "quiet crop": CutFromPictures(np.arange(4), np.full((4, 2), 0.4)),
    }
    assert set(CONTROLS) == {*OWN_CONTROLS, *cut}
    return [None, *(Control(name, stand_in) for name, stand_in in {**OWN_CONTROLS, **cut}.items())]


@pytest.mark.parametrize("outputs", list(Outputs))
@pytest.mark.parametrize("placement", [one for one in Placement if one.of_anything])
def test_a_sweep_says_the_same_and_waits_for_the_device_once_a_variant(
    far: torch.device, controls: list[Control | None], trials_config, placement: Placement, outputs: Outputs
) -> None:
    for table in (compression._LUMA, compression._CHROMA):
        compression._on(far, table)  # go up once in a process, whichever sweep is the first
    config: TrialsConfig = trials_config(size=0.4, batch_size=4, best_sizes=(0.3,))
    pictures, others = pixels(9, 3, SIDE, SIDE), pixels(7, 3, SIDE, SIDE, seed=1)
    patch, keys = pixels(4, 20, 15, seed=2), [f"{number}" for number in range(9)]
    grounds = Grounds(attribution={key: pixels(SIDE, SIDE, seed=int(key)).astype(np.float32) for key in keys})
    if outputs is Outputs.PROBABILITIES:
        controls = controls[:1]
    blocks = []
    for device in (CPU, far):
        network = Convolutions()
        module = network if outputs is Outputs.LOGITS else nn.Sequential(network, nn.Softmax(dim=1))
        classifier = classifier_on(device, module, outputs)
        with counted() as traffic:
            of_clean = AtEachStep(traffic)
            clean = predict_clean(classifier, pictures, CRITERION, 4, of_clean)
            sweep = Sweep(classifier, CRITERION, pictures, keys, clean, config, 7, others, grounds=grounds)
            for control in controls:
                progress = AtEachStep(traffic)
                progress.start()
                blocks.append(sweep.run(patch, variants_of(placement, config), "c-001", progress, control))
                if device is far:
                    variants = len(blocks[-1].variants)
                    assert len(progress.steps) == 3 * variants
                    for place, (up, down, looks) in enumerate(progress.steps):
                        # the patch at its size and the draws go up once, with the first batch
                        first = (place == 0) + (place % 3 == 0)
                        drawn = control is not None and control.name in _DRAWN
                        # what is said of a variant comes down behind its last batch, before the next one's first
                        behind = place > 0 and place % 3 == 0
                        assert (up, down, looks) == (first + drawn, behind, 0), (control, place)
        if device is far:
            assert [step[1:] for step in of_clean.steps] == [(1, 0)] * 3
            assert [step[0] for step in of_clean.steps[1:]] == [1, 1]
    ours, theirs = blocks[: len(controls)], blocks[len(controls) :]
    for one, other in zip(ours, theirs, strict=True):
        for name in ("clean", "patched", "before", "after", "flips", "rank_before", "rank_after"):
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
    assert len({block.after.tobytes() for block in ours}) == len(ours)


_DRAWN = ("noise", "pixel shuffled", "phase scrambled", "source crop", "quiet crop")


@pytest.mark.parametrize(("outputs", "value"), [(Outputs.LOGITS, "nan"), (Outputs.PROBABILITIES, "-inf")])
def test_logits_that_are_not_finite_are_found_in_the_copy_that_comes_down(
    far: torch.device, outputs: Outputs, value: str
) -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            logits = images.mean(dim=(2, 3))[:, [0, 1, 2, 0, 1]].abs()
            logits[-1, 2] = float(value)
            return logits

    for device in (CPU, far):
        with pytest.raises(ModelError, match="on 1 of 3 pictures"):
            predict_clean(classifier_on(device, Broken(), outputs), pixels(3, 3, 8, 8), CRITERION, 4, Silence())


@pytest.mark.parametrize("network", NETWORKS)
def test_screening_says_the_same_and_sends_each_pass_up_and_down_once(
    far: torch.device, network: Callable[[], nn.Module]
) -> None:
    pictures = pixels(6, 3, SIDE, SIDE)
    patches = [pixels(4 - number % 2, 10 + number % 3, 14, seed=number) for number in range(11)]
    found = []
    for cut in cuts(far, network):
        with counted() as traffic:
            progress = AtEachStep(traffic)
            screen = TailScreen(cut, pictures, TARGET, 0.4, 4, progress=progress)
            linear = LinearScreen(screen, patches[:3])
            progress.start()
            found.append((screen.screen(patches), linear.screen(patches), screen.seen(patches[:4])))
        if cut.classifier.device == far:
            # 4 backgrounds for 6 pictures: at most 2 share one, so 4 patches go through the tail together
            assert progress.steps == [(1, 1, 0)] * 6
            assert traffic.counts()[1] - traffic.looks.total() < 20
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)
        assert np.ptp(one) > 1e-3


@pytest.mark.parametrize("method", list(AttributionMethod))
@pytest.mark.parametrize("network", NETWORKS)
def test_attribution_is_the_same(
    far: torch.device, network: Callable[[], nn.Module], method: AttributionMethod
) -> None:
    y, x = torch.tensor([1, 2, 0, 1]), torch.tensor([0, 3, 1, 2])
    found, methods = [], []
    for cut in cuts(far, network):
        images = torch.from_numpy(pixels(4, 3, SIDE, SIDE)).to(cut.classifier.device).float() / 255
        features = cut.features(images)
        methods.append(attribution_method(cut, features))
        logits, contrast = contrast_map(cut, features, SOURCE, TARGET)
        every = attribution_all_classes(cut, features, y, x, method=method, chunk=3)
        found.append([each.cpu() for each in (logits, contrast, every)])
    assert methods == [AttributionMethod.FORWARD] * 2
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)
        assert one.abs().max() > 1e-3


@contextmanager
def gathered_by_index() -> Iterator[None]:
    """Within the body the processor moves icons as every other device does: Adam makes much of a last bit."""
    sample = torch.nn.functional.grid_sample

    def sampled(images: Tensor, grid: Tensor, padding_mode: str = "zeros", **settings: object) -> Tensor:
        if padding_mode == "reflection":
            return transforms.sample_mirrored(images, grid)
        return sample(images, grid, padding_mode=padding_mode, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "grid_sample", sampled)
        yield


@pytest.mark.parametrize("network", NETWORKS)
def test_icons_dreams_and_contrast_over_crops_are_the_same(far: torch.device, network: Callable[[], nn.Module]) -> None:
    crops = [Patch(Candidate("c", "crop", Origin.CROP, Tier.THIRD_CLASS, "0" * 64), pixels(4, SIDE, SIDE))]
    settings, found = IconSettings(side_px=SIDE, steps=4), []
    for cut in cuts(far, network):
        directions = np.random.default_rng(1).normal(size=(2, cut.feature_shape[0])).astype(np.float32)
        with gathered_by_index():
            icons = render_icons(cut, directions, ["a", "b"], settings, 0, Silence())
            (dream,) = dream_crops(cut, crops, ["d"], settings, 0, Silence())
        contrasts = contrast_over_crops(cut, [crop.rgba[:3] for crop in crops], SOURCE, TARGET)
        found.append((icons.pixels, icons.scores, dream.rgba, contrasts))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other.astype(float), one.astype(float), rtol=1e-4, atol=1e-5)
        assert np.ptp(one) > 0


def test_a_trained_patch_is_the_same_and_each_step_goes_up_and_down_once(far: torch.device, trials_config) -> None:
    config = trials_config(size=0.4)
    lesson = Lesson(
        pixels(6, 3, SIDE, SIDE), list("abcdef"), TARGET, variants_of(Placement.RANDOM, config), config, seed=1
    )
    made = []
    for device in (CPU, far):
        with counted() as traffic:
            progress = AtEachStep(traffic)
            made.append(train_patch(classifier_on(device, Convolutions()), lesson, progress, TrainingBudget(3, 4)).rgba)
        assert [step[:2] for step in progress.steps[1:]] == [(1, 1) if device is far else (0, 0)] * 2
    np.testing.assert_array_equal(*made)
    assert np.ptp(made[0][:3]) > 10


def test_a_saved_program_runs_there(far: torch.device, tmp_path: Path) -> None:
    path = tmp_path / "network.pt2"
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(
        Convolutions().eval(), (torch.zeros(2, 3, SIDE, SIDE),), dynamic_shapes={"images": {0: batch}}
    )
    torch.export.save(program, path)
    said = []
    for device in (CPU, far):
        cut = LayerCut(classifier_on(device, load_exported(path, device).module), "block")
        images = torch.from_numpy(pixels(3, 3, SIDE, SIDE)).to(device).float() / 255
        features, logits = cut.features_and_logits(images)
        said.append((logits.detach().cpu(), cut.logits(features).detach().cpu()))
    for one, other in zip(*said, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-6)


def pool_of(pictures: np.ndarray) -> ImagePool:
    records = (
        ImageRecord(f"{row}", f"{row:064d}", f"{row}.png", 0, Split.DISCOVERY, SIDE, SIDE)
        for row in range(len(pictures))
    )
    return ImagePool(tuple(records), (), pictures)


@pytest.mark.parametrize("network", NETWORKS)
def test_atlases_are_the_same_and_each_batch_goes_up_and_down_twice(
    far: torch.device, network: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up go pictures and the positions that were drawn, down comes the contrast for drawing and what was collected."""
    monkeypatch.setattr("auditor.atlas.embedding.TOO_FEW", 10**6)  # layouts need no network
    config = AtlasConfig(levels=(3,), min_count=1, positions_per_image=2, strongest_per_image=2)
    pool, made = pool_of(pixels(10, 3, SIDE, SIDE)), []
    for cut in cuts(far, network):
        with counted() as traffic:
            progress = AtEachStep(traffic)
            mapped = Mapped(cut, pool, (SOURCE, TARGET), config, 4, 0, progress)
            sets = [collect_pair(mapped).whole()]
            paired, steps = progress.steps[1:], len(progress.steps)
            sets += [atlas.samples for atlas in (build_class_atlas(mapped, TARGET), build_full_atlas(mapped))]
            alone = progress.steps[steps + 1 : steps + 3]
            sets += collect_layers([mapped, mapped], np.arange(10))
        there = cut.classifier.device == far
        assert paired == [(2, 2, 0) if there else (0, 0, 0)] * 2
        assert alone == [(2, 1, 0) if there else (0, 0, 0)] * 2
        made.append(sets)
    for one, other in zip(*made, strict=True):
        for name in ("vectors", "attribution", "contrast"):
            np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-4, atol=1e-5)
        for name in ("image_row", "y", "x", "strongest"):
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name))


def test_a_whole_audit_and_a_transfer_end_in_the_processors_findings(
    world: World, invoke: Callable[..., Result], far: torch.device, tmp_path: Path
) -> None:
    few = {"levels = [4, 6]": "levels = [4]", "screened = 24": "screened = 10", "tried = 6": "tried = 2"}
    few |= {"random = 6": "random = 2", "strongest = 3": "strongest = 1", "made = 4": "made = 2"}
    few |= {"confirmed = 3": "confirmed = 2"}
    no_icons = {"icons = 6": "icons = 0", "icons = 2\n": "icons = 0\n", "dreams = 1": "dreams = 0"}
    config = world.edited("second_device.toml", *few.items(), *no_icons.items())
    findings, transfers, counts = [], [], []
    for name, device in (("near", CPU), ("far", far)):
        folder = tmp_path / name
        with pytest.MonkeyPatch.context() as patch, counted() as traffic:
            patch.setattr("auditor.inputs.model.device._device_named", lambda _, device=device: device)
            assert invoke("run", config, "--out", folder).exit_code in (0, 1, 3)
            transfers.append(transfer_run(RunFolder.open(folder), config, Silence()))
        counts.append(traffic.counts())
        findings.append(json.loads((folder / "findings.json").read_text()))
    assert counts[0] == (0, 0, 0)
    assert min(counts[1]) > 10
    assert [one["subject"].pop("device") for one in findings] == ["cpu (1 thread)", "far:0"]
    assert findings[1] == findings[0]
    assert transfers[1].rows == transfers[0].rows
