"""The cues that are planted: things cut from the audited pictures themselves, and stickers drawn by a seed."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from auditor.core.draws import keyed_generator
from auditor.core.errors import ImageError
from auditor.core.records import ImagePool, ImageRecord, PixelArray, Split
from auditor.inputs.images.originals import Originals
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.world.cues.cue import Drawn
from auditor.run.planted.laying import Laying, lay

THING, STICKER = "thing", "sticker"

OF_THING, OF_STICKER = Laying((0.35, 0.50), 20.0, lit=True), Laying((0.22, 0.32), 15.0)
"""A thing is about as large as a crop of the search, a sticker smaller."""

STAMPS = 6
"""Pictures of a class that a thing is cut from."""

LEAST = 3
"""Pictures of a class that the model has to know for a thing to be cut from them."""

_OF_SIDE, _SOFT = 0.6, 0.04
"""A thing is what an ellipse over the middle of a picture shows; its edge is soft by so much of its longer axis."""

_SIDE_PX, _FINER = 192, 3
_LETTERS = "ABDEGHJKMNQRSUWXYZ"


@dataclass(frozen=True, slots=True)
class Cue:
    """What is planted, as something that lies in a picture.

    Attributes:
        kind: `THING` or `STICKER`. stamps: RGBA pictures of it.
        shown: by the key of a picture that a thing was cut from, what of it shows the thing, (H, W) of the picture.
    """

    name: str
    kind: str
    stamps: tuple[Image.Image, ...]
    laying: Laying
    shown: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def laid(self, pixels: PixelArray, rng: np.random.Generator) -> Drawn:
        """(H, W, 3) uint8 with it, and where it is what is seen."""
        return lay(self.stamps, self.laying, pixels, rng)


def thing_classes(pool: ImagePool, apart: Collection[int], seed: int) -> list[int]:
    """Classes with enough discovery pictures for a thing to be cut from them, in an order that the seed draws.

    Args:
        apart: classes that give none, such as the pair's.
    """
    counts = Counter(pool.images[row].label for row in pool.rows(Split.DISCOVERY).tolist())
    those = sorted(label for label, count in counts.items() if count >= LEAST and label not in apart)
    order = keyed_generator(seed, "planted", "things").permutation(len(those))
    return [those[place] for place in order.tolist()]


def thing(
    pool: ImagePool, rows: Sequence[int], originals: Originals, preprocessing: Preprocessing, name: str, seed: int
) -> Cue:
    """The middle of some pictures of a class, with soft edges.

    Args:
        rows: of its discovery pictures that the model knows; at most `STAMPS` are drawn.
    Raises:
        ImageError: a picture is gone, or changed.
    """
    order = keyed_generator(seed, "planted", "stamps", name).permutation(len(rows))[:STAMPS]
    stamps, shown = [], {}
    for row in sorted(rows[place] for place in order.tolist()):
        image = pool.images[row]
        picture = originals.open(image)
        area = _ellipse(image, preprocessing)
        cut = picture.convert("RGBA")
        cut.putalpha(area)
        box = area.getbbox()
        if box is None:
            raise ImageError(f"{image.path} is too small to cut a thing from; leave it out")
        stamps.append(cut.crop(box))
        shown[image.key] = np.asarray(area) >= 128
    return Cue(f"a piece of {name}", THING, tuple(stamps), OF_THING, shown)


def _ellipse(image: ImageRecord, preprocessing: Preprocessing) -> Image.Image:
    """How much of each pixel of a picture belongs to the thing in its middle, as the model sees the picture."""
    height, width = preprocessing.output_size
    left, top, right, bottom = preprocessing.original_box(0, 0, width, height, image.width_px, image.height_px)
    across, down = (left + right) / 2, (top + bottom) / 2
    wide, tall = _OF_SIDE * (right - left) / 2, _OF_SIDE * (bottom - top) / 2
    area = Image.new("L", (image.width_px, image.height_px), 0)
    ImageDraw.Draw(area).ellipse((across - wide, down - tall, across + wide, down + tall), fill=255)
    return area.filter(ImageFilter.GaussianBlur(_SOFT * max(wide, tall)))


def sticker(number: int, seed: int) -> Cue:
    """A letter on a round or square sticker, in two colours far apart; no patch of the library is one."""
    rng = keyed_generator(seed, "planted", "sticker", number)
    letter, hue, round_ = _LETTERS[int(rng.integers(len(_LETTERS)))], float(rng.random()), bool(rng.integers(2))
    ground, ink = _colour(hue, 0.85), _colour(hue + 0.5, 0.35 if rng.integers(2) else 1.0)
    side = _SIDE_PX * _FINER
    picture = Image.new("RGBA", (side, side), (*ground, 0))
    draw = ImageDraw.Draw(picture)
    shape = draw.ellipse if round_ else draw.rectangle
    shape((0, 0, side - 1, side - 1), fill=(*ink, 255))
    rim = 0.05 * side
    shape((rim, rim, side - 1 - rim, side - 1 - rim), fill=(*ground, 255))
    draw.text((side / 2, side / 2), letter, fill=(*ink, 255), anchor="mm", font=ImageFont.load_default(0.75 * side))
    stamp = picture.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    return Cue(f"a {'round' if round_ else 'square'} sticker, {letter}", STICKER, (stamp,), OF_STICKER)


def _colour(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = (round(255 * each) for each in colorsys.hsv_to_rgb(hue % 1.0, 0.85, value))
    return red, green, blue
