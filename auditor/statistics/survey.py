"""The survey of everything tried: did the suggestions help? Runs no model and opens no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.core.errors import NoEligibleImagesError
from auditor.core.records import Candidate, Correlation, SuggestionValidity, SurveyRow
from auditor.core.records.trials import TrialBlock
from auditor.statistics.multiplicity import benjamini_hochberg
from auditor.statistics.ranking import noise_free_correlation
from auditor.statistics.suggestions import compare_with_chance, group_mean
from auditor.statistics.uplift import over_every_control

PRECISION_AT = 10


def survey_rows(
    candidates: Sequence[Candidate],
    selection: Mapping[str, TrialBlock],
    confirmation: Mapping[str, TrialBlock],
    controls: Mapping[str, TrialBlock],
    confirmed: Sequence[str],
) -> tuple[SurveyRow, ...]:
    """Every tried candidate on the confirmation pictures against the survey's shared controls.

    Args:
        selection, confirmation: blocks by candidate id; selection may lack candidates that went straight on.
        controls: the shared controls on the confirmation pictures.
        confirmed: ids that got controls of their own.
    Returns:
        Rows in the order of `candidates`; q-values by Benjamini and Hochberg over all rows.
    """
    shared = {name: block.outcomes for name, block in controls.items()}
    rows = []
    for candidate in candidates:
        outcomes = confirmation[candidate.id].outcomes
        uplift, p_value = over_every_control(outcomes, shared)
        chosen_on = selection.get(candidate.id)
        rows.append(
            SurveyRow(
                candidate=candidate,
                selection_flips=int(chosen_on.outcomes.sum()) if chosen_on else 0,
                selection_eligible=len(chosen_on.outcomes) if chosen_on else 0,
                flips=int(outcomes.sum()),
                eligible=len(outcomes),
                uplift=uplift,
                p_value=p_value,
                q_value=1.0,
                confirmed=candidate.id in confirmed,
            )
        )
    q_values = benjamini_hochberg([row.p_value for row in rows])
    return tuple(replace(row, q_value=q_value) for row, q_value in zip(rows, q_values, strict=True))


def suggestion_validity(
    candidates: Sequence[Candidate],
    confirmation: Mapping[str, TrialBlock],
    controls: Mapping[str, TrialBlock],
    confidence: float,
    seed: int,
) -> SuggestionValidity | None:
    """Both readings of push against measured uplift over all crops, and suggested against random crops of their tiers.

    Other shapes of a crop, and pairs, are left out: random crops have none, and like is compared with like.
    Uplift here is taken against the shared control that flips most. None where no crop was tried.
    """
    crops = [candidate for candidate in candidates if candidate.is_plain_crop]
    if not crops or not controls:
        return None
    outcomes = np.stack([confirmation[crop.id].outcomes for crop in crops]).astype(np.float64)
    strongest = max(controls, key=lambda name: (int(controls[name].outcomes.sum()), name))
    baseline = controls[strongest].outcomes.astype(np.float64)
    beats = outcomes.sum(axis=1) > baseline.sum()
    if not outcomes.shape[1]:
        raise NoEligibleImagesError("the suggestions cannot be checked without eligible confirmation images")
    observed = np.array([crop.observed_push for crop in crops])
    predicted = np.array([crop.predicted_push for crop in crops])
    random = np.array([crop.is_random_crop for crop in crops])
    contrast = np.array([crop.is_strongest_contrast for crop in crops])
    comparisons = compare_with_chance(crops, confirmation, confidence, seed)
    if not comparisons:
        return None
    together = comparisons[-1]

    def correlation(push: NDArray[np.float64]) -> Correlation:
        return noise_free_correlation(push, outcomes, baseline, confidence, seed)

    return SuggestionValidity(
        observed_push=correlation(observed),
        predicted_push=correlation(predicted),
        suggested=together.suggested,
        random=together.random,
        difference=together.difference,
        difference_interval=together.interval,
        control=strongest,
        strongest_contrast=group_mean([outcomes[contrast]], confidence, seed) if contrast.any() else None,
        precision_predicted=_precision(predicted, beats),
        precision_observed=_precision(observed, beats),
        precision_random=(int(beats[random].sum()), int(random.sum())),
        comparisons=comparisons,
    )


def _precision(push: NDArray[np.float64], beats: NDArray[np.bool_]) -> tuple[int, int]:
    """Of the ten crops with the highest push, how many beat the control, and of how many; of equals the earlier."""
    known = np.flatnonzero(~np.isnan(push))
    first = known[np.argsort(-push[known], kind="stable")][:PRECISION_AT]
    return int(beats[first].sum()), len(first)
