"""The survey: everything tried, on as many confirmation pictures as its question needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from auditor.candidates.confirmation import shared_controls, try_all
from auditor.core.records import Placement, Split, SuggestionValidity
from auditor.core.records.trials import TrialBlock
from auditor.statistics.survey import suggestion_validity
from auditor.statistics.survey_size import level_of_a_look, settled, survey_steps
from auditor.trials.bench import Bench
from auditor.trials.blocks import join_blocks, on_pictures
from auditor.trials.patch import Patch


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Everything tried by its id, and the controls that all share by their names, on the same confirmation pictures;
    and whether the suggestions helped."""

    tried: Mapping[str, TrialBlock]
    shared: Mapping[str, TrialBlock]
    validity: SuggestionValidity | None


def surveyed(bench: Bench, patches: Sequence[Patch], chosen: Collection[str], placement: Placement) -> Surveyed:
    """Measure everything tried, on few confirmation pictures first and on more while the answer is open.

    The question is whether suggested crops flip more than random ones. It is asked after `candidates.survey_images`
    pictures, after four times as many, and so on; each time at a confidence at which all answers hold together. The
    pictures come in the order of their keys, which are hashes, so any first part is a fair sample. What is confirmed
    at this placement is measured on all pictures anyway, unless it may stop early: of that, these pictures are taken.

    Args:
        chosen: ids of what will be confirmed.
    """
    config, candidates = bench.config, [patch.candidate for patch in patches]
    steps = survey_steps(bench.eligible(Split.CONFIRMATION), config.candidates.survey_images)
    level = level_of_a_look(config.limits.confidence, len(steps))

    def answered(tried: Mapping[str, TrialBlock], shared: Mapping[str, TrialBlock]) -> Surveyed:
        return Surveyed(tried, shared, suggestion_validity(candidates, tried, shared, level, config.seed))

    if len(steps) == 1:
        return answered(try_all(bench, patches, Split.CONFIRMATION, placement), shared_controls(bench, placement))
    whole_ones = () if config.trials.stop_early else chosen
    confirmed = [patch for patch in patches if patch.candidate.id in whole_ones and patch.candidate.spot is None]
    whole = try_all(bench, confirmed, Split.CONFIRMATION, placement)
    others = [patch for patch in patches if patch.candidate.id not in whole]
    parts: list[dict[str, TrialBlock]] = []
    controls: list[dict[str, TrialBlock]] = []
    for part in steps:
        parts.append(try_all(bench, others, Split.CONFIRMATION, placement, part))
        controls.append(shared_controls(bench, placement, part))
        shared = _joined(controls)
        pictures = next(iter(shared.values())).image_keys
        measured = _joined(parts) | {identity: on_pictures(block, pictures) for identity, block in whole.items()}
        answer = answered({one.id: measured[one.id] for one in candidates}, shared)
        if settled(answer.validity):
            break
    return answer


def _joined(parts: Sequence[Mapping[str, TrialBlock]]) -> dict[str, TrialBlock]:
    return {name: join_blocks([part[name] for part in parts]) for name in parts[0]}
