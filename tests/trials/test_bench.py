"""Files of trials: a block is read back where the very same is asked for, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from auditor.core.records import Placement, Split
from auditor.core.records.trials import TrialName
from auditor.trials.bench import Trial, block_file
from auditor.trials.stand_ins import Changed, Control, CutFromPictures, grey

CENTRES = np.array([(0.2, 0.4), (0.6, 0.1)])


def asked(control: Control | None, pixel: int = 7) -> Trial:
    name = TrialName(Split.CONFIRMATION, "c-001", "" if control is None else control.name, Placement.FIXED)
    return Trial(name, np.full((4, 3, 3), pixel, dtype=np.uint8), control=control)


def test_other_pixels_parts_and_places_to_cut_are_other_blocks() -> None:
    quiet = Control("quiet crop", CutFromPictures(np.array([3, 5]), CENTRES))
    trials = [
        asked(None),
        asked(None, pixel=8),
        replace(asked(None), part=(0, 4)),
        asked(Control("grey", Changed(grey))),
        asked(quiet),
        replace(asked(quiet), part=(0, 4)),
        asked(Control("quiet crop", CutFromPictures(np.array([3, 6]), CENTRES))),
        asked(Control("quiet crop", CutFromPictures(np.array([3, 5]), CENTRES[::-1].copy()))),
        asked(Control("quiet crop", CutFromPictures(np.array([3, 5])))),
    ]
    files = [block_file(trial) for trial in trials]
    assert len(set(files)) == len(files)
    same = Control("quiet crop", CutFromPictures(np.array([3, 5]), CENTRES.copy()))
    assert block_file(asked(same)) == files[4]
    assert files[0].startswith("cache/trials/confirmation--c-001--x--fixed--")
