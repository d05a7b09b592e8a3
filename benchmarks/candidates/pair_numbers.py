"""The numbers of one pair and of all pairs, from finished runs' result.json and trials.parquet. Runs no model.

A patch is twice as strong as another where it flips at least twice as many of the same pictures, and at least two where
the other flips none: ratios are taken over max(1, the other's flips).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from auditor.candidates.choosing import rank_agreement
from auditor.core.records import AuditResult, Candidate, Finding, Placement, Split, SuggestionValidity, SurveyRow, Tier
from benchmarks.candidates.pairs import Pair

PRECISION_AT = 10


@dataclass(frozen=True, slots=True)
class Against:
    """A third-class finding beside its strongest control and the best noodle, on the same pictures."""

    finding: Finding
    noodle: int

    @property
    def over_control(self) -> float:
        return self.finding.flips / max(1, self.finding.control.flips)

    @property
    def over_noodle(self) -> float:
        return self.finding.flips / max(1, self.noodle)

    @property
    def twice_both(self) -> bool:
        return min(self.over_control, self.over_noodle) >= 2


@dataclass(frozen=True, slots=True)
class PairNumbers:
    """What one pair's run says of its search.

    Attributes:
        best: the third-class finding with the highest ratio to both; first: the one that selection pictures put first.
        validity: suggested against random crops of their tiers on the confirmation pictures, as the report has it.
        correlation: rank correlation of a score with flips there, by the score's name and "all" or "random" crops.
        precision: of the ten crops with the highest score, how many flip more than the survey's stronger control.
        seconds: of the parts of the search, and of what follows it.
    """

    pair: Pair
    eligible: int
    noodles: Mapping[str, int]
    noodle_seconds: float
    third_class: int
    best: Against | None
    first: Against | None
    validity: SuggestionValidity
    correlation: Mapping[tuple[str, str], float]
    precision: Mapping[str, tuple[int, int]]
    seconds: Mapping[str, float]

    @property
    def best_noodle(self) -> str:
        return max(self.noodles, key=lambda name: self.noodles[name])


def pair_numbers(
    pair: Pair,
    result: AuditResult,
    trials: pa.Table,
    noodles: Mapping[str, int],
    noodle_seconds: float,
    linear: Mapping[str, float],
) -> PairNumbers:
    """Put a pair's numbers together.

    Args:
        noodles: flips by name; linear: the linear rung's push of the plain crops tried, by id.
    """
    third = [one for one in result.findings if one.candidate.tier is Tier.THIRD_CLASS and one.placement == "fixed"]
    most = max(noodles.values())
    if result.suggestion_validity is None:
        raise SystemExit(f"{pair[0]} → {pair[1]}: no crop was tried, so there is nothing to compare")
    beside = [Against(one, most) for one in third]
    crops = [row for row in result.survey if row.candidate.is_plain_crop]
    random = [row for row in crops if row.candidate.is_random_crop]
    eligible = next(split.eligible for split in result.splits if split.split is Split.CONFIRMATION)
    return PairNumbers(
        pair=pair,
        eligible=eligible,
        noodles=noodles,
        noodle_seconds=noodle_seconds,
        third_class=len(third),
        best=max(beside, key=lambda one: (min(one.over_control, one.over_noodle), one.finding.flips), default=None),
        first=max(beside, key=lambda one: -one.finding.place, default=None),
        validity=result.suggestion_validity,
        correlation=_correlations(crops, random, linear),
        precision=_precisions(crops, random, linear, _control_flips(result, trials)),
        seconds=search_seconds(result),
    )


def crops_screened(result: AuditResult) -> int:
    """How many crops entered the first rung."""
    return next((rung.seen for rung in result.rungs if rung.name == "linear screening"), 0)


def search_seconds(result: AuditResult) -> dict[str, float]:
    """Seconds of the search by part, and of what follows; "search" is the sum up to the trials on selection pictures.

    Reading pictures and clean predictions are no search; "making and cutting" is what the candidates' stage does
    beside screening.
    """
    screening = {rung.name: rung.seconds or 0.0 for rung in result.rungs if "screening" in rung.name}
    selection = sum(rung.seconds or 0.0 for rung in result.rungs if rung.name.startswith("selection trials"))
    times = result.times
    parts = {
        "atlas": times["atlas"],
        **screening,
        "making and cutting": times["candidates"] - sum(screening.values()),
        "selection trials": selection,
    }
    return {
        "pictures": times["images"] + times["clean"],
        **parts,
        "search": sum(parts.values()),
        "survey and confirmation": times["trials"] - selection,
    }


def scores_of(candidate: Candidate, linear: Mapping[str, float]) -> dict[str, float]:
    """A crop's readings of push by their names: the ladder's two, and the paper's contrast."""
    return {
        "tail": candidate.predicted_push,
        "linear": linear[candidate.id],
        "contrast": candidate.observed_push,
    }


def _correlations(
    crops: Sequence[SurveyRow], random: Sequence[SurveyRow], linear: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    found = {}
    for group, rows in (("all", crops), ("random", random)):
        for name in ("tail", "linear", "contrast"):
            scored = [(scores_of(row.candidate, linear)[name], row.flips) for row in rows]
            known = [(score, flips) for score, flips in scored if math.isfinite(score)]
            value = rank_agreement([score for score, _ in known], [float(flips) for _, flips in known])
            found[name, group] = float("nan") if value is None else value
    return found


def _precisions(
    crops: Sequence[SurveyRow], random: Sequence[SurveyRow], linear: Mapping[str, float], to_beat: int
) -> dict[str, tuple[int, int]]:
    found = {"random": (sum(row.flips > to_beat for row in random), len(random))}
    for name in ("tail", "linear", "contrast"):
        known = [row for row in crops if math.isfinite(scores_of(row.candidate, linear)[name])]
        ten = sorted(known, key=lambda row: -scores_of(row.candidate, linear)[name])[:PRECISION_AT]
        found[name] = (sum(row.flips > to_beat for row in ten), len(ten))
    return found


def _control_flips(result: AuditResult, trials: pa.Table) -> int:
    """Flips of the survey's shared control that flips most."""
    if result.suggestion_validity is None:
        return 0
    control = result.suggestion_validity.control
    rows = _trials_of(trials, Split.CONFIRMATION, "survey", control)
    return int(pc.sum(rows["flip"].cast(pa.int64())).as_py())


def _trials_of(trials: pa.Table, split: Split, candidate: str, control: str) -> pa.Table:
    wanted = {"split": str(split), "candidate": candidate, "control": control, "placement": str(Placement.FIXED)}
    kept = trials
    for column, value in wanted.items():
        kept = kept.filter(pc.equal(kept[column], value))
    return kept


def mean_over_pairs(values: Sequence[float]) -> tuple[float, float, float, int]:
    """Mean of one number a pair, its 95% t interval over pairs, and how many pairs had the number."""
    known = np.array([value for value in values if math.isfinite(value)])
    if len(known) < 2:
        return (float(known.mean()) if len(known) else float("nan")), float("nan"), float("nan"), len(known)
    half = stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known))
    mean = float(known.mean())
    return mean, mean - float(half), mean + float(half), len(known)
