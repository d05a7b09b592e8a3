"""What a maker of candidates is, and what it may make them from. Each maker stands in a file of its own beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auditor.candidates.crops import CropPlan
from auditor.candidates.scene import Scene
from auditor.core.config import AuditConfig
from auditor.core.progress import Progress
from auditor.core.records import Cell, Origin
from auditor.core.shelf import short
from auditor.inputs.model.cut import LayerCut
from auditor.trials.patch import Patch


@dataclass(frozen=True, slots=True)
class Found:
    """What the search has found so far, and what it was asked for.

    Attributes:
        scene, cut: where crops are cut, and the network that renders; None: it has no layer that is mapped.
        side_px: the longer side at which a patch is pasted.
        cells: of the atlas' finest level, with their predicted push.
        plans, crops: of the crops that are going to be tried, those that push most first.
        config: says how many patches are wanted. progress: is told how far a maker is.
    """

    scene: Scene
    cut: LayerCut | None
    side_px: int
    cells: Sequence[Cell]
    plans: Sequence[CropPlan]
    crops: Sequence[Patch]
    config: AuditConfig
    progress: Progress


@dataclass(frozen=True, slots=True)
class Maker:
    """A way of making candidates.

    Attributes:
        letter: the ids of its candidates begin with it.
        origin: of its candidates.
        words: what they are, for a person.
        make: the candidates that the configuration asks for, in the order of their ids; none where it asks for none.
        screened: whether they are screened through the network's tail, and only the best go on; else all of them do.
        own_ladder: whether they are screened by themselves, linearly first, and as many go on as their setting says:
            many that cost nothing to make would crowd out what the search made.
    """

    letter: str
    origin: Origin
    words: str
    make: Callable[[Found], list[Patch]]
    screened: bool = True
    own_ladder: bool = False

    def identity(self, name: str) -> str:
        """The id of the candidate that has a name of its own, such as a file's."""
        return f"{self.letter}-{short(name)}"

    def identities(self, count: int) -> list[str]:
        """Ids of so many candidates, numbered from 1."""
        return [self.identity(f"{number:03d}") for number in range(1, count + 1)]
