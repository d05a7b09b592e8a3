"""Do trials in bfloat16 or compiled end in the verdicts of float32? Finished runs confirmed again, pixel by pixel.

    python -m benchmarks.trials.quick_verdicts RUN … [--precision tf32 | bfloat16] [--compile]

Of each run the confirmed patches and all their controls are pasted again on the same pictures and spots, on the network
that `[compute]` would have had trials run with these settings; where it declined, nothing is measured, and it is said
why. Told are pastes that the copy alone answers otherwise than the run's float32 network did, those that differ in the
end, the flips among them, findings with another verdict, and the largest change of an uplift in points. It writes
nothing.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from auditor.candidates.confirmation import trial_of
from auditor.candidates.controls import Making, make_controls, steps
from auditor.core.config import ComputeConfig
from auditor.core.progress import Silence
from auditor.core.records.trials import ConfirmedTrials
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.quick import InTwoSteps, QuickComparison, quick_copy
from auditor.run.audit import stored_config
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.candidates import CANDIDATES, atlas_of_controls, open_scene
from auditor.run.stages.clean import CLEAN, folded_network, predict_pictures
from auditor.run.stages.images import IMAGES
from auditor.run.stages.trials import open_table
from auditor.statistics.findings import make_findings
from auditor.trials.blocks import on_pictures
from benchmarks.trials.early_stopping import Recorded, recorded


class Noting(Classifier):
    """A quicker copy, and which class it calls, picture by picture."""

    def __init__(self, copy: Classifier) -> None:
        vars(self).update(vars(copy))
        self._copy = copy
        self.alone: list[Tensor] = []

    def logits_(self, images: Tensor, finite: bool = True) -> Tensor:
        said = self._copy.logits_(images, finite)
        self.alone.append(said.argmax(dim=1))
        return said


@dataclass
class Compared:
    """Pastes; those that differ: of the copy alone, in the end, and in whether they flip."""

    pastes: int = 0
    alone: int = 0
    in_the_end: int = 0
    flips: int = 0
    again: list[ConfirmedTrials] = field(default_factory=list)


def confirmed_again(run: Run, before: Recorded, network: Classifier, copy: Noting) -> Compared:
    """Everything that was confirmed, pasted again on a network that is the copy, or that the copy goes before."""
    table = replace(run.open(open_table), classifier=network, progress=Silence(), _sweeps={})
    patches = {patch.candidate.id: patch for patch in run.get(CANDIDATES).patches}
    controls = {one.name: one for one in make_controls(Making(open_scene(run), atlas_of_controls(run)))}
    found = Compared()
    for one in before.trials:
        blocks = {}
        for name, known in {"": one.block, **one.controls}.items():
            copy.alone.clear()
            measured = table.measure(trial_of(patches[one.candidate.id], one.placement, controls.get(name)))
            alone = torch.cat(copy.alone).cpu().numpy().reshape(len(measured.variants), -1)
            order = [measured.image_keys.index(key) for key in known.image_keys]
            blocks[name] = on_pictures(measured, known.image_keys)
            found.pastes += known.patched.size
            found.alone += int((alone[:, order] != known.patched).sum())
            found.in_the_end += int((blocks[name].patched != known.patched).sum())
            found.flips += int((blocks[name].flips != known.flips).sum())
        own = blocks.pop("")
        found.again.append(ConfirmedTrials(one.candidate, one.placement, own, blocks, steps()))
    return found


def of_run(folder: Path, compute: ComputeConfig) -> str:
    """One run in one line."""
    opened = RunFolder.open(folder)
    before = recorded(opened)
    if before is None:
        return f"{folder}: it confirmed nothing, or may have stopped early"
    config = stored_config(opened).model_copy(update={"compute": compute})
    run = Run(opened, config, Silence(), checks=False)
    target, network = run.inputs.target.indices, run.open(folded_network)
    comparison, clean = QuickComparison(network, compute, target), run.get(CLEAN)
    predict_pictures(run.inputs, run.get(IMAGES), clean.rows, Silence(), comparison.see)
    quick = comparison.quick(len(clean.rows))
    if not quick.used:
        return f"{before.name}: trials run {quick.words}"
    copied = Noting(quick_copy(network, compute))
    in_two_steps = compute.precision != "float32"
    found = confirmed_again(run, before, InTwoSteps(network, copied, quick.within) if in_two_steps else copied, copied)
    first, second = (
        {(one.candidate.id, one.placement): one for one in make_findings(trials, before.limits, {}, before.chosen_from)}
        for trials in (before.trials, found.again)
    )
    changed = sum(first[key].word != second[key].word for key in first)
    most = 100 * float(np.max([abs(first[key].uplift - second[key].uplift) for key in first]))
    return (
        f"{before.name}: trials run {quick.words}; of {found.pastes:,} pastes the copy alone answers {found.alone:,} "
        f"otherwise than float32, in the end {found.in_the_end:,} differ, of them {found.flips:,} flips; verdicts "
        f"changed: {changed} of {len(first)}; largest change of an uplift {most:.2f} points"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    compute = ComputeConfig(precision=options.precision, compile=options.compile)
    for folder in options.runs:
        print(of_run(folder, compute), flush=True)


if __name__ == "__main__":
    main()
