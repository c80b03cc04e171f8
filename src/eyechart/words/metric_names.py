"""How metrics are called in sentences, and how a lead in one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.scoring.measures import METRICS
from eyechart.words.numbers import interval, interval_decimals, times, with_unit

if TYPE_CHECKING:
    from eyechart.schema import Language, Verdict

FRENCH_UNITS = {"seconds": "secondes"}  # the others are the same
FALLBACK_DECIMALS = {"points": 2, "nats": 4, "seconds": 2, "": 4}


def metric_name(metric: str, lang: Language = "en") -> str:
    return METRICS[metric].words[lang == "fr"]


def unit_name(unit: str, lang: Language = "en") -> str:
    return FRENCH_UNITS.get(unit, unit) if lang == "fr" else unit


def shown_factor(metric: str) -> float:
    """Shares of 1 are told in points, everything else as it is."""
    return 100.0 if METRICS[metric].is_share else 1.0


def lead_decimals(verdict: Verdict, low: float | None, high: float | None) -> int:
    """What the interval deserves, and so many that a difference or its distance from a ratio of 1 is not lost."""
    measure, factor = METRICS[verdict.metric], shown_factor(verdict.metric)
    fallback = FALLBACK_DECIMALS[measure.unit]
    if measure.scale == "ratio":
        if low is None or high is None:
            return fallback
        return min(3, max(1, interval_decimals(low - 1, high - 1, fallback)))
    decimals = fallback
    if low is not None and high is not None:
        decimals = interval_decimals(factor * low, factor * high, fallback)
    while verdict.difference != 0 and decimals < 6 and round(factor * verdict.difference, decimals) == 0:
        decimals += 1
    return decimals


def lead_text(verdict: Verdict, decimals: int, lang: Language = "en") -> str:
    """ "0.21 points", "0.0031 nats", "1.35 times"; French has the singular below two."""
    measure, value = METRICS[verdict.metric], shown_factor(verdict.metric) * verdict.difference
    if measure.scale == "ratio":
        return times(value, lang, decimals)
    return with_unit(value, decimals, measure.unit, lang)


def interval_text(verdict: Verdict, low: float, high: float, decimals: int, lang: Language = "en") -> str:
    factor = shown_factor(verdict.metric)
    return interval(factor * low, factor * high, decimals, lang)
