"""Parts of a survey that a whole one hardly meets: odd class names, annotated crops, classes without pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from auditor.candidates.crops import CropPlan
from auditor.candidates.taken_out import NOTHING_KNOWN, TakenOut
from auditor.core.config import build_config
from auditor.core.errors import ConfigError, ImageError
from auditor.core.records import ImagePool, ImageRecord, Split, Spot, Tier
from auditor.core.records.trials import Clean, Predictions
from auditor.core.settings.survey import SurveyConfig
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.survey import crops as crops_stage
from auditor.run.survey.begin import config_of_pair
from auditor.run.survey.confirmed import covered_places
from auditor.run.survey.crops import Crops, cut
from auditor.run.survey.likened import ranks
from auditor.run.survey.numbers import EVERY_CLASS, source_index
from auditor.run.survey.pasted import Pasted
from auditor.run.survey.pasting import CORNER, place_of
from auditor.run.survey.pictures import chosen_pictures


def test_a_pair_is_named_by_its_names_where_these_name_it_alone(tmp_path: Path) -> None:
    config = build_config(
        {"source": "*", "target": "*", "model": {"name": "resnet18"}, "images": {"all": "photos"}}, tmp_path
    )
    assert config.whole
    names = ClassNames(("pan", "wok", "wok", "*", "2", "wok"), ((), (), ("n2",), (), (), ()))
    for source, target, wanted in ((0, 1, ("pan", "1")), (3, 2, ("3", "n2")), (4, 0, ("2", "pan"))):
        pair = config_of_pair(config, names, source, target)
        assert not pair.whole
        assert (pair.source, pair.target) == wanted
        assert names.group(pair.target).indices == (target,)
    unnamed = ClassNames(("wok", "wok", "0"), ((), (), ()))
    with pytest.raises(ConfigError, match=r"class 0 .* has no name of its own"):
        config_of_pair(config, unnamed, 1, 0)


def crops() -> Crops:
    plan = CropPlan(0, 0, 0, 0.5, (0, 0, 4, 4), "", float("nan"))
    return Crops(
        plans=tuple(plan for _ in range(4)),
        labels=np.array([0, 1, 1, 2]),
        own=(Tier.TARGET_IMAGE, Tier.TARGET_CONTEXT, Tier.TARGET_OBJECT, Tier.TARGET_IMAGE),
        shows=((), (), (1,), (0,)),
    )


def test_crops_beside_their_own_object_show_none_of_it() -> None:
    """What shows the object itself, and what nobody annotated, is cut as it is."""
    picture = np.random.default_rng(0).integers(1, 256, size=(8, 8, 3), dtype=np.uint8)
    area = np.zeros((8, 8), dtype=np.bool_)
    area[:2, :1] = True  # with its rim three rows and two columns
    held = {crops_stage._originals: SimpleNamespace(open=lambda _image: Image.fromarray(picture))}
    held[crops_stage.own_objects] = TakenOut(lambda _row: area)
    preprocessing = Preprocessing((8, 8), None, "bilinear", (0.0,) * 3, (1.0,) * 3)
    run = SimpleNamespace(
        get=lambda _stage: SimpleNamespace(image=lambda row: row),
        open=held.__getitem__,
        inputs=SimpleNamespace(classifier=SimpleNamespace(preprocessing=preprocessing)),
    )
    beside, itself = cut(run, crops(), [1, 2])
    expected = np.full((4, 4), 255, dtype=np.uint8)
    expected[:3, :2] = 0
    np.testing.assert_array_equal(beside[3], expected)
    assert (itself[3] == 255).all()
    np.testing.assert_array_equal(beside[:3], picture[:4, :4].transpose(2, 0, 1))
    held[crops_stage.own_objects] = NOTHING_KNOWN
    assert (cut(run, crops(), [1])[0][3] == 255).all()


def test_what_is_news_is_told_by_each_crops_tier() -> None:
    """A crop of a third class that shows the target's object, as annotations say, is no news."""
    every = crops()
    numbers, targets = (values.ravel() for values in np.meshgrid(range(4), range(3), indexing="ij"))
    tiers = [every.tier(crop, target) for crop, target in zip(numbers.tolist(), targets.tolist(), strict=True)]
    news = [tier in (Tier.THIRD_CLASS, Tier.TARGET_CONTEXT) for tier in tiers]
    assert every.news(numbers, targets).tolist() == news
    assert every.to_look_at(numbers, targets).tolist() == [tier is Tier.TARGET_IMAGE for tier in tiers]
    assert every.tier(3, 0) is Tier.TARGET_OBJECT
    assert every.tier(1, 1) is Tier.TARGET_CONTEXT
    assert sum(news) == 8


def test_at_its_own_place_a_crop_counts_for_its_own_class_alone() -> None:
    """And each own place is covered as often as crops are tried there, four times at most."""
    corner, spot, other = crops(), Spot(0.0, 1.0, 0.5), Spot(0.5, 0.5, 0.3)
    spots = (None,) * 4 + (spot, spot, spot, other)
    every = Crops(corner.plans * 2, np.tile(corner.labels, 2), corner.own * 2, corner.shows * 2, spots)
    assert (every.in_corner, every.at_own_place.tolist()) == (4, [False] * 4 + [True] * 4)
    numbers, targets = (values.ravel() for values in np.meshgrid(range(8), range(3), indexing="ij"))
    news = every.news(numbers, targets).reshape(8, 3)
    assert news[:4].tolist() == corner.news(numbers[:12], targets[:12]).reshape(4, 3).tolist()
    assert np.argwhere(news[4:]).tolist() == [[1, 1]]  # beside the object of its own class
    assert np.argwhere(every.to_look_at(numbers, targets).reshape(8, 3)[4:]).tolist() == [[0, 0], [3, 2]]
    assert covered_places(every, range(8)) == ((spot, 3), (other, 1))
    assert covered_places(every, [0, 1]) == ()
    many = Crops(corner.plans, corner.labels, corner.own, corner.shows, (spot,) * 4)
    assert covered_places(many, [0, 1, 2, 3, 0]) == ((spot, 4),)


def table(*blocks: tuple[int, str, str, int, list[int]]) -> pa.Table:
    """Pastes of one class: crop, covering, place, draw, and the class that each picture is called."""
    rows = [
        {"crop": crop, "control": control, "place": place, "draw": draw, "called": called}
        for crop, control, place, draw, said in blocks
        for called in said
    ]
    return pa.Table.from_pylist(rows)


def test_a_crop_stands_against_the_coverings_of_its_place() -> None:
    """Four draws of noise in the corner, where crop 1 has the second; one at an own place, where nothing turns."""
    spot = Spot(0.0, 1.0, 0.5)
    corner = crops()
    every = Crops(corner.plans, corner.labels, corner.own, corner.shows, (None, None, None, spot))
    place = place_of(spot)
    pasted = Pasted.of(
        table(
            (1, "", CORNER, 0, [2, 2, 0]),
            (3, "", place, 0, [2, 2, 2]),
            *((-1, "noise", CORNER, draw, [2, 0, 0] if draw == 1 else [0, 0, 0]) for draw in range(4)),
            (-1, "grey", CORNER, 0, [0, 0, 0]),
            (-1, "noise", place, 0, [0, 2, 2]),
            (-1, "grey", place, 0, [0, 0, 2]),
        ),
        np.zeros(3, dtype=np.int64),
    )
    one, own = pasted.measure(every, 1, 2), pasted.measure(every, 3, 2)
    assert (one.flips, one.covering, one.covering_flips, one.spot) == (2, "noise", 1, None)
    assert (own.flips, own.covering, own.covering_flips, own.spot) == (3, "noise", 2, spot)
    assert pasted.covering(every, 1, 2) == 1 / 12  # over all draws
    assert pasted.covering(every, 3, 2) == 2 / 3
    elsewhere = Crops(corner.plans, corner.labels, corner.own, corner.shows, (None, None, None, Spot(0.5, 0.5, 0.3)))
    assert pasted.covering(elsewhere, 3, 2) == 1 / 12  # nothing was covered there


def test_a_class_may_be_called_as_all_classes_together_are() -> None:
    def run(together: bool) -> SimpleNamespace:
        settings = SimpleNamespace(survey=SurveyConfig(together=together))
        return SimpleNamespace(config=settings, inputs=SimpleNamespace(class_names=("pan", EVERY_CLASS, "wok")))

    assert [source_index(run(False), name) for name in ("pan", EVERY_CLASS, "wok")] == [0, 1, 2]
    assert source_index(run(True), EVERY_CLASS) == 3


def test_a_class_has_the_place_that_its_logit_has() -> None:
    logits = np.array([[0.5, 2.0, -1.0], [3.0, 3.0, 1.0]], dtype=np.float32)
    assert [ranks(logits, np.array([one, one])).tolist() for one in range(3)] == [[2, 1], [1, 1], [3, 3]]


def pool(counts: dict[int, tuple[int, int, int]]) -> tuple[ImagePool, Clean]:
    """So many pictures of each class and split; the model calls the last of each something else."""
    images, said = [], []
    for split, place in zip(Split, range(3), strict=True):
        for label, of_class in counts.items():
            for number in range(of_class[place]):
                images.append(ImageRecord(f"{split}{label}{number}", "", "", label, split, 8, 8))
                said.append(label if number < of_class[place] - 1 else 9)
    predicted = np.array(said, dtype=np.int64)
    rows = np.arange(len(images))
    nothing = np.zeros(len(images))
    clean = Clean(rows, Predictions(predicted, nothing.astype(np.float32), rows), rows)
    return ImagePool(tuple(images), (), np.zeros((len(images), 3, 8, 8), dtype=np.uint8)), clean


def test_a_class_without_a_recognised_picture_in_each_split_is_no_source() -> None:
    wanted = SurveyConfig(screening_pictures=2, selection_pictures=2, pictures=3)
    names = ("a", "b", "c", "d", "e")
    given = {0: (9, 9, 9), 1: (2, 2, 2), 2: (3, 4, 5), 3: (5, 1, 5)}  # of class 3 none is recognised for selection
    pictures = chosen_pictures(*pool(given), wanted, names, 0)
    assert (pictures.sources, pictures.left_out) == ((0, 1, 2), (3, 4))
    assert [len(rows) for rows in pictures.rows[Split.CONFIRMATION].values()] == [3, 1, 3]
    rows, classes = pictures.together(Split.SELECTION)
    assert classes.tolist() == [0, 0, 1, 2, 2]
    images = pool(given)[0].images
    assert all(images[row].split is Split.SELECTION for row in rows)
    with pytest.raises(ImageError, match=r"at least 3 classes .* there are 2 \('a', 'c'\); .*survey.together = true"):
        chosen_pictures(*pool({0: (9, 9, 9), 1: (1, 1, 1), 2: (3, 4, 5)}), wanted, names, 0)


def test_pictures_of_all_classes_are_one_source_of_which_classes_take_turns() -> None:
    """Of four classes with one to four recognised pictures six are taken: no class gives two before each gave one."""
    names = ("a", "b", "c", "d", "e")
    wanted = SurveyConfig(together=True, selection_pictures=6)
    given = {0: (2, 2, 2), 1: (3, 3, 3), 2: (4, 4, 4), 3: (5, 5, 5)}  # the last of each is not recognised
    pictures = chosen_pictures(*pool(given), wanted, names, 0)
    assert (pictures.sources, pictures.left_out) == ((5,), ())
    assert np.bincount(pictures.shown(Split.CONFIRMATION, 5)).tolist() == [1, 2, 3, 4]
    counts = np.bincount(pictures.shown(Split.SELECTION, 5))
    assert (counts.sum(), counts[0], counts.max()) == (6, 1, 2)
    assert pictures.pairs(len(names)) == 5
    with pytest.raises(ImageError, match=r"needs selection pictures of at least 3 classes .* there are 2 \('a', 'c'\)"):
        chosen_pictures(*pool({0: (9, 9, 9), 1: (9, 1, 9), 2: (3, 4, 5)}), wanted, names, 0)


def test_pictures_of_all_classes_count_for_every_target_but_their_own() -> None:
    """Of five pictures with crop 1 on; two draws of source crops are of even classes and two of odd ones."""
    shown = np.array([0, 1, 2, 2, 3])
    pasted = Pasted.of(
        table(
            (1, "", CORNER, 0, [2, 2, 2, 0, 0]),
            (-1, "grey", CORNER, 0, [0, 0, 0, 0, 0]),
            *((-1, "source crop", CORNER, draw, [2, 2, 2, 2, 2]) for draw in (0, 1)),
            *((-1, "source crop", CORNER, draw, [0, 2, 0, 0, 3]) for draw in (2, 3)),
        ),
        shown,
        frozenset({0, 2}),
    )
    to_two = pasted.measure(crops(), 1, 2)
    # two of the three pictures that do not show class 2 become it; a crop of another class makes one do so
    assert (to_two.flips, to_two.eligible, to_two.covering, to_two.covering_flips) == (2, 3, "source crop", 1)
    # of class 0's the first picture is left out; class 3 is held against crops of classes 0 and 2
    to_none, to_three = pasted.measure(crops(), 1, 0), pasted.measure(crops(), 1, 3)
    assert (to_none.flips, to_none.eligible, to_none.covering_flips) == (2, 4, 4)
    assert (to_three.flips, to_three.eligible, to_three.covering_flips) == (0, 4, 0)
    assert pasted.covering(crops(), 1, 2) == pasted.covering_in_corner(2) == 1 / 3
    assert pasted.reached_in_corner(2) == pytest.approx(2 / 9)  # grey once, crops of classes 1 and 3 twice
    assert pasted.left_in_corner(3) == pytest.approx(3 / 5)
    assert pasted.flips(7, 2).shape == (0,)
