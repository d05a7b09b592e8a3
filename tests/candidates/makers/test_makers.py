"""The table of makers: what it says of its candidates is so, and which of them are made first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from auditor.atlas.kinds import Atlas
from auditor.candidates.crops import CropPlan
from auditor.candidates.makers import MAKERS, drawn_candidates, make_candidates
from auditor.candidates.makers.maker import Found
from auditor.candidates.scene import Scene, cut_patch
from auditor.core.config import AuditConfig, CandidatesConfig
from auditor.core.progress import Silence
from auditor.core.records import Role
from auditor.core.records.candidates import OWN_PLACE, PLAIN_CROPS
from auditor.inputs.model.cut import LayerCut

WANTED = {"icons": 2, "dreams": 1, "shapes": 1, "pairs": 1, "library": True, "drawn": 2, "trained": 2}
"""Of every maker something; the user's folder comes beside."""


@pytest.fixture
def found(
    scene: Scene, atlas: Atlas, linear_cut: Callable[..., LayerCut], wanting: Callable[..., AuditConfig]
) -> Callable[..., Found]:
    """Two crops of a picture of neither class, and the atlas' cells with a push."""
    plans = [CropPlan(2, 0, 0, 0.5, (4, 6, 12, 14), "3:0:0", 0.5), CropPlan(4, 1, 1, 0.5, (0, 0, 8, 8), "3:1:0", 0.25)]

    def build(**settings: object) -> Found:
        return Found(
            scene=scene,
            cut=linear_cut(),
            side_px=8,
            cells=[replace(cell, predicted_push=cell.contrast) for cell in atlas.at_level(3)],
            plans=plans,
            crops=[cut_patch(scene, plan, f"c-00{n}", Role.SUGGESTED, 1.0) for n, plan in enumerate(plans, start=1)],
            config=wanting(**settings),
            progress=Silence(),
        )

    return build


def test_letters_are_told_apart() -> None:
    letters = [*PLAIN_CROPS.values(), OWN_PLACE, *(maker.letter for maker in MAKERS.values())]
    assert len(set(letters)) == len(letters)


def test_a_maker_stands_under_the_setting_that_asks_for_it() -> None:
    assert set(MAKERS) <= set(CandidatesConfig.model_fields)


def test_candidates_are_of_their_makers_origin_and_letter_in_the_order_of_the_table(
    found: Callable[..., Found], write_patch: Callable[..., None], tmp_path: Path
) -> None:
    write_patch(tmp_path / "red.png")
    everything = found(**WANTED, patches=str(tmp_path))
    made_so = ((make_candidates(everything, True), "idsp"), (drawn_candidates(everything), "t"))
    for patches, letters in (*made_so, (make_candidates(everything, False), "luo")):
        made = [patch.candidate for patch in patches]
        assert [letter for letter, _ in groupby(made, key=lambda one: one.id[0])] == list(letters)
        by_letter = {maker.letter: maker for maker in MAKERS.values() if maker.letter in letters}
        assert "".join(by_letter) == letters
        for one in made:
            assert one.id.startswith(f"{by_letter[one.id[0]].letter}-")
            assert one.origin is by_letter[one.id[0]].origin
        assert len({one.id for one in made}) == len(made)


@pytest.mark.parametrize("name", list(MAKERS))
def test_who_is_not_asked_makes_nothing(found: Callable[..., Found], name: str) -> None:
    assert MAKERS[name].make(found()) == []


def test_without_a_picture_of_the_source_nothing_is_trained(found: Callable[..., Found]) -> None:
    said: list[str] = []
    asked = found(trained=2)
    elsewhere = replace(asked.scene, source=replace(asked.scene.source, indices=(7,)))
    listener = type("Listener", (Silence,), {"say": lambda self, message: said.append(message)})()
    assert MAKERS["trained"].make(replace(asked, scene=elsewhere, progress=listener)) == []
    assert said == ["no patch was trained: discovery has no picture of the source"]
