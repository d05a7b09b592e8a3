"""How numbers are written: exact strings."""

from __future__ import annotations

import pytest

from auditor.core.records import Interval
from auditor.report import numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.percent(0.1234), "12.3%"),
        (numbers.percent(0.0), "0.0%"),
        (numbers.percent(1.0), "100.0%"),
        (numbers.percent(-0.051), "−5.1%"),
        (numbers.percent(NAN), "not measured"),
        (numbers.percent(float("inf")), "not measured"),
        (numbers.points(0.31), "+31.0 points"),
        (numbers.points(-0.0512), "−5.1 points"),
        (numbers.points(-0.0001), "0.0 points"),
        (numbers.points(0.0), "0.0 points"),
        (numbers.points(NAN), "not measured"),
        (numbers.plain_points(0.1), "10 points"),
        (numbers.plain_points(0.125), "12.5 points"),
        (numbers.plain_points(0.01), "1 point"),
        (numbers.confidence(0.95), "95%"),
        (numbers.confidence(1 - 0.05 / 8), "99.4%"),
        (numbers.confidence(0.9999), "99.99%"),
        (numbers.p_value(0.0009999), "< 0.001"),
        (numbers.p_value(0.001), "0.001"),
        (numbers.p_value(0.034), "0.034"),
        (numbers.p_value(1.0), "1.000"),
        (numbers.p_value(NAN), "not measured"),
        (numbers.logits(2.314), "+2.31 logits"),
        (numbers.logits(-0.5), "−0.50 logits"),
        (numbers.logits(NAN), "not measured"),
        (numbers.logits_with_error(1.3, 0.114), "+1.30 ± 0.11 logits"),
        (numbers.logits_with_error(1.3, NAN), "+1.30 logits"),
        (numbers.seconds(4.21), "4.2 s"),
        (numbers.seconds(59.97), "1 min 00 s"),
        (numbers.seconds(185.0), "3 min 05 s"),
        (numbers.seconds(3725.0), "1 h 02 min"),
        (numbers.how_many(1, "candidate"), "1 candidate"),
        (numbers.how_many(1200, "hypothesis", "hypotheses"), "1,200 hypotheses"),
        (numbers.counts(4, 61), "4/61 = 6.6%"),
        (numbers.counts(0, 0), "0/0: not measured"),
    ],
)
def test_a_number_is_written_as_agreed(written: str, expected: str) -> None:
    assert written == expected


def test_a_rate_carries_counts_interval_and_method() -> None:
    # Wilson's interval of 23 in 61: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), worked out by hand.
    interval = Interval(0.266118, 0.502669, 0.95, "Wilson")
    assert numbers.rate_with_counts(23, 61, interval) == "23/61 = 37.7% (26.6–50.3, Wilson 95%)"


def test_a_rate_without_images_or_interval_says_so() -> None:
    unknown = Interval(NAN, NAN, 0.95, "Wilson")
    assert numbers.rate_with_counts(0, 0, unknown) == "0/0: not measured"
    assert numbers.rate_with_counts(3, 12, unknown) == "3/12 = 25.0%"
    assert numbers.rate_with_counts(3, 12, None) == "3/12 = 25.0%"


def test_differences_and_correlations_carry_their_intervals() -> None:
    interval = Interval(-0.0512, 0.0844, 0.99, "Tango")
    assert numbers.points_bounds(interval) == "−5.1 to +8.4 points"
    assert numbers.points_interval(interval) == "−5.1 to +8.4 points, Tango 99%"
    assert numbers.points_interval(None) == "not measured"
    assert numbers.points_interval(Interval(NAN, 0.1, 0.95, "Tango")) == "not measured"
    assert numbers.correlation(0.12, Interval(-0.214, 0.43, 0.95, "bootstrap")) == "0.12 (−0.21 to 0.43, Bootstrap 95%)"
    assert numbers.correlation(0.12, None) == "0.12"
    assert numbers.correlation(NAN, None) == "not measured"
