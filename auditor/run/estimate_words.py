"""An estimate in words: the lines that `auditor check` prints, and `auditor run` before it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.records import Split
from auditor.report.numbers import how_many, seconds
from auditor.run.estimate import Estimate


def estimate_lines(estimate: Estimate) -> tuple[str, ...]:
    """Eligible pictures beside what a pass takes, and then passes, time and memory."""
    counted = ", ".join(f"{split} {of_split} of {used}" for split, (of_split, used) in estimate.eligible.items())
    there, _ = estimate.eligible[Split.CONFIRMATION]
    short = "" if there >= estimate.needed else f"; {there} are too few, so add source pictures"
    memory = f"{estimate.memory / 2**30:.1f} GiB of memory"
    pieces = ", ".join(f"{name} {seconds(one)}" for name, one in estimate.seconds.items())
    return (
        f"eligible source pictures: {counted}",
        f"a pass takes {estimate.needed} for confirmation where nothing flips{short}",
        f"ahead: at most {how_many(estimate.workload.passes, 'picture')} through the network or a part of it, about "
        f"{seconds(estimate.total_seconds)} on this machine ({pieces}) and {memory}{may_stop(estimate.looks)}",
    )


def may_stop(looks: Sequence[int]) -> str:
    """That confirmation may end early, after how many pictures; '' where it may not."""
    if len(looks) < 2:
        return ""
    *earlier, every = looks
    return f"; confirmation may stop at {', '.join(map(str, earlier))} of {every} pictures (trials.stop_early)"
