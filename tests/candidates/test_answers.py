"""Flips and log-odds by crop, source and target, counted sparsely, against counting them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.candidates.answers import Answers, answers_of, leaders, log_odds


@pytest.fixture
def measured() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    logits = generator.normal(size=(5, 8, 4)).astype(np.float32) * 3
    return logits, np.array([10, 11, 12, 13, 14]), np.array([0, 1, 2, 3, 3]), np.array([0, 0, 0, 1, 1, 2, 3, 3])


def test_every_count_is_the_one_by_one(measured: tuple[np.ndarray, ...]) -> None:
    logits, crops, labels, sources = measured
    rows = answers_of(logits, crops, labels, sources)
    told = {
        key: (flips, odds)
        for *key, flips, odds in zip(rows.crop, rows.source, rows.target, rows.flips, rows.log_odds, strict=True)
        for key in [tuple(key)]
    }
    wanted = {}
    for number, crop in enumerate(crops):
        for source in range(4):
            for target in set(range(4)) - {source}:
                if labels[number] == source:
                    continue
                said = logits[number, sources == source].astype(np.float64)
                share = np.exp(said[:, target]) / np.exp(said).sum(axis=1)
                wanted[crop, source, target] = (
                    int((said.argmax(axis=1) == target).sum()),
                    float(np.log(share / (1 - share)).mean()),
                )
    assert {key: flips for key, (flips, _) in told.items()} == {key: flips for key, (flips, _) in wanted.items()}
    for key, (_, odds) in wanted.items():
        assert told[key][1] == pytest.approx(odds, abs=1e-5)


def test_pictures_of_several_classes_count_for_all_targets_but_their_own(measured: tuple[np.ndarray, ...]) -> None:
    """All eight pictures are one source, 4; the last crop's own class is no reason to leave it out."""
    logits, crops, labels, shown = measured
    rows = answers_of(logits, crops, labels, np.full(8, 4), shown)
    assert (len(rows), set(rows.source)) == (5 * 4, {4})
    for crop, target, flips, odds in zip(rows.crop, rows.target, rows.flips, rows.log_odds, strict=True):
        said = logits[crop - 10, shown != target].astype(np.float64)
        share = np.exp(said[:, target]) / np.exp(said).sum(axis=1)
        assert flips == (said.argmax(axis=1) == target).sum()
        assert odds == pytest.approx(np.log(share / (1 - share)).mean(), abs=1e-5)
    one_class = answers_of(logits[:, :3], crops, labels, np.full(3, 4), shown[:3])
    assert set(one_class.target) == {1, 2, 3}  # no picture is left for class 0


def test_of_many_targets_the_nearest_are_kept_and_all_that_flip(measured: tuple[np.ndarray, ...]) -> None:
    logits, crops, labels, sources = measured
    whole, few = answers_of(logits, crops, labels, sources), answers_of(logits, crops, labels, sources, most=1)
    assert len(few) < len(whole)
    assert few.flips.sum() == whole.flips.sum()
    for crop, source in {(int(one), int(other)) for one, other in zip(whole.crop, whole.source, strict=True)}:
        best = max(
            (odds, target)
            for one, other, target, odds in zip(whole.crop, whole.source, whole.target, whole.log_odds, strict=True)
            if (one, other) == (crop, source)
        )[1]
        assert best in few.target[(few.crop == crop) & (few.source == source)]


def test_a_table_gives_the_rows_back(measured: tuple[np.ndarray, ...]) -> None:
    rows = answers_of(*measured)
    again = Answers.of_table(rows.table())
    for name in ("crop", "source", "target", "flips", "log_odds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rows, name))
    assert len(Answers.of_table(Answers.joined([]).table())) == 0


def test_certain_pictures_count_as_nearly_certain() -> None:
    said = log_odds(np.array([[100.0, -100.0, 0.0]], dtype=np.float32))
    assert np.isfinite(said).all()
    assert said[0, 0] == pytest.approx(np.log(1e6), rel=1e-3)
    assert said[0, 1] == pytest.approx(-np.log(1e6), rel=1e-3)


@pytest.mark.parametrize("gathered", [1, 2**18])
def test_leaders_are_the_best_of_each_pair_one_a_picture_however_the_tables_are_cut(
    gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.candidates.answers._GATHERED", gathered)
    generator = np.random.default_rng(0)
    crops, sources, targets = (values.ravel() for values in np.meshgrid(range(40), range(3), range(3), indexing="ij"))
    kept = sources != targets
    odds = generator.normal(size=kept.sum()).round(1).astype(np.float32)  # some are equal
    rows = Answers(crops[kept], sources[kept], targets[kept], np.zeros(kept.sum(), dtype=np.int64), odds)
    pictures = np.arange(40) // 2

    def even(crop: np.ndarray, target: np.ndarray) -> np.ndarray:
        return (crop + target) % 3 > 0

    wanted = []
    for source in range(3):
        for target in set(range(3)) - {source}:
            known = [
                (-float(odd), int(crop))
                for crop, one, other, odd in zip(rows.crop, rows.source, rows.target, rows.log_odds, strict=True)
                if (one, other) == (source, target) and (crop + target) % 3 > 0
            ]
            taken: list[int] = []
            for _, crop in sorted(known):
                if crop // 2 not in [one // 2 for one in taken] and len(taken) < 4:
                    taken.append(crop)
            wanted += [(source, target, crop) for crop in taken]
    for cut in (1, 7, 1000):
        numbers = np.arange(len(rows))
        tables = [rows.at(numbers[start : start + cut]) for start in range(0, len(rows), cut)]
        found = leaders(tables, pictures, 3, 4, even)
        assert list(zip(found.source.tolist(), found.target.tolist(), found.crop.tolist(), strict=True)) == wanted
