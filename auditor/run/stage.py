"""A stage of a run, declared once, and the run that makes what is missing and reads back what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from auditor.core.config import AuditConfig
from auditor.core.errors import DamagedFileError, StoreError
from auditor.core.progress import Progress, Staged
from auditor.core.work import Engine, Here
from auditor.run.folder import Json, RunFolder

if TYPE_CHECKING:  # what a report is written from needs no network
    from auditor.inputs.model.loading import LoadedClassifier
    from auditor.inputs.opening import Inputs

Product = TypeVar("Product")
_DAMAGE = (DamagedFileError, ValueError, KeyError, IndexError, TypeError)
"""What reading a damaged file raises: no parquet, no arrays, no JSON, or none of the shape that was written."""
Facts = Mapping[str, Json]


@dataclass(frozen=True, eq=False)
class Stage(Generic[Product]):
    """One step of an audit.

    Attributes:
        name: its key in the manifest.
        needs: the stages whose products it takes.
        files: patterns of the files that it alone writes.
        make: writes them, by a folder that refuses every other file, and says what the manifest notes.
        read: its product, from its files and the products that it needs.
        needed: patterns of the files without which it is made again. The others spare work while it is being made
            (activations, blocks of trials, icons in parts), and may be gone afterwards.
        sealed: patterns of the files that are read back, and so checked before they are; None: those of `needed`.
    """

    name: str
    needs: tuple[Stage[Any], ...]
    files: tuple[str, ...]
    make: Callable[[Run, RunFolder], Facts]
    read: Callable[[Run], Product]
    needed: tuple[str, ...]
    sealed: tuple[str, ...] | None = None


@dataclass(slots=True)
class Opened:
    """The model that several runs of one process share, once the first of them has opened it."""

    model: LoadedClassifier | None = None


@dataclass(eq=False)
class Run:
    """An audit at work in its folder: products by stage, made when they are first asked for.

    Attributes:
        engine: who does the work that is given out in lists.
        opened: where the model is shared; None: the run opens its own.
        checks: whether files are compared with their checksums; a worker leaves that to who gives it work.
    """

    folder: RunFolder
    config: AuditConfig
    progress: Progress
    engine: Engine = field(default_factory=Here)
    checks: bool = True
    opened: Opened | None = None
    _products: dict[str, object] = field(default_factory=dict)
    _opened: dict[object, object] = field(default_factory=dict)
    _whole: set[str] = field(default_factory=set)
    _made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.progress = self._staged = Staged(self.progress)

    def plan(self, stages: Sequence[Stage[Any]]) -> None:
        """Say which stages are to come, in their order, so that it is told how far a run is."""
        self._staged.plan([stage.name for stage in stages])

    @cached_property
    def inputs(self) -> Inputs:
        """The model, the pair, the layer and the annotations, opened when something has to be computed."""
        from auditor.inputs.opening import open_inputs

        shared = self.opened or Opened()
        inputs = open_inputs(self.config, self.progress, shared.model)
        shared.model = inputs.loaded
        return inputs

    def open(self, build: Callable[[Run], Product]) -> Product:
        """What `build` makes of this run, made once."""
        if build not in self._opened:
            self._opened[build] = build(self)
        return cast(Product, self._opened[build])

    def get(self, stage: Stage[Product]) -> Product:
        """A stage's product; what is missing of it, or of what it needs, is made first."""
        if stage.name not in self._products:
            self.ensure(stage)
            self._products[stage.name] = self._read(stage)
        return cast(Product, self._products[stage.name])

    def ensure(self, stage: Stage[Any]) -> bool:
        """Make a stage that is not done, or has lost or damaged files, after what it needs; whether it was made.

        A stage that is made again ends in the same files, so what was made from it stays.
        """
        if stage.name in self._whole:
            return False
        for needed in stage.needs:
            self.ensure(needed)
        if self.checks and (damaged := self.folder.damaged(self._sealed(stage))):
            self._drop(damaged)
        made = not is_whole(self.folder, stage)
        if made:
            self.make(stage)
        self._whole.add(stage.name)
        return made

    def _read(self, stage: Stage[Product]) -> Product:
        """A product from its stage's files, which are made again where they cannot be read."""
        try:
            return stage.read(self)
        except _DAMAGE:
            if not self.checks or stage.name in self._made:
                raise
        self._drop(self._sealed(stage))  # an earlier version noted no checksums of them
        self.make(stage)
        return stage.read(self)

    def _drop(self, damaged: Sequence[str]) -> None:
        shown = damaged[0] if len(damaged) == 1 else f"{damaged[0]} and {len(damaged) - 1} more"
        self.progress.say(f"{shown} of {self.folder.path} cannot be read as it was written, and is made again")
        self.folder.forget([], damaged)

    def _sealed(self, stage: Stage[Any]) -> list[str]:
        return self.folder.matching(stage.needed if stage.sealed is None else stage.sealed)

    def make(self, stage: Stage[Any]) -> None:
        """Make a stage, whatever is there; it is marked after all of its files are written."""
        started = time.monotonic()
        with self._staged.within(stage.name):
            facts = stage.make(self, self.folder.only(stage.files))
        seconds = round(time.monotonic() - started, 2)
        files = self.folder.matching(stage.needed)
        self._products.pop(stage.name, None)
        self.folder.mark_done(stage.name, {**facts, "seconds": seconds, "files": files}, self._sealed(stage))
        self._made.add(stage.name)

    def fact(self, stage: Stage[Any], name: str) -> int:
        """A whole number that a finished stage noted.

        Raises:
            StoreError: it is not there.
        """
        value = (self.folder.facts(stage.name) or {}).get(name)
        if not isinstance(value, int):
            raise StoreError(f"{self.folder.path}'s manifest lacks {stage.name}.{name}; begin a new run")
        return value


def is_whole(folder: RunFolder, stage: Stage[Any]) -> bool:
    """Whether a stage is done, has listed the files that it needs, and all of them are there."""
    return "files" in (folder.facts(stage.name) or {}) and folder.has(*folder.files_of(stage.name))
