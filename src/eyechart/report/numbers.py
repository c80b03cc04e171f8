"""How numbers are written in the report, beside what comparison/words/numbers.py writes: prefixes, ticks, room."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from eyechart.comparison.words.numbers import (
    MISSING,
    interval_decimals,
    number,
    percent,
    percent_interval,
    percent_sign,
    seconds,
    significant,
)

if TYPE_CHECKING:
    from eyechart.schema import Language

__all__ = [
    "MISSING",
    "count",
    "interval_decimals",
    "loss",
    "number",
    "percent",
    "percent_decimals",
    "percent_interval",
    "percent_sign",
    "scaled",
    "seconds",
    "short_percent",
    "shortened",
    "significant",
    "time_label",
    "unbroken",
]
TIME_UNITS = ((86400, "d", "j"), (3600, "h", "h"), (60, "min", "min"), (1, "s", "s"), (0.001, "ms", "ms"))


def percent_decimals(low: float, high: float) -> int:
    """Decimals of a percentage whose interval is (low, high) as ratios."""
    return interval_decimals(100 * low, 100 * high)


def short_percent(ratio: float, lang: Language = "en") -> str:
    """For ticks, without needless zeros: 0.005 -> "0.5 %", 0.1 -> "10 %"."""
    return plain(float(f"{100 * ratio:.6g}"), lang) + percent_sign(lang)


def plain(value: float, lang: Language = "en") -> str:
    """As short as it goes, for ticks: 0.05, 20, 1e+06."""
    text = f"{value:.10g}"
    return text.replace(".", ",") if lang == "fr" else text


def time_label(value: float, lang: Language = "en") -> str:
    """For ticks of a clock: 120 -> "2 min", 90 -> "90 s"."""
    if 60 < value < 600 and value % 60:
        return f"{plain(value, lang)} s"
    for size, unit, french in TIME_UNITS:
        if value >= size:
            return f"{plain(float(f'{value / size:.6g}'), lang)} {unit if lang == 'en' else french}"
    return f"{plain(float(f'{value * 1e6:.6g}'), lang)} µs"


def count(value: float, lang: Language = "en") -> str:
    """1234567 -> "1,234,567"; means of several runs keep one decimal when they need it."""
    if not math.isfinite(value):
        return MISSING
    return number(value, 0 if value == round(value) or value >= 1000 else 1, lang)


def scaled(value: float, unit: str, lang: Language = "en") -> str:
    """21_000_000, "FLOP" -> "21.0 MFLOP"; an empty unit gives "21.0 M"; French writes bytes (B) as octets (o)."""
    if not math.isfinite(value):
        return MISSING
    unit = "o" if unit == "B" and lang == "fr" else unit
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor * 0.9995:
            return f"{significant(value / factor, 3, lang)} {prefix}{unit}"
    return f"{significant(value, 3, lang)} {unit}".rstrip()


def loss(value: float, lang: Language = "en") -> str:
    return number(value, 4, lang)


def unbroken(text: str) -> str:
    """Sentences whose numbers stay on one line with their units."""
    return re.sub(r"(?<=\d) (?=(?:%|s|ms|min|h)(?!\w))", "\N{NO-BREAK SPACE}", text)


def shortened(text: str, longest: int = 18) -> str:
    """`text`, cut with an ellipsis when it is longer than a figure has room for."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
