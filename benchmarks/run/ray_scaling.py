"""What Ray's engine costs a unit of work, and what a second worker gains: python -m benchmarks.run.ray_scaling

Ray is started on this machine. Three measurements, each through `RayActors.each`, which shares out audits too:

- speed: units that use one processor core each, by two workers and by one, in turns, after all were placed; medians,
  since a machine is not as quick in one minute as in the next;
- overhead: units that do nothing, by one worker: seconds a unit by the clock, and of them the driver's processor time;
- simulation: as many units as are asked for, whose workers sleep, as if a GPU were at work, beside the time they sleep.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import TypeVar

from auditor.core.progress import Silence
from auditor.core.work import Work
from auditor.run.engines import quieten_ray

quieten_ray()

from auditor.run.ray_actors import RayActors  # noqa: E402

T = TypeVar("T", int, float)

BUSY_STEPS = 4_000_000
"""Steps of a loop that keep a core busy for some tenths of a second."""


@dataclass(frozen=True, slots=True)
class Took:
    """Units of work by the clock and in processor time of the driver, both in seconds."""

    units: int
    clock: float
    driver: float


def nothing_opened() -> None:
    """What units need that need nothing."""


def busy(context: None, steps: int) -> int:
    """Keep one core busy; the result depends on the item alone."""
    del context
    total = 0
    for step in range(steps):
        total = (total * 31 + step) % 1_000_003
    return total


def sleeping(context: None, seconds: float) -> float:
    """Wait as a driver of a GPU waits."""
    del context
    time.sleep(seconds)
    return seconds


def timed(engine: RayActors, work: Work[None, T, T], items: list[T]) -> Took:
    """Do a list of units by actors that are placed already.

    Raises:
        RuntimeError: the results are not those of the items in their order.
    """
    clock, driver = time.monotonic(), time.process_time()
    results = list(engine.each(work, items))
    took = Took(len(items), time.monotonic() - clock, time.process_time() - driver)
    if len(results) != len(items) or len(set(results)) > len(set(items)):
        raise RuntimeError("results are missing, or those of equal units differ")
    return took


def started(workers: int) -> RayActors:
    """An engine of that many actors, all of them at work."""
    engine = RayActors(workers, "", False, Silence())
    while any(seat.greeted is not None for seat in engine._seats) or not engine._seats:
        list(engine.each(Work(nothing_opened, sleeping), [0.5] * (2 * workers)))
    return engine


def measured(workers: int, work: Work[None, T, T], items: list[T]) -> Took:
    engine = started(workers)
    try:
        return timed(engine, work, items)
    finally:
        engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=60, help="units of the measurement of speed")
    parser.add_argument("--turns", type=int, default=3, help="turns that one worker and two take")
    parser.add_argument("--empty", type=int, default=5000, help="units of the measurement of overhead")
    parser.add_argument("--units", type=int, default=100_000, help="units of the simulation; 0: none")
    parser.add_argument("--workers", type=int, default=16, help="workers of the simulation")
    parser.add_argument("--sleep", type=float, default=0.02, help="seconds that a unit of the simulation sleeps")
    options = parser.parse_args()
    if options.busy:
        work: Work[None, int, int] = Work(nothing_opened, busy)
        turns = [
            [measured(many, work, [BUSY_STEPS] * options.busy).clock for many in (2, 1)] for _ in range(options.turns)
        ]
        two, one = (statistics.median(clock) for clock in zip(*turns, strict=True))
        print(f"speed: {one:.1f} s by one worker, {two:.1f} s by two: {one / two:.2f} ×")
    if options.empty:
        none = measured(1, Work(nothing_opened, sleeping), [0.0] * options.empty)
        clock, driver = (1000 * seconds / none.units for seconds in (none.clock, none.driver))
        print(f"overhead: {clock:.2f} ms a unit by the clock, {driver:.2f} ms of the driver's processor time")
    if options.units:
        asleep = measured(options.workers, Work(nothing_opened, sleeping), [options.sleep] * options.units)
        ideal = options.units * options.sleep / options.workers
        print(
            f"simulation: {asleep.units} units of {1000 * options.sleep:.0f} ms, {options.workers} workers: "
            f"{asleep.clock:.0f} s for {ideal:.0f} s asleep ({ideal / asleep.clock:.0%}), driver {asleep.driver:.0f} s"
        )


if __name__ == "__main__":
    main()
