"""Where each contender's runs lie, and how far behind the best the others are: means and differences with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.report import axes as scales
from eyechart.report import claims
from eyechart.report.answer import seeds_text
from eyechart.report.charts import INK, NEUTRAL, Chart, Panel, new_panel, saved_panel, text_inches
from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.metrics import Metric, metric_words, turned
from eyechart.report.pairs import Pairs
from eyechart.schema import Summary, Verdict
from eyechart.scoring.measures import MEASURES
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = 4.9
ROW_INCHES = 0.36
LONGEST_LINEAR = 2.0  # points; differences beyond stand on an axis that is logarithmic away from 0
LEAST = 1e-6  # a log axis has no room for 0


def intervals(entries: list[Entry], pairs: Pairs, folder: Path, say: Speech) -> Chart | None:
    """One panel a metric: the mean with its 95 % interval, and every seed as a small mark."""
    panels = []
    for key in pairs.measured:
        found = [(entry, summary) for entry in entries[:MOST_SHOWN] if (summary := pairs.summary(entry, key))]
        if found:
            panels.append(_metric_panel(found, metric_words(key, say), folder, say))
    if not panels:
        return None
    n, seeds = say.count(entries[0].first.num_judged), seeds_text(entries, say)
    caption = say(
        f"n = {n} test images, {seeds}. Large marks: means with 95 % intervals; small ones: single seeds. "
        "Further left is better, but for mAP and IoU.",
        f"n = {n} images de test, {seeds}. Grandes marques : moyennes avec intervalles à 95 % ; petites : chaque "
        "graine. Plus à gauche vaut mieux, sauf pour mAP et IoU.",
    )
    title = say("Every contender's runs, metric by metric", "Les entraînements de chacun, mesure par mesure")
    return Chart("intervals", title, caption, tuple(panels), "two")


def _metric_panel(found: list[tuple[Entry, Summary]], metric: Metric, folder: Path, say: Speech) -> Panel:
    figure, axes = _rows_panel([entry for entry, _ in found], say)
    label, read = _reading(metric, say)
    drawn = [[read(value) for value in _values(summary)] for _, summary in found]
    _set_axis(axes, metric, [value for row in drawn for value in row], say)
    left, right = axes.get_xlim()
    for row, ((entry, summary), values) in enumerate(zip(found, drawn, strict=True)):
        mean, *rest = (min(max(value, left), right) for value in values)
        ends, seeds, colour = rest[:2], rest[2:], entry.style.colour
        axes.plot(ends, [row, row], color=colour, linewidth=1.8)
        if len(summary.values) > 1:
            axes.plot(seeds, [row + 0.26] * len(seeds), entry.style.marker, color=colour, markersize=2.6, alpha=0.75)
        axes.plot([mean], [row], entry.style.marker, color=colour, markersize=7)
    axes.set_xlabel(label)
    described = say(f"{metric.name}: mean, interval and seeds", f"{metric.name} : moyenne, intervalle et graines")
    return saved_panel(figure, f"intervals-{metric.key}", described, folder)


def _values(summary: Summary) -> list[float]:
    """Mean, low, high (the mean where there is no interval), then every seed; not finite ones left out."""
    return [summary.mean, *summary.ends, *(value for value in summary.values if math.isfinite(value))]


def _is_box_metric(metric: Metric) -> bool:
    return metric.key.startswith("map") or metric.key.endswith("iou")


def _reading(metric: Metric, say: Speech) -> tuple[str, Callable[[float], float]]:
    """The label of a metric's axis, and how its values are brought to it: what lacks to 100 %, for shares."""
    if metric.key == "accuracy":
        return say("test error", "erreur de test"), lambda value: 1 - value
    if metric.scale == "points" and not _is_box_metric(metric):
        return f"1 − {metric.name}", lambda value: 1 - value
    unit = f" ({metric.unit})" if metric.scale == "plain" else ""
    return metric.name + unit, lambda value: value


def _set_axis(axes: Axes, metric: Metric, values: list[float], say: Speech) -> None:
    if _is_box_metric(metric):
        axes.set_xlim(max(0.0, min(values) - 0.05), min(1.0, max(values) + 0.05))
        axes.xaxis.set_major_formatter(lambda value, _: say.short_percent(float(f"{value:.3g}")))
        return
    limits = scales.log_limits([max(value, LEAST) for value in values if value > 0])
    is_time = metric.scale == "ratio"
    ticks = scales.time_ticks(*limits) if is_time else scales.log_ticks(*limits)
    written = say.time_label if is_time else say.short_percent if metric.scale == "points" else say.plain
    scales.set_log(axes.xaxis, limits, ticks, written)


# --------------------------------------------------------------------------------------------- differences


def differences(entries: list[Entry], pairs: Pairs, folder: Path, say: Speech) -> Chart | None:
    """How many points each contender is behind the first, with the zone inside which two count as equivalent."""
    standing = claims.standing(entries)
    found = [(entry, verdict) for entry in standing[1:] if (verdict := pairs.verdict(standing[0], entry))]
    if not found:
        return None
    leader = standing[0]
    behind = [(entry, _behind(leader, verdict)) for entry, verdict in found[: MOST_SHOWN - 1]]
    figure, axes = _rows_panel([entry for entry, _ in behind], say)
    values = [value for _, row in behind for value in row]
    margin = 100 * MEASURES[pairs.primary].margin
    _set_difference_axis(axes, values, margin, say)
    axes.axvspan(-margin, margin, color=NEUTRAL, linewidth=0, zorder=0.5)
    axes.axvline(0, color=INK, linewidth=1.0)
    for row, (entry, (mean, low, high)) in enumerate(behind):
        axes.plot([low, high], [row, row], color=entry.style.colour, linewidth=1.8)
        axes.plot([mean], [row], entry.style.marker, color=entry.style.colour, markersize=7)
    name, zone = metric_words(pairs.primary, say).name, say.number(margin, 1)
    axes.set_xlabel(say(f"points of {name} behind {leader.name}", f"points {say.of(name)} de retard sur {leader.name}"))
    described = say(f"differences from {leader.name}", f"différences avec {leader.name}")
    panel = saved_panel(figure, "differences", described, folder)
    caption = say(
        f"Paired differences of {name} with 95 % intervals. An interval that leaves the line at 0 out speaks for a "
        f"difference; the grey zone is ±{zone} point, inside which two count as equivalent. Which pairs are shown to "
        f"differ is said by the verdicts.",
        f"Différences appariées {say.of(name)} avec intervalles à 95 %. Un intervalle qui exclut le trait à 0 plaide "
        f"pour une différence ; la zone grise est ±{zone} point, où deux concurrents comptent comme équivalents. "
        f"Quelles paires diffèrent de façon démontrée, les verdicts le disent.",
    )
    title = differences_title(entries, pairs, say)
    return Chart("differences", title, caption, (panel,), "two")


def differences_title(entries: list[Entry], pairs: Pairs, say: Speech) -> str:
    """Who is behind is said where everybody is."""
    first, *others = claims.standing(entries) or [entries[0]]
    verdicts = [verdict for entry in others if (verdict := pairs.verdict(first, entry))]
    if verdicts and all(verdict.first == first.name and verdict.difference > 0 for verdict in verdicts):
        if len(others) == 1:
            behind = others[0].name
            return say(f"How far behind {first.name} {behind} is", f"Le retard {say.of(behind)} sur {first.name}")
        return say(f"How far behind {first.name} the others are", f"Le retard des autres sur {first.name}")
    return say(f"Paired differences from {first.name}", f"Différences appariées avec {first.name}")


def _behind(leader: Entry, verdict: Verdict) -> tuple[float, float, float]:
    """Mean, low and high of leader - other, in points."""
    if verdict.first == leader.name:
        mean, low, high = verdict.difference, verdict.low, verdict.high
    else:
        mean, low, high = turned(verdict, "points")
    return 100 * mean, 100 * (mean if low is None else low), 100 * (mean if high is None else high)


def _set_difference_axis(axes: Axes, values: list[float], margin: float, say: Speech) -> None:
    """Wide enough for the values, and for the zone of +- `margin` with room beside it."""
    low, high = min(-1.6 * margin, *values), max(1.6 * margin, *values)

    def written(value: float, place: float) -> str:
        return say.plain(float(f"{value:.3g}"))

    axes.xaxis.set_major_formatter(written)
    if max(-low, high) <= LONGEST_LINEAR:
        room = 0.06 * (high - low)
        axes.set_xlim(low - room, high + room)
        return
    from matplotlib.ticker import FixedLocator

    axes.set_xscale("symlog", linthresh=0.5, linscale=0.6)
    axes.set_xlim(low * 1.3, high * 1.3)
    axes.xaxis.set_major_locator(FixedLocator([-50, -10, -2, -0.5, 0, 0.5, 2, 10, 50]))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(written)


def _rows_panel(entries: list[Entry], say: Speech) -> tuple[Figure, Axes]:
    names = [shortened(entry.label(say)) for entry in entries]
    margins = (0.25 + text_inches(names), 0.5, 0.15, 0.08)
    figure, axes = new_panel(PANEL_INCHES, 0.58 + ROW_INCHES * max(2, len(entries)), margins)
    axes.set_yticks(range(len(entries)), names)
    axes.set_ylim(max(2, len(entries)) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="y", visible=False)
    return figure, axes
