"""Flips seen again: the flipped pictures of a finding, moved by a few pixels, saved as JPEG, and both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.core.config import AuditConfig
from auditor.core.records import Placement, Split
from auditor.core.records.survival import SurvivalOutcomes
from auditor.core.records.trials import TrialBlock, TrialName
from auditor.trials.bench import Bench, Trial
from auditor.trials.patch import Patch
from auditor.trials.placements import Variant, variants_of

DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Up, down, left and right."""


def see_again(bench: Bench, patch: Patch, placement: Placement, confirmed: TrialBlock) -> SurvivalOutcomes:
    """Paste a patch on pictures that it flips, where it was confirmed, and change the whole picture afterwards.

    The pastes are those of the confirmation, draw by draw. The picture is moved as if the camera had stood a little
    off, patch and photograph together, and compressed as by `trials.effects.compression`.

    Args:
        confirmed: the trials of the patch under that placement, with at least one flip.
    """
    config, identity = bench.config, patch.candidate.id
    flipped = sorted(np.array(confirmed.image_keys)[confirmed.outcomes].tolist())
    wanted = flipped[: config.survival.pictures]
    rules = variants_of(placement, config.trials, patch.candidate.spot)
    name = TrialName(Split.CONFIRMATION, identity, "", placement)
    moved, saved = (
        Trial(name, patch.rgba, frozenset(wanted), variants=variants)
        for variants in (_moved(rules, config), saved_variants(rules, config))
    )
    first, second = bench.measure([moved, saved], f"flips of {identity} seen again")
    columns = [confirmed.image_keys.index(key) for key in first.image_keys]
    of_each = len(rules)
    return SurvivalOutcomes(
        candidate=identity,
        placement=placement,
        flips_in_all=len(flipped),
        flips=confirmed.flips[:, columns],
        shifted=first.flips.reshape(len(DIRECTIONS), of_each, -1),
        saved=second.flips[:of_each],
        both=second.flips[of_each:].reshape(len(DIRECTIONS), of_each, -1),
    )


def survival_pastes(config: AuditConfig, eligible: int) -> int:
    """Pastes that one finding takes at most, on so many eligible confirmation pictures: all of them flipped."""
    most = max(len(variants_of(placement, config.trials)) for placement in config.trials.placements)
    return (2 * len(DIRECTIONS) + 1) * most * min(config.survival.pictures, eligible)


def _moved(rules: Sequence[Variant], config: AuditConfig) -> tuple[Variant, ...]:
    """Every rule with the picture moved, direction by direction."""
    return tuple(
        replace(rule, name=f"{rule.name}: moved {down:+d}, {across:+d}", afterwards=_shift(down, across))
        for down, across in _steps(config)
        for rule in rules
    )


def saved_variants(rules: Sequence[Variant], config: AuditConfig) -> tuple[Variant, ...]:
    """Every rule with the picture saved where it is, and then moved and saved, direction by direction."""
    quality = config.survival.jpeg_quality
    return tuple(
        replace(
            rule,
            name=f"{rule.name}: moved {down:+d}, {across:+d}, JPEG {quality}",
            afterwards=(*_shift(down, across), ("saved_quality", float(quality))),
        )
        for down, across in ((0, 0), *_steps(config))
        for rule in rules
    )


def _steps(config: AuditConfig) -> list[tuple[int, int]]:
    by = config.survival.shift_px
    return [(by * down, by * across) for down, across in DIRECTIONS]


def _shift(down: int, across: int) -> tuple[tuple[str, float], ...]:
    return ("shift_down", float(down)), ("shift_across", float(across))
