"""Per class: which classes are hard (F1), and what they are taken for (confusion matrices)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.comparison.uncertainty import mean_interval
from eyechart.report import axes as scales
from eyechart.report.charts import HEAT, INK, MUTED, NEUTRAL, Chart, Panel, new_panel, saved_panel, text_inches
from eyechart.report.entries import Entry
from eyechart.report.numbers import percent, plural, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES_WITH_COUNTS = 15  # more, and the counts in the cells could not be read
MOST_CLASSES_DRAWN = 60
MOST_TOLD = 5  # classes or mistakes of a contender, in words
F1_INCHES = 5.4  # width of the drawing
LEAST_SHORTFALL = 0.0002  # F1 of 1 stands where 99.98 % would: a log axis has no room for it
F1_TICKS = (0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)


def per_class_f1(entries: list[Entry], folder: Path) -> Chart:
    """One dot a contender and class, on an axis that spreads the values near 100 %; words for too many classes."""
    classes = entries[0].first.dataset.classes
    if len(classes) > MOST_CLASSES_DRAWN:
        return Chart("classes", _hardest_class(entries), _lowest_f1(entries), ())
    names = [shortened(name) for name in classes]
    columns = max(1, int(F1_INCHES / (0.22 + text_inches(shortened(entry.label) for entry in entries))))
    legend_inches = 0.15 + 0.24 * math.ceil(len(entries) / columns)
    margins = (0.25 + text_inches(names), 0.55, 0.15, legend_inches)
    figure, axes = new_panel(F1_INCHES, 0.55 + legend_inches + 0.34 * len(classes), margins)
    shortfalls = [_draw_f1(axes, entry, _offset(i, len(entries))) for i, entry in enumerate(entries)]
    _set_f1_axis(axes, [value for values in shortfalls for value in values])
    axes.set_yticks(range(len(classes)), names)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, frameon=False, handletextpad=0.1)
    axes.set_xlabel("F1 (log axis of what lacks to 100 %; further right is better)")
    panel = saved_panel(figure, "classes-f1", "F1 of every class, a dot a contender", folder)
    return Chart("classes", _hardest_class(entries), _f1_caption(entries), (panel,))


def _offset(index: int, number: int) -> float:
    return 0.0 if number == 1 else 0.52 * (index / (number - 1) - 0.5)


def _draw_f1(axes: Axes, entry: Entry, offset: float) -> list[float]:
    """The dots of one contender, with intervals over seeds where there are several; gives the shortfalls 1 - F1."""
    drawn = []
    axes.plot([], [], entry.style.marker, color=entry.style.colour, label=shortened(entry.label))  # for the legend
    for row, values in enumerate(zip(*entry.values_per_class(), strict=True)):
        shortfall = max(1 - statistics.fmean(values), LEAST_SHORTFALL)
        if len(values) > 1:
            low, high = mean_interval(values)
            ends = [max(1 - high, LEAST_SHORTFALL), min(max(1 - low, LEAST_SHORTFALL), 1.0)]
            axes.plot(ends, [row + offset] * 2, color=entry.style.colour, linewidth=1.2)
        axes.plot([shortfall], [row + offset], entry.style.marker, color=entry.style.colour, markersize=5.5)
        drawn.append(shortfall)
    return drawn


def _set_f1_axis(axes: Axes, shortfalls: list[float]) -> None:
    low, high = scales.log_limits(shortfalls)
    ticks = [1 - f1 for f1 in F1_TICKS if low <= 1 - f1 <= high]
    scales.set_log(axes.xaxis, (low, high), ticks, lambda tick: f"{100 * (1 - tick):.6g} %")
    axes.invert_xaxis()


def _hardest_class(entries: list[Entry]) -> str:
    standing = [entry for entry in entries if not entry.diverged]
    if not standing:
        return "F1 of every class"
    classes = entries[0].first.dataset.classes
    hardest = []
    for entry in standing:
        f1 = [statistics.fmean(values) for values in zip(*entry.values_per_class(), strict=True)]
        hardest.append(classes[f1.index(min(f1))])
    name = max(classes, key=hardest.count)
    number = hardest.count(name)
    if len(standing) == 1:
        return f"Class {name} has the lowest F1"
    if number == len(standing):
        return f"Class {name} has the lowest F1 for every contender"
    return (
        f"Class {name} has the lowest F1 for {number} of {len(standing)} contenders"
        if number > 1
        else "F1 of every class"
    )


def _lowest_f1(entries: list[Entry]) -> str:
    """What is told when the classes are too many to draw."""
    classes = entries[0].first.dataset.classes
    told = []
    for entry in entries:
        f1 = [statistics.fmean(values) for values in zip(*entry.values_per_class(), strict=True)]
        worst = sorted(range(len(f1)), key=f1.__getitem__)[:MOST_TOLD]
        told.append(f"{entry.label}: " + ", ".join(f"{classes[i]} {percent(f1[i], 1)}" for i in worst))
    return f"{len(classes)} classes are too many to draw. The lowest F1 — " + "; ".join(told) + "."


def _f1_caption(entries: list[Entry]) -> str:
    support = entries[0].first.test.per_class.support
    sizes = f"{min(support):,} to {max(support):,}" if min(support) != max(support) else f"{support[0]:,}"
    seeds = sorted({len(entry.judged) for entry in entries})
    if seeds == [1]:
        return f"n = {sizes} test images a class, one seed; an interval needs several seeds."
    shown = plural(seeds[-1], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    return f"n = {sizes} test images a class. Means over {shown} with 95 % t-intervals, cut at the frame."


# --------------------------------------------------------------------------------------------- confusion


def confusion_matrices(entries: list[Entry], folder: Path) -> Chart:
    """One matrix a contender, on one common colour scale; words for too many classes."""
    matrices = [mean_confusion(entry) for entry in entries]
    if len(entries[0].first.dataset.classes) > MOST_CLASSES_DRAWN:
        return Chart("confusion", _most_frequent(entries, matrices), _frequent_mistakes(entries, matrices), ())
    most = max((value for matrix in matrices for _, _, value in mistakes(matrix)), default=1.0)
    panels = tuple(
        _matrix_panel(entry, matrix, most, f"confusion-{i}", folder)
        for i, (entry, matrix) in enumerate(zip(entries, matrices, strict=True))
    )
    n = entries[0].first.test.num_items
    seeds = max(len(entry.judged) for entry in entries)
    means = "One seed." if seeds == 1 else f"Means a run, over up to {seeds} seeds."
    shades = "Mistakes are shaded on one common scale, right answers are not."
    caption = f"Rows: truth, columns: answer; n = {n:,} test images. {means} {shades}"
    return Chart("confusion", _most_frequent(entries, matrices), caption, panels)


def _frequent_mistakes(entries: list[Entry], matrices: list[list[list[float]]]) -> str:
    """What is told when the classes are too many to draw."""
    classes = entries[0].first.dataset.classes
    told = []
    for entry, matrix in zip(entries, matrices, strict=True):
        found = [f"{classes[i]} as {classes[j]} {_count(value)}" for i, j, value in mistakes(matrix)[:MOST_TOLD]]
        told.append(f"{entry.label}: " + (", ".join(found) or "none"))
    return f"{len(classes)} classes are too many to draw. The most frequent mistakes a run — " + "; ".join(told) + "."


def mean_confusion(entry: Entry) -> list[list[float]]:
    """Counts a run, mean over the runs: rows are the truth, columns the answer."""
    tables = [run.record.test.confusion for run in entry.judged]
    return [[statistics.fmean(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]


def mistakes(matrix: Sequence[Sequence[float]]) -> list[tuple[int, int, float]]:
    """(truth, answer, count) of everything off the diagonal that occurs, the most frequent first."""
    found = [(i, j, value) for i, row in enumerate(matrix) for j, value in enumerate(row) if i != j and value > 0]
    return sorted(found, key=lambda mistake: -mistake[2])


def _matrix_panel(entry: Entry, matrix: list[list[float]], most: float, name: str, folder: Path) -> Panel:
    classes = [shortened(each, 10) for each in entry.first.dataset.classes]
    names = text_inches(classes)
    figure, axes = new_panel(3.6 + names, 3.6 + names, (0.45 + names, 0.45 + names, 0.05, 0.4))
    size = len(classes)
    _draw_cells(axes, matrix, most, with_counts=size <= MOST_CLASSES_WITH_COUNTS)
    step = math.ceil(size / 30)
    is_long = max(len(each) for each in classes[::step]) > 2
    axes.set_xticks(range(0, size, step), classes[::step], rotation=90 if is_long else 0)
    axes.set_yticks(range(0, size, step), classes[::step])
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal", xlabel="answer", ylabel="truth")
    axes.grid(visible=False)
    axes.plot([0.0], [1.045], entry.style.marker, color=entry.style.colour, transform=axes.transAxes, clip_on=False)
    axes.text(0.035, 1.045, shortened(entry.label, 30), transform=axes.transAxes, va="center", weight="bold")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return saved_panel(figure, name, f"confusion matrix of {entry.name}", folder)


def _draw_cells(axes: Axes, matrix: list[list[float]], most: float, *, with_counts: bool) -> None:
    """Right answers on neutral grey, mistakes in one hue that deepens with the square root of their number."""
    from matplotlib.patches import Rectangle

    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            if value == 0 and i != j:
                continue
            corner, shade = (j - 0.47, i - 0.47), 1.0 if i == j else 0.12 + 0.88 * math.sqrt(value / most)
            axes.add_patch(
                Rectangle(corner, 0.94, 0.94, facecolor=NEUTRAL if i == j else HEAT, alpha=shade, linewidth=0)
            )
            if with_counts:
                colour = MUTED if i == j else INK
                axes.text(j, i, _count(value), ha="center", va="center_baseline", color=colour, fontsize=8.5)


def _count(value: float) -> str:
    """A count, or a mean of counts: one decimal where it says something."""
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def _most_frequent(entries: list[Entry], matrices: list[list[list[float]]]) -> str:
    """The most frequent confusion over all contenders that finished."""
    neutral = "What is taken for what"
    standing = [matrix for entry, matrix in zip(entries, matrices, strict=True) if not entry.diverged]
    if not standing:
        return neutral
    together = [[math.fsum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*standing, strict=True)]
    found = mistakes(together)
    if not found or (len(found) > 1 and found[0][2] == found[1][2]):
        return neutral
    classes = entries[0].first.dataset.classes
    truth, answer, number = found[0]
    over = "" if len(standing) == 1 else f" in one run of each of {len(standing)} contenders"
    return f"{classes[truth]} taken for {classes[answer]} is the most frequent mistake: {_count(number)} times{over}"
