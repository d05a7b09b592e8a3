"""Building a planted world: resumed, refused where it is not what was written, and taken by an ordinary audit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from auditor.core.config import read_config
from auditor.core.errors import StoreError
from auditor.core.progress import Silence
from auditor.inputs.opening import open_inputs
from auditor.inputs.world.planted import WORLDS
from auditor.inputs.world.planted_bundle import PictureCounts
from auditor.run.worlds.build import build
from auditor.run.worlds.cache import ACCOUNT, PLANTED, SIDES, WEIGHTS, account_of, side_folder
from auditor.run.worlds.train import TrainingSettings

WORLD = WORLDS["tag"]
TINY = TrainingSettings(
    per_class=8, held_out_per_class=4, effect_pictures=6,
    start_epochs=(("residual", 1), ("tokens", 1)), epochs=(("residual", 1), ("tokens", 2)),
)  # fmt: skip
COUNTS = PictureCounts(discovery=2, discovery_pair=4, selection=2, confirmation=3)


class Told(Silence):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, stage: str, total: int | None = None) -> None:
        self.lines.append(stage)

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One world built; not to be changed."""
    folder = tmp_path_factory.mktemp("worlds")
    build([WORLD], folder, Silence(), TINY, COUNTS)
    return folder


@pytest.fixture
def own_cache(cache: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cache, tmp_path / "cache"))


def test_what_is_built_stays_and_what_is_missing_is_built_from_the_same_start(own_cache: Path) -> None:
    before = {side: account_of(own_cache, WORLD, side, TINY) for side in SIDES}
    told = Told()
    build([WORLD], own_cache, told, TINY, COUNTS)
    assert told.lines == []
    shutil.rmtree(side_folder(own_cache, WORLD, PLANTED))
    again, kept = build([WORLD], own_cache, told, TINY, COUNTS)
    assert "training the planted network of tag" in told.lines
    assert not any("to start from" in line for line in told.lines)
    assert again.sha256 == before[PLANTED].sha256  # type: ignore[union-attr]
    assert kept.sha256 == before["twin"].sha256  # type: ignore[union-attr]
    assert kept.seconds == before["twin"].seconds  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / ACCOUNT).unlink(), "is half built; build it again with 'auditor worlds build tag'"),
        (lambda folder: (folder / ACCOUNT).write_text("{}"), "is not what was written there"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"other"), "changed since they were trained"),
    ],
)
def test_what_is_not_whole_is_refused_and_built_again(own_cache: Path, harm, words: str) -> None:
    folder = side_folder(own_cache, WORLD, PLANTED)
    before = account_of(own_cache, WORLD, PLANTED, TINY)
    harm(folder)
    with pytest.raises(StoreError, match=words):
        account_of(own_cache, WORLD, PLANTED, TINY)
    told = Told()
    build([WORLD], own_cache, told, TINY, COUNTS)
    assert any((line and line.rstrip(".") in words) or "network of" in line or "weights" in line for line in told.lines)
    assert account_of(own_cache, WORLD, PLANTED, TINY).sha256 == before.sha256  # type: ignore[union-attr]


def test_another_recipe_is_another_version(cache: Path) -> None:
    with pytest.raises(StoreError, match="is of another version"):
        account_of(cache, WORLD, PLANTED, TrainingSettings(per_class=9))


def test_an_ordinary_audit_opens_it(cache: Path) -> None:
    config = read_config(side_folder(cache, WORLD, PLANTED) / "audit.toml")
    # a GPU's gradients are not summed in a process that knows of tests/second_device.py's device too
    inputs = open_inputs(config.model_copy(update={"device": "cpu"}), Silence())
    assert inputs.cut.feature_shape == (64, 8, 8)
    assert inputs.source.name == "pizza"
    assert inputs.target.name == "bucket"
