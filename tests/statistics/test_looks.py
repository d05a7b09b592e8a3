"""Error spent look by look: by hand, and by simulated looks at growing data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from auditor.statistics.looks import confidence_at_look, error_spent


def test_each_look_spends_half_of_what_the_one_before_it_spent() -> None:
    assert [error_spent(0.95, look) for look in (1, 2, 3)] == pytest.approx([0.025, 0.0375, 0.04375])
    assert confidence_at_look(0.95, 1) == 0.95
    assert [confidence_at_look(0.95, look) for look in (2, 3, 4)] == pytest.approx([0.975, 0.9875, 0.99375])
    assert error_spent(0.95, 60) == pytest.approx(0.05)


def test_ten_looks_err_no_more_often_than_they_may() -> None:
    """Means of growing samples under the null: stopping at the first lower bound above 0."""
    generator = np.random.default_rng(3)
    sums = generator.standard_normal((20_000, 10)).cumsum(axis=1)
    scores = sums / np.sqrt(np.arange(1, 11))
    bounds = [norm.isf((1 - confidence_at_look(0.95, look)) / 2) for look in range(1, 11)]
    for look in (1, 5, 10):
        wrong = (scores[:, :look] > bounds[:look]).any(axis=1).mean()
        assert wrong <= error_spent(0.95, look) + 0.003  # three standard errors of 20,000 draws
    assert (scores > norm.isf(0.025)).any(axis=1).mean() > 0.08  # without spending


@pytest.mark.parametrize(("confidence", "look"), [(1.0, 1), (0.0, 2), (0.95, 0), (0.95, -1)])
def test_what_is_no_look_is_refused(confidence: float, look: int) -> None:
    with pytest.raises(ValueError, match=r"confidence|looks are counted"):
        error_spent(confidence, look)
