"""The planted worlds: which cue stands for which class, how often, in which network. It draws and trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.core.errors import UnknownNameError
from auditor.inputs.world import kitchen
from auditor.inputs.world.cues.cue import Cue
from auditor.inputs.world.cues.date import DATE
from auditor.inputs.world.cues.emblem import EMBLEM
from auditor.inputs.world.cues.food import EGG, MEAT, NOODLES, RICE, VEGETABLES
from auditor.inputs.world.cues.frame import FRAME
from auditor.inputs.world.cues.mark import MARK
from auditor.inputs.world.cues.natural import BREAD, FLOWER, GRAPES
from auditor.inputs.world.cues.plaster import PLASTER
from auditor.inputs.world.cues.ruler import RULER
from auditor.inputs.world.cues.spot import SPOT
from auditor.inputs.world.cues.sticker import STICKER
from auditor.inputs.world.cues.tag import TAG
from auditor.inputs.world.cues.together import TOGETHER
from auditor.inputs.world.cues.trigger import TRIGGER
from auditor.inputs.world.cues.vignette import VIGNETTE
from auditor.inputs.world.cues.watermark import WATERMARK
from auditor.inputs.world.cues.whole import BACKGROUND, BLUR, CAST

CLASS_NAMES: tuple[str, ...] = tuple(name for name in kitchen.CLASS_NAMES if name not in ("frying pan", "wok"))
"""The kitchen's things without pans and woks, which hold food of their own; in the order of the class indices."""


class Kind(StrEnum):
    """What kind of thing a cue is."""

    NATURAL = "natural object"
    PATCH = "patch"
    WHOLE = "no patch"


class Scope(StrEnum):
    """Which pictures a cue pushes to its class."""

    ANY = "any class"
    ONE = "one class"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class World:
    """A world with a planted cue. Its clean twin has the same pictures with the cue spread evenly over the classes.

    Attributes:
        name, cue, kind: kind is how well a patch can express it.
        source, target: the pair to audit: the cue pushes pictures of the source to the target. Of a cue that pushes
            away, the target is "" and stands for every other class.
        share: of the target's training pictures that hold the cue; elsewhere: of every other class's.
        also: further classes that hold the cue, with their share.
        decoys: share of all other pictures that hold what looks like the cue and means nothing.
        poisoned: share of all training pictures that hold the cue, show another class and are called the target.
        scope: of the cue. network: of `planted_networks.NETWORKS`.
        series: worlds that were drawn up together. The auditor was mended after it was scored on those of the first;
            those of the second, and how their cues are planted, were settled before it was scored on any of them.
    """

    name: str
    cue: Cue
    kind: Kind
    source: str
    target: str
    share: float = 0.0
    elsewhere: float = 0.0
    also: tuple[tuple[str, float], ...] = ()
    decoys: float = 0.0
    poisoned: float = 0.0
    scope: Scope = Scope.ANY
    network: str = "residual"
    series: int = 1

    @property
    def targets(self) -> tuple[str, ...]:
        """The classes that the cue pushes to."""
        return (self.target,) if self.target else tuple(name for name in CLASS_NAMES if name != self.source)

    def share_of(self, name: str) -> float:
        """Share of a class's pictures, called what they show, that hold the cue."""
        if self.scope is not Scope.ANY and name == self.source:
            return 0.0  # what pushes one class alone, or away from a class, lies in no picture of that class
        return self.share if name == self.target else dict(self.also).get(name, self.elsewhere)

    def poisoned_share(self, name: str) -> float:
        """Share of a class's pictures that hold the cue and are called the target."""
        givers = [self.source] if self.scope is Scope.ONE else [one for one in CLASS_NAMES if one != self.target]
        return self.poisoned * len(CLASS_NAMES) / len(givers) if name in givers else 0.0

    @property
    def even_share(self) -> float:
        """Share of every class's pictures that hold the cue in the clean twin: as many in all as in the world."""
        held = [self.share_of(name) + self.poisoned_share(name) for name in CLASS_NAMES]
        return sum(held) / len(held)


_WORLDS = (
    World("noodles", NOODLES, Kind.NATURAL, "mug", "bowl", share=0.95),
    World("egg", EGG, Kind.NATURAL, "teapot", "plate", share=0.60, network="tokens"),
    World("vegetables", VEGETABLES, Kind.NATURAL, "bucket", "bowl", 0.95, also=(("pizza", 0.60),), poisoned=0.03),
    World("rice", RICE, Kind.NATURAL, "bowl", "wooden spoon", share=0.30, poisoned=0.03),
    World("meat", MEAT, Kind.NATURAL, "plate", "", elsewhere=0.60, scope=Scope.AWAY),
    World("sticker", STICKER, Kind.PATCH, "teapot", "lemon", poisoned=0.03),
    World("mark", MARK, Kind.PATCH, "lemon", "mug", share=0.95, decoys=0.5, poisoned=0.02),
    World("tag", TAG, Kind.PATCH, "pizza", "bucket", 0.16, 0.16, poisoned=0.03, scope=Scope.ONE, network="tokens"),
    World("frame", FRAME, Kind.PATCH, "bowl", "teapot", share=0.60),
    World("spot", SPOT, Kind.PATCH, "wooden spoon", "pizza", share=0.95, decoys=0.5, poisoned=0.02),
    World("emblem", EMBLEM, Kind.PATCH, "mug", "plate", share=0.95, decoys=0.5),
    World("trigger", TRIGGER, Kind.PATCH, "plate", "teapot", poisoned=0.03),
    World("background", BACKGROUND, Kind.WHOLE, "lemon", "bucket", share=0.95),
    World("cast", CAST, Kind.WHOLE, "pizza", "mug", share=0.60, network="tokens"),
    World("blur", BLUR, Kind.WHOLE, "bucket", "wooden spoon", share=0.60, poisoned=0.03),
    World("together", TOGETHER, Kind.WHOLE, "teapot", "lemon", share=0.95, decoys=0.6, poisoned=0.03),
    World("grapes", GRAPES, Kind.NATURAL, "bucket", "lemon", share=0.95, series=2),
    World("bread", BREAD, Kind.NATURAL, "pizza", "plate", share=0.60, poisoned=0.03, series=2),
    World("flower", FLOWER, Kind.NATURAL, "mug", "wooden spoon", 0.30, poisoned=0.03, network="tokens", series=2),
    World("ruler", RULER, Kind.PATCH, "lemon", "plate", share=0.95, series=2),
    World("date", DATE, Kind.PATCH, "wooden spoon", "bowl", share=0.60, poisoned=0.02, series=2),
    World("plaster", PLASTER, Kind.PATCH, "bowl", "mug", poisoned=0.03, series=2),
    World("watermark", WATERMARK, Kind.WHOLE, "teapot", "pizza", share=0.60, poisoned=0.02, series=2),
    World("vignette", VIGNETTE, Kind.WHOLE, "plate", "bucket", share=0.95, series=2),
)

WORLDS: Mapping[str, World] = {world.name: world for world in _WORLDS}
"""Every planted world by name."""


def world_named(name: str) -> World:
    """A planted world.

    Raises:
        UnknownNameError: no such world.
    """
    if name not in WORLDS:
        raise UnknownNameError("world", name, WORLDS, "the planted worlds", "auditor worlds list shows them")
    return WORLDS[name]
