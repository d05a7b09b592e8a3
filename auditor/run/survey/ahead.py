"""What a survey will take: passes counted from its settings and pictures, each kind timed on a few of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.core.config import AuditConfig
from auditor.core.progress import Progress, Silence
from auditor.core.records import Split
from auditor.report.numbers import how_many, seconds
from auditor.run.audit import new_run
from auditor.run.stage import Run
from auditor.run.stages.clean import CLEAN
from auditor.run.survey.begin import open_survey
from auditor.run.survey.confirmed import RANDOM
from auditor.run.survey.crops import CROPS, NEWS, Crops
from auditor.run.survey.pasting import DRAWS, Some, open_pasting
from auditor.run.survey.pictures import Pictures, pictures_of
from auditor.run.survey.screened import open_screening


@dataclass(frozen=True, slots=True)
class Ahead:
    """Passes by kind, and the seconds that each kind takes on this machine.

    Attributes:
        sources, classes: that pictures are tried on (1: all classes together, if that is asked for), and of the model.
        passes: by what they are; of trials in pixels at most, since crops of several pairs are pasted once.
    """

    sources: int
    classes: int
    passes: dict[str, int]
    seconds: dict[str, float]

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        counted = ", ".join(f"{name} {count:,}" for name, count in self.passes.items())
        timed = ", ".join(f"{name} {seconds(taken)}" for name, taken in self.seconds.items())
        return (
            f"{how_many(self.sources, 'source')}, {how_many(self.classes, 'target')}",
            f"ahead: at most {how_many(sum(self.passes.values()), 'pass', 'passes')} ({counted})",
            f"about {seconds(sum(self.seconds.values()))} on this machine ({timed}), reading apart",
        )


def ahead_of(config: AuditConfig, progress: Progress) -> Ahead:
    """Read the pictures, predict them, and time a few passes of each kind; nothing stays on the disk.

    Raises:
        AuditorError: what the survey itself would end in.
    """
    with tempfile.TemporaryDirectory(prefix="auditor-survey-") as folder:
        run = open_survey(new_run(config, Path(folder) / "survey"), config, progress)
        passes = counted(config, pictures_of(run), run.get(CROPS), len(run.inputs.class_names))
        tail, whole = _timed(run)
        taken = {name: count * (tail if name == SCREENING else whole) for name, count in passes.items()}
        passes = {"clean pictures": run.fact(CLEAN, "pictures"), **passes}
        return Ahead(len(pictures_of(run).sources), len(run.inputs.class_names), passes, taken)


SCREENING = "screening"


def counted(config: AuditConfig, pictures: Pictures, crops: Crops, classes: int) -> dict[str, int]:
    """Passes of each step, at most."""
    wanted, sources, number = config.survey, len(pictures.sources), len(crops)
    rows = {split: len(pictures.together(split)[0]) for split in Split}
    each = {split: max(map(len, pictures.rows[split].values())) for split in Split}
    pairs = min(wanted.pairs, pictures.pairs(classes))
    # targets of which a crop may go on at its own place, where it has coverings of its own
    at_own = {int(crops.labels[one]) for one in range(crops.in_corner, number) if crops.own[one] in NEWS}
    own_pairs = min(pairs, sum(source != target for source in pictures.sources for target in at_own))
    tried = pairs * (wanted.tried + 1) + own_pairs * wanted.tried
    features = 0 if wanted.together else wanted.features
    chosen = min(pairs + sources * (features + RANDOM), sources * number)
    kinds = 3 if wanted.together else 2  # source crops of either half of all classes
    coverings = (kinds * DRAWS + 1) * rows[Split.CONFIRMATION] + (kinds + 1) * own_pairs * each[Split.CONFIRMATION]
    return {
        SCREENING: number * rows[Split.DISCOVERY],
        "selection": min(tried, sources * number) * each[Split.SELECTION],
        "confirmation": chosen * each[Split.CONFIRMATION] + coverings,
    }


def _timed(run: Run) -> tuple[float, float]:
    """Seconds of a screened picture, and of a pasted one."""
    screening, crops = replace(open_screening(run), progress=Silence()), len(run.get(CROPS))
    some = range(min(crops, 2 * screening.screen.patches_together))
    tail = _shortest(lambda: screening.look(some)) / (len(some) * len(screening.sources))
    pasting = open_pasting(run)
    source = pasting.pictures.sources[0]
    count = len(pasting.rows(Split.SELECTION, source))
    one = Some(Split.SELECTION, source, tuple(range(min(crops, 4))), count)
    return tail, _shortest(lambda: pasting.logits(one)) / one.pastes


def _shortest(do: Callable[[], object]) -> float:
    """Seconds of the shorter of two calls, after one that pays for what is set up once."""
    do()
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        do()
        taken.append(time.perf_counter() - started)
    return min(taken)
