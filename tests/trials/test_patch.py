"""Patches as files: what is kept is what was made, under its own hash."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image

from auditor.core.records import Candidate, Origin, Tier
from auditor.trials.patch import Patch, kept


def test_a_kept_patch_carries_the_hash_of_its_png() -> None:
    rgba = np.random.default_rng(3).integers(0, 256, size=(4, 7, 9), dtype=np.uint8)
    made = Patch(Candidate("c-001", "a crop", Origin.CROP, Tier.THIRD_CLASS, cell="4:0:0"), rgba)
    patch, png = kept(made)
    assert made.candidate.sha256 == ""
    assert patch.candidate.sha256 == hashlib.sha256(png).hexdigest()
    assert (patch.candidate.id, patch.candidate.cell) == ("c-001", "4:0:0")
    with Image.open(io.BytesIO(png)) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGBA")
        np.testing.assert_array_equal(np.asarray(picture).transpose(2, 0, 1), rgba)
    assert kept(made)[1] == png
