"""How candidates are made that are not plain crops: of what the search found, brought along, or trained. It ranks none.

A new maker is one new file here, which ends with its `Maker`, and one entry in `MAKERS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from auditor.candidates.makers.brought import BROUGHT
from auditor.candidates.makers.cell_icons import CELL_ICONS
from auditor.candidates.makers.drawn import DRAWN
from auditor.candidates.makers.dreamed import DREAMED
from auditor.candidates.makers.library import LIBRARY
from auditor.candidates.makers.maker import Found, Maker
from auditor.candidates.makers.pairs import PAIRS
from auditor.candidates.makers.shapes import SHAPES
from auditor.candidates.makers.trained import TRAINED
from auditor.trials.patch import Patch

MAKERS: Mapping[str, Maker] = {
    "icons": CELL_ICONS,
    "dreams": DREAMED,
    "shapes": SHAPES,
    "pairs": PAIRS,
    "drawn": DRAWN,
    "library": LIBRARY,
    "patches": BROUGHT,
    "trained": TRAINED,
}
"""By the key of `[candidates]` that asks for them, in the order in which their candidates stand in a run's tables."""


def make_candidates(found: Found, screened: bool) -> list[Patch]:
    """The candidates of every maker whose patches are screened together, or not at all, each with its parents named.

    Raises:
        LayerError: icons are wanted and the network renders at no size that an icon can have.
        PatchError: a patch of the library or of the user's cannot be used.
    """
    makers = [maker for maker in MAKERS.values() if maker.screened is screened and not maker.own_ladder]
    return [patch for maker in makers for patch in maker.make(found)]


def drawn_candidates(found: Found) -> list[Patch]:
    """The candidates of every maker that has a ladder of its own.

    Raises:
        PatchError: a drawing of the library cannot be used.
    """
    return [patch for maker in MAKERS.values() if maker.own_ladder for patch in maker.make(found)]
