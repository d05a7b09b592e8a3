"""Render icons: pictures whose activation at the centre points in a wanted direction, chosen elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from auditor.atlas.icons.head import at_rest, at_size
from auditor.atlas.icons.objective import Whitening, cosine, objective
from auditor.atlas.icons.reading import AtCentre, Reading
from auditor.atlas.icons.spectrum import image_to_spectrum, spectrum_shape, spectrum_to_image
from auditor.atlas.icons.transforms import Movement, draw_movements, still
from auditor.atlas.network import CutNetwork
from auditor.core.config import AtlasConfig
from auditor.core.draws import keyed_generator
from auditor.core.errors import LayerError
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.device import in_fixed_order
from auditor.inputs.model.foreign import DIFFERENTIATING
from auditor.inputs.model.memory import Batches

# Standard deviation of a spectrum that starts from noise: nearly grey.
_NOISE = 0.01
# From noise, an icon is sketched before it is detailed: frequencies open up from the first to the second number
# (cycles a pixel) over this share of the steps.
_COARSEST, _FINEST, _SKETCHING = 0.06, 0.75, 0.6


@dataclass(frozen=True, slots=True)
class IconSettings:
    """How icons are rendered.

    Attributes:
        side_px: height and width of an icon.
        steps: optimisation steps. learning_rate: of Adam, falling to 0 over the last half of the steps.
        power: n of the objective, 0 steers by the dot product alone.
        ridge: of the whitening, as a share of the mean eigenvalue.
        movement: the transformations under which an icon must hold.
        bfloat16: run the network in bfloat16; spectrum, picture, objective and score stay float32. Faster where the
            processor has it, and as good an icon, but another one, as of another seed (docs/atlas.md).
    """

    side_px: int = 80
    steps: int = 128
    learning_rate: float = 0.05
    power: float = 4.0
    ridge: float = 1.0
    movement: Movement = field(default_factory=Movement)
    bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Icons:
    """Rendered icons.

    Attributes:
        pixels: (N, 3, s, s) uint8 RGB.
        scores: (N,) cosine between the activation at the centre of the finished icon, seen without movement, and
            the direction as it was asked for, before whitening. In [-1, 1], so that cells can be compared.
    """

    pixels: PixelArray
    scores: FloatArray

    def __len__(self) -> int:
        return len(self.scores)


def render_icons(
    head: CutNetwork,
    directions: FloatArray,
    keys: Sequence[str],
    settings: IconSettings,
    seed: int,
    progress: Progress,
    *,
    whitening: Whitening | None = None,
    start: PixelArray | None = None,
    batch_size: int = 64,
    reading: Reading | None = None,
) -> Icons:
    """Render one icon a direction.

    The network runs up to the layer only, at the icon's own size (`at_size` says when not). It is left as it was, also
    when something raises.

    Args:
        directions: (N, D) in the layer's activation space; an icon of a zero direction stays as it started.
        keys: (N,) one an icon; with the seed it decides the icon's noise and movements, whatever else is rendered.
        whitening: steer by the whitened directions; None: by the directions themselves.
        start: (N, 3, s, s) uint8 pictures to dream further; None: start from noise.
        batch_size: icons a pass; it decides time and memory.
        reading: where icons are read, in pictures of the network's own size; None: in the middle of their own.
    Raises:
        LayerError: directions that are not (N, D) finite numbers, keys or starts that do not fit them, or a network
            that runs at no size. ModelError: as `at_size`.
    """
    _check(head, directions, keys, settings, start)
    steered = directions if whitening is None else whitening.whitened(directions, settings.ridge)
    progress.start("icons", len(directions))
    pixels = np.empty((len(directions), 3, settings.side_px, settings.side_px), np.uint8)
    scores = np.empty(len(directions), np.float32)
    with at_rest(head.classifier.module), _shown(head, settings, reading) as (network, way):

        def render(part: slice) -> tuple[PixelArray, FloatArray]:
            spectrum = _start(keys[part], settings, seed, None if start is None else start[part])
            spectrum = spectrum.to(network.classifier.device)
            targets = torch.from_numpy(np.ascontiguousarray(steered[part], np.float32)).to(spectrum.device)
            with _told_in_steps(progress, len(targets), settings.steps) as told:
                _optimise(network, spectrum, targets, keys[part], settings, seed, way, start is None, told)
            made = _as_pixels(spectrum, settings.side_px)
            return made, score_icons(network, made, directions[part], way)

        for part, (made, cosines) in Batches(batch_size).each(len(directions), render, progress):
            pixels[part], scores[part] = made, cosines
    return Icons(pixels, scores)


@contextmanager
def _shown(head: CutNetwork, settings: IconSettings, reading: Reading | None) -> Iterator[tuple[CutNetwork, Reading]]:
    if reading is not None:
        yield head, reading
        return
    with at_size(head, settings.side_px) as (network, size):
        yield network, AtCentre(size)


@torch.no_grad()
def score_icons(head: CutNetwork, pixels: PixelArray, directions: FloatArray, reading: Reading) -> FloatArray:
    """Cosine between the activations where an icon is read and the direction.

    Args:
        pixels: (N, 3, s, s) uint8. directions: (N, D).
    Returns:
        (N,) in [-1, 1].
    """
    images = to_float(pixels, head.classifier.device)
    seen = reading.shown(images, still(len(images)))
    wanted = torch.from_numpy(np.ascontiguousarray(directions, np.float32)).to(images.device)
    scores: FloatArray = cosine(reading.read(head.features(seen).grid), wanted).cpu().numpy()
    return scores


def _optimise(
    head: CutNetwork,
    spectrum: Tensor,
    targets: Tensor,
    keys: Sequence[str],
    settings: IconSettings,
    seed: int,
    reading: Reading,
    sketch: bool,
    told: Callable[[int], None],
) -> None:
    """Change the spectra (N, 3, s, s // 2 + 1, 2) in place so that their pictures point towards the targets (N, D).

    Args:
        told: called with how many steps are done.
    """
    movements = draw_movements(settings.movement, settings.steps, seed, keys).to(spectrum.device)
    finest = reading.finest(settings.side_px)
    spectrum.requires_grad_()
    optimiser = torch.optim.Adam([spectrum], lr=settings.learning_rate)
    for step, movement in enumerate(movements):
        left = 1 - step / settings.steps
        optimiser.param_groups[0]["lr"] = settings.learning_rate * min(1.0, 2 * left)
        # above what is shown there is no slope but rounding, which Adam would make as large as any
        opened = min(_cutoff(step, settings.steps) if sketch else math.inf, finest)
        images = spectrum_to_image(spectrum, settings.side_px, opened if math.isfinite(opened) else None)
        seen = reading.shown(images, movement)
        with torch.autocast(spectrum.device.type, torch.bfloat16, enabled=settings.bfloat16):
            grid = head.features(seen).grid
        reached = objective(reading.read(grid).float(), targets, settings.power)
        # summed, not averaged: an icon's gradient does not depend on how many others there are
        with DIFFERENTIATING, in_fixed_order(spectrum.device):
            (spectrum.grad,) = torch.autograd.grad(-reached.sum(), spectrum)
        optimiser.step()
        told(step + 1)
    spectrum.requires_grad_(False)


@contextmanager
def _told_in_steps(progress: Progress, icons: int, steps: int) -> Iterator[Callable[[int], None]]:
    """Tell of icons as done by as large a part as of their steps; taken back where they fail and are tried again."""
    known = 0

    def told(step: int) -> None:
        nonlocal known
        now = icons * step // steps
        progress.advance(now - known)
        known = now

    try:
        yield told
    except BaseException:
        progress.advance(-known)
        raise
    progress.advance(icons - known)  # none was told of where no step was asked for


def _cutoff(step: int, steps: int) -> float:
    """The finest frequency a step may use, in cycles a pixel; infinity: all of them."""
    sketched = step / (_SKETCHING * steps)
    return _COARSEST * (_FINEST / _COARSEST) ** sketched if sketched < 1 else math.inf


def _start(keys: Sequence[str], settings: IconSettings, seed: int, pictures: PixelArray | None) -> Tensor:
    """(N, 3, s, s // 2 + 1, 2): noise by key, or the spectra of the pictures."""
    if pictures is None:
        shape = spectrum_shape(1, settings.side_px)
        noise = [
            keyed_generator(seed, "icon start", key).standard_normal(shape, dtype=np.float32) * np.float32(_NOISE)
            for key in keys
        ]
        return torch.from_numpy(np.concatenate(noise))
    return image_to_spectrum(to_float(pictures, torch.device("cpu")))


@torch.no_grad()
def _as_pixels(spectrum: Tensor, side_px: int) -> PixelArray:
    pixels: PixelArray = (spectrum_to_image(spectrum, side_px) * 255).round_().to(torch.uint8).cpu().numpy()
    return pixels


def _check(
    head: CutNetwork, directions: FloatArray, keys: Sequence[str], settings: IconSettings, start: PixelArray | None
) -> None:
    width = head.feature_shape[0]
    if directions.ndim != 2 or directions.shape[1] != width or not np.isfinite(directions).all():
        raise LayerError(
            f"directions must be (N, {width}) finite numbers, the width of the layer, got shape {directions.shape}; "
            "take them from activations of the same layer"
        )
    if len(keys) != len(directions):
        raise LayerError(f"every direction needs its key: got {len(directions)} directions and {len(keys)} keys")
    side = settings.side_px
    if start is not None and start.shape != (len(directions), 3, side, side):
        raise LayerError(
            f"pictures to start from must be ({len(directions)}, 3, {side}, {side}) uint8, got {start.shape}; "
            "resize them to the icons' size"
        )


def icon_settings(config: AtlasConfig) -> IconSettings:
    """How the icons of an audit are rendered."""
    return IconSettings(side_px=config.icon_px, steps=config.icon_steps, bfloat16=config.icon_bfloat16)
