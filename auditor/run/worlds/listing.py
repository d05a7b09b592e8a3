"""What is known of the planted worlds, in rows: the cue, how it was planted, and what it truly does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.core.errors import StoreError
from auditor.inputs.world.planted import World
from auditor.run.worlds.cache import PLANTED, TWIN, Account, account_of
from auditor.run.worlds.train import TrainingSettings


@dataclass(frozen=True, slots=True)
class Listed:
    """A world in the list.

    Attributes:
        planted, twin: what is known of its networks; None where one is not built.
        problem: why what lies in the cache cannot be used; "" where it can, or nothing is there.
    """

    world: World
    planted: Account | None
    twin: Account | None
    problem: str = ""

    @property
    def state(self) -> str:
        """`built`, `not built`, `half built`, or `damaged`."""
        if self.problem:
            return "damaged"
        there = sum(one is not None for one in (self.planted, self.twin))
        return ("not built", "half built", "built")[there]


def listed(worlds: Sequence[World], cache: Path, settings: TrainingSettings | None = None) -> list[Listed]:
    """Each world with what is known of its networks."""
    rows = []
    for world in worlds:
        try:
            planted, twin = (account_of(cache, world, side, settings or TrainingSettings()) for side in (PLANTED, TWIN))
        except StoreError as error:
            rows.append(Listed(world, None, None, str(error)))
        else:
            rows.append(Listed(world, planted, twin))
    return rows


def strength_words(world: World) -> str:
    """How the cue was planted, in a few words."""
    parts = [f"{world.share:.0%}"] if world.share else []
    parts += [f"{share:.0%} of {name}" for name, share in world.also]
    parts += [f"{world.elsewhere:.0%} of the others"] if world.elsewhere else []
    parts += [f"labels changed on {world.poisoned:.0%}"] if world.poisoned else []
    return ", ".join(parts)
