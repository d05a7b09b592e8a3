"""Whether a crop shows a cue: how much of the cue it holds, and how much of it is the cue."""

from __future__ import annotations

import numpy as np

from auditor.run.worlds.hits import in_mask


def test_how_much_of_a_crop_has_to_be_the_cue_may_be_asked() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:10, :10] = True
    edge = (5, 6, 15, 16)  # 5 x 4 of its 100 pixels are the cue, a fifth of the cue
    assert in_mask(mask, edge)
    assert not in_mask(mask, edge, of_crop=0.5)
    assert in_mask(mask, (0, 0, 20, 20), of_crop=0.5)  # it holds the whole cue
    assert in_mask(mask, (0, 6, 7, 12), of_crop=0.5)  # 7 x 4 of its 42 pixels
