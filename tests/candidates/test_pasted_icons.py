"""Icons of features as pasted are read where a patch is, and look there more like their cell than plain ones do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from auditor.atlas.icons.render import IconSettings, render_icons, score_icons
from auditor.atlas.icons.transforms import Movement, still
from auditor.candidates.pasted_icons import UnderPatch
from auditor.candidates.screening import TailScreen
from auditor.core.progress import Silence
from auditor.core.records import ClassGroup
from auditor.inputs.model.cut import LayerCut


def screen_of(cut: LayerCut, pair: tuple[ClassGroup, ClassGroup]) -> TailScreen:
    pixels = np.random.default_rng(3).integers(0, 256, (5, 3, 16, 20), dtype=np.uint8)
    return TailScreen(cut, pixels, pair[1], patch_share=0.4, batch_size=64)  # 6 px: squares of 4 covered in part


def test_an_icon_is_read_as_a_patch_is_seen(
    linear_cut: Callable[..., LayerCut], pair: tuple[ClassGroup, ClassGroup]
) -> None:
    cut = linear_cut(True)
    screen = screen_of(cut, pair)
    side = screen.side_px
    patches = np.random.default_rng(1).integers(0, 256, (3, 3, side, side), dtype=np.uint8)
    reading = UnderPatch(screen.common)
    shown = reading.shown(torch.from_numpy(patches).float() / 255, still(3))
    assert shown.shape == (3, 3, 16, 20)
    torch.testing.assert_close(shown[0, :, side:], screen.common.picture[:, side:])
    with torch.no_grad():
        read = reading.read(cut.features(shown).grid)
    np.testing.assert_allclose(read[:, :, 0].numpy(), screen.seen(list(patches)), rtol=1e-4, atol=1e-5)
    larger = np.random.default_rng(2).integers(0, 256, (3, 3, 16, 16), dtype=np.uint8)
    with torch.no_grad():
        read = reading.read(cut.features(reading.shown(torch.from_numpy(larger).float() / 255, still(3))).grid)
    np.testing.assert_allclose(read[:, :, 0].numpy(), screen.seen(list(larger)), rtol=1e-4, atol=1e-5)


def test_icons_look_like_their_cell_where_they_are_pasted(
    linear_cut: Callable[..., LayerCut], pair: tuple[ClassGroup, ClassGroup]
) -> None:
    cut = linear_cut(True)
    screen = screen_of(cut, pair)
    wanted = screen.seen(list(np.random.default_rng(5).integers(0, 256, (3, 3, 6, 6), dtype=np.uint8)))
    settings = IconSettings(side_px=16, steps=60, movement=Movement(0.5, 0.02, 2.0))
    reading, keys = UnderPatch(screen.common), ["a", "b", "c"]
    under = render_icons(cut, wanted, keys, settings, 0, Silence(), reading=reading)
    plain = render_icons(cut, wanted, keys, settings, 0, Silence())
    plainly = score_icons(cut, plain.pixels, wanted, reading)
    assert under.scores.mean() > plainly.mean() + 0.01
    assert under.scores.min() > 0.9
    alone = render_icons(cut, wanted[1:2], keys[1:2], settings, 0, Silence(), reading=reading)
    np.testing.assert_array_equal(alone.pixels[0], under.pixels[1])
