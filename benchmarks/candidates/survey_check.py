"""Are the worst pairs of a whole model among the first of a survey? Every pair searched anew, and confirmed anew.

    python -m benchmarks.candidates.survey_check SURVEY OUT

SURVEY is the folder of a finished survey of a network that has a layer to cut at; nothing in it is changed but what
opening it notes. Of each pair the best crop of third classes is found by a search of its own, which shares neither
crops nor pictures with the survey: 31 random crops of each class (--crops) go through the network's tail on 8 discovery
pictures of the source, the 4 of highest log-odds (--tried) are pasted on 32 selection pictures, and the best of them is
confirmed on 64 confirmation pictures beside noise, grey and crops of the source's photographs. It is an audit's search
and confirmation without atlas, linear screening, made or trained patches and more than one confirmed candidate. All
targets of a source are searched for with the same passes, which makes many pairs affordable. One file a source is
written to OUT; a later call goes on with them, and one that goes --backwards meanwhile shares the work.

The sources of the survey's first twenty pairs are all searched, and others in an order by chance, so that with
--sources those searched stand for all others. The table tells of the pairs of largest uplift in which place the survey
has them; then how many of the ten worst lie within its first twenty, with an interval over confirmation pictures and
sources drawn again, and rank correlations; the same by what is expected of the one crop that the survey measured of
each pair; and how many the first twenty of this search name, done on other pictures, or with --against of another one.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from auditor.candidates.answers import Answers, answers_of, leaders
from auditor.candidates.crops import CropPlan, CropRules, prepared_crops
from auditor.candidates.every_target import EveryTarget
from auditor.candidates.pool_crops import plan_in_turns
from auditor.core.draws import keyed_generator
from auditor.core.progress import Silence
from auditor.core.records import IntArray, Split, Tier
from auditor.core.records.whole_model import SurveyedPair
from auditor.inputs.model.folded_cut import folded_cut
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.clean import CLEAN, network_of_trials
from auditor.run.stages.images import IMAGES
from auditor.run.survey.begin import config_of_survey, open_survey
from auditor.run.survey.crops import Crops
from auditor.run.survey.numbers import shown_names, stored
from auditor.run.survey.pasting import Pasting, Some
from auditor.run.survey.pictures import Pictures
from auditor.statistics.foretold import Foretold

CROPS, TRIED = 31, 4
"""Crops of each class, and how many of them are tried for each pair, where nobody says otherwise."""

PICTURES = {Split.DISCOVERY: 8, Split.SELECTION: 32, Split.CONFIRMATION: 64}
"""Of each class, at most; none that the survey used."""

FIRST, WORST = 20, 10
REPEATS = 400

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Searched:
    """What one class's pairs came to: by target, whether each picture was called it with the crop found, and covered.

    Attributes:
        flips: by target, (B,). coverings: by target, (controls, B).
    """

    flips: Mapping[str, NDArray[np.bool_]]
    coverings: Mapping[str, NDArray[np.bool_]]

    def uplift(self, target: str, pictures: IntArray | slice = slice(None)) -> float:
        """Flip rate less the strongest covering's, over some of the pictures."""
        covered = self.coverings[target][:, pictures].mean(axis=1).max()
        return float(self.flips[target][pictures].mean() - covered)


def fresh(run: Run, draw: int) -> Pictures:
    """Pictures that the model recognises and the survey did not use; every draw has others to search on."""
    pool, clean, used = run.get(IMAGES), run.get(CLEAN), run.config.survey
    after = {
        Split.DISCOVERY: used.most[Split.DISCOVERY] + draw * PICTURES[Split.DISCOVERY],
        Split.SELECTION: used.most[Split.SELECTION] + draw * PICTURES[Split.SELECTION],
        Split.CONFIRMATION: used.most[Split.CONFIRMATION],
    }
    rows: dict[Split, dict[int, list[int]]] = {split: {} for split in after}
    for row, called in zip(clean.rows.tolist(), clean.said.predicted.tolist(), strict=True):
        image = pool.images[row]
        if image.label == called:
            rows[image.split].setdefault(image.label, []).append(row)
    chosen = {
        split: {label: np.array(of[after[split] :][: PICTURES[split]], dtype=np.int64) for label, of in found.items()}
        for split, found in rows.items()
    }
    return Pictures(chosen, (), np.array([image.label for image in pool.images], dtype=np.int64))


def fresh_crops(run: Run, draw: int, each: int = CROPS) -> Crops:
    """Random crops of each class, of another draw than the survey's."""
    key = ["crops of a survey's check", *([str(draw)] if draw else [])]
    inputs, pool, config = run.inputs, run.get(IMAGES), run.config
    grid = (inputs.cut.feature_shape[1], inputs.cut.feature_shape[2])
    size = inputs.classifier.preprocessing.output_size
    rules = CropRules(grid, size, config.candidates.sizes, _any_picture, inputs.layer)
    givers: dict[int, list[int]] = {}
    for row in pool.rows(Split.DISCOVERY).tolist():
        givers.setdefault(pool.images[row].label, []).append(row)
    plans: list[CropPlan] = []
    for label, rows in sorted(givers.items()):
        plans += plan_in_turns(np.array(rows), rules, each, keyed_generator(config.seed, *key, label))
    labels = np.array([pool.image(plan.image_row).label for plan in plans], dtype=np.int64)
    return Crops(tuple(plans), labels, (Tier.TARGET_IMAGE,) * len(plans), ((),) * len(plans))


def _any_picture(row: int) -> bool:
    del row
    return True


def search(pasting: Pasting, source: int, names: Sequence[str], most: int = TRIED) -> dict[str, object]:
    """The best crop of each of a source's pairs, and what it and coverings do on confirmation pictures."""
    crops, classes = pasting.crops, len(names)
    tried = leaders([_screened(pasting, source)], crops.pictures, classes, most, crops.news)
    on_selection = leaders(
        [_pasted(pasting, Split.SELECTION, source, tried.crop)], crops.pictures, classes, 1, crops.news
    )
    best = {int(to): int(crop) for crop, to in zip(on_selection.crop, on_selection.target, strict=True)}
    numbers = tuple(sorted(set(best.values())))
    some = Some(Split.CONFIRMATION, source, numbers, len(pasting.rows(Split.CONFIRMATION, source)))
    called = dict(zip(numbers, pasting.logits(some).argmax(axis=2), strict=True))
    covered = {
        control.name: pasting.covering(some, control, 0).argmax(axis=1) for control, _ in pasting.coverings(source)
    }
    return {
        "source": names[source],
        "pairs": {
            names[to]: {"crop_of": names[crops.labels[crop]], "called": np.flatnonzero(called[crop] == to).tolist()}
            for to, crop in best.items()
        },
        "pictures": some.pictures,
        "covered": {name: [names[one] for one in said] for name, said in covered.items()},
    }


def _screened(pasting: Pasting, source: int) -> Answers:
    run, crops = pasting.run, pasting.crops
    rows = pasting.rows(Split.DISCOVERY, source)
    cut, config = folded_cut(run.inputs.cut, pasting.network), run.config
    screen = EveryTarget(cut, pasting.pool.pixels[rows], config.trials.size, config.compute.batch_size)
    parts = []
    for start in range(0, len(crops), screen.patches_together):
        numbers = np.arange(start, min(start + screen.patches_together, len(crops)))
        logits = screen.logits(prepared_crops(pasting.pool, [crops.plans[number] for number in numbers]))
        parts.append(
            answers_of(logits.float().cpu().numpy(), numbers, crops.labels[numbers], np.full(len(rows), source))
        )
    return Answers.joined(parts)


def _pasted(pasting: Pasting, split: Split, source: int, crops: IntArray) -> Answers:
    numbers = np.unique(crops)
    pictures = len(pasting.rows(split, source))
    logits = pasting.logits(Some(split, source, tuple(numbers.tolist()), pictures))
    return answers_of(logits, numbers, pasting.crops.labels[numbers], np.full(pictures, source))


def read(file: Path) -> Searched:
    """A source's file."""
    held = json.loads(file.read_text())
    flips = {}
    for target, pair in held["pairs"].items():
        flips[target] = np.zeros(held["pictures"], dtype=np.bool_)
        flips[target][pair["called"]] = True
    called = np.array(list(held["covered"].values()))
    return Searched(flips, {target: called == target for target in flips})


@dataclass(frozen=True, slots=True)
class Sources:
    """Which sources are searched, in this order: those of the survey's first pairs, then the others by chance.

    Attributes:
        certain, others: class names.
    """

    certain: tuple[str, ...]
    others: tuple[str, ...]

    @classmethod
    def of(cls, order: Sequence[Pair], first: int = FIRST) -> Sources:
        """The sources of a survey's pairs."""
        every = sorted({source for source, _ in order})
        certain = tuple(dict.fromkeys(source for source, _ in order[:first]))
        left = [source for source in every if source not in certain]
        return cls(certain, tuple(keyed_generator(0, "sources of a survey's check").permutation(left).tolist()))

    def weights(self, searched: Sequence[str]) -> dict[str, float]:
        """How many sources each of those searched stands for; all that are certain are searched."""
        drawn = len(set(searched) & set(self.others))
        return {source: 1.0 if source in self.certain else len(self.others) / drawn for source in searched}


def among_first(
    order: Sequence[Pair], uplift: Mapping[Pair, float], weight: Mapping[str, float], first: int = FIRST
) -> int:
    """How many of the `WORST` pairs of largest uplift lie among the `first` of an order; of equals the earlier one.

    Args:
        order: of all pairs; uplift: of those searched; weight: of their sources, as `Sources.weights`.
    """
    places = {pair: place for place, pair in enumerate(order)}
    before, count = 0.0, 0
    for pair in sorted(uplift, key=lambda pair: (-uplift[pair], places[pair])):
        if before >= WORST:
            break
        before += weight[pair[0]]
        count += places[pair] < first
    return count


def drawn_again(
    order: Sequence[Pair], found: Mapping[str, Searched], sources: Sources, repeats: int = REPEATS
) -> IntArray:
    """(repeats,) `among_first` with confirmation pictures drawn again, source by source, and so the sources by chance.

    Where all are searched, none of them is drawn again.
    """
    generator, counts = np.random.default_rng(0), []
    drawn = [source for source in found if source in sources.others]
    weight = sources.weights(list(found))
    for _ in range(repeats):
        again = drawn if len(drawn) == len(sources.others) else generator.choice(drawn, len(drawn)).tolist()
        certain = [source for source in sources.certain if source in found]
        times = {**dict.fromkeys(certain, 1), **{source: again.count(source) for source in again}}
        uplift: dict[Pair, float] = {}
        for source in times:
            one = found[source]
            pictures = len(next(iter(one.flips.values())))
            rows = generator.integers(pictures, size=pictures)
            uplift |= {(source, target): one.uplift(target, rows) for target in one.flips}
        counts.append(among_first(order, uplift, {source: weight[source] * many for source, many in times.items()}))
    return np.array(counts, dtype=np.int64)


def order_of(uplift: Mapping[Pair, float]) -> list[Pair]:
    """Pairs, the largest uplift first."""
    return sorted(uplift, key=lambda pair: -uplift[pair])


def uplifts(found: Mapping[str, Searched]) -> dict[Pair, float]:
    """Of every pair that was searched."""
    return {(source, to): one.uplift(to) for source, one in found.items() for to in one.flips}


def copied(found: Mapping[str, Searched], repeats: int = REPEATS) -> IntArray:
    """(repeats, 2) how many of the `WORST` pairs lie among the first of this search with other pictures, and by the
    true rates of its crops.

    Each rate is drawn from what its counts tell, and flips of as many pictures from that; coverings stay as they are.
    """
    uplift, generator, counts = uplifts(found), np.random.default_rng(0), []
    flips = np.array([found[source].flips[to].sum() for source, to in uplift], dtype=np.float64)
    pictures = np.array([len(found[source].flips[to]) for source, to in uplift], dtype=np.int64)
    covered = flips / pictures - np.array(list(uplift.values()))
    rates = Foretold.fit(np.zeros(len(flips)), flips, pictures)
    first = float(rates.rates([0.0])[0]) * rates.weight
    for _ in range(repeats):
        true = generator.beta(first + flips, rates.weight - first + pictures - flips)
        again = generator.binomial(pictures, true) / pictures
        orders = [order_of(dict(zip(uplift, (one - covered).tolist(), strict=True))) for one in (again, true)]
        counts.append([among_first(order, uplift, dict.fromkeys(found, 1.0)) for order in orders])
    return np.array(counts, dtype=np.int64)


def tell(pairs: Sequence[SurveyedPair], found: Mapping[str, Searched], sources: Sources) -> None:
    """Print the pairs of largest uplift, and how a survey's order agrees."""
    expected = {(pair.source, pair.target): pair.expected_uplift for pair in pairs}
    order = list(expected)
    uplift = uplifts(found)
    places = {pair: place for place, pair in enumerate(order, start=1)}
    weight = sources.weights(list(found))
    print("| uplift found, points | pair | place in the survey | expected by it, points | stands for |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for pair in sorted(uplift, key=lambda pair: (-uplift[pair], places[pair]))[: 2 * WORST]:
        told = f"{pair[0]} → {pair[1]} | {places[pair]} | {100 * expected[pair]:+.1f} | {weight[pair[0]]:.1f}"
        print(f"| {100 * uplift[pair]:+.1f} | {told} |")
    drawn = sum(source in sources.others for source in found)
    print(f"\n{len(uplift)} pairs of {len(sources.certain)} sources and {drawn} of {len(sources.others)} others")
    by_chance = [pair for pair in uplift if pair[0] in sources.others]
    for words, some in (("all", list(uplift)), ("those of sources by chance", by_chance)):
        agreement = stats.spearmanr([expected[pair] for pair in some], [uplift[pair] for pair in some]).statistic
        print(f"rank correlation over {words}: {agreement:.2f}")
    for first in (FIRST, 2 * FIRST, 5 * FIRST):
        print(f"of the {WORST} worst within the survey's first {first}: {among_first(order, uplift, weight, first)}")
    crop_alone = order_of({(pair.source, pair.target): pair.expected - pair.covering for pair in pairs})
    print(f"by what is expected of its one crop, within the first {FIRST}: {among_first(crop_alone, uplift, weight)}")
    low, high = np.percentile(drawn_again(order, found, sources), (2.5, 97.5))
    print(f"within the first {FIRST}, pictures and sources drawn again: {low:.0f} to {high:.0f}")
    if drawn == len(sources.others):
        for words, counts in zip(("of this search on other pictures", "by true rates"), copied(found).T, strict=True):
            low, high = np.percentile(counts, (2.5, 97.5))
            print(f"within the first {FIRST} {words}: {counts.mean():.1f} ({low:.0f} to {high:.0f})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python -m benchmarks.candidates.survey_check",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("survey", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--draw", type=int, default=0, help="another search than that of draw 0; to another OUT")
    parser.add_argument("--crops", type=int, default=CROPS, help="crops of each class")
    parser.add_argument("--tried", type=int, default=TRIED, help="crops tried for each pair")
    parser.add_argument("--against", type=Path, help="OUT of another draw: how well two searches agree")
    parser.add_argument("--backwards", action="store_true", help="begin with the last source")
    parser.add_argument("--sources", type=int, default=1000, help="classes whose pairs are searched, at most")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    folder = RunFolder.open(chosen.survey)
    chosen.out.mkdir(parents=True, exist_ok=True)
    run = open_survey(folder, config_of_survey(folder), Silence())
    names, started = shown_names(run), time.process_time()
    crops, pictures = fresh_crops(run, chosen.draw, chosen.crops), fresh(run, chosen.draw)
    pasting = Pasting(run, run.open(network_of_trials), run.get(IMAGES), crops, pictures)
    pairs = stored(folder).pairs
    sources = Sources.of([(pair.source, pair.target) for pair in pairs])
    asked = (*sources.certain, *sources.others)[: chosen.sources]
    files = {source: chosen.out / f"{names.index(source):04d}.json" for source in asked}
    for source in reversed(asked) if chosen.backwards else asked:
        if not files[source].exists():
            made = files[source].with_suffix(f".{os.getpid()}")
            made.write_text(json.dumps(search(pasting, names.index(source), names, chosen.tried)))
            made.rename(files[source])
    found = {source: read(file) for source, file in files.items()}
    tell(pairs, found, sources)
    if chosen.against:
        other = {source: read(chosen.against / f"{names.index(source):04d}.json") for source in found}
        within = among_first(order_of(uplifts(other)), uplifts(found), dict.fromkeys(found, 1.0))
        print(f"of the {WORST} worst within the first {FIRST} of {chosen.against}: {within}")
    print(f"{time.process_time() - started:.0f} s of one core")


if __name__ == "__main__":
    main()
