"""A cue laid on a picture: nothing changes beyond it, and its mask is where it is what is seen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from auditor.core.draws import keyed_generator
from auditor.run.planted.cues import OF_STICKER, sticker
from auditor.run.planted.laying import Laying, lay

GREY = np.full((40, 60, 3), 128, dtype=np.uint8)


def red(side: int, alpha: int = 255) -> Image.Image:
    return Image.new("RGBA", (side, side), (255, 0, 0, alpha))


def test_a_square_lies_where_it_is_told_and_changes_nothing_else() -> None:
    laying = Laying((0.25, 0.25), 0.0, place=(1.0, 0.0))
    drawn = lay([red(20)], laying, GREY, np.random.default_rng(0))
    expected = np.zeros((40, 60), dtype=bool)
    expected[:10, 50:] = True
    assert np.array_equal(drawn.mask, expected)
    assert (drawn.pixels[expected] == (255, 0, 0)).all()
    assert (drawn.pixels[~expected] == 128).all()
    assert (GREY == 128).all()


def test_what_is_half_seen_through_is_mixed() -> None:
    drawn = lay([red(20, 128)], Laying((0.5, 0.5), 0.0, place=(0.0, 0.0)), GREY, np.random.default_rng(0))
    share = 128 / 255
    assert drawn.pixels[5, 5].tolist() == [round(128 * (1 - share) + 255 * share), *[round(128 * (1 - share))] * 2]
    assert drawn.mask[5, 5]


def test_the_same_key_gives_the_same_picture_at_two_sizes_the_same_place() -> None:
    cue = sticker(0, seed=7)
    small, again = (lay(cue.stamps, OF_STICKER, GREY, keyed_generator(7, "x")) for _ in range(2))
    assert np.array_equal(small.pixels, again.pixels)
    large = lay(cue.stamps, OF_STICKER, np.repeat(np.repeat(GREY, 4, 0), 4, 1), keyed_generator(7, "x"))
    centres = [np.argwhere(drawn.mask).mean(0) / drawn.mask.shape for drawn in (small, large)]
    assert np.allclose(*centres, atol=0.03)


def test_stickers_differ_by_their_number_and_show_two_colours() -> None:
    first, second = sticker(0, seed=0), sticker(1, seed=0)
    assert first.name != second.name or first.stamps[0].tobytes() != second.stamps[0].tobytes()
    assert sticker(0, seed=0).stamps[0].tobytes() == first.stamps[0].tobytes()
    colours = first.stamps[0].convert("RGBA").getcolors(1 << 16)
    assert colours is not None
    most = sorted((count, colour) for count, colour in colours if colour[3] == 255)[-2:]
    assert np.abs(np.subtract(most[0][1][:3], most[1][1][:3])).max() > 60
