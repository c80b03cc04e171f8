"""The picture of a learning-rate range test: a curve a contender, with the recipe's rate on it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.catalog.palette import Style, style_of
from eyechart.files.storage import write_bytes
from eyechart.report import axes as scales
from eyechart.report.charts import MUTED, PAPER, PNG_DOTS_PER_INCH, drawing, new_panel, text_inches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.scoring.lr_range import LrRange
    from eyechart.words.speech import Speech

DASHES = ("-", "--", ":", "-.")  # of starts of one architecture, which share a colour
TALLEST = 1.3  # times the highest first loss: above it a curve only says that it has blown up


def write_plot(tests: Sequence[LrRange], path: Path, say: Speech) -> None:
    """Draw them on common axes into a PNG; StorageError where that cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = [test.contender for test in tests]
    with drawing(names):
        figure, axes = new_panel(6.4 + text_inches(names), 3.6, (0.62, 0.5, 0.5 + text_inches(names), 0.42))
        limits = min(test.rates[0] for test in tests), max(test.rates[-1] for test in tests)
        scales.set_log(axes.xaxis, limits, scales.log_ticks(*limits), say.plain)
        top = TALLEST * max(test.smoothed[0] for test in tests)
        axes.set_ylim(0, top)
        axes.yaxis.set_major_formatter(lambda loss, _: say.number(loss, 1))
        ends = []
        for place, (test, name) in enumerate(zip(tests, names, strict=True)):
            own = style_of(name, names)
            style = Style(own.colour, own.marker, DASHES[place % len(DASHES)])
            axes.plot(test.rates, test.smoothed, color=style.colour, linestyle=style.dash)
            ends.append((test.rates[-1], min(test.smoothed[-1], top), name, style))
            axes.axvline(test.recipe_rate, color=style.colour, linewidth=0.9, linestyle=(0, (2, 3)))
            axes.plot([test.steepest], [_at(test, test.steepest)], marker=style.marker, color=style.colour)
        scales.label_line_ends(axes, ends, whole=True)
        axes.set_xlabel(say("learning rate, growing from step to step", "taux d'apprentissage, croissant à chaque pas"))
        axes.set_ylabel(say("training loss, smoothed (nats)", "perte d'entraînement, lissée (nats)"))
        title = say(
            "Mark: where the loss falls fastest. Dotted: the peak that the recipe has.",
            "Marque : là où la perte baisse le plus vite. En pointillés : le sommet que donne la recette.",
        )
        axes.set_title(title, loc="left", fontsize=9, color=MUTED)
        png = io.BytesIO()
        FigureCanvasAgg(figure).print_figure(png, format="png", dpi=PNG_DOTS_PER_INCH, facecolor=PAPER)
    write_bytes(path, png.getvalue())


def _at(test: LrRange, rate: float) -> float:
    return test.smoothed[test.rates.index(rate)]
