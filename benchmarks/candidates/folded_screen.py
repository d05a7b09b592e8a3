"""What the linear rung costs with the network as it is and with its batch norms folded, in one process.

    python -m benchmarks.candidates.folded_screen RUN [--crops 512] [--rounds 5]

The run is a finished one. Both screens see the same random crops in turns; told are processor seconds for 10,000
crops, user and system, the median of the rounds' ratios, and how far pushes and features differ. Baseline: the network
as it is.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from auditor.candidates.linear import LinearScreen
from auditor.candidates.pasted_shards import Pasted
from auditor.candidates.screening import TailScreen
from auditor.core.progress import Silence
from auditor.core.records import PixelArray
from auditor.inputs.model.folded_cut import folded_cut
from auditor.run.audit import open_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.stages.clean import CLEAN, folded_network
from auditor.run.stages.images import IMAGES
from benchmarks.candidates.pages import table
from benchmarks.candidates.pairs import PILOTS, Opened


def seen(screen: LinearScreen, crops: list[PixelArray]) -> tuple[Pasted, float, float]:
    """The crops as pasted, and seconds of user and system time."""
    before = os.times()
    pasted = screen.pasted(crops).whole()
    after = os.times()
    return pasted, after.user - before.user, after.system - before.system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = RunFolder.open(options.run)
    run = open_run(folder, stored_config(folder), Silence())
    one = Opened(run, run.inputs, run.get(IMAGES), run.get(CLEAN))
    config, cut = run.inputs.config, run.inputs.cut
    cuts = {"as it is": cut, "norms folded": folded_cut(cut, run.open(folded_network))}
    screens = {
        name: LinearScreen(
            TailScreen(
                cut, one.pool.pixels[one.screening_rows], run.inputs.target, config.trials.size,
                config.compute.batch_size, passes=passes,
            ),
            one.random_crops(PILOTS, "pilots"),
        )
        for name, passes in cuts.items()
    }  # fmt: skip
    crops = one.random_crops(options.crops, "crops")
    for screen in screens.values():
        screen.pasted(crops[: config.compute.batch_size])
    found = {name: [seen(screen, crops) for _ in range(1)] for name, screen in screens.items()}
    for _ in range(options.rounds - 1):
        for name, screen in screens.items():
            found[name].append(seen(screen, crops))
    base = found["as it is"]
    rows = []
    for name, rounds in found.items():
        ratios = [
            (user + system) / (own_user + own_system)
            for (_, user, system), (_, own_user, own_system) in zip(rounds, base, strict=True)
        ]
        user, system = (float(np.median([each[place] for each in rounds])) for place in (1, 2))
        push, features = (
            float(np.abs(getattr(rounds[0][0], what) - getattr(base[0][0], what)).max()) for what in ("push", "seen")
        )
        many = 10_000 / len(crops)
        rows.append(
            [name, f"{many * user:.1f}", f"{many * system:.1f}", f"{np.median(ratios):.2f}", f"{push:.1e}",
             f"{features:.1e}"]
        )  # fmt: skip
    print(table(["network", "user s for 10,000", "system s", "ratio", "push differs by", "features by"], rows))


if __name__ == "__main__":
    main()
