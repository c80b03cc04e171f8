"""Learning curves: validation error and loss against epochs and against training time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.comparison.uncertainty import mean_interval
from eyechart.report import axes as scales
from eyechart.report import claims
from eyechart.report.answer import finished_seeds_text
from eyechart.report.charts import Chart, Panel, new_panel, saved_panel, text_inches
from eyechart.report.entries import MOST_SHOWN, Entry, Run
from eyechart.report.section import Section
from eyechart.schema import HistoryPoint
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MILESTONES = (
    0.999,
    0.995,
    0.99,
    0.98,
    0.97,
    0.95,
    0.9,
    0.8,
    0.7,
    0.5,
)  # validation accuracies, the highest reached is told
MOST_SINGLE_LINES = 10  # of one contender, where runs have no common steps and so no mean
LONG_AXIS = 20  # epochs stand on a log axis when the longest curve is this many times the shortest one's first point

Reading = Callable[[HistoryPoint], float]


@dataclass(frozen=True)
class Curve:
    """A line: one run, or the mean over seeds with its interval."""

    x: list[float]
    y: list[float]
    low: list[float]  # empty for one run
    high: list[float]


@dataclass(frozen=True)
class Measure:
    """What is drawn upwards."""

    name: str
    label: str
    reading: Reading
    written: Callable[[float], str]


def learning_curves(entries: list[Entry], folder: Path, say: Speech) -> Chart | None:
    """Four panels: error and loss (rows) against epochs and training time (columns); None without any history.

    The title speaks of all, the panels have room for the first.
    """
    entries = [entry for entry in entries if any(run.record.history for run in entry.judged)]
    drawn = entries[:MOST_SHOWN]
    if not drawn:
        return None
    floor = 0.5 / max(1, min(entry.first.splits.num_validation for entry in drawn))
    error, loss = say("validation error", "erreur de validation"), say("validation loss", "perte de validation")
    nats = say("nats an image", "nats par image")
    measures = (
        Measure("error", error, lambda point: max(1 - point.mark, floor), say.short_percent),
        Measure("loss", f"{loss} ({nats})", lambda point: point.validation_loss, say.plain),
    )
    panels = [panel for measure in measures for panel in _row(drawn, measure, folder, say)]
    return Chart("learning", finding(entries, say), _caption(drawn, say), tuple(panels), "two")


def _row(entries: list[Entry], measure: Measure, folder: Path, say: Speech) -> list[Panel]:
    """The same measure against both clocks, on one common scale."""
    panels = []
    epochs = say("epochs (passes over the training images)", "époques (passages sur les images d'entraînement)")
    clocks: tuple[tuple[str, str, Reading], ...] = (
        ("epochs", epochs, lambda point: point.epoch),
        ("seconds", say("training time", "temps d'entraînement"), lambda point: point.training_seconds),
    )
    for name, label, clock in clocks:
        curves = [(entry, curve) for entry in entries for curve in mean_curves(entry, clock, measure.reading)]
        names = text_inches(shortened(entry.label(say)) for entry in entries)
        figure, axes = new_panel(4.9, 3.4, (0.72, 0.5, 0.42 + names, 0.1))
        set_x_axis(axes, [value for _, curve in curves for value in curve.x], name == "seconds", say)
        set_y_axis(axes, curves, measure)
        axes.set_xlabel(label)
        draw_curves(axes, curves, say)
        description = say(
            f"{measure.label} against {label}, a line a contender",
            f"{measure.label} selon {label}, une ligne par concurrent",
        )
        panels.append(saved_panel(figure, f"learning-{measure.name}-{name}", description, folder))
    return panels


def mean_curves(entry: Entry, clock: Reading, reading: Reading) -> list[Curve]:
    """One curve: the mean over seeds where their points pair up; else one thin curve a run, the first few."""
    histories = [run.record.history for run in entry.judged if run.record.history]
    if len({len(history) for history in histories}) > 1:
        return [_single(history, clock, reading) for history in histories[:MOST_SINGLE_LINES]]
    if len(histories) == 1:
        return [_single(histories[0], clock, reading)]
    x, y, low, high = [], [], [], []
    for points in zip(*histories, strict=True):
        values = [reading(point) for point in points]
        if not all(map(math.isfinite, values)):
            continue
        interval = mean_interval(values)
        x.append(statistics.fmean(clock(point) for point in points))
        y.append(statistics.fmean(values))
        low.append(interval[0])
        high.append(interval[1])
    return [Curve(x, y, low, high)]


def _single(history: tuple[HistoryPoint, ...], clock: Reading, reading: Reading) -> Curve:
    points = [point for point in history if math.isfinite(reading(point))]
    return Curve([clock(point) for point in points], [reading(point) for point in points], [], [])


def set_x_axis(axes: Axes, values: list[float], is_time: bool, say: Speech) -> None:
    positive = [value for value in values if value > 0]
    if is_time or (positive and max(positive) > LONG_AXIS * min(positive)):
        limits = scales.log_limits(positive, room=1.1)
        ticks = scales.time_ticks(*limits) if is_time else scales.log_ticks(*limits)
        scales.set_log(axes.xaxis, limits, ticks, say.time_label if is_time else say.plain)
    else:
        axes.set_xlim(0, 1.03 * max(positive, default=1.0))
        axes.xaxis.set_major_formatter(lambda value, _: say.plain(value))


def set_y_axis(axes: Axes, curves: list[tuple[Entry, Curve]], measure: Measure) -> None:
    limits = scales.log_limits([value for _, curve in curves for value in curve.y])
    scales.set_log(axes.yaxis, limits, scales.log_ticks(*limits), measure.written)
    axes.set_ylabel(measure.label)


def draw_curves(axes: Axes, curves: list[tuple[Entry, Curve]], say: Speech) -> None:
    ends = {}
    bottom = axes.get_ylim()[0]
    for entry, curve in curves:
        if not curve.x:
            continue
        style, is_mean = entry.style, len(entry.judged) == 1 or bool(curve.low)
        line_width = 1.7 if is_mean else 0.7
        marker = style.marker if is_mean else ""
        axes.plot(curve.x, curve.y, color=style.colour, marker=marker, linestyle=style.dash, linewidth=line_width)
        if curve.low:
            low = [max(value, bottom / 10) for value in curve.low]  # a log axis has no room for 0
            axes.fill_between(curve.x, low, curve.high, color=style.colour, alpha=0.14, linewidth=0)
        ends[entry.name] = (curve.x[-1], curve.y[-1], entry.label(say), style)
    scales.label_line_ends(axes, list(ends.values()))


# --------------------------------------------------------------------------------------------- words


def finding(entries: list[Entry], say: Speech) -> str:
    """Who reached the highest milestone first, when times may be compared; else only what is drawn."""
    standing = claims.standing(entries)
    if claims.may_compare_speed(entries):
        for milestone in MILESTONES:
            reached = {entry.name: _crossings(entry, milestone) for entry in standing}
            if any(all(times.values()) for times in reached.values()):
                return told(milestone, reached, say)
    return say("Validation error and loss while training", "Erreur et perte de validation pendant l'entraînement")


Crossings = dict[int, tuple[float, float] | None]  # seed -> training seconds of the last look below, the first at it


def told(milestone: float, reached: dict[str, Crossings], say: Speech) -> str:
    """Who was first, by `reached` of every contender; whoever reached it with every seed counts as there."""
    level = say.short_percent(milestone)
    goal = say(f"{level} validation accuracy", f"{level} d'exactitude en validation")
    latest = {name: statistics.fmean(time[1] for time in found.values() if time)
              for name, found in reached.items() if all(found.values())}  # fmt: skip
    order = sorted(latest, key=lambda name: latest[name])
    first, at = order[0], say(f"after {say.seconds(latest[order[0]])}", f"après {say.seconds(latest[order[0]])}")
    if len(reached) == 1:
        return say(f"{first} reached {goal} {at}", f"{first} a atteint {goal} {at}")
    if len(order) == 1:
        others = any(time for name, found in reached.items() if name != first for time in found.values())
        always = say(" with every seed", " avec chaque graine") if others else ""
        return say(f"Only {first} reached {goal}{always}, {at}", f"Seul {first} a atteint {goal}{always}, {at}")
    not_always = [name for name in reached if name not in latest]
    rivals = [name for name in (*order[1:], *not_always) if any(reached[name].values())]
    together = [first, *(name for name in rivals if not _is_before(reached[first], reached[name]))]
    if len(together) > 1:
        some = say(" (not with every seed)", " (pas avec chaque graine)")
        together = [name if name in latest else name + some for name in together]
        return say(
            f"{say.listed(together)} reached {goal}; which of them first is not shown",
            f"{say.listed(together)} ont atteint {goal} ; lequel en premier n'est pas démontré",
        )
    second, later = order[1], say.seconds(latest[order[1]])
    return say(
        f"{first} reached {goal} first, {at}; {second} after {later}",
        f"{first} a atteint {goal} en premier, {at} ; {second} après {later}",
    )


def _is_before(one: Crossings, other: Crossings) -> bool:
    """Whether one was there before the other in every pair of seeds that both have, by the looks at validation.

    Who never came was not there before.
    """
    pairs = [(one[seed], other[seed]) for seed in one.keys() & other.keys()]
    return bool(pairs) and all(mine and (its is None or mine[1] <= its[0]) for mine, its in pairs)


def _crossings(entry: Entry, accuracy: float) -> Crossings:
    return {run.record.seed: _crossing(run, accuracy) for run in entry.runs}


def _crossing(run: Run, accuracy: float) -> tuple[float, float] | None:
    before = 0.0
    for point in run.record.history:
        if point.mark >= accuracy:
            return before, point.training_seconds
        before = point.training_seconds
    return None


def _caption(entries: list[Entry], say: Speech) -> str:
    validation = sorted({entry.first.splits.num_validation for entry in entries})
    n = say(" or ", " ou ").join(say.count(number) for number in validation)
    if all(len(entry.judged) == 1 for entry in entries):
        seeds = say("One seed: the lines have no interval.", "Une seule graine : les lignes n'ont pas d'intervalle.")
    else:
        shown = finished_seeds_text(entries, say)
        seeds = say(
            f"Means over {shown}; bands are 95 % t-intervals of the mean.",
            f"Moyennes sur {shown} ; les bandes sont les intervalles t à 95 % de la moyenne.",
        )
    measured = say(
        f"n = {n} validation images, measured off the training clock at the marked points.",
        f"n = {n} images de validation, mesurées hors du chronomètre d'entraînement aux points marqués.",
    )
    return f"{measured} {seeds}"


SECTION = Section(
    "learning",
    ("Learning curves", "Courbes d'apprentissage"),
    lambda draft: learning_curves(draft.entries, draft.figures, draft.say),
)
