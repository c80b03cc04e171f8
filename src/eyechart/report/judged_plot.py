"""A study on other pictures as a drawing: a row a level, a mark a contender, and as its title what it shows."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from eyechart.catalog.palette import Style, style_of
from eyechart.report import axes as scales
from eyechart.report.charts import INK, MUTED, drawing, new_panel, saved_panel, text_inches
from eyechart.report.context_words import severity_words
from eyechart.report.judged_text import figure_name, headline, rows_of, severities_of
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyechart.report.charts import Panel
    from eyechart.report.judged_text import Row
    from eyechart.schema import Summary
    from eyechart.schema.contexts import ContextRecord

ROW_INCHES, AXIS_INCHES, KEY_INCHES = 0.36, 0.55, 0.3
PLOT_INCHES, RIGHT_INCHES = 5.6, 0.25
TITLE_CHARACTERS, TITLE_LINE_INCHES = 11.5, 0.18  # in an inch; and how high a line is
WIDE = 1.12  # of bold type against plain
SPREAD = 0.6  # of a row, over which the contenders stand


def write_figures(record: ContextRecord, folder: Path, lang: str) -> None:
    """One drawing a severity into `folder`, as PNG and SVG."""
    say = speech(lang)
    for severity in severities_of(record):
        names = [name for row in rows_of(record, severity, say) for name in row.comparison.contenders]
        with drawing(dict.fromkeys(names)):
            drawn(record, severity, folder, say)


def drawn(record: ContextRecord, severity: str, folder: Path, say: Speech, *, with_title: bool = True) -> Panel:
    """The drawing of one severity, in `drawing`'s style; a page has the title above it already."""
    rows = rows_of(record, severity, say)
    names = list(dict.fromkeys(name for row in rows for name in row.comparison.contenders))
    title_width = round(TITLE_CHARACTERS * (PLOT_INCHES + text_inches(row.words for row in rows)))
    told = headline(record, severity, say)
    title = fill(told, title_width) if with_title else ""
    above = 0.5 + KEY_INCHES + (TITLE_LINE_INCHES * (title.count("\n") + 1) if title else -0.1)
    left = WIDE * text_inches(row.words for row in rows) + 0.2
    height = len(rows) * ROW_INCHES + AXIS_INCHES + above
    margins = (left, AXIS_INCHES, RIGHT_INCHES, above)
    figure, axes = new_panel(left + PLOT_INCHES + RIGHT_INCHES, height, margins)
    errors = [end for row in rows for each in row.comparison.summaries if each.metric == "accuracy"
              for end in _drawn(each, row.comparison.num_items)]  # fmt: skip
    limits = scales.log_limits(errors)
    limits = limits[0], min(1.0, limits[1])
    scales.set_log(axes.xaxis, limits, scales.log_ticks(*limits), say.short_percent)
    for place, name in enumerate(names):
        style = style_of(name, names)
        _draw_contender(axes, name, style, rows, SPREAD * ((place + 0.5) / len(names) - 0.5))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [row.words for row in rows])
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(INK)
        label.set_fontweight("bold" if row.mean else "normal")
    axes.set_xlabel(say("test error", "erreur de test"))
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(names), frameon=False, fontsize=9, handletextpad=0.2,
        columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
    numbers = sorted(
        {len(each.seeds) for row in rows for each in row.comparison.summaries if each.metric == "accuracy"}
    )
    seeds = say.listed([str(number) for number in numbers])
    described = say(
        f"{record.dataset}, {severity_words(severity, say)}; seeds: {seeds}; lines: 95 % intervals",
        f"{record.dataset}, {severity_words(severity, say)} ; graines : {seeds} ; traits : intervalles à 95 %",
    )
    inches = figure.get_figheight()
    below = 1 - (0.2 + TITLE_LINE_INCHES * (title.count("\n") + 1) if title else 0.1) / inches
    figure.text(0.12 / figure.get_figwidth(), below, described, va="top", fontsize=9, color=MUTED)
    figure.text(0.12 / figure.get_figwidth(), 1 - 0.1 / inches, title, va="top", color=INK)
    return saved_panel(figure, figure_name(record, severity), told, folder)


def _draw_contender(axes: Axes, name: str, style: Style, rows: list[Row], beside: float) -> None:
    """The marks of one contender, `beside` the middle of each row, with their intervals."""
    label = name
    for place, row in enumerate(rows):
        for each in row.comparison.summaries:
            if (each.contender, each.metric) == (name, "accuracy") and math.isfinite(each.mean):
                low, error, high = _drawn(each, row.comparison.num_items)
                axes.plot([low, high], [place + beside] * 2, color=style.colour, linewidth=1.2)
                axes.plot([error], [place + beside], style.marker, color=style.colour, label=label)
                label = "_nolegend_"


def _drawn(summary: Summary, num_items: int) -> tuple[float, float, float]:
    """Error at the lower end, in the middle and at the upper end; at least half an image wrong."""
    least = 0.5 / max(1, num_items)
    low, high = summary.ends
    return max(1 - high, least), max(1 - summary.mean, least), min(1.0, max(1 - low, least))
