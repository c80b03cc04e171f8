"""What texts beside figures share: tables, a mean with its interval, a capital at the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.scoring.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eyechart.schema import Summary
    from eyechart.words.speech import Speech


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,)) -> str:
    """A table whose columns are figures, but for those at the places of `words`."""
    ruler = ["---" if place in words else "---:" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ruler, *rows))


def mean_text(summary: Summary, say: Speech) -> str:
    """ "98.21 % (98.00 to 98.40 %)"; of times the mean alone."""
    metric, (low, high) = METRICS[summary.metric], summary.ends
    mean = say.percent(summary.mean) if metric.is_share else say.significant(summary.mean)
    if summary.low is None or summary.high is None or metric.scale == "ratio":
        return mean
    if metric.is_share:
        return f"{mean} ({say.percent_interval(low, high)})"
    return f"{mean} ({say.interval(say.significant(low), say.significant(high))})"


def capital(text: str, but: Iterable[str] = ()) -> str:
    """The first letter large, unless the text begins with a name, which stays as it is written."""
    is_name = text[1:2].isupper() or any(text.startswith((f"{name} ", f"{name},")) for name in but)  # "mAP"
    return text if is_name else text[:1].upper() + text[1:]
