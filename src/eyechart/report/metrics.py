"""How the lead in a metric is written in tables and on axes; its name comes from the words of the comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from eyechart.schema import Verdict
from eyechart.scoring.measures import MEASURES
from eyechart.words.metric_names import metric_name
from eyechart.words.numbers import interval_decimals
from eyechart.words.speech import Speech

MINUS = "\N{MINUS SIGN}"
Scale = Literal["points", "ratio", "plain"]  # a share of 1, told in points | compared by its ratio | in its own unit


@dataclass(frozen=True)
class Metric:
    """One metric in one language."""

    key: str
    name: str
    scale: Scale
    unit: str

    def difference(self, say: Speech, value: float, low: float | None, high: float | None) -> tuple[str, str]:
        """(the difference, its interval; empty where there is none) as signed texts, in points, nats or a ratio."""
        factor = 100.0 if self.scale == "points" else 1.0
        ends = [end * factor for end in (low, high) if end is not None and math.isfinite(end)]
        decimals = _decimals(value * factor, ends, self.scale)
        write = _ratio if self.scale == "ratio" else _signed
        written = [write(say, each, decimals) for each in (value * factor, *ends)]
        interval = say.interval(written[1], written[2]) if len(ends) == 2 else ""
        return written[0], interval.replace("×", "")


def metric_words(key: str, say: Speech) -> Metric:
    measure = MEASURES[key]
    scale: Scale = "ratio" if measure.scale == "ratio" else "points" if measure.unit == "points" else "plain"
    return Metric(key, metric_name(key, say.lang), scale, "" if scale == "ratio" else measure.unit)


def turned(verdict: Verdict, scale: Scale) -> tuple[float, float | None, float | None]:
    """Difference, low and high of a verdict from the other one's side."""
    if scale == "ratio":
        return _inverse(verdict.difference), _inverted(verdict.high), _inverted(verdict.low)
    return -verdict.difference, _negated(verdict.high), _negated(verdict.low)


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf


def _inverted(value: float | None) -> float | None:
    return None if value is None else _inverse(value)


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _decimals(value: float, ends: list[float], scale: Scale) -> int:
    """As many as the interval deserves; without one, about three digits."""
    if len(ends) == 2:
        return interval_decimals(ends[0], ends[1])
    return 2 if scale != "plain" else min(6, max(0, 2 - math.floor(math.log10(abs(value) or 1))))


def _signed(say: Speech, value: float, decimals: int) -> str:
    """With its sign, but for what rounds to 0."""
    text = say.number(abs(value), decimals)
    if not text.strip("0.,"):
        return text
    return ("+" if value > 0 else MINUS) + text


def _ratio(say: Speech, value: float, decimals: int) -> str:
    return f"×{say.number(value, decimals)}"
