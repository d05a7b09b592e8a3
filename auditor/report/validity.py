"""Whether the search did better than chance, in sentences that every format repeats, as plainly when it did not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.core.records import Correlation, Interval, SuggestionValidity, TierComparison
from auditor.report.numbers import correlation, counts, how_many, points, points_interval
from auditor.report.words import TIERS


@dataclass(frozen=True, slots=True)
class ValidityWords:
    """Whether the suggestions helped: one headline, then a sentence a measure."""

    headline: str
    lines: tuple[str, ...]


def validity_words(validity: SuggestionValidity) -> ValidityWords:
    """The headline compares crops of third classes where there are enough, and says of which crops it speaks."""
    measured = validity.headline
    side = _side_of_zero(measured.difference, measured.interval)
    begins = {
        None: "Whether the search did better than chance was not measured",
        0: "The search did no better than chance",
        1: "The search did better than chance",
        -1: "The search did worse than chance",
    }[side]
    gap = ""
    if side is not None:
        unsure = ", which cannot be told from none" if side == 0 else ""
        gap = f", a difference of {points(measured.difference)} ({points_interval(measured.interval)}){unsure}"
    return ValidityWords(
        f"{begins}: {_rates(measured)}{gap}.",
        (
            _correlation_sentence("predicted push (the crop written into source pictures)", validity.predicted_push),
            _correlation_sentence("observed push (the reading in the crop's own picture)", validity.observed_push),
            *_contrast_sentence(validity),
            *_precision_sentences(validity),
        ),
    )


def comparison_label(one: TierComparison) -> str:
    """What a row of the comparison is called."""
    return "all, with the suggestions' mix of tiers" if one.tier is None else TIERS[one.tier].label


def _rates(one: TierComparison) -> str:
    of = "" if one.tier is None else f"of the {TIERS[one.tier].label} crops, "
    return (
        f"{of}suggested ones flip {counts(one.suggested.flips, one.suggested.trials)} of trials, "
        f"random ones {counts(one.random.flips, one.random.trials)}"
    )


def _contrast_sentence(validity: SuggestionValidity) -> Iterator[str]:
    group = validity.strongest_contrast
    if group is not None:
        yield (
            f"Crops of strongest contrast, the paper's own ranking, whatever their tier, flip "
            f"{counts(group.flips, group.trials)} of trials."
        )


def _precision_sentences(validity: SuggestionValidity) -> Iterator[str]:
    """How many of the crops ranked first beat the control; nothing where it was not counted."""
    if validity.precision_random[1]:
        by_reading = (("predicted", validity.precision_predicted), ("observed", validity.precision_observed))
        first = ", ".join(f"{hits} of {crops} by {name} push" for name, (hits, crops) in by_reading)
        hits, crops = validity.precision_random
        yield (
            f"Of the crops ranked first, these flip more pictures than {validity.control}: {first}; "
            f"of the random crops {hits} of {crops}."
        )


def _correlation_sentence(what: str, measured: Correlation) -> str:
    over = f"over {how_many(measured.candidates, 'candidate')}"
    if not math.isfinite(measured.value):
        return f"Rank correlation of {what} with measured uplift: not measured ({over})."
    side = _side_of_zero(measured.value, measured.interval)
    reading = {
        None: "without an interval it proves nothing",
        0: "it cannot be told from zero, so this reading is not shown to foretell uplift",
        1: "this reading foretells uplift",
        -1: "this reading points the wrong way",
    }[side]
    number = correlation(measured.value, measured.interval)
    return f"Rank correlation of {what} with measured uplift: {number}, {over}; {reading}."


def _side_of_zero(value: float, interval: Interval | None) -> int | None:
    """1 above, -1 below, 0 where the interval holds zero, None where nothing was measured."""
    if interval is None or not all(map(math.isfinite, (value, interval.low, interval.high))):
        return None
    if interval.low > 0:
        return 1
    return -1 if interval.high < 0 else 0
