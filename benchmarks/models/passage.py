"""One network goes through what an audit does with it: opened, cut at its default layer, attributed, screened, an icon.

Every step is the audit's own code. Attribution is compared with its definition, one backward pass a class.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from auditor.atlas.attribution import attribution_method
from auditor.atlas.collection import Mapped, collect_activations
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.candidates.linear import LinearScreen
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig, build_config
from auditor.core.errors import ConfigError, LayerError
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup, ImagePool, ImageRecord, PixelArray, Split
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.device import choose_device
from auditor.inputs.model.loading import load_classifier, preprocessing_of
from auditor.inputs.model.probing import unlike_pictures
from auditor.inputs.opening import layers_of
from benchmarks.atlas.attribution import backward_a_class
from benchmarks.models.families import SIDE_PX, hugging_face_families
from benchmarks.models.random_weights import CLASSES, build_from_library, save_classifier, save_weights

MADE, OPENED, LAYER, CUT, ATTRIBUTION, SCREENING, ICON = (
    "random weights", "opening", "default layer", "cut", "attribution", "screening", "icon"
)  # fmt: skip
"""The steps, by the names they go by in the table. The first is the benchmark's own."""

AGREES = 1e-3
"""Largest difference of attribution from the gradients, as a share of the largest, that float32 explains."""

_TABLE = {"resize": [SIDE_PX, SIDE_PX], "mean": [0.5] * 3, "std": [0.5] * 3}
_SOURCE, _TARGET = ClassGroup(CLASSES[1], (1,)), ClassGroup(CLASSES[2], (2,))
_ICON_STEPS = 2


@dataclass(frozen=True, slots=True)
class Passed:
    """How far a network has come.

    Attributes:
        step: where it is. parameters: how many it has. size: (H, W) of its pictures.
        table: preprocessing was given by hand, since its own has no counterpart.
        layer, rule: the default layer, and who chose it. shape: (D, H', W') there.
        method: how attribution to all classes is computed. difference: largest from the gradients, as a share of the
            largest.
    """

    step: str
    parameters: int = 0
    size: tuple[int, ...] = ()
    table: bool = False
    layer: str = ""
    rule: str = ""
    shape: tuple[int, ...] = ()
    method: str = ""
    difference: float = 0.0


class NotTriedError(Exception):
    """The network could not be built at all, by its own library."""


class WrongNumbersError(Exception):
    """What came out is not what its definition gives."""


def pass_through(name: str, tell: Callable[[Passed], None]) -> None:
    """Take the network of a [model] name through all steps, on the CPU and with one thread.

    Args:
        tell: hears what is known of the network whenever it comes to a step, and at the end.
    Raises:
        AuditorError: what the audit says of it. NotTriedError, WrongNumbersError. Whatever else is a crash.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    device = choose_device("cpu")
    with tempfile.TemporaryDirectory() as scratch:
        passed = Passed(MADE)
        tell(passed)
        config, table = _written(name, Path(scratch))
        passed = replace(passed, step=OPENED, table=table)
        tell(passed)
        loaded = load_classifier(config, device)
    classifier = loaded.classifier
    parameters = sum(each.numel() for each in classifier.module.parameters())
    passed = replace(passed, step=LAYER, parameters=parameters, size=classifier.preprocessing.output_size)
    tell(passed)
    layers, rule = layers_of(config, loaded)
    if not layers:  # an audit goes on without an atlas, and says why
        raise LayerError(rule)
    layer = layers[0]
    passed = replace(passed, step=CUT, layer=layer, rule=rule)
    tell(passed)
    cut = LayerCut(classifier, layer)
    passed = replace(passed, step=ATTRIBUTION, shape=cut.feature_shape)
    tell(passed)
    pixels = _pictures(*cut.input_size)
    method, difference = _attributed(cut, pixels[1:], config)
    passed = replace(passed, method=method, difference=difference)
    tell(passed)
    if not difference <= AGREES:
        raise WrongNumbersError(f"attribution differs from the gradients by {difference:.1g} of the largest")
    passed = replace(passed, step=SCREENING)
    tell(passed)
    _screened(cut, pixels)
    passed = replace(passed, step=ICON)
    tell(passed)
    _icon(cut, pixels, config)


def _written(name: str, folder: Path) -> tuple[AuditConfig, bool]:
    """The configuration of an audit of the network, its files in the folder; whether it has a [preprocessing] table."""
    (folder / "names.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    families = hugging_face_families()
    if name in families:
        saved = folder / families[name].model_type
        try:
            save_classifier(families[name], (SIDE_PX, SIDE_PX), saved)
        except ImportError as error:
            raise NotTriedError(str(error).strip().splitlines()[0]) from error
        return _prepared({"name": f"hf/{saved.name}"}, folder)
    values = {"name": name, "weights": "weights.safetensors"}
    config, table = _prepared(values, folder)
    save_weights(build_from_library(name), preprocessing_of(config).output_size, folder / "weights.safetensors")
    return config, table


def _prepared(model: dict[str, str], folder: Path) -> tuple[AuditConfig, bool]:
    """With a [preprocessing] table where the network's source knows none that has a counterpart."""
    common = {"source": CLASSES[1], "target": CLASSES[2], "images": {"all": "."}, "classes": {"names": "names.txt"}}
    values: dict[str, object] = {**common, "model": model}
    config = build_config(values, folder)
    try:
        preprocessing_of(config)
    except ConfigError:
        return build_config({**values, "preprocessing": _TABLE}, folder), True
    return config, False


def _pictures(height_px: int, width_px: int) -> PixelArray:
    """(2, 3, H, W) uint8: noise, and soft blots of colour."""
    pictures: PixelArray = (unlike_pictures(height_px, width_px)[[0, 3]] * 255).to(torch.uint8).numpy()
    return pictures


def _attributed(cut: LayerCut, pixels: PixelArray, config: AuditConfig) -> tuple[str, float]:
    """Activations collected as for an atlas: how attribution was computed, and how far it is from the gradients.

    Args:
        pixels: (N, 3, H, W) uint8, each with one position drawn at random and two of the strongest contrast.
    """
    keys = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pixels]
    height, width = cut.input_size
    images = tuple(ImageRecord(key[:12], key, key, 1, Split.DISCOVERY, width, height) for key in keys)
    pool, rows = ImagePool(images, (), pixels), np.arange(len(images))
    mapped = Mapped(cut, pool, (_SOURCE, _TARGET), config.atlas, len(images), config.seed, Silence())
    shards = collect_activations(mapped, rows, mapped.sampling(config.atlas.strongest_per_image))
    samples = shards.read(0)
    with torch.no_grad():
        features = cut.features(to_float(pixels, cut.classifier.device))
    row, y, x = (torch.from_numpy(each) for each in (samples.image_row, samples.y, samples.x))
    expected = backward_a_class(cut, features[row], y, x)
    difference = (torch.from_numpy(samples.attribution) - expected).abs().max() / expected.abs().max()
    return attribution_method(cut, features).value, float(difference)


def _screened(cut: LayerCut, pixels: PixelArray) -> None:
    """A crop through the tail and linearly."""
    height, width = cut.input_size
    crop = np.ascontiguousarray(pixels[1, :, height // 4 : height // 2, width // 4 : width // 2])
    screen = TailScreen(cut, pixels, _TARGET, 0.35, len(pixels), backgrounds=1)
    linear = LinearScreen(screen, [crop])
    pushes = np.concatenate([screen.screen([crop]), linear.screen([crop])])
    if not np.isfinite(pushes).all() or not np.isfinite(screen.seen([crop])).all():
        raise WrongNumbersError("the predicted push of a crop is not finite")


def _icon(cut: LayerCut, pixels: PixelArray, config: AuditConfig) -> None:
    """A few steps of an icon of what the network sees in the middle of a picture."""
    _, rows, columns = cut.feature_shape
    with torch.no_grad():
        grid = cut.features(to_float(pixels, cut.classifier.device)).grid
    directions = grid[1:, :, rows // 2, columns // 2].float().numpy()
    settings = IconSettings(side_px=config.atlas.icon_px, steps=_ICON_STEPS)
    icons = render_icons(cut, directions, ["middle"], settings, config.seed, Silence())
    if not np.isfinite(icons.scores).all():
        raise WrongNumbersError("the score of an icon is not finite")
