"""Which order of a survey's pairs foretells what other crops do? Answered by the survey's own crops, half by half.

    python -m benchmarks.candidates.survey_halves SURVEY

The crops of a finished survey are halved by the pictures that they were cut from, and its confirmation pictures by
chance. One half of the crops orders the pairs, by selection pictures and one half of the confirmation pictures. Of the
other half the crop that comes nearest on selection pictures, of those that were pasted on confirmation pictures, stands
for what another search finds: its uplift on the other half of those. For each order: how many of the ten pairs of
largest uplift lie within its first twenty, and the mean uplift of these, over many halves. Where crops were tried at
their own places, the same is told by those in the corner alone. No network runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.candidates.answers import Answers
from auditor.core.progress import Silence
from auditor.core.records import IntArray
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.survey.begin import config_of_survey, open_survey
from auditor.run.survey.crops import CROPS
from auditor.run.survey.pasted import pasted_by_source
from auditor.run.survey.tried import TRIED
from auditor.statistics.foretold import Foretold

FIRST, WORST, NEAREST = 20, 10, (1, 2, 3, 5, 10)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairTried:
    """A pair's crops on selection and confirmation pictures.

    Attributes:
        crops: (C,) numbers, the nearest first; log_odds: (C,) on selection pictures.
        own: (C,) which were pasted at their own places, and not in the corner.
        flips: by crop, of those pasted there, (B,) on confirmation pictures; coverings: by crop, of its place, and by
            name, (draws, B); a place that was not covered has the corner's.
    """

    crops: IntArray
    log_odds: NDArray[np.float32]
    own: NDArray[np.bool_]
    flips: dict[int, NDArray[np.bool_]]
    coverings: dict[int, Mapping[str, NDArray[np.bool_]]]

    def covering(self, crop: int, rows: IntArray) -> float:
        """The rate of the strongest covering at a crop's place, on some pictures."""
        return max(float(draws[:, rows].mean()) for draws in self.coverings[crop].values())


def pairs_of(run: Run) -> Iterator[PairTried]:
    """Every pair of a survey."""
    crops = run.get(CROPS)
    tried = Answers.joined([Answers.of_table(run.folder.read_table(file)) for file in run.folder.files_of(TRIED.name)])
    tried = tried.at(crops.news(tried.crop, tried.target))
    tried = tried.at(np.lexsort((tried.crop, -tried.log_odds, tried.target, tried.source)))
    by_class = dict(pasted_by_source(run))
    for one in map(tried.at, tried.by_pair()):
        pasted, target = by_class[int(one.source[0])], int(one.target[0])
        flips = {crop: pasted.flips(crop, target) for crop in one.crop.tolist() if crop in pasted.called}
        coverings = {crop: pasted.beside(crops, crop, target) for crop in one.crop.tolist()}
        yield PairTried(one.crop, one.log_odds, crops.at_own_place[one.crop], flips, coverings)


def orders(
    pairs: list[PairTried], half: NDArray[np.bool_], share: Callable[[PairTried], IntArray]
) -> dict[str, Numbers]:
    """By its name, what each order ranks by: (pairs,), from some crops and some confirmation pictures."""
    own, measured, covering = [], [], []
    for pair in pairs:
        rows, crop = share(pair), best_pasted(pair, half)
        own.append(pair.log_odds[pair.crops == crop][0])
        measured.append((pair.flips[crop][rows].sum(), len(rows)))
        covering.append(pair.covering(crop, rows))
    foretold = Foretold.fit(own, *np.array(measured).T)
    rates = np.array([flips / count for flips, count in measured])
    found = {"the rate of its best crop": rates - np.array(covering)}
    anywhere = any(pair.own.any() for pair in pairs)
    for most in NEAREST:
        found[f"expected of the nearest {most}"] = _nearest(pairs, half, share, foretold, most)
        if anywhere:
            in_corner = _nearest(pairs, half, share, foretold, most, in_corner=True)
            found[f"expected of the nearest {most} in the corner"] = in_corner
    return found


def _nearest(
    pairs: list[PairTried],
    half: NDArray[np.bool_],
    share: Callable[[PairTried], IntArray],
    foretold: Foretold,
    most: int,
    in_corner: bool = False,
) -> Numbers:
    """(pairs,) mean of what is expected of the nearest crops over covering; of a pair without one, nothing."""
    expected = []
    for pair in pairs:
        rows = share(pair)
        near = np.flatnonzero(half[pair.crops] & ~(pair.own & in_corner))[:most]
        crops = pair.crops[near].tolist()
        counted = [pair.flips.get(crop) for crop in crops]
        flips = [0 if one is None else int(one[rows].sum()) for one in counted]
        eligible = [0 if one is None else len(rows) for one in counted]
        rates = foretold.with_counts(pair.log_odds[near], flips, eligible)
        covering = np.array([pair.covering(crop, rows) for crop in crops])
        expected.append(float((rates - covering).mean()) if crops else 0.0)
    return np.array(expected)


def best_pasted(pair: PairTried, half: NDArray[np.bool_]) -> int:
    """The nearest crop of a half of those pasted on confirmation pictures; -1: there is none."""
    return next((crop for crop in pair.crops.tolist() if half[crop] and crop in pair.flips), -1)


def agreement(order: Numbers, uplift: Numbers) -> tuple[float, float]:
    """How many of the pairs of largest uplift lie among the first of an order, and the mean uplift of these."""
    first, worst = (np.argsort(-values, kind="stable") for values in (order, uplift))
    return float(len(np.intersect1d(first[:FIRST], worst[:WORST]))), float(uplift[first[:FIRST]].mean())


def halved(
    pairs: list[PairTried], pictures: IntArray, generator: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """What each order comes to in one halving."""
    known, inverse = np.unique(pictures, return_inverse=True)
    half = (generator.permutation(len(known)) % 2 == 0)[inverse]
    both = [pair for pair in pairs if min(best_pasted(pair, half), best_pasted(pair, ~half)) >= 0]
    counts = {len(next(iter(pair.flips.values()))) for pair in both}
    shuffled = {count: np.array_split(generator.permutation(count), 2) for count in sorted(counts)}

    def share(pair: PairTried, which: int = 0) -> IntArray:
        return shuffled[len(next(iter(pair.flips.values())))][which]

    uplift = []
    for pair in both:
        crop, rows = best_pasted(pair, ~half), share(pair, 1)
        uplift.append(pair.flips[crop][rows].mean() - pair.covering(crop, rows))
    told = np.array(uplift) + generator.uniform(0, 1e-6, len(uplift))  # equals in an order by chance
    return {name: agreement(values, told) for name, values in orders(both, half, share).items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python -m benchmarks.candidates.survey_halves",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("survey", type=Path)
    parser.add_argument("--halves", type=int, default=20)
    chosen = parser.parse_args()
    folder = RunFolder.open(chosen.survey)
    run = open_survey(folder, config_of_survey(folder), Silence())
    pairs, generator = list(pairs_of(run)), np.random.default_rng(0)
    told = [halved(pairs, run.get(CROPS).pictures, generator) for _ in range(chosen.halves)]
    print(f"| order of {len(pairs)} pairs | of {WORST} worst in its first {FIRST} | mean uplift of these, points |")
    print("| --- | ---: | ---: |")
    for name in told[0]:
        worst, uplift = np.mean([one[name] for one in told], axis=0)
        print(f"| {name} | {worst:.2f} | {100 * uplift:.1f} |")


if __name__ == "__main__":
    main()
