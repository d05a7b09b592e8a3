"""Work that is given out in lists: opened once a worker, then done item by item. Who does it is the engine's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

Context = TypeVar("Context")
Item = TypeVar("Item")
Result = TypeVar("Result")


def one_step(item: object) -> int:
    """Every item counts as one."""
    del item
    return 1


@dataclass(frozen=True, slots=True)
class Work(Generic[Context, Item, Result]):
    """What is done to each item of a list.

    An engine with other processes pickles the work and its items, so `open` and `do` are functions of a module, or
    objects that can be opened again elsewhere. The result of an item depends on that item alone, never on who does it.

    Attributes:
        open: called once a worker, for what all items need (a network, pictures).
        do: one item in that context. It writes no file.
        steps: how many steps of progress an item counts for. Done in this process, `do` tells them itself.
    """

    open: Callable[[], Context]
    do: Callable[[Context, Item], Result]
    steps: Callable[[Item], int] = one_step


class Engine(Protocol):
    """Who does the work. `each` is the only place where work is handed out."""

    def each(self, work: Work[Context, Item, Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results in the order of the items, each as soon as it and those before it are there."""


class Here:
    """This process does the items one after the other."""

    def each(self, work: Work[Context, Item, Result], items: Sequence[Item]) -> Iterator[Result]:
        if not items:
            return
        context = work.open()
        for item in items:
            yield work.do(context, item)


@dataclass(frozen=True, slots=True)
class Hands(Generic[Context]):
    """Who does a piece of work, and how each of them opens what it needs."""

    open: Callable[[], Context]
    engine: Engine = field(default_factory=Here)
