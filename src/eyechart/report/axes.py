"""Logarithmic axes with ticks that people read, and labels that do not cover each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from eyechart.catalog.palette import Style
from eyechart.report.charts import GRID, INK, TYPE_POINTS
from eyechart.words.numbers import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MOST_TICKS = 7
TIME_TICKS = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60),
    *(120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400, 172800, 432000, 864000),
)


def log_limits(values: list[float], room: float = 1.2) -> tuple[float, float]:
    """The ends of a logarithmic axis that holds all positive finite `values`; at least a factor of 2 apart."""
    positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    low, high = min(positive) / room, max(positive) * room
    if high < 2 * low:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(2), middle * math.sqrt(2)
    return low, high


def log_ticks(low: float, high: float) -> list[float]:
    """1-2-5 ticks between `low` and `high`; whole powers of ten when the axis is long."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**exponent for exponent in exponents for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= MOST_TICKS:
            break
    return _thinned(ticks) if len(ticks) > 1 else _even_ticks(low, high)


def time_ticks(low: float, high: float) -> list[float]:
    """Round times of a clock between `low` and `high` seconds."""
    ticks = [tick for tick in TIME_TICKS if low <= tick <= high]
    return _thinned(ticks) if len(ticks) > 1 else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    """Two or more ticks at equal steps, for an axis so short that it holds no two of the round numbers."""
    step = 10.0 ** math.floor(math.log10(high - low))
    while high - low < 2 * step:
        step /= 2
    first, last = math.ceil(low / step), math.floor(high / step)
    return _thinned([float(f"{number * step:.6g}") for number in range(first, last + 1)])


def set_log(axis: Axis, limits: tuple[float, float], ticks: list[float], written: Callable[[float], str]) -> None:
    """Make an axis logarithmic with exactly these ticks."""
    from matplotlib.axis import XAxis
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    is_x = isinstance(axis, XAxis)
    (axis.axes.set_xscale if is_x else axis.axes.set_yscale)("log")
    (axis.axes.set_xlim if is_x else axis.axes.set_ylim)(*limits)
    axis.set_minor_locator(NullLocator())
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([written(tick) for tick in ticks]))


def _thinned(ticks: list[float]) -> list[float]:
    step = math.ceil(len(ticks) / MOST_TICKS) if ticks else 1
    return ticks[::step]


MARKS_AT, NAMES_AT = 1.045, 1.075  # right of the axes, of whose width these are shares


def label_line_ends(axes: Axes, ends: list[tuple[float, float, str, Style]], *, whole: bool = False) -> None:
    """Write each line's name right of the axes at its end (x, y), moved apart where they would touch.

    Long names are shortened, unless they are to be `whole`.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = sorted(
        ((float(to_axes.transform((x, y))[1]), x, y, name, style) for x, y, name, style in ends), reverse=True
    )
    gap = 1.45 * TYPE_POINTS / (axes.get_window_extent().height * 72 / axes.figure.dpi)
    heights = spread_apart([height for height, *_ in wanted], gap)
    to_mark = (NAMES_AT - MARKS_AT) * axes.get_window_extent().width * 72 / axes.figure.dpi  # points
    for height, (_, x, y, name, style) in zip(heights, wanted, strict=True):
        axes.annotate(
            name if whole else shortened(name),
            xy=(x, y),
            xytext=(NAMES_AT, height),
            textcoords="axes fraction",
            va="center",
            color=INK,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": GRID,
                "linewidth": 0.8,
                "relpos": (0.0, 0.5),
                "shrinkA": to_mark + 5,
            },
        )
        axes.plot([MARKS_AT], [height], style.marker, color=style.colour, transform=axes.transAxes, clip_on=False)


def spread_apart(heights: list[float], gap: float) -> list[float]:
    """Move falling `heights` (0..1) so that neighbours are `gap` apart and none leaves the axes if there is room."""
    moved: list[float] = []
    for height in heights:
        moved.append(min(height, moved[-1] - gap) if moved else min(height, 1.0))
    if moved and moved[-1] < 0:
        floor = 0.0
        for i in reversed(range(len(moved))):
            moved[i] = max(moved[i], floor)
            floor = moved[i] + gap
    return moved


# Where a label may stand beside its point, in points, with its horizontal alignment: the first free place is taken.
LABEL_PLACES = (
    *((9, 0, "left"), (-9, 0, "right"), (0, 13, "center"), (0, -13, "center"), (8, 12, "left"), (8, -12, "left")),
    *(
        (-8, 12, "right"),
        (-8, -12, "right"),
        (10, 24, "left"),
        (10, -24, "left"),
        (-10, 24, "right"),
        (-10, -24, "right"),
    ),
)
Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


def label_points(
    axes: Axes, points: list[tuple[float, float, str]], obstacles: list[tuple[float, float, float]]
) -> None:
    """Write a name beside each point (x, y, name), clear of each other and of the `obstacles` (x, low y, high y)."""
    scale = 72 / axes.figure.dpi
    frame = axes.get_window_extent()
    inside = (frame.x0 * scale, frame.y0 * scale, frame.x1 * scale, frame.y1 * scale)
    taken: list[Box] = []
    for x, low, high in obstacles:
        (left, bottom), (_, top) = (
            axes.transData.transform((x, low)) * scale,
            axes.transData.transform((x, high)) * scale,
        )
        taken.append((left - 4, min(bottom, top) - 2, left + 4, max(bottom, top) + 2))
    for x, y, name in points:
        text = shortened(name)
        at_x, at_y = axes.transData.transform((x, y)) * scale
        boxes = [_label_box(at_x + dx, at_y + dy, text, align) for dx, dy, align in LABEL_PLACES]
        costs = [100 * _is_outside(box, inside) + sum(_overlap(box, other) for other in taken) for box in boxes]
        best = costs.index(min(costs))
        dx, dy, align = LABEL_PLACES[best]
        axes.annotate(text, (x, y), (dx, dy), textcoords="offset points", ha=align, va="center", color=INK)
        taken.append(boxes[best])


def _label_box(x: float, y: float, text: str, align: str) -> Box:
    width = 0.62 * TYPE_POINTS * len(text)
    left = {"left": x, "right": x - width, "center": x - width / 2}[align]
    return left, y - 0.6 * TYPE_POINTS, left + width, y + 0.6 * TYPE_POINTS


def _overlap(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def _is_outside(box: Box, inside: Box) -> bool:
    return box[0] < inside[0] or box[2] > inside[2] + 6 or box[1] < inside[1] or box[3] > inside[3]
