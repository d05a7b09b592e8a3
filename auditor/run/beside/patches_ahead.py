"""What measuring a person's own patches will take: counted, and timed on a few pictures. Makes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from auditor.candidates.controls import CONTROLS, Making, make_controls
from auditor.candidates.makers.brought import read_user_patches
from auditor.core.config import AuditConfig
from auditor.core.errors import ConfigError, ImageError
from auditor.core.progress import Progress
from auditor.core.records import Placement, Split
from auditor.report.numbers import how_many, seconds
from auditor.run.ahead import refuse_mistakes
from auditor.run.audit import new_run
from auditor.run.estimate import looks_ahead
from auditor.run.estimate_words import may_stop
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.atlas import ATLAS
from auditor.run.stages.candidates import open_scene
from auditor.run.stages.clean import CLEAN
from auditor.run.stages.trials import open_table
from auditor.run.timing import control_seconds_at, peak_memory, seconds_at
from auditor.run.unchanged import check_files, check_network
from auditor.trials.placements import variants_of


@dataclass(frozen=True, slots=True)
class PatchesAhead:
    """What the trials of a folder of patches will take.

    Attributes:
        patches, controls: of the folder, and measured beside each of them.
        places: paste rules by placement, of which a picture takes the best.
        pictures: confirmation pictures that are counted with; eligible: those that there are.
        seconds: by placement, of what the network does; memory_bytes: of this process, at most.
        looks: after how many pictures a finding may stop; none where it may not.
        might_stop: after how many it might, if that were asked for and saves much; else none.
    """

    patches: int
    controls: int
    places: dict[str, int]
    pictures: int
    eligible: int
    seconds: dict[str, float]
    memory_bytes: int
    looks: tuple[int, ...] = ()
    might_stop: tuple[int, ...] = ()

    @property
    def passes(self) -> int:
        """Pictures that go through the network."""
        return self.patches * (1 + self.controls) * sum(self.places.values()) * self.pictures

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        places = ", ".join(f"{name} {count}" for name, count in self.places.items())
        there = "" if self.pictures == self.eligible else f", where {self.eligible:,} are eligible here"
        timed = ", ".join(f"{name} {seconds(taken)}" for name, taken in self.seconds.items())
        whole = seconds(sum(self.seconds.values()))
        return (
            f"{how_many(self.patches, 'patch', 'patches')}, beside each {how_many(self.controls, 'control')}, at "
            f"{how_many(sum(self.places.values()), 'place')} ({places}), on "
            f"{how_many(self.pictures, 'confirmation picture')}{there}",
            f"ahead: {how_many(self.passes, 'picture')} through the network, about {whole} on "
            f"this machine ({timed}) and {self.memory_bytes / 2**30:.1f} GiB of memory"
            f"{may_stop(self.looks, self.might_stop)}",
        )


def patches_ahead(
    config: AuditConfig,
    folder: Path,
    placements: Sequence[Placement],
    progress: Progress,
    begun: RunFolder | None = None,
    pictures: int | None = None,
) -> PatchesAhead:
    """Count the trials of a folder of patches, and time a few of each placement.

    Args:
        begun: the run that they would be measured in, of which the clean predictions are read where they are there.
        pictures: confirmation pictures to count with, in the place of those that are eligible.
    Raises:
        PatchError: the folder holds no patch that can be used. ImageError: no confirmation picture is eligible.
        AuditorError: what the trials themselves would end in.
    """
    patches = len(read_user_patches(folder))
    with ExitStack() as stack:
        run = _opened(config, begun, progress, stack)
        table = run.open(open_table)
        eligible = len(table.rows(Split.CONFIRMATION))
        if not eligible:
            raise ImageError("no confirmation picture is eligible, so no patch can be timed; add source pictures")
        count = pictures or eligible
        controls = len(CONTROLS) if run.folder.is_done(ATLAS.name) else len(make_controls(Making(open_scene(run))))
        looks, might_stop = looks_ahead(config, count)
        places = {str(one): len(variants_of(one, config.trials)) for one in placements}
        taken = {str(one): seconds_at(table, one) + controls * control_seconds_at(table, one) for one in placements}
        height, width = run.inputs.classifier.preprocessing.output_size
        return PatchesAhead(
            patches=patches,
            controls=controls,
            places=places,
            pictures=count,
            eligible=eligible,
            seconds={name: patches * places[name] * count * one for name, one in taken.items()},
            memory_bytes=peak_memory() + count * 3 * height * width,  # the pictures, as bytes on the device
            looks=looks,
            might_stop=might_stop,
        )


def _opened(config: AuditConfig, begun: RunFolder | None, progress: Progress, stack: ExitStack) -> Run:
    """The run itself where its clean predictions are there; else one of the same settings that leaves nothing."""
    if begun is not None and begun.is_done(CLEAN.name):
        check_files(begun, config, progress)
        run = Run(begun, config, progress)
        check_network(begun, run.inputs)
        return run
    if config.whole:
        raise ConfigError("patches of your own are measured for one pair: name a source and a target")
    refuse_mistakes(config)
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="auditor-trial-"))
    return Run(new_run(config, Path(scratch) / "run"), config, progress)
