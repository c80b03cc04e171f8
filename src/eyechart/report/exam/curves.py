"""Psychometric curves: the share that each contender reads right, row by row, and the curve through it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eyechart.catalog.palette import Style
from eyechart.report.charts import GRID, MUTED
from eyechart.report.exam.words import level_text
from eyechart.scoring.psychometrics import Curve
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyechart.schema.exam import ExamDimension, Reading

NUM_POINTS = 120
FEWEST_TICKS = 3


def draw_curves(
    axes: Axes,
    dimension: ExamDimension,
    readings: list[tuple[Reading, Style]],
    guess: float,
    height: int,
    say: Speech,
) -> None:
    """Hardness grows to the right; the row that is left as it is stands at the left edge."""
    hardness = np.array([row.hardness for row in dimension.rows[1:]], np.float64)
    step = hardness[1] - hardness[0]
    places = np.concatenate([[hardness[0] - 1.5 * step], hardness])
    smooth = np.linspace(hardness[0] - step, hardness[-1], NUM_POINTS)
    axes.axhline(guess, color=GRID, linewidth=1.0, linestyle=(0, (2, 3)))
    for reading, style in readings:
        threshold, width, lapse = (np.array([value]) for value in (reading.threshold, reading.width, reading.lapse))
        curve = Curve(threshold, width, lapse, guess)
        axes.plot(smooth, curve.at(smooth)[0], color=style.colour, linestyle=style.dash, linewidth=1.3)
        axes.plot(places, reading.shares, style.marker, color=style.colour, markersize=3.6, alpha=0.85)
    axes.set_ylim(0, 1.03)
    axes.set_xlim(places[0] - 0.4 * step, hardness[-1] + 0.4 * step)
    every = max(1, math.ceil(len(hardness) / FEWEST_TICKS) - 1)
    shown = [0, *range(2, len(places), every)][: FEWEST_TICKS + 2]
    axes.set_xticks(places[shown], [level_text(dimension, dimension.rows[place].level, height, say) for place in shown],
                    fontsize=7.5)  # fmt: skip
    axes.set_yticks([0, 0.5, 1], [say.percent(share, 0) for share in (0, 0.5, 1)], fontsize=8)
    axes.tick_params(colors=MUTED)


def draw_legend(axes: Axes, contenders: list[tuple[str, Style]]) -> None:
    """Who is who, in empty axes."""
    for place, (name, style) in enumerate(contenders):
        axes.plot([0, 1], [place, place], color=style.colour, linestyle=style.dash)
        axes.plot([0.5], [place], style.marker, color=style.colour)
        axes.text(1.25, place, name, va="center")
    axes.set_xlim(-0.2, 6)
    axes.set_ylim(max(len(contenders), 5) - 0.4, -0.8)
    axes.set_axis_off()
