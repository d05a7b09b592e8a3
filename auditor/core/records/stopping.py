"""At which look a finding's confirmation ended, where it may end before all pictures are used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stopping:
    """The look at the confirmation pictures that ended a candidate's confirmation.

    Attributes:
        look: which it was, from 1; looks: how many there could be, the last of them on all pictures.
        pictures: used up to it; available: eligible ones.
        share: of each error, what this look may spend, in (0, 1]; the shares of all looks add up to 1.
    """

    look: int
    looks: int
    pictures: int
    available: int
    share: float

    @property
    def early(self) -> bool:
        """Whether it ended before all pictures were used, which happens where it was settled and for no other cause."""
        return self.look < self.looks
