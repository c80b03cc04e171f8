"""How numbers are written for people: units, thousands, and the digits that their interval deserves."""

from __future__ import annotations

import math
import re

MISSING = "–"


def percent(ratio: float, decimals: int = 2) -> str:
    """0.0063 -> "0.63 %"."""
    return f"{100 * ratio:.{decimals}f} %" if math.isfinite(ratio) else MISSING


def percent_decimals(low: float, high: float) -> int:
    """Decimals of a percentage whose interval is (low, high) as ratios: two digits of the half width, 1 to 3 of them.

    +-0.16 points deserve 2 decimals, +-1.2 points 1, +-0.02 points 3.
    """
    half_points = 100 * (high - low) / 2
    if not math.isfinite(half_points) or half_points <= 0:
        return 2
    return min(3, max(1, 1 - math.floor(math.log10(half_points))))


def percent_interval(low: float, high: float) -> str:
    """(0.0050, 0.0081) -> "0.50 to 0.81 %"."""
    decimals = percent_decimals(low, high)
    return f"{100 * low:.{decimals}f} to {100 * high:.{decimals}f} %"


def short_percent(ratio: float) -> str:
    """For ticks, without needless zeros: 0.005 -> "0.5 %", 0.1 -> "10 %"."""
    return f"{100 * ratio:.6g} %"


def seconds(value: float) -> str:
    """0.0012 -> "1.2 ms", 12.34 -> "12.3 s", 200 -> "3 min 20 s", 4000 -> "1 h 07 min"."""
    if not math.isfinite(value):
        return MISSING
    if value < 0.9995:
        return f"{significant(1000 * value, 2 if value < 0.1 else 3)} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    minutes = round(value / 60)
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def time_label(value: float) -> str:
    """For ticks of a clock: 120 -> "2 min", 90 -> "90 s"."""
    if 60 < value < 600 and value % 60:
        return f"{value:g} s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (0.001, "ms")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value * 1e6:g} µs"


def count(value: float) -> str:
    """1234567 -> "1,234,567"; means of several runs keep one decimal when they need it."""
    if not math.isfinite(value):
        return MISSING
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:,.1f}"


def scaled(value: float, unit: str) -> str:
    """21_000_000, "FLOP" -> "21.0 MFLOP"; an empty unit gives "21.0 M"."""
    if not math.isfinite(value):
        return MISSING
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor * 0.9995:
            return f"{significant(value / factor)} {prefix}{unit}"
    return f"{significant(value)} {unit}".rstrip()


def significant(value: float, digits: int = 3) -> str:
    """Rounded to `digits` significant digits, never in powers of ten: 123.4 -> "123", 1.234 -> "1.23"."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value))))
    decimals = digits - 1 - math.floor(math.log10(abs(rounded)))  # 0.9997 has become 1.00
    return f"{rounded:,.{max(0, min(decimals, 9))}f}"


def loss(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else MISSING


def times(ratio: float) -> str:
    """How many times as much: 3.14 -> "3.1", 31.4 -> "31"."""
    return significant(ratio, 2)


def unbroken(text: str) -> str:
    """Sentences whose numbers stay on one line with their units."""
    return re.sub(r"(?<=\d) (?=(?:%|s|ms|min|h)(?!\w))", "\N{NO-BREAK SPACE}", text)


def spoken_list(names: list[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def plural(number: int, noun: str) -> str:
    """3, "run" -> "3 runs"."""
    ending = "" if number == 1 else "es" if noun.endswith(("s", "x", "ch")) else "s"
    return f"{number:,} {noun}{ending}"


def shortened(text: str, longest: int = 18) -> str:
    """`text`, cut with an ellipsis when it is longer than a figure has room for."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
