"""Where memory does not hold a batch, half of it goes on, with the same numbers; what one picture lacks is told."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.atlas.activations import Sampling
from auditor.atlas.collection import Mapped, collect_activations
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.shapes import contrast_over_crops
from auditor.candidates.makers.trained import Lesson, TrainingBudget, train_patch
from auditor.candidates.screening import TailScreen
from auditor.core.config import AtlasConfig, TrialsConfig
from auditor.core.errors import DeviceMemoryError, LayerError, ModelError, out_of_memory
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, Placement, Split
from auditor.core.records.trials import Predictions
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.foreign import ForeignCode
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.weights import read_weights
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep, predict_clean

SOURCE, TARGET = ClassGroup("pan", (0,)), ClassGroup("wok", (1,))
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB"


class Holds(nn.Module):
    """A small network that runs out of memory on more than so many pictures, in front of its layer and behind it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.front = nn.Conv2d(3, 6, 4, stride=4)
        self.layer = nn.ReLU()
        self.head = nn.Linear(6 * 16, 3)
        self.most = 10**9
        self.refused = 0

    def forward(self, images: Tensor) -> Tensor:
        self._check(len(images))
        grid = self.layer(self.front(images))
        self._check(len(grid))
        return self.head(torch.tanh(grid).flatten(1))

    def _check(self, rows: int) -> None:
        if rows > self.most:
            self.refused += 1
            raise torch.cuda.OutOfMemoryError(FULL)


@pytest.fixture
def network() -> Holds:
    return Holds()


@pytest.fixture
def cut(network: Holds) -> LayerCut:
    preprocessing = Preprocessing((16, 16), None, "bilinear", (0.5,) * 3, (0.25,) * 3)
    names = ClassNames(("pan", "wok", "cup"), ((), (), ()))
    return LayerCut(Classifier(network, names, preprocessing, torch.device("cpu")), "layer")


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


class Told(Silence):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def say(self, message: str) -> None:
        self.said.append(message)


def sweep(cut: LayerCut) -> list[np.ndarray]:
    pictures, config = pixels(13, 3, 16, 16), TrialsConfig(batch_size=8)
    keys = [f"k{row}" for row in range(13)]
    criterion = TargetCalled(SOURCE, TARGET)
    made = Sweep(cut.classifier, criterion, pictures, keys, Predictions.of_none(13), config, 0)
    block = made.run(pixels(4, 6, 6), variants_of(Placement.RANDOM, config), "c-1", Silence())
    return [block.patched, block.after, block.rank_after]


def predictions(cut: LayerCut) -> list[np.ndarray]:
    clean = predict_clean(cut.classifier, pixels(13, 3, 16, 16), TargetCalled(SOURCE, TARGET), 8, Silence())
    return [clean.predicted, clean.probability, clean.rank]


def activations(cut: LayerCut) -> list[np.ndarray]:
    records = tuple(
        ImageRecord(f"k{row}", f"{row:064d}", f"{row}.png", 0, Split.DISCOVERY, 16, 16) for row in range(13)
    )
    mapped = Mapped(
        cut, ImagePool(records, (), pixels(13, 3, 16, 16)), (SOURCE, TARGET), AtlasConfig(), 8, 0, Silence()
    )
    found = collect_activations(mapped, np.arange(13), Sampling(0, (SOURCE, TARGET), 2, 1)).whole()
    return [found.vectors, found.attribution, found.contrast, found.image_row, found.y, found.x]


def screened(cut: LayerCut) -> list[np.ndarray]:
    patches = [pixels(3, 8, 8, seed=seed) for seed in range(9)]
    screen = TailScreen(cut, pixels(12, 3, 16, 16), TARGET, 0.5, 8)
    return [screen.screen(patches), LinearScreen(screen, patches[:6]).screen(patches), screen.seen(patches)]


def icons(cut: LayerCut) -> list[np.ndarray]:
    directions = np.random.default_rng(2).normal(size=(7, 6)).astype(np.float32)
    made = render_icons(cut, directions, list("abcdefg"), IconSettings(side_px=16, steps=3), 0, Silence())
    return [made.scores, made.pixels.astype(np.float32) / 255]


def contrasts(cut: LayerCut) -> list[np.ndarray]:
    return [contrast_over_crops(cut, [pixels(3, 9, 9, seed=seed) for seed in range(7)], SOURCE, TARGET)]


def trained(cut: LayerCut) -> list[np.ndarray]:
    config = TrialsConfig()
    lesson = Lesson(
        pixels(9, 3, 16, 16), [f"k{row}" for row in range(9)], TARGET, variants_of(Placement.FIXED, config), config, 0
    )
    return [train_patch(cut.classifier, lesson, Silence(), TrainingBudget(5, 8)).rgba.astype(np.float32) / 255]


WORKS = [sweep, predictions, activations, screened, icons, contrasts, trained]


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("work", WORKS)
def test_a_batch_that_memory_does_not_hold_is_halved_with_the_same_numbers(
    network: Holds, cut: LayerCut, work: Callable[[LayerCut], list[np.ndarray]], most: int
) -> None:
    wanted = work(cut)
    network.most = most
    found = work(cut)
    assert network.refused > 0
    for one, other in zip(found, wanted, strict=True):
        if one.dtype.kind == "f":
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("work", WORKS)
def test_where_not_even_one_picture_fits_a_sentence_says_so(
    network: Holds, cut: LayerCut, work: Callable[[LayerCut], list[np.ndarray]]
) -> None:
    network.most = 0
    with pytest.raises(DeviceMemoryError, match=r"memory (does not hold|ran out)|ran out of memory"):
        work(cut)


def test_rows_come_once_each_in_order_and_later_batches_stay_small() -> None:
    batches, progress = Batches(8), Told()
    tried: list[tuple[int, int]] = []

    def do(rows: slice) -> list[int]:
        tried.append((rows.start, rows.stop))
        if rows.stop - rows.start > 3:
            raise MemoryError
        return list(range(rows.start, rows.stop))

    done = list(batches.each(7, do, progress))
    assert [number for _, part in done for number in part] == list(range(7))
    assert tried == [(0, 7), (0, 3), (3, 6), (6, 7)]
    assert progress.said == ["memory does not hold a batch of 7; going on with 3 at once"]
    assert batches.size == 3
    tried.clear()
    list(batches.each(4, do, progress))
    assert tried == [(0, 3), (3, 4)]


def test_other_errors_pass_as_they_are() -> None:
    def do(rows: slice) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        list(Batches(4).each(9, do))


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (torch.cuda.OutOfMemoryError(FULL), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("unable to mmap 2551649016 bytes from file <x>: Cannot allocate memory (12)"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOENT, "No such file or directory"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: Exception, wanted: bool) -> None:
    assert out_of_memory(error) is wanted
    with pytest.raises(DeviceMemoryError if wanted else ModelError), ForeignCode("doing this"):
        raise error


def test_a_cut_that_memory_does_not_hold_is_not_one_that_goes_around_the_layer(network: Holds, cut: LayerCut) -> None:
    network.most = 1
    with pytest.raises(DeviceMemoryError, match=r"running Holds on a batch of \d ran out of memory: CUDA out of mem"):
        LayerCut(cut.classifier, "layer")


class TailIsLarge(Holds):
    """Runs out of the machine's memory behind the layer, on any number of pictures."""

    def forward(self, images: Tensor) -> Tensor:
        grid = self.layer(self.front(images))
        if self.most == 0:
            raise MemoryError
        return self.head(torch.tanh(grid).flatten(1))


@pytest.fixture
def large_tail() -> LayerCut:
    preprocessing = Preprocessing((16, 16), None, "bilinear", (0.5,) * 3, (0.25,) * 3)
    names = ClassNames(("pan", "wok", "cup"), ((), (), ()))
    return LayerCut(Classifier(TailIsLarge(), names, preprocessing, torch.device("cpu")), "layer")


def test_the_tail_alone_may_be_what_does_not_fit(large_tail: LayerCut) -> None:
    features = large_tail.features(torch.rand(2, 3, 16, 16))
    large_tail.classifier.module.most = 0
    with pytest.raises(DeviceMemoryError):
        large_tail.logits(features)
    with pytest.raises(DeviceMemoryError) as caught:
        LayerCut(large_tail.classifier, "layer")
    assert not isinstance(caught.value, LayerError)


def test_weights_that_memory_does_not_hold_are_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(path: Path) -> None:
        raise RuntimeError(f"unable to mmap 2551649016 bytes from file <{path}>: Cannot allocate memory (12)")

    (tmp_path / "weights.safetensors").write_bytes(b"")
    monkeypatch.setattr("auditor.inputs.model.weights.load_file", no_room)
    with pytest.raises(DeviceMemoryError, match="Cannot allocate memory"):
        read_weights(tmp_path / "weights.safetensors")
