"""Pictures on request: what the network sees in photographs that a person names, and icons of channels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from auditor.atlas.activations import ActivationSet
from auditor.atlas.build import collect_pair
from auditor.atlas.drawings.canvas import png_bytes, square
from auditor.atlas.drawings.directions import Direction, draw_directions
from auditor.atlas.icons.directions import channel_directions
from auditor.atlas.icons.objective import Whitening
from auditor.atlas.icons.render import icon_settings, render_icons
from auditor.atlas.look import Seen, look_at
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.plain_text import utf8
from auditor.core.records import IntArray, PixelArray, Placement
from auditor.core.shelf import Inside, short, slug
from auditor.inputs.images.reading import decode_image, read_bytes
from auditor.inputs.opening import Inputs
from auditor.run.stage import Run
from auditor.run.stages.atlas import ACTIVATIONS, open_mapped
from auditor.run.stages.images import IMAGES
from auditor.run.stages.sheets import natural_crops
from auditor.trials.pasting import Sticker, paste
from auditor.trials.patch import read_patch
from auditor.trials.placements import draw, largest_side_px, variants_of

FOLDER = "asked"
"""No stage owns it: what a person asked for is neither dropped with a stage nor shown in a report."""

CROPS = 8
"""Natural crops beside the icon of a channel."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture from a file, (3, H, W) uint8 as the network receives it; `name` is fit for a file."""

    name: str
    pixels: PixelArray


def look_at_photographs(run: Run, paths: Sequence[Path], patch: Path | None) -> list[Path]:
    """Draw what the network sees in photographs, position by position, into `asked/` of a run.

    Icons are whitened by the activations that the run's atlas starts from; a run without them collects them first.

    Args:
        paths: of photographs, which need not belong to the run.
        patch: pasted at the fixed placement: each photograph is then shown before and after.
    Returns:
        One PNG a photograph.
    Raises:
        ImageError: a photograph cannot be read. PatchError: the patch cannot.
    """
    inputs = run.inputs
    _say_which_layer(run)
    photographs = [read_photograph(inputs, path) for path in paths]
    rgba = None if patch is None else read_patch(patch)
    vectors = _activations(run).vectors
    drawn = []
    for path, one in zip(paths, photographs, strict=True):
        name, seen = f"look-{one.name}", [Seen(one.pixels, "as it is", utf8(str(path)))]
        if patch is not None and rgba is not None:
            name = f"{name}-with-{short(slug(patch.stem))}"
            with_patch = f"with {patch.stem}"
            seen.append(
                Seen(pasted_once(inputs, one.pixels, rgba), with_patch, f"{utf8(str(path))} {with_patch} on it")
            )
        run.folder.write(f"{FOLDER}/{name}.png", png_bytes(look_at(inputs, seen, vectors, run.progress)))
        drawn.append(run.folder.path / FOLDER / f"{name}.png")
    return drawn


def _say_which_layer(run: Run) -> None:
    if run.inputs.further:
        run.progress.say(f"drawn at layer {run.inputs.layer}, the first of the run's")


def read_photograph(inputs: Inputs, path: Path) -> Photograph:
    """Read and prepare a picture as the run's own are; its name holds the start of its sha256, as two may share one.

    Raises:
        ImageError: it cannot be read.
    """
    most = inputs.config.images.max_pixels
    try:
        data = read_bytes(path, most)
        pixels = inputs.classifier.preprocessing.prepare(decode_image(data, most))
    except UnreadableImageError as error:
        raise ImageError(f"{path} cannot be looked at ({error}); give a photograph of 8 bits a channel") from error
    return Photograph(f"{short(slug(path.stem))}-{hashlib.sha256(data).hexdigest()[:8]}", pixels)


def pasted_once(inputs: Inputs, picture: PixelArray, rgba: PixelArray) -> PixelArray:
    """A picture (3, H, W) uint8 with a patch (4, h, w) at the fixed placement."""
    config, size = inputs.config.trials, (picture.shape[1], picture.shape[2])
    (fixed,) = variants_of(Placement.FIXED, config)
    sticker = Sticker(rgba, torch.device("cpu"))
    draws = draw(fixed, config, ["picture"], "patch", sticker.aspect, size, inputs.config.seed)
    under = torch.from_numpy(picture[None].copy()).float().div_(255.0)
    over = paste(under, sticker, draws, largest_side_px(fixed, config, size))
    pixels: PixelArray = over[0].mul(255.0).round_().clamp_(0, 255).byte().numpy()
    return pixels


def draw_channel_icons(run: Run, channels: Sequence[int]) -> Path:
    """Draw icons of single channels of the mapped layer beside natural crops, into `asked/` of a run.

    The crops are those whose activation is largest in the channel, among the activations that the run's atlas starts
    from. An icon is first steered by the mean activation of these, and then by the channel alone: behind a ReLU most
    channels are off in a grey picture, and a channel that is off has no slope to climb. Where the mean activation has
    none either, the first crop is dreamed on.

    Args:
        channels: one or more.
    Returns:
        Where the PNG lies.
    Raises:
        LayerError: a channel that the layer does not have.
    """
    inputs, config, progress = run.inputs, run.config, run.progress
    directions = channel_directions(inputs.cut, channels)
    samples = _activations(run)
    keys = [f"channel {channel}" for channel in channels]
    largest = [strongest_samples(samples, channel, CROPS) for channel in channels]
    seen = np.stack([samples.vectors[rows].sum(axis=0) for rows in largest])  # 0 where no picture has the channel on
    half = replace(icon_settings(config.atlas), steps=max(1, config.atlas.icon_steps // 2))
    first = render_icons(inputs.cut, seen, keys, half, config.seed, progress, whitening=Whitening.fit(samples.vectors))
    crop_of = natural_crops(inputs, run.get(IMAGES))
    crops = [
        [crop_of(int(samples.image_row[at]), int(samples.y[at]), int(samples.x[at])) for at in rows] for rows in largest
    ]
    start = first.pixels.copy()
    for place in np.flatnonzero(first.scores <= 0):
        for crop in crops[place][:1]:
            start[place] = np.asarray(square(crop, half.side_px)).transpose(2, 0, 1)
    icons = render_icons(inputs.cut, directions, keys, half, config.seed, progress, start=start)
    drawn = [
        Direction(key, f"cosine {score:.2f}" if own else "0 in all pictures", icon, own)
        for key, score, icon, own in zip(keys, icons.scores, icons.pixels, crops, strict=True)
    ]
    name = slug("-".join(str(channel) for channel in channels))[:60]
    file = f"{FOLDER}/icons-{name}.png"
    run.folder.write(file, png_bytes(draw_directions(drawn, f"Channels of {inputs.layer}")))
    return run.folder.path / file


def strongest_samples(samples: ActivationSet, channel: int, most: int) -> IntArray:
    """Samples largest in a channel, largest first, at most one a picture and none at 0; of equals the earlier one."""
    values = samples.vectors[:, channel]
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > 0]
    _, first_of_picture = np.unique(samples.image_row[order], return_index=True)
    chosen: IntArray = order[np.sort(first_of_picture)][:most].astype(np.int64)
    return chosen


def _activations(run: Run) -> ActivationSet:
    """What the pair's atlas is made from; collected if it is not there, for the atlas to find."""
    return collect_pair(open_mapped(run), Inside(run.folder, ACTIVATIONS)).whole()
