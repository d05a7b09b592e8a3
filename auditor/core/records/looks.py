"""How often confirmation pictures were looked at before a run, as the ledger in its parent folder tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EarlierLook:
    """One look before: by which run, when (UTC, ISO 8601) and what for.

    `pictures` of the run's own confirmation pictures were looked at then, with `patches` different patches.
    """

    run: str
    date: str
    what: str
    pictures: int
    patches: int


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at a run's confirmation pictures before its own, for the same model and pair.

    Attributes:
        earlier: in the order in which they were entered.
        patches: different patches, by their pixels, that were tried in all of them together.
        chosen_from: for candidates that a person brought and whose pixels are among those: candidate id to `patches`,
            the number of hypotheses such a candidate was chosen from.
        problem: why the ledger could not be read or written, or ""; looks may then be missing.
        number: which look at one run's own candidates it is; those before it are paid for, and not among `earlier`.
        spent: where it is not the first, the chance of a wrong fail in any of these looks, at most; a fraction.
    """

    earlier: tuple[EarlierLook, ...] = ()
    patches: int = 0
    chosen_from: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    number: int = 1
    spent: float | None = None
