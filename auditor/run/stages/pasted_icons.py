"""Icons of the atlas of patches as pasted, rendered and kept as those of the pair's; the sheets' stage takes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from auditor.atlas.icons.objective import Whitening
from auditor.atlas.kinds import Atlas
from auditor.atlas.vectors import second_moment
from auditor.candidates.pasted_icons import UnderPatch
from auditor.candidates.screening import Background
from auditor.core.errors import StoreError
from auditor.core.records import PixelArray
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.atlas import folder_of_layer
from auditor.run.stages.candidates import CANDIDATES, open_screen, pasted_vectors
from auditor.run.stages.icons import Studio, cells_with_icons, make_icons, read_icons

PASTED_ICONS = "cache/pasted-icons"


def icons_of_pasted(run: Run, folder: RunFolder, pasted: Atlas, number: int = 0) -> Mapping[str, PixelArray]:
    """Icons by cell, (3, s, s) uint8: rendered where they are not there already. None where none are asked for.

    Args:
        number: of the run's layer that the atlas is of, from 0.
    """
    cells, place = cells_with_icons(pasted, run.config.atlas.pasted_icons), folder_of_layer(PASTED_ICONS, number)
    if cells:
        make_icons(folder, cells, run, hands(run, partial(_studio, number=number)), place)
    return read_icons(folder, cells, place)


def _studio(run: Run, number: int) -> Studio:
    proposals, screen = run.get(CANDIDATES), run.open(open_screen)
    if proposals.pasted is None:
        raise StoreError(f"{run.folder.path} holds no atlas of patches as pasted; run 'auditor suggest' on it first")
    pasted = proposals.all_pasted[number]
    whitening = Whitening(second_moment(pasted_vectors(run, pasted)))
    background = screen.common
    if number:
        background = Background(run.inputs.by_layer[number].cut, background.picture, screen.side_px)
    return Studio(run, whitening, UnderPatch(background), number)
