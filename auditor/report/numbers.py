"""How numbers are written, everywhere the same: values in, short strings out. It computes nothing but one division."""

from __future__ import annotations

import math

from auditor.core.records import Interval

NOT_MEASURED = "not measured"
MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"


def percent(fraction: float) -> str:
    """A share of one as percent with one decimal: 0.1234 is `12.3%`; NaN is `not measured`."""
    return NOT_MEASURED if not math.isfinite(fraction) else f"{_fixed(100 * fraction, 1)}%"


def points(difference: float) -> str:
    """A difference of two rates, signed, in percentage points: 0.31 is `+31.0 points`."""
    return NOT_MEASURED if not math.isfinite(difference) else f"{_signed(100 * difference, 1)} points"


def plain_points(size: float) -> str:
    """A limit in percentage points, unsigned and without idle zeros: 0.1 is `10 points`."""
    if not math.isfinite(size):
        return NOT_MEASURED
    text = f"{100 * size:.4g}"
    return f"{text} point" if text == "1" else f"{text} points"


def confidence(level: float) -> str:
    """A confidence level: 0.95 is `95%`; a corrected 0.99375 is `99.4%`, never rounded up to 100%."""
    if not math.isfinite(level):
        return NOT_MEASURED
    text = f"{100 * level:.3g}"
    return f"{text}%" if text != "100" or level >= 1 else f"{100 * level:.6g}%"


def rate_interval(interval: Interval) -> str:
    """Bounds of a rate in percent, with the method: `26.6–50.3, Wilson 95%`."""
    if not is_measured(interval):
        return NOT_MEASURED
    low, high = _fixed(100 * interval.low, 1), _fixed(100 * interval.high, 1)
    return f"{low}{EN_DASH}{high}, {method_name(interval)}"


def rate_bounds(interval: Interval | None) -> str:
    """Bounds of a rate alone, where the method is named elsewhere on the page: `26.6–50.3%`."""
    if interval is None or not is_measured(interval):
        return NOT_MEASURED
    return f"{_fixed(100 * interval.low, 1)}{EN_DASH}{_fixed(100 * interval.high, 1)}%"


def rate_with_counts(flips: int, eligible: int, interval: Interval | None) -> str:
    """A rate with everything it needs beside it: `23/61 = 37.7% (26.6–50.3, Wilson 95%)`."""
    if eligible < 1:
        return f"{flips}/{eligible}: {NOT_MEASURED}"
    rate = f"{flips}/{eligible} = {percent(flips / eligible)}"
    return rate if interval is None or not is_measured(interval) else f"{rate} ({rate_interval(interval)})"


def counts(flips: int, eligible: int) -> str:
    """A rate with its counts alone, for a control in a table: `4/61 = 6.6%`."""
    return rate_with_counts(flips, eligible, None)


def points_bounds(interval: Interval | None) -> str:
    """Bounds of a difference in percentage points, signed: `+18.0 to +43.1 points`."""
    if interval is None or not is_measured(interval):
        return NOT_MEASURED
    return f"{_signed(100 * interval.low, 1)} to {_signed(100 * interval.high, 1)} points"


def points_interval(interval: Interval | None) -> str:
    """As `points_bounds`, with the method: `+18.0 to +43.1 points, Tango 95%`."""
    bounds = points_bounds(interval)
    return bounds if interval is None or bounds == NOT_MEASURED else f"{bounds}, {method_name(interval)}"


def correlation(value: float, interval: Interval | None) -> str:
    """A rank correlation with its interval: `0.42 (0.10 to 0.66, bootstrap 95%)`."""
    if not math.isfinite(value):
        return NOT_MEASURED
    if interval is None or not is_measured(interval):
        return _fixed(value, 2)
    bounds = f"{_fixed(interval.low, 2)} to {_fixed(interval.high, 2)}"
    return f"{_fixed(value, 2)} ({bounds}, {method_name(interval)})"


def p_value(value: float) -> str:
    """A p- or q-value: `< 0.001`, else three decimals."""
    if not math.isfinite(value):
        return NOT_MEASURED
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def logits(value: float) -> str:
    """A push, signed, in the model's own units: `+2.31 logits`."""
    return NOT_MEASURED if not math.isfinite(value) else f"{_signed(value, 2)} logits"


def logits_with_error(value: float, error: float) -> str:
    """A mean push with its standard error: `+2.31 ± 0.20 logits`."""
    if not math.isfinite(value) or not math.isfinite(error):
        return logits(value)
    return f"{_signed(value, 2)} ± {_fixed(error, 2)} logits"


def logits_interval(interval: Interval) -> str:
    """Bounds of a difference in log-odds, with the method: `+1.20 to +2.31 logits, Paired t 95%`."""
    if not is_measured(interval):
        return NOT_MEASURED
    return f"{_signed(interval.low, 2)} to {_signed(interval.high, 2)} logits, {method_name(interval)}"


def seconds(value: float) -> str:
    """A duration: `4.2 s`, `3 min 05 s`, `1 h 02 min`."""
    if not math.isfinite(value):
        return NOT_MEASURED
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def how_many(count: int, one: str, more: str = "") -> str:
    """A count with its noun in the right number: `1 candidate`, `1,200 candidates`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def method_name(interval: Interval) -> str:
    """An interval's method and level: `Wilson 95%`."""
    return f"{interval.method[:1].upper()}{interval.method[1:]} {confidence(interval.confidence)}"


def is_measured(interval: Interval) -> bool:
    """Whether both bounds are numbers."""
    return math.isfinite(interval.low) and math.isfinite(interval.high)


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        return text.removeprefix("-")
    return text.replace("-", MINUS)


def _signed(value: float, decimals: int) -> str:
    text = _fixed(value, decimals)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"
