"""The confirmation of a run's candidates: on all pictures at once, or looked at on the way and ended where settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from auditor.candidates.confirmation import asked_for, confirm, trial_of
from auditor.candidates.controls import Making, make_controls, steps
from auditor.core.records import Placement, Split, Stopping
from auditor.core.records.trials import ConfirmedTrials, TrialBlock
from auditor.statistics.stopping import look_sizes, settled, stopping_after, stopping_at
from auditor.trials.bench import Bench
from auditor.trials.blocks import join_blocks, on_pictures
from auditor.trials.patch import Patch
from auditor.trials.stand_ins import Control


def confirmed(
    bench: Bench,
    making: Making,
    chosen: Sequence[Patch],
    chosen_from: Mapping[str, int],
    known: Mapping[str, TrialBlock] | None = None,
) -> list[ConfirmedTrials]:
    """Measure the chosen patches with their controls, with `trials.stop_early` each until it is settled.

    Pictures come in the order of their keys, which are hashes, so any first part is a fair sample; of near-copies the
    split holds one. A run that has failed goes on: each finding is measured until it is settled itself, since whoever
    mends the model wants to know of all of them.

    Args:
        chosen_from: as for `statistics.findings.make_findings`.
        known: by id, trials at the first placement that were made before, on a first part of the pictures or on all.
    Raises:
        PatchError: nothing is left of a patch where it is pasted.
    """
    placements, eligible = bench.config.trials.placements, bench.eligible(Split.CONFIRMATION)
    if not bench.config.trials.stop_early:
        return confirm(bench, making, chosen, placements)
    controls = make_controls(making)
    findings = [
        _asked(patch, placement, placements[0], (known or {}).get(patch.candidate.id))
        for patch, placement in asked_for(bench, making, chosen, placements)
    ]
    for look, pictures in enumerate(look_sizes(eligible), start=1):
        still_open = [one for one in findings if not one.ended]
        _look(bench, still_open, controls, pictures)
        for one in still_open:
            one.stopping = stopping_at(eligible, look)
        ends = settled([one.trials() for one in findings], bench.table.inputs.limits, chosen_from)
        for one, end in zip(findings, ends, strict=True):
            one.ended = one.ended or end
        if all(one.ended for one in findings):
            break
    return [one.trials() for one in findings]


def as_they_ended(trials: ConfirmedTrials, eligible: int) -> ConfirmedTrials:
    """Trials read back from a run that may stop early: on the pictures that the controls were pasted on, which are all
    that its numbers rest on, with the look that ended them."""
    pictures = next(iter(trials.controls.values())).image_keys
    own = on_pictures(trials.block, pictures)
    return replace(trials, block=own, stopping=stopping_after(eligible, len(pictures)))


@dataclass(slots=True)
class _Asked:
    """A patch at a placement: its own trials, those of its controls, and the last look at them."""

    patch: Patch
    placement: Placement
    blocks: dict[str, TrialBlock] = field(default_factory=dict)
    stopping: Stopping | None = None
    ended: bool = False

    def seen(self, control: str) -> int:
        """Pictures that a control, or the patch itself (""), was pasted on."""
        return len(self.blocks[control].image_keys) if control in self.blocks else 0

    def trials(self) -> ConfirmedTrials:
        own, controls = self.blocks[""], {name: block for name, block in self.blocks.items() if name}
        pictures = next(iter(controls.values())).image_keys
        candidate = self.patch.candidate
        return ConfirmedTrials(candidate, self.placement, on_pictures(own, pictures), controls, steps(), self.stopping)


def _asked(patch: Patch, placement: Placement, first: Placement, known: TrialBlock | None) -> _Asked:
    """With the trials that are known, in the order of the pictures' keys."""
    asked = _Asked(patch, placement)
    if known is not None and placement is first:  # never a crop's own place, which is no placement to choose
        asked.blocks[""] = on_pictures(known, sorted(known.image_keys))
    return asked


def _look(bench: Bench, asked: Sequence[_Asked], controls: Sequence[Control], stop: int) -> None:
    """Measure what each of these lacks of the first pictures, up to `stop`."""
    missing = [
        (one, name, control, one.seen(name))
        for one in asked
        for name, control in [("", None), *((control.name, control) for control in controls)]
        if one.seen(name) < stop
    ]
    missing.sort(key=lambda each: each[-1])  # the pictures of a part are put on the device once
    trials = [trial_of(one.patch, one.placement, control, (seen, stop)) for one, _, control, seen in missing]
    blocks = bench.measure(trials, f"confirming {len(asked)} findings, up to picture {stop}")
    for (one, name, *_), block in zip(missing, blocks, strict=True):
        one.blocks[name] = join_blocks([one.blocks[name], block]) if name in one.blocks else block
