"""What decorates a report once it is written: rows of pictures, what the network sees, all flips."""

from __future__ import annotations

from auditor.atlas.drawings.canvas import png_bytes
from auditor.atlas.look import Seen, look_at
from auditor.candidates.controls import Making, make_controls
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, contact_sheet, open_scene
from auditor.run.stages.examples import flipped_pictures
from auditor.run.stages.rows import draw_rows
from auditor.run.stages.trials import TRIALS, open_bench

CONTACT_SHEET = "pictures/contact-sheet.webp"
"""All candidates with the flips that were counted; the run folder's own was drawn before any were."""


def _make(run: Run, folder: RunFolder) -> Facts:
    """Rows of pictures, and what the network sees in a flipped one before and after, of as many as configured."""
    trials, patches = run.get(TRIALS), run.get(CANDIDATES).patches
    survey = trials.outcome.survey
    if survey:
        flips = {row.candidate.id: (row.flips, row.eligible) for row in survey}
        folder.write(CONTACT_SHEET, contact_sheet(run, patches, flips))
    drawn = 0
    if not trials.confirmed:
        return {"looks": drawn}
    bench = open_bench(run, folder)
    controls = make_controls(Making(open_scene(run), atlas_of_controls(run)))
    draw_rows(folder, bench, trials.confirmed, patches, controls)
    if run.config.atlas.looks and run.inputs.mapped:
        vectors = run.get(ATLAS).samples.vectors
        path_of = {image.key: image.path for image in bench.table.pool.images}
        for one in flipped_pictures(bench, trials.confirmed, patches, run.config.atlas.looks, 1):
            path, with_patch = path_of[one.trials.block.image_keys[one.column]], f"with {one.trials.candidate.id}"
            seen = [Seen(one.before, "clean", path), Seen(one.after, with_patch, f"{path} {with_patch} on it")]
            picture = look_at(run.inputs, seen, vectors, run.progress)
            folder.write(f"pictures/look-{one.name}.png", png_bytes(picture))
            drawn += 1
    return {"looks": drawn}


def _read(run: Run) -> None:
    del run


_FILES = ("pictures/look-*", "pictures/ten-*", "pictures/controls-*", CONTACT_SHEET)
LOOKS = Stage("looks", (ATLAS, CANDIDATES, TRIALS), _FILES, _make, _read, needed=_FILES)
