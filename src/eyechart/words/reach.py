"""What a study can show at all, and where its uncertainty comes from: one sentence for all pairs of a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.scoring.measures import METRICS
from eyechart.words.metric_names import metric_name, shown_factor
from eyechart.words.numbers import percent, significant
from eyechart.words.speech import spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Language, Uncertainty, Verdict


def reach_sentence(verdicts: Sequence[Verdict], lang: Language = "en") -> str:
    """The smallest difference that these seeds show with power .8; empty where no pair has enough seeds."""
    known = [verdict for verdict in verdicts if verdict.smallest_effect is not None]
    if not known:
        return ""
    metric, name = METRICS[known[0].metric], metric_name(known[0].metric, lang)
    sizes = [_size(verdict.smallest_effect or 0.0, verdict.metric) for verdict in known]
    told = _between(min(sizes), max(sizes), lang)
    unit: str = "%" if metric.scale == "ratio" else metric.unit
    is_one = significant(max(sizes), 2) == "1" if lang == "en" else float(significant(max(sizes), 2)) < 2
    unit = unit.removesuffix("s") if is_one else unit
    parts = [each for verdict in known if (each := verdict.uncertainty) and each.items is not None]
    if lang == "en":
        pairs = "this pair" if len(known) == 1 else f"these {len(known)} pairs"
        what = f"Smallest difference in {name} that a study like this shows four times in five"
        text = f"{what}, for {pairs}: {told} {unit}."
        return text + (f" {_sources(parts, lang)}" if parts else "")
    pairs = "cette paire" if len(known) == 1 else f"ces {len(known)} paires"
    what = f"Plus petite différence en {name} qu'une telle étude démontre quatre fois sur cinq"
    text = f"{what}, pour {pairs} : {told} {unit}."
    text += f" {_sources(parts, lang)}" if parts else ""
    return spaced(text)


def shares(parts: Sequence[Uncertainty]) -> tuple[float, float, float] | None:
    """Of the variance of the mean differences, 0..1 each: seeds, items, and both; None: there is none."""
    sums = [sum(values) for values in zip(*((p.seeds, p.items or 0.0, p.both or 0.0) for p in parts), strict=True)]
    total = sum(sums)
    return (sums[0] / total, sums[1] / total, sums[2] / total) if total > 0 else None


def _sources(parts: Sequence[Uncertainty], lang: Language) -> str:
    found = shares(parts)
    if found is None:
        return ""
    seeds, items, both = (percent(share, 0, lang) for share in found)
    if lang == "en":
        return (
            f"Of the variance of a difference, {seeds} are the luck of seeds (more seeds help), {items} that of test "
            f"images (more images help), {both} that of a seed with single images (either helps)."
        )
    return (
        f"De la variance d'une différence, {seeds} viennent du hasard des graines (plus de graines aident), {items} de "
        f"celui des images de test (plus d'images aident), {both} de celui d'une graine sur une image (les unes ou les "
        "autres aident)."
    )


def _size(effect: float, metric: str) -> float:
    """In the metric's unit; of a ratio, by how many per cent it is above 1."""
    return 100 * (effect - 1) if METRICS[metric].scale == "ratio" else shown_factor(metric) * effect


def _between(low: float, high: float, lang: Language) -> str:
    texts = [significant(value, 2, lang) for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} {'to' if lang == 'en' else 'à'} {texts[1]}"
