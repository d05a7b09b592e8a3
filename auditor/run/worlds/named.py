"""Everything a report names, findings and whole-picture effects together: who comes first, and what shows the cue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.candidates.whole_pictures import FRAME_KIND
from auditor.core.records import BACKGROUND, Candidate, Finding, WholeEffect, WholeFinding, by_reach
from auditor.run.stage import Run
from auditor.run.stages.whole_pictures import lent_backgrounds
from auditor.run.worlds.hits import CueFinder

OF_LENDERS = 0.5
"""An exchanged background shows the cue where at least this share of the pictures that lend theirs does: every changed
picture gets one of them, drawn at random, so the cue is then in most."""

OWN_KINDS: Mapping[str, str] = {"cast": "colour cast", "blur": "sharpness", "frame": FRAME_KIND}
"""World to the kind of effect that is its cue, whoever's pixels it was measured on."""

_BLUR = "a blur"
"""How an effect on sharpness begins that takes fine detail away."""


def named(held: Sequence[Finding], effects: Sequence[WholeFinding]) -> list[Finding | WholeFinding]:
    """Findings that are held and effects, those that reach farthest first (`by_reach`); of equals the finding."""
    found: list[tuple[Finding | WholeFinding, float]] = [(one, one.uplift) for one in held]
    found += by_reach(effects)
    return [one for one, _ in sorted(found, key=lambda each: -each[1])]


def shown(
    run: Run, order: Sequence[Finding | WholeFinding], finder: CueFinder, known: Mapping[str, Candidate]
) -> list[bool]:
    """Whether each shows the cue.

    Args:
        run: a finished one, only read from. known: as for `CueFinder.shown_by`.
    """
    lenders: list[bool] | None = None
    found = []
    for one in order:
        if isinstance(one, Finding):
            found.append(finder.shown_by(one.candidate, known))
            continue
        if one.effect.kind == BACKGROUND and lenders is None:
            lenders = [finder.in_area(path, area) for path, area in lent_backgrounds(run).items()]
        found.append(effect_shows(finder.world.name, one.effect, lenders or ()))
    return found


def effect_shows(world: str, effect: WholeEffect, lenders: Sequence[bool]) -> bool:
    """Whether an effect shows a world's cue: most pictures that lend their background do, or it is the cue's own kind.

    Args:
        lenders: of each of these pictures, whether the cue is seen in it outside what is removed from it.
    """
    if effect.kind == BACKGROUND:
        return bool(lenders) and sum(lenders) >= OF_LENDERS * len(lenders)
    blurs = effect.kind != "sharpness" or effect.words.startswith(_BLUR)
    return OWN_KINDS.get(world) == effect.kind and blurs
