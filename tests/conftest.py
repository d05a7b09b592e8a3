"""Hand-weighted classifiers, outcome blocks whose answers are known, and whole runs of a tiny world."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.main import get_command
from typer.testing import CliRunner, Result

from auditor.cli import app
from auditor.core.config import TrialsConfig
from auditor.core.records import Candidate, Limits, Origin, Tier
from auditor.core.records.trials import Draws, TrialBlock
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from tests.second_device import prepare, second_device
from tests.tiny_world import World, build_world

torch.set_num_threads(1)
prepare()


class ChannelSums(nn.Module):
    """Three classes: how much red, green and blue there is. Keeps the batches it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.shown.append(images.clone())
        return images.sum(dim=(2, 3))


@pytest.fixture
def colour_classifier() -> Callable[..., Classifier]:
    def build(
        size: tuple[int, int],
        mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
        std: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Classifier:
        return Classifier(
            ChannelSums(),
            ClassNames(("red", "green", "blue"), ((), (), ())),
            Preprocessing(size, None, "bilinear", mean, std),
            torch.device("cpu"),
        )

    return build


@pytest.fixture
def trials_config() -> Callable[..., TrialsConfig]:
    def build(**settings: object) -> TrialsConfig:
        return TrialsConfig.model_validate(settings)

    return build


@pytest.fixture
def limits() -> Limits:
    return Limits(uplift=0.10, fragility=0.25, confidence=0.95)


@pytest.fixture
def candidate() -> Callable[..., Candidate]:
    def build(identity: str, tier: Tier = Tier.THIRD_CLASS, **facts: object) -> Candidate:
        return Candidate(identity, identity, Origin.CROP, tier, "0" * 64, **facts)

    return build


@pytest.fixture
def flips() -> Callable[[int, Sequence[int]], np.ndarray]:
    def build(images: int, flipped: Sequence[int]) -> np.ndarray:
        outcomes = np.zeros(images, dtype=bool)
        outcomes[list(flipped)] = True
        return outcomes

    return build


@pytest.fixture
def block() -> Callable[..., TrialBlock]:
    def build(
        outcomes: np.ndarray,
        before: np.ndarray | None = None,
        after: np.ndarray | None = None,
        ranks: np.ndarray | None = None,
    ) -> TrialBlock:
        flipped = np.atleast_2d(outcomes)
        variants, images = flipped.shape
        zero = np.zeros(images)
        return TrialBlock(
            image_keys=tuple(f"k{number}" for number in range(images)),
            variants=tuple(f"v{number}" for number in range(variants)),
            draws=tuple(Draws(*(zero + number for _ in range(8))) for number in range(variants)),
            clean=np.zeros(images, dtype=np.int64),
            patched=flipped.astype(np.int64),
            before=np.full(images, 0.1, dtype=np.float32) if before is None else before,
            after=flipped.astype(np.float32) if after is None else np.atleast_2d(after),
            flips=flipped,
            rank_before=np.full(images, 9, dtype=np.int64),
            rank_after=np.where(flipped, 1, 9) if ranks is None else np.atleast_2d(ranks),
        )

    return build


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """The second device, which every command takes, whatever the settings name."""
    device = second_device()
    monkeypatch.setattr("auditor.inputs.model.device._device_named", lambda name: device)
    return device


Invoke = Callable[..., Result]


def timed_once(do: Callable[[], object]) -> float:
    """Seconds of a call, for an estimate that nobody plans by: the best of several calls takes as often as long."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


@contextmanager
def quick_layout() -> Iterator[None]:
    """Lay atlases out by their first component: compiling UMAP takes seconds; one test runs it in a process apart.

    Sheets are packed with the least effort, and nothing is timed twice.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.atlas.drawings.canvas._WEBP_EFFORT", 0)
        patch.setattr("auditor.atlas.embedding.TOO_FEW", 10**6)
        patch.setattr("auditor.run.estimate._ICONS", 1)
        for module in ("estimate", "timing"):
            patch.setattr(f"auditor.run.{module}.timed", timed_once)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Shared, so not to be changed except by `edited`, each test under a name of its own."""
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def own_world(world: World, tmp_path: Path) -> World:
    """A copy that a test may change."""
    shutil.copytree(world.folder, tmp_path / "world")
    return World(tmp_path / "world")


@pytest.fixture(scope="session")
def invoke() -> Invoke:
    """Run the command line in this process; no result may hold a traceback, whatever went wrong."""
    commands = get_command(app)  # which takes as long as a small command does, and would be made anew for each

    def invoke(*arguments: str | Path, stdin: str | None = None) -> Result:
        with quick_layout(), pytest.MonkeyPatch.context() as patch:
            patch.setattr("typer.testing._get_command", lambda _: commands)
            result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
        assert "Traceback" not in result.output, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result

    return invoke


@pytest.fixture(scope="session")
def finished(world: World, invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A finished run's folder, not to be changed, and what the command said."""
    return finish(world, invoke, tmp_path_factory)


def finish(world: World, invoke: Invoke, folders: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run of the world to its end: its folder, and what the command said."""
    folder = folders.mktemp("finished") / "run"
    result = invoke("run", world.config, "--out", folder)
    assert result.exit_code in (0, 1, 3), result.output
    return folder, result


@pytest.fixture
def own_run(finished: tuple[Path, Result], tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    shutil.copytree(finished[0], tmp_path / "run")
    return tmp_path / "run"
