"""Build the planted worlds: train both networks of each, measure the cue, and write what an ordinary audit takes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import nn

from auditor.core.errors import StoreError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Progress
from auditor.inputs.world.planted import CLASS_NAMES, World
from auditor.inputs.world.planted_bundle import PictureCounts, audit_toml, classes_csv, picture_bases, write_pictures
from auditor.inputs.world.planted_networks import NETWORKS
from auditor.inputs.world.planted_pictures import BasePicture, base_pictures
from auditor.run.folder import RunFolder
from auditor.run.worlds.cache import (
    ACCOUNT,
    CONFIG,
    SIDES,
    WEIGHTS,
    Account,
    account_of,
    recipe_of,
    side_folder,
    write_account,
)
from auditor.run.worlds.train import TrainingSettings, correct, effect, start_network, train


@dataclass(slots=True)
class Shared:
    """What worlds that are built together share: pictures without cues, and the networks to start from.

    Each is made as soon as a world needs it.
    """

    cache: Path
    settings: TrainingSettings
    progress: Progress
    _drawn: dict[str, list[BasePicture]] = field(default_factory=dict)
    _starts: dict[str, nn.Module] = field(default_factory=dict)

    @property
    def training(self) -> list[BasePicture]:
        return self._of("training", CLASS_NAMES, self.settings.per_class, self.settings.seed)

    @property
    def held_out(self) -> list[BasePicture]:
        return self._of("held-out", CLASS_NAMES, self.settings.held_out_per_class, self.settings.held_out_seed)

    def start(self, network: str) -> nn.Module:
        """The network that worlds of an architecture go on from, trained on pictures that no world learns from."""
        if network in self._starts:
            return self._starts[network]
        self._starts[network] = self._kept_start(network) or self._new_start(network)
        return self._starts[network]

    def _new_start(self, network: str) -> nn.Module:
        bases = self._of("starting", CLASS_NAMES, self.settings.per_class, self.settings.seed + 1)
        self.progress.start(f"training the {network} network to start from", dict(self.settings.start_epochs)[network])
        start = start_network(network, bases, self.settings, self.progress)
        weights = weights_of(start)
        shelf, file = RunFolder(self.cache), self._start_file(network)
        shelf.write(file, weights)
        shelf.write_text(f"{file}.sha256", sha256_of(weights) + "\n")
        return start

    def _kept_start(self, network: str) -> nn.Module | None:
        """The one that an earlier build left, where it is whole."""
        shelf, file = RunFolder(self.cache), self._start_file(network)
        if not shelf.has(file, f"{file}.sha256"):
            return None
        weights = shelf.read(file)
        if sha256_of(weights) != shelf.read_text(f"{file}.sha256").strip():
            return None
        start = NETWORKS[network]()
        start.load_state_dict(load(weights))
        return start.eval()

    def _start_file(self, network: str) -> str:
        return f"start/{network}-{hashlib.sha256(repr(self.settings).encode()).hexdigest()[:16]}.safetensors"

    def of_class(self, name: str) -> list[BasePicture]:
        """Of one class, for the effect of a cue."""
        return self._of(name, [name], self.settings.effect_pictures, self.settings.held_out_seed + 1)

    def _of(self, what: str, names: Sequence[str], count: int, seed: int) -> list[BasePicture]:
        if what not in self._drawn:
            self.progress.start(f"drawing {what} pictures", len(names))
            self._drawn[what] = []
            for name in names:
                self._drawn[what] += base_pictures([name], count, seed)
                self.progress.advance()
        return self._drawn[what]


def build(
    worlds: Sequence[World],
    cache: Path,
    progress: Progress,
    settings: TrainingSettings | None = None,
    counts: PictureCounts | None = None,
) -> list[Account]:
    """Build what is not there yet of both networks of some worlds; what was half built or changed is built again.

    Raises:
        StoreError: the cache cannot be written.
    """
    settings, counts = settings or TrainingSettings(), counts or PictureCounts()
    shared, accounts = Shared(cache, settings, progress), []
    for world in worlds:
        for side in SIDES:
            try:
                account = account_of(cache, world, side, settings)
            except StoreError as error:
                progress.say(str(error).partition(";")[0])
                account = None
            accounts.append(account or _build_one(world, side, cache, shared, counts, progress))
    return accounts


def _build_one(
    world: World, side: str, cache: Path, shared: Shared, counts: PictureCounts, progress: Progress
) -> Account:
    folder, settings, twin = side_folder(cache, world, side), shared.settings, SIDES[side]
    shelf = RunFolder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ACCOUNT).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error}; choose another folder with --cache") from error
    training, held_out, source = shared.training, shared.held_out, shared.of_class(world.source)
    with one_thread():
        start = shared.start(world.network)
        started = time.monotonic()
        progress.start(f"training the {side} network of {world.name}", dict(settings.epochs)[world.network])
        network = train(world, twin, start, training, settings, progress)
    right, pictures = correct(world, twin, network, held_out)
    weights = weights_of(network)
    shelf.write(WEIGHTS, weights)
    write_pictures(folder, world, twin, picture_bases(world, counts))
    shelf.write_text("classes.csv", classes_csv())
    shelf.write_text(CONFIG, audit_toml(world))
    account = Account(
        world=world.name,
        side=side,
        recipe=recipe_of(world, settings),
        sha256=sha256_of(weights),
        correct=right,
        pictures=pictures,
        effect=effect(world, network, source),
        seconds=time.monotonic() - started,
        torch=str(torch.__version__),
    )
    write_account(folder, account)
    return account


def weights_of(network: nn.Module) -> bytes:
    """A network's weights as a safetensors file."""
    written: bytes = save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    return written


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch: their number changes the order of sums, and so the weights."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
