"""Icons of the atlas of patches as pasted, rendered and kept as those of the pair's; the sheets' stage takes them."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.atlas.icons.objective import Whitening
from auditor.atlas.kinds import Atlas
from auditor.atlas.vectors import second_moment
from auditor.candidates.pasted_icons import UnderPatch
from auditor.core.errors import StoreError
from auditor.core.records import PixelArray
from auditor.run.engines import hands
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.candidates import CANDIDATES, open_screen, pasted_vectors
from auditor.run.stages.icons import Studio, cells_with_icons, make_icons, read_icons

PASTED_ICONS = "cache/pasted-icons"


def icons_of_pasted(run: Run, folder: RunFolder, pasted: Atlas) -> Mapping[str, PixelArray]:
    """Icons by cell, (3, s, s) uint8: rendered where they are not there already. None where none are asked for."""
    cells = cells_with_icons(pasted, run.config.atlas.pasted_icons)
    if cells:
        make_icons(folder, cells, run, hands(run, _studio), PASTED_ICONS)
    return read_icons(folder, cells, PASTED_ICONS)


def _studio(run: Run) -> Studio:
    pasted = run.get(CANDIDATES).pasted
    if pasted is None:
        raise StoreError(f"{run.folder.path} holds no atlas of patches as pasted; run 'auditor suggest' on it first")
    whitening = Whitening(second_moment(pasted_vectors(run, pasted)))
    return Studio(run, whitening, UnderPatch(run.open(open_screen).common))
