"""Two finished runs held against each other: the same patches, places and pictures. It loads no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.core.errors import StoreError
from auditor.core.records import AuditResult, Candidate, Placement, Split, Verdict
from auditor.core.records.comparison import Change, Comparison, LeftOut, Side
from auditor.report.summary import eligible
from auditor.run.beside.patches import FOLDER
from auditor.run.folder import RunFolder
from auditor.run.review import reviewed_result
from auditor.statistics.comparison import changes_of, worst_word
from auditor.statistics.paired import PairedCounts, paired_counts

_DRAWN = ["centre_y", "centre_x", "side_px", "rotation", "tilt_y", "tilt_x", "brightness", "contrast"]
"""What says where and how a patch lies, of a row of trials.parquet."""

MARGIN = 0.05
"""A change of a flip rate up to this does not count as worse, a fraction."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A finished run, with its candidates by the sha256 of their pixels, and their pastes on confirmation pictures."""

    folder: RunFolder
    result: AuditResult
    by_pixels: Mapping[str, Candidate]
    pastes: pd.DataFrame
    images: frozenset[str]

    @property
    def words(self) -> dict[tuple[str, Placement], Verdict]:
        """What the run says of each confirmed candidate under each placement."""
        return {(finding.candidate.id, finding.placement): finding.word for finding in self.result.findings}

    def share(self, candidate: str, placement: Placement) -> float:
        """What the look that ended a candidate's pictures may spend of an error; 1.0 where they were taken at once.

        Of two runs the pictures compared are ended by a look of each, so that their shares are multiplied: over all
        pairs of looks the products add up to 1.
        """
        ended = [
            finding.stopping.share
            for finding in self.result.findings
            if (finding.candidate.id, finding.placement) == (candidate, placement) and finding.stopping is not None
        ]
        return ended[0] if ended else 1.0

    def of(self, candidate: str, placement: Placement) -> pd.DataFrame:
        """Pastes of a candidate, one row a picture and variant."""
        rows = self.pastes[(self.pastes["candidate"] == candidate) & (self.pastes["placement"] == str(placement))]
        return rows.set_index(["image", "variant"]).sort_index()


def compare_runs(first: RunFolder, second: RunFolder, margin: float = MARGIN) -> Comparison:
    """Whether what the first run found is better or worse in the second one.

    What either run confirmed is compared, at each placement, on the pictures that are eligible in both: pixels of patch
    and picture, and every draw of the paste, have to be the same.

    Args:
        margin: a change of a flip rate up to this does not count as worse, in [0, 1).
    Raises:
        StoreError: a run is not finished, or they have nothing in common to compare; says what and how to go on.
    """
    one, other = _opened(first), _opened(second)
    pair = (one.result.source.name, one.result.target.name)
    if pair != (other.result.source.name, other.result.target.name):
        raise StoreError(
            f"{first.path} audits {' → '.join(pair)} and {second.path} "
            f"{other.result.source.name} → {other.result.target.name}; runs of one pair can be compared"
        )
    shared = one.images & other.images
    if not shared:
        raise StoreError(
            f"{first.path} and {second.path} share no confirmation picture; audit both models on the same pictures, "
            "with the same seed, so that they are split alike"
        )
    confidence = one.result.limits.confidence
    compared, left_out = _compared(one, other)
    if not compared:
        why = f" ({left_out[0].name}: {left_out[0].why})" if left_out else ""
        raise StoreError(
            f"no patch that {first.path} or {second.path} confirmed can be compared{why}; try patches of the first "
            "run, copied from its candidates folder, on the second model: auditor trial SECOND.toml --patches FOLDER, "
            "and compare with the folder under patch-trials that it names"
        )
    changes = _changes(one, other, compared, margin, confidence)
    return Comparison(
        source=pair[0],
        target=pair[1],
        first=_side(one),
        second=_side(other),
        changes=tuple(sorted(changes, key=lambda change: (-change.change, change.candidate.id))),
        left_out=tuple(left_out),
        images=len(shared),
        margin=margin,
        confidence=confidence,
        verdict=worst_word([change.word for change in changes]),
    )


@dataclass(frozen=True, slots=True)
class _Pairing:
    """A patch under one placement, as both runs know it, and its table of pictures."""

    mine: Candidate
    theirs: Candidate
    placement: Placement
    variants: int
    table: PairedCounts


def _opened(folder: RunFolder) -> _Opened:
    result = reviewed_result(folder)
    candidates = [row.candidate for row in result.survey] + [finding.candidate for finding in result.findings]
    columns = ["image", "split", "candidate", "control", "placement", "variant", "flip", *_DRAWN]
    pastes = folder.read_table("trials.parquet").select(columns).to_pandas()
    own = pastes[(pastes["split"] == str(Split.CONFIRMATION)) & (pastes["control"] == "")]
    by_pixels = {one.sha256: one for one in candidates}
    return _Opened(folder, result, by_pixels, own, frozenset(own["image"]))


def _side(one: _Opened) -> Side:
    result = one.result
    subject, begun = result.subject, str(one.folder.manifest().get("begun", ""))
    inside = one.folder.path.parent  # patches that were brought are tried inside of a run
    name = f"{inside.parent.name}/{inside.name}/{result.run}" if inside.name == FOLDER else result.run
    return Side(name, subject.model, subject.weights_sha256, begun, eligible(result), result.verdict)


def _compared(one: _Opened, other: _Opened) -> tuple[list[_Pairing], list[LeftOut]]:
    """What both runs measured of all that one of them confirmed, and what cannot be compared, with why."""
    found: list[_Pairing] = []
    left_out: list[LeftOut] = []
    confirmed = {(finding.candidate.sha256, finding.placement): True for finding in one.result.findings}
    for finding in other.result.findings:
        confirmed.setdefault((finding.candidate.sha256, finding.placement), False)
    for (pixels, placement), in_first in confirmed.items():
        mine, theirs = one.by_pixels.get(pixels), other.by_pixels.get(pixels)
        if mine is None or theirs is None:
            known, missing = (mine or theirs), (other if theirs is None else one)
            if known is not None:
                why = f"its pixels were never tried in {missing.folder.path}"
                left_out.append(LeftOut(f"{known.id} {known.name}", pixels, str(placement), in_first, why))
            continue
        pastes, others = one.of(mine.id, placement), other.of(theirs.id, placement)
        both = pastes.index.intersection(others.index)
        said = _unlike(pastes, others, both, placement)
        if said:
            left_out.append(LeftOut(f"{mine.id} {mine.name}", pixels, str(placement), in_first, said))
            continue
        variants = len(both.get_level_values("variant").unique())
        table = paired_counts(_flipped(others, both), _flipped(pastes, both))
        found.append(_Pairing(mine, theirs, placement, variants, table))
    return found, left_out


def _unlike(pastes: pd.DataFrame, others: pd.DataFrame, both: pd.Index, placement: Placement) -> str:
    """Why two sets of pastes cannot be compared, or ""."""
    if pastes.empty or others.empty:
        return f"it was not tried under {placement} placement in both runs"
    if len(both) == 0:
        return "no picture is eligible in both runs"
    variants = [set(rows.index.get_level_values("variant")) for rows in (pastes, others)]
    if variants[0] != variants[1] or not np.array_equal(pastes.loc[both, _DRAWN], others.loc[both, _DRAWN]):
        return f"under {placement} placement it lay elsewhere, or at another size, in the other run"
    return ""


def _flipped(pastes: pd.DataFrame, both: pd.Index) -> np.ndarray:
    """(N,) whether each picture flips under any variant, in the order of the pictures."""
    return np.asarray(pastes.loc[both, "flip"].groupby(level="image").any().to_numpy(), dtype=np.bool_)


def _changes(
    one: _Opened, other: _Opened, compared: Sequence[_Pairing], margin: float, confidence: float
) -> list[Change]:
    words, other_words = one.words, other.words
    shares = [
        one.share(pairing.mine.id, pairing.placement) * other.share(pairing.theirs.id, pairing.placement)
        for pairing in compared
    ]
    measured = changes_of([pairing.table for pairing in compared], margin, confidence, shares)
    return [
        Change(
            candidate=pairing.mine,
            other_id=pairing.theirs.id,
            placement=str(pairing.placement),
            variants=pairing.variants,
            images=pairing.table.n,
            first_flips=pairing.table.both + pairing.table.second_only,
            second_flips=pairing.table.both + pairing.table.first_only,
            change=said.change,
            interval=said.interval,
            p_worse=said.p_worse,
            p_not_worse=said.p_not_worse,
            first_word=words.get((pairing.mine.id, pairing.placement)),
            second_word=other_words.get((pairing.theirs.id, pairing.placement)),
            word=said.word,
        )
        for pairing, said in zip(compared, measured, strict=True)
    ]


def pictures_of(first: RunFolder, comparisons: Sequence[Comparison]) -> dict[str, bytes]:
    """PNG of each compared patch, by `candidate-<id>`; what is missing is left out."""
    names = {change.candidate.id for one in comparisons for change in one.changes}
    return {f"candidate-{name}": first.read(file) for name in names if first.has(file := f"candidates/{name}.png")}
