from __future__ import annotations

import numpy as np
import pytest

from auditor.atlas.cell_labels import CellLabel, cell_labels
from auditor.core.records import Cell


def cell(attribution, error):
    return Cell(
        level=10,
        column=0,
        row=0,
        count=5,
        images=4,
        mean_activation=np.zeros(2, dtype=np.float32),
        mean_attribution=np.array(attribution, dtype=np.float32),
        attribution_error=np.array(error, dtype=np.float32),
        contrast=0.0,
        contrast_error=0.0,
        exemplars=(),
    )


def test_labels_come_by_falling_attribution_and_equals_by_index():
    one = cell([1.0, 3.0, -4.0, 3.0, 2.0], [0.25] * 5)
    assert cell_labels(one, 3) == (CellLabel(1, 3.0, 0.25), CellLabel(3, 3.0, 0.25), CellLabel(4, 2.0, 0.25))
    assert [label.index for label in cell_labels(one, 9)] == [1, 3, 4, 0]
    assert cell_labels(one, 0) == ()


def test_a_class_lost_in_its_error_is_no_label():
    assert [label.index for label in cell_labels(cell([5.0, 1.0, 0.5], [2.5, 0.25, 0.5]), 3)] == [1]


@pytest.mark.parametrize(
    ("attribution", "error"), [([-1.0, 0.0], [0.0, 0.0]), ([9.0, 5.0], [np.nan, np.nan])], ids=["none", "one picture"]
)
def test_a_cell_that_supports_nothing_has_no_label(attribution, error):
    assert cell_labels(cell(attribution, error), 2) == ()
