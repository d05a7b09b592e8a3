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
        f"{seconds(estimate.total_seconds)} on this machine ({pieces}) and {memory}"
        f"{may_stop(estimate.looks, estimate.might_stop)}",
    )


def may_stop(looks: Sequence[int], might_stop: Sequence[int]) -> str:
    """That confirmation may end early, or might, after how many pictures; '' where neither."""
    if len(looks) > 1:
        return f"; confirmation may {_stop_at(looks)} (trials.stop_early)"
    if len(might_stop) > 1:
        return f"; with so many pictures trials.stop_early pays: each confirmation might {_stop_at(might_stop)}"
    return ""


def _stop_at(looks: Sequence[int]) -> str:
    *earlier, every = looks
    return f"stop at {', '.join(map(str, earlier))} of {every} pictures"
