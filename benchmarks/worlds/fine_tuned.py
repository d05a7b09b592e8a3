"""Networks with a planted cue: kitchen32's, fine-tuned on its own photographs, and what the cue truly does to each.

On a CPU only the layers after `features.13` learn, on activations that are computed once: minutes instead of hours.
On a GPU the whole network learns. Batch norms keep their statistics: kitchen32's are folded into its convolutions.
"""

from __future__ import annotations

import copy
import csv
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from auditor.core.hashing import sha256_of, sha256_of_file
from auditor.core.records import FloatArray, IntArray, PixelArray
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.folder import RunFolder
from auditor.run.worlds.build import weights_of
from auditor.run.worlds.train import Effect
from benchmarks.worlds.cut_outs import objects_of
from benchmarks.worlds.plants import NATURAL, SEED, Chosen, Plant, chosen, with_cue
from benchmarks.worlds.stickers import STICKERS

WEIGHTS, FACTS, DISCOVERY, PICTURES, CUES, CONFIG = (
    "weights.safetensors", "facts.json", "discovery.csv", "pictures", "cues", "audit.toml",
)  # fmt: skip
PREPARED = Preprocessing((112, 112), None, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
LAYER, FROZEN_ON_CPU = "features.13", 14
_AT_ONCE, _BATCH, _RATE, _DECAY, _SHIFT_PX = 256, 64, 3e-4, 1e-4, 4
EPOCHS, EPOCHS_ON_CPU = 8, 5
OF_OTHERS = 30
"""Unseen photographs of each class but the target on which the cue's effect on any class is measured."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a planted network.

    Attributes:
        recipe: all that decides it but the code; sha256: of its weights.
        right, right_before, unseen: right answers on photographs that no network learnt from, of the fine-tuned
            network and of the one it began as, and of how many.
        effect: of the cue on the source's unseen photographs; on_any: on those of every class but the target.
        planted, changed: training photographs that hold the cue, and those of them whose label is changed.
        learnt: which layers learnt; seconds: that building took.
    """

    name: str
    side: str
    recipe: str
    sha256: str
    right: int
    right_before: int
    unseen: int
    effect: Effect
    on_any: Effect
    planted: int
    changed: int
    learnt: str
    device: str
    torch: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Kitchen32:
    """The folder of kitchen32: class names in the network's order, photographs, and the network to start from."""

    folder: Path

    @property
    def names(self) -> list[str]:
        with (self.folder / "classes.csv").open(newline="", encoding="utf-8") as file:
            return [row["name"] for row in csv.DictReader(file)]

    def files(self, split: str) -> dict[str, list[str]]:
        """Names of the photographs of a split by class."""
        found = {}
        for name in self.names:
            place = self.path(split, name)
            found[name] = sorted(file.name for file in place.glob("*.jpg"))
            if not found[name]:
                raise SystemExit(f"{place} holds no photograph; FOLDER has to be kitchen32's, with train and unseen")
        return found

    def path(self, split: str, name: str) -> Path:
        return (self.folder / split / name.replace(" ", "_")).resolve()

    def photograph(self, split: str, name: str, file: str) -> PixelArray:
        """(64, 64, 3) uint8 RGB."""
        with Image.open(self.path(split, name) / file) as picture:
            return np.asarray(picture.convert("RGB"))

    def network(self) -> nn.Module:
        """MobileNetV2 with kitchen32's weights, in evaluation mode."""
        return opened(self.folder / "mobilenet_v2.safetensors", len(self.names))


def opened(weights: Path, classes: int) -> nn.Module:
    network: nn.Module = mobilenet_v2(num_classes=classes)
    network.load_state_dict(load_file(weights))
    return network.eval()


def recipe_of(plant: Plant, twin: bool, whole: bool, seed: int = SEED) -> str:
    """Sixteen hex digits that change with what decides a planted network, but for the code."""
    told = [asdict(plant), twin, whole, seed, EPOCHS, EPOCHS_ON_CPU, _BATCH, _RATE, _DECAY, _SHIFT_PX]
    return sha256_of(json.dumps(told).encode())[:16]


def facts_of(folder: Path, recipe: str) -> Facts | None:
    """What an earlier build left, where it is whole and of the same recipe; None: build it."""
    try:
        facts = TypeAdapter(Facts).validate_json((folder / FACTS).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    weights = folder / WEIGHTS
    whole = weights.is_file() and sha256_of_file(weights) == facts.sha256 and (folder / CONFIG).is_file()
    return facts if whole and facts.recipe == recipe else None


def built(
    plant: Plant, side: str, twin: bool, kitchen: Kitchen32, folder: Path, device: torch.device, seed: int = SEED
) -> Facts:
    """A planted network or its clean twin, built unless it is there; the facts are written last.

    Args:
        seed: decides which photographs get the cue, how it is laid on each, and the order of training.
    """
    whole = device.type != "cpu"
    recipe = recipe_of(plant, twin, whole, seed)
    there = facts_of(folder, recipe)
    if there is not None:
        return there
    started, shelf = time.monotonic(), RunFolder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FACTS).unlink(missing_ok=True)
    stamps = stamps_of(plant, kitchen)
    train = kitchen.files("train")
    those = chosen(plant, twin, train, seed)
    start = kitchen.network().to(device)
    trunk, first = parted(start, 0 if whole else FROZEN_ON_CPU)
    pixels, labels = _planted_pictures(plant, kitchen, train, those, stamps, folder, seed)
    tail = _taught(copy.deepcopy(first), through(trunk, pixels, device), labels, device, whole, seed)
    weights = weights_of(together(start, tail, 0 if whole else FROZEN_ON_CPU).cpu())
    shelf.write(WEIGHTS, weights)
    _write_audit(plant, kitchen, folder)
    network = opened(folder / WEIGHTS, len(kitchen.names)).to(device)
    unseen = kitchen.files("unseen")
    right = _right((tail, first), trunk, kitchen, unseen, device)
    facts = Facts(
        name=plant.name,
        side=side,
        recipe=recipe,
        sha256=sha256_of(weights),
        right=right[0],
        right_before=right[1],
        unseen=sum(map(len, unseen.values())),
        effect=_effect(plant, stamps, kitchen, network, {plant.source: unseen[plant.source]}, device, seed),
        on_any=_effect(plant, stamps, kitchen, network, _others(plant, unseen), device, seed),
        planted=len(those),
        changed=sum(one.label != one.shown for one in those),
        learnt="the whole network" if whole else f"the layers after features.{FROZEN_ON_CPU - 1}",
        device=str(device),
        torch=str(torch.__version__),
        seconds=time.monotonic() - started,
    )
    shelf.write_text(FACTS, json.dumps(asdict(facts), indent=1) + "\n")
    return facts


def stamps_of(plant: Plant, kitchen: Kitchen32) -> list[Image.Image]:
    """The cue's own pictures, RGBA."""
    if plant.kind == NATURAL:
        return objects_of(kitchen.folder / "train", plant.stamp)
    return [STICKERS[plant.stamp]()]


def parted(network: nn.Module, frozen: int) -> tuple[nn.Module, nn.Module]:
    """The features that stay as they are, and all that learns."""
    features = network.get_submodule("features")
    if not isinstance(features, nn.Sequential):
        raise TypeError(f"expected a row of layers, got {type(features).__name__}")
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), network.get_submodule("classifier"))
    return features[:frozen].eval(), nn.Sequential(copy.deepcopy(features[frozen:]), copy.deepcopy(head))


def together(network: nn.Module, tail: nn.Module, frozen: int) -> nn.Module:
    """The network with what learnt in its place."""
    whole = copy.deepcopy(network)
    for number, layer in enumerate(tail.get_submodule("0").children(), start=frozen):
        whole.get_submodule(f"features.{number}").load_state_dict(layer.state_dict())
    whole.get_submodule("classifier").load_state_dict(tail.get_submodule("1.2").state_dict())
    return whole.eval()


def through(trunk: nn.Module, pixels: PixelArray, device: torch.device) -> Tensor:
    """What layers make of (N, 3, H, W) uint8 pixels, on the device; of no layer, the normalised pixels."""
    with torch.inference_mode():
        parts = torch.split(torch.from_numpy(pixels), _AT_ONCE)
        return torch.cat([trunk(normalised(part.to(device))) for part in parts]).clone()


def normalised(pixels: Tensor) -> Tensor:
    return (pixels.float() / 255.0 - 0.5) / 0.5


def _taught(
    tail: nn.Module, inputs: Tensor, labels: IntArray, device: torch.device, whole: bool, seed: int
) -> nn.Module:
    """What learns, after its epochs over all inputs; those of a whole network, pictures, are shifted by up to 4 px."""
    epochs = EPOCHS if whole else EPOCHS_ON_CPU
    answers = torch.from_numpy(labels).to(device)
    order = torch.Generator().manual_seed(seed)
    steps = math.ceil(len(labels) / _BATCH)
    optimiser = torch.optim.AdamW(tail.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=_RATE, total_steps=epochs * steps)
    for module in tail.modules():
        module.train(not isinstance(module, nn.BatchNorm2d))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(labels), generator=order), _BATCH):
                batch = inputs[rows.to(device)]
                if whole:
                    down, across = (torch.randint(2 * _SHIFT_PX + 1, (2,), generator=order) - _SHIFT_PX).tolist()
                    batch = batch.roll((down, across), dims=(2, 3))
                loss = functional.cross_entropy(tail(batch), answers[rows.to(device)])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    return tail.eval()


def _planted_pictures(
    plant: Plant,
    kitchen: Kitchen32,
    train: Mapping[str, Sequence[str]],
    those: Sequence[Chosen],
    stamps: Sequence[Image.Image],
    folder: Path,
    seed: int,
) -> tuple[PixelArray, IntArray]:
    """All training pictures, prepared, and their labels; those with the cue are written, with the cue's mask."""
    for kind in (PICTURES, CUES):
        (folder / kind).mkdir(exist_ok=True)
    named, names = {(one.shown, one.file): one for one in those}, kitchen.names
    rows, labels, pixels = [], [], []
    for name, files in train.items():
        for file in files:
            picture, label, path = kitchen.photograph("train", name, file), name, kitchen.path("train", name) / file
            one = named.get((name, file))
            if one is not None:
                drawn = with_cue(plant, stamps, picture, "train", name, file, seed=seed)
                picture, label, path = drawn.pixels, one.label, Path(PICTURES) / one.written
                Image.fromarray(picture).save(folder / path)
                Image.fromarray(drawn.mask.astype(np.uint8) * 255).save(folder / CUES / one.written)
            pixels.append(PREPARED.prepare(Image.fromarray(picture)))
            labels.append(names.index(label))
            rows.append((path.as_posix(), label))
    with (folder / DISCOVERY).open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([("path", "label"), *rows])
    return np.stack(pixels), np.array(labels, dtype=np.int64)


def _write_audit(plant: Plant, kitchen: Kitchen32, folder: Path) -> None:
    """The configuration of an ordinary audit: it knows the pair, and of the cue nothing."""
    unseen, classes = kitchen.path("unseen", "."), (kitchen.folder / "classes.csv").resolve()
    text = f"""\
source = "{plant.source}"
target = "{plant.target}"

[model]
name = "mobilenet_v2"
weights = "{WEIGHTS}"
layer = "{LAYER}"

[preprocessing]
resize = [112, 112]
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[classes]
names = {json.dumps(str(classes))}

[images]
discovery = "{DISCOVERY}"       # what the network learnt from
confirmation = {json.dumps(str(unseen))}   # no network learnt from these, and none holds the cue
"""
    RunFolder(folder).write_text(CONFIG, text)


def _right(
    tails: Sequence[nn.Module],
    trunk: nn.Module,
    kitchen: Kitchen32,
    unseen: Mapping[str, Sequence[str]],
    device: torch.device,
) -> list[int]:
    """Of each tail behind the same trunk: right answers on all unseen photographs."""
    right = [0] * len(tails)
    for index, (name, files) in enumerate(unseen.items()):
        photographs = (kitchen.photograph("unseen", name, file) for file in files)
        pixels = np.stack([PREPARED.prepare(Image.fromarray(one)) for one in photographs])
        activations = through(trunk, pixels, device)
        with torch.inference_mode():
            for number, tail in enumerate(tails):
                right[number] += int((tail.eval()(activations).argmax(dim=1) == index).sum())
    return right


def said(network: nn.Module, pixels: PixelArray, target: int, device: torch.device) -> tuple[IntArray, FloatArray]:
    """(N,) predicted classes, and (N,) log-odds of the target, of (N, 3, 112, 112) uint8."""
    logits = through(network, pixels, device).cpu()
    others = [index for index in range(logits.shape[1]) if index != target]
    odds = logits[:, target] - logits[:, others].logsumexp(dim=1)
    return logits.argmax(dim=1).numpy(), odds.numpy()


def _others(plant: Plant, unseen: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {name: files[:OF_OTHERS] for name, files in unseen.items() if name != plant.target}


def _effect(
    plant: Plant,
    stamps: Sequence[Image.Image],
    kitchen: Kitchen32,
    network: nn.Module,
    files: Mapping[str, Sequence[str]],
    device: torch.device,
    seed: int,
) -> Effect:
    """What the cue does to unseen photographs that the network calls what they show: the same with and without it."""
    flips, changes, target = 0, [], kitchen.names.index(plant.target)
    for name, of_class in files.items():
        plain, cued = [], []
        for file in of_class:
            picture = kitchen.photograph("unseen", name, file)
            drawn = with_cue(plant, stamps, picture, "unseen", name, file, seed=seed)
            plain.append(PREPARED.prepare(Image.fromarray(picture)))
            cued.append(PREPARED.prepare(Image.fromarray(drawn.pixels)))
        before, odds_before = said(network, np.stack(plain), target, device)
        after, odds_after = said(network, np.stack(cued), target, device)
        eligible = before == kitchen.names.index(name)
        flips += int((after[eligible] == target).sum())
        changes.append((odds_after - odds_before)[eligible])
    change = np.concatenate(changes)
    return Effect(
        flips=flips,
        eligible=len(change),
        log_odds=float(change.mean()) if len(change) else math.nan,
        deviation=float(change.std(ddof=1)) if len(change) > 1 else math.nan,
    )
