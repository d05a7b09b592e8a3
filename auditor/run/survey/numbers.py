"""What the pastes of a survey come to: pairs, features that reach a class from many, classes. It runs no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import stats

from auditor.core.plain_text import utf8
from auditor.core.records import Split
from auditor.core.records.whole_model import (
    ReachedFromMany,
    SurveyedClass,
    SurveyedCrop,
    SurveyedPair,
    WholeModel,
)
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.images import IMAGES
from auditor.run.survey.confirmed import CONFIRMED, random_crops
from auditor.run.survey.crops import CROPS, Crops
from auditor.run.survey.likened import LIKENED
from auditor.run.survey.pasted import Pasted, pasted_by_source
from auditor.run.survey.pasting import crop_name, crop_number
from auditor.run.survey.pictures import Pictures, pictures_of
from auditor.run.survey.screened import SCREENED, screened
from auditor.run.survey.tried import TRIED, Leading
from auditor.statistics.whole_model import NearCrops, ranked

FILE = "cache/whole-model.json"


EVERY_CLASS = "every class"
"""What a survey calls the pictures of all classes as one source."""


def shown_names(run: Run) -> tuple[str, ...]:
    """What a survey calls each class: by its name, and where several are called so by its index as well."""
    names = [utf8(name) for name in run.inputs.class_names]
    counted = Counter(names)
    return tuple(name if counted[name] == 1 else f"{name} ({index})" for index, name in enumerate(names))


def source_names(run: Run) -> tuple[str, ...]:
    """What it calls each source: a class as ever, the index after the last one all classes together."""
    return (*shown_names(run), EVERY_CLASS)


def source_index(run: Run, name: str) -> int:
    """The source that it calls by a name; a class may be called as all of them together are."""
    names = source_names(run)
    return len(names) - 1 if run.config.survey.together else names.index(name)


def whole_model(run: Run) -> WholeModel:
    """A survey's result, of what its stages measured."""
    crops, leading, pictures, names = run.get(CROPS), run.get(TRIED), pictures_of(run), shown_names(run)
    by_class = dict(pasted_by_source(run))
    found = _pairs(run, crops, leading, pictures, by_class)
    pairs = ranked(found, _near(crops, leading, by_class))
    features = _features(run, crops, leading, by_class)
    suggested, at_random = _against_chance(run, crops, leading, by_class)
    level = 1.0 - run.config.limits.confidence
    confirmed = [pair for pair in pairs if pair.q_value <= level]
    shown = dict.fromkeys([one.measured.crop for one in pairs] + [one.own_crop for one in pairs if one.own_crop])
    shown |= dict.fromkeys(one.crop for one in features)
    subject, counts = run.inputs.subject, {split: len(pictures.together(split)[0]) for split in Split}
    return WholeModel(
        pairs=pairs,
        features=features,
        classes=_classes(run, crops, pictures, by_class, confirmed),
        crops=tuple(_crop(run, crops, identity) for identity in sorted(shown)),
        level=level,
        limit=run.config.limits.uplift,
        screened=crops.in_corner,
        screened_own=len(crops) - crops.in_corner,
        screening_pictures=counts[Split.DISCOVERY],
        selection_pictures=counts[Split.SELECTION],
        confirmation_pictures=counts[Split.CONFIRMATION],
        tried=len(leading.news),
        possible=pictures.pairs(len(names)),
        agreement=_agreement(leading.expected),
        suggested=suggested,
        random=at_random,
        left_out=tuple(names[one] for one in pictures.left_out),
        passes=_passes(run),
        model=subject.model,
        weights_sha256=subject.weights_sha256,
        layer=subject.layer,
        seed=run.config.seed,
        together=run.config.survey.together,
    )


def _pairs(
    run: Run, crops: Crops, leading: Leading, pictures: Pictures, by_class: Mapping[int, Pasted]
) -> list[SurveyedPair]:
    names, ranks = source_names(run), run.get(LIKENED)
    rows = leading.to_look_at
    own = {
        (source, target): (crop_name(crop), flips)
        for (crop, source, target), flips in zip(_triples(rows), rows.flips.tolist(), strict=True)
    }
    found = []
    for (crop, source, target), flips in zip(_triples(leading.news), leading.news.flips.tolist(), strict=True):
        pasted = by_class[source]
        own_crop, own_flips = own.get((source, target), ("", 0))
        tried_on = int((pictures.shown(Split.SELECTION, source) != target).sum())
        found.append(
            SurveyedPair(
                source=names[source],
                target=names[target],
                selection_flips=flips,
                selection_eligible=tried_on,
                measured=replace(pasted.measure(crops, crop, target), rank=ranks[crop, target]),
                q_value=1.0,
                expected=0.0,
                nearest=0,
                nearest_expected=0.0,
                covering=pasted.covering(crops, crop, target),
                own_crop=own_crop,
                own_flips=own_flips,
                own_eligible=tried_on if own_crop else 0,
            )
        )
    return found


def _near(crops: Crops, leading: Leading, by_class: Mapping[int, Pasted]) -> list[NearCrops]:
    """Of each pair, in the order of `Leading.news`, the crops that come nearest."""
    found = []
    for near in map(leading.nearest.at, leading.nearest.by_pair()):
        pasted, target = by_class[int(near.source[0])], int(near.target[0])
        called = [pasted.flips(crop, target) for crop in near.crop.tolist()]
        covering = [pasted.covering(crops, crop, target) for crop in near.crop.tolist()]
        flips, eligible = [int(one.sum()) for one in called], [len(one) for one in called]
        found.append(NearCrops(near.log_odds, np.array(flips), np.array(eligible), np.array(covering)))
    return found


def _triples(rows: object) -> list[tuple[int, int, int]]:
    columns = (getattr(rows, name).tolist() for name in ("crop", "source", "target"))
    return list(zip(*columns, strict=True))


def _features(run: Run, crops: Crops, leading: Leading, by_class: Mapping[int, Pasted]) -> tuple[ReachedFromMany, ...]:
    limit, names = run.config.limits.uplift, shown_names(run)
    found = []
    for crop, target in leading.features.tolist():
        on = [source for source in by_class if source not in (target, crops.labels[crop])]
        coverings = [by_class[source].covering_in_corner(target) for source in on]
        told = [by_class[source].measure(crops, crop, target) for source in on]
        found.append(
            ReachedFromMany(
                crop=crop_name(crop),
                target=names[target],
                classes=len(on),
                reached=sum(one.uplift >= limit for one in told),
                flips=sum(one.flips for one in told),
                eligible=sum(one.eligible for one in told),
                covering=float(np.mean(coverings)) if on else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.reached, -one.flips / max(1, one.eligible), one.crop)))


def _classes(
    run: Run, crops: Crops, pictures: Pictures, by_class: Mapping[int, Pasted], confirmed: list[SurveyedPair]
) -> tuple[SurveyedClass, ...]:
    names = shown_names(run)
    left, reached = _under_any_crop(run, crops, pictures)
    found = []
    for index, name in enumerate(names):
        of_class = [one.left_in_corner(index) for one in by_class.values() if (one.shown == index).any()]
        others = [one.reached_in_corner(index) for one in by_class.values() if (one.shown != index).any()]
        found.append(
            SurveyedClass(
                name=name,
                eligible=sum(int((one.shown == index).sum()) for one in by_class.values()),
                left_covered=float(np.mean(of_class)) if of_class else None,
                left_cropped=_known(left[index]),
                reached_covered=float(np.mean(others)) if others else None,
                reached_cropped=_known(reached[index]),
                pairs_out=sum(pair.source == name for pair in confirmed),
                pairs_in=sum(pair.target == name for pair in confirmed),
            )
        )
    return tuple(found)


def _known(share: float) -> float | None:
    return float(share) if np.isfinite(share) else None


def _under_any_crop(run: Run, crops: Crops, pictures: Pictures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(K,) shares of a class's screening pictures that leave it under any crop of another class, NaN of classes
    together; and (K,) shares of other classes' pictures that become it under any crop of a third."""
    classes = len(run.inputs.class_names)
    left, reached = np.zeros(classes), np.zeros(classes)
    for everywhere in screened(run):
        table = everywhere.at(~crops.at_own_place[everywhere.crop])
        left += np.bincount(table.source, weights=table.flips, minlength=classes)[:classes]
        third = crops.labels[table.crop] != table.target
        reached += np.bincount(table.target[third], weights=table.flips[third], minlength=classes)
    of_class, tried = np.bincount(crops.labels[: crops.in_corner], minlength=classes), crops.in_corner
    count = np.bincount(pictures.labels[pictures.together(Split.DISCOVERY)[0]], minlength=classes).astype(np.float64)
    if run.config.survey.together:
        return _shares(left, np.zeros(classes)), _shares(reached, (count.sum() - count) * (tried - of_class))
    asked_left = count * (tried - of_class)
    # crops neither of the picture's class nor of the class that is reached
    everything = (count * (tried - of_class)).sum()
    asked_reached = everything - count * (tried - of_class) - (count.sum() - count) * of_class
    return _shares(left, asked_left), _shares(reached, asked_reached)


def _shares(counted: NDArray[np.float64], asked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counted of asked; NaN where nothing was asked."""
    return np.asarray(np.divide(counted, asked, out=np.full(len(counted), np.nan), where=asked > 0), dtype=np.float64)


def _against_chance(
    run: Run, crops: Crops, leading: Leading, by_class: Mapping[int, Pasted]
) -> tuple[float | None, float | None]:
    """Mean flip rate over the pairs of the chosen crops, and of random crops that would have been news there."""
    chosen, others = [], []
    for crop, source, target in _triples(leading.news):
        beside = [one for one in random_crops(run, source).tolist() if crops.labels[one] != target]
        if beside:
            pasted = by_class[source]
            chosen.append(float(pasted.flips(crop, target).mean()))
            others.append(float(np.mean([pasted.flips(one, target).mean() for one in beside])))
    return (float(np.mean(chosen)), float(np.mean(others))) if chosen else (None, None)


def _agreement(expected: NDArray[np.float32]) -> float | None:
    if len(expected) < 3 or not np.ptp(expected, axis=0).all():
        return None
    return float(stats.spearmanr(expected[:, 0], expected[:, 1]).statistic)


def _crop(run: Run, crops: Crops, identity: str) -> SurveyedCrop:
    number = crop_number(identity)
    plan = crops.plans[number]
    image, preprocessing = run.get(IMAGES).image(plan.image_row), run.inputs.classifier.preprocessing
    box = preprocessing.original_box(*plan.box, image.width_px, image.height_px)
    return SurveyedCrop(identity, shown_names(run)[image.label], image.path, image.key, box, crops.spot(number))


def _passes(run: Run) -> int:
    clean, tail = run.fact(CLEAN, "pictures"), run.fact(SCREENED, "crops") * run.fact(SCREENED, "pictures")
    pasted = run.fact(TRIED, "pastes") + run.fact(CONFIRMED, "pastes")
    return clean + tail + pasted + run.fact(LIKENED, "pictures")


def _make(run: Run, folder: RunFolder) -> Facts:
    found = whole_model(run)
    folder.write(FILE, TypeAdapter(WholeModel).dump_json(found, indent=1))
    return {"pairs": len(found.pairs), "confirmed": len(found.confirmed)}


def stored(folder: RunFolder) -> WholeModel:
    """A survey's result from its folder."""
    return TypeAdapter(WholeModel).validate_json(folder.read(FILE))


NUMBERS = Stage(
    "numbers of a survey",
    (IMAGES, CLEAN, CROPS, SCREENED, TRIED, LIKENED, CONFIRMED),
    (FILE,),
    _make,
    lambda run: stored(run.folder),
    needed=(FILE,),
)
