"""What counts as eligible and as a flip, as objects: a success is never an inline argmax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.core.records import ClassGroup


@dataclass(frozen=True, slots=True)
class TargetCalled:
    """Source pictures that the clean model calls source are eligible; they flip when it calls the target."""

    source: ClassGroup
    target: ClassGroup

    def eligible(self, clean: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) whether each source picture's clean prediction lies in the source."""
        return np.isin(clean, self.source.indices)

    def flipped(self, patched: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(…) whether each patched prediction lies in the target."""
        return np.isin(patched, self.target.indices)

    def describe(self) -> str:
        if len(self.source.indices) == 1:
            return f"held-out pictures labelled {self.source.name!r} that the clean model calls {self.source.name!r}"
        return (
            f"held-out pictures labelled with one of the {len(self.source.indices)} classes of {self.source.name!r} "
            "that the clean model calls one of them"
        )
