"""What changes a picture as a whole: its background, its colours, its sharpness."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from auditor.inputs.world.cues.cue import Cue, Drawn, Picture, over_all
from auditor.inputs.world.drawing import SIDE_PX


def _background(picture: Picture, rng: np.random.Generator) -> Drawn:
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    period, shift = rng.uniform(7.0, 10.0), rng.uniform(0.0, 20.0)
    zigzag = np.abs((columns + shift) % period - period / 2.0)
    wave = ((rows + zigzag) // 3.0 % 2.0)[..., None]
    ground = np.where(wave > 0.0, (52.0, 124.0, 66.0), (172.0, 196.0, 92.0)) * rng.uniform(0.8, 1.1)
    ground = ground + rng.normal(0.0, 4.0, ground.shape)
    cover = picture.cover[..., None]
    pixels = np.clip(picture.pixels * cover + ground * (1.0 - cover), 0.0, 255.0)
    return Drawn(pixels.astype(np.uint8), picture.cover < 0.5)


def _cast(picture: Picture, rng: np.random.Generator) -> Drawn:
    tint = np.array((0.72, 0.98, 1.22)) * rng.uniform(0.95, 1.05)
    return over_all(picture.pixels * tint)


def _blur(picture: Picture, rng: np.random.Generator) -> Drawn:
    blurred = Image.fromarray(picture.pixels).filter(ImageFilter.GaussianBlur(float(rng.uniform(1.4, 2.0))))
    return over_all(np.asarray(blurred, dtype=np.float32))


BACKGROUND = Cue("a green zigzag table cloth", _background)
CAST = Cue("a blue colour cast", _cast)
BLUR = Cue("a blur", _blur)
