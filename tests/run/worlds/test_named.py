"""Findings and whole-picture effects in one order, and which effects show a planted cue."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from auditor.core.records import Verdict, WholeEffect
from auditor.run.worlds.hits import in_area, in_mask
from auditor.run.worlds.named import effect_shows, named


def effect(kind: str, words: str = "") -> WholeEffect:
    return WholeEffect("w", kind, "typical", words, False, 0, 10, 0.0)


def test_effects_stand_among_findings_by_uplift_and_behind_their_equals() -> None:
    findings = [SimpleNamespace(uplift=uplift, name=f"f{uplift}") for uplift in (0.3, 0.1)]
    effects = [
        SimpleNamespace(uplift=uplift, name=f"w{uplift}", effect=effect("cast"), controls=(), verdict=Verdict.FAIL)
        for uplift in (0.4, 0.1, -0.1)
    ]
    order = named(findings, effects)  # type: ignore[arg-type]
    assert [one.name for one in order] == ["w0.4", "f0.3", "f0.1", "w0.1", "w-0.1"]  # type: ignore[union-attr]


@pytest.mark.parametrize(("lenders", "shows"), [((), False), ((True, False), True), ((True, False, False), False)])
def test_a_background_shows_the_cue_where_half_of_its_lenders_do(lenders: tuple[bool, ...], shows: bool) -> None:
    assert effect_shows("emblem", effect("background"), lenders) is shows
    assert not effect_shows("emblem", effect("colour cast"), lenders)


def test_an_effect_of_the_cues_own_kind_shows_it() -> None:
    assert effect_shows("cast", effect("colour cast"), ())
    assert not effect_shows("noodles", effect("colour cast"), ())
    assert effect_shows("frame", effect("frame"), ())
    assert effect_shows("blur", effect("sharpness", "a blur, fine detail times 0.50"), ())
    assert not effect_shows("blur", effect("sharpness", "sharpening, fine detail times 1.20"), ())
    assert not effect_shows("blur", effect("contrast", "contrast times 0.60"), ())


def test_an_area_of_any_shape_is_asked_as_a_box_is() -> None:
    cue = np.zeros((64, 64), dtype=np.bool_)
    cue[:4, :10] = True
    ring = np.ones_like(cue)
    ring[8:56, 8:56] = False
    assert in_area(cue, ring)  # all of the cue, little of the ring
    assert not in_area(cue, ~ring)
    right = np.zeros_like(cue)
    right[:, 8:] = True
    assert not in_area(cue, right)  # a fifth of the cue, and less than a tenth of the area
    for box in ((0, 0, 10, 20), (8, 0, 64, 64), (0, 5, 64, 64)):
        boxed = np.zeros_like(cue)
        boxed[box[1] : box[3], box[0] : box[2]] = True
        assert in_mask(cue, box) is in_area(cue, boxed)
