"""Which classes a cell speaks for. It reads a cell's attribution; names are for whoever shows them."""

from __future__ import annotations

import numpy as np

from auditor.core.records import Cell, CellLabel

LEAST_ERRORS = 2.0
"""Attribution above this many standard errors counts as support; one-sided, about 98 in 100 if errors are normal."""


def cell_labels(cell: Cell, most: int) -> tuple[CellLabel, ...]:
    """The classes that a cell supports most, largest attribution first, of equals the lower index first.

    A class counts where its mean attribution lies more than two standard errors over images above 0. A cell whose
    activations come from one picture has no such error and gets no label: nothing says it would hold for another.

    Args:
        most: labels at most, 0 or more.
    """
    supported = cell.mean_attribution > LEAST_ERRORS * cell.attribution_error  # NaN errors compare as False
    supported &= cell.mean_attribution > 0.0
    largest = np.argsort(-cell.mean_attribution, kind="stable")
    return tuple(
        CellLabel(int(index), float(cell.mean_attribution[index]), float(cell.attribution_error[index]))
        for index in largest[supported[largest]][:most]
    )
