"""The eye test in the terminal: how far each contender reads, dimension by dimension."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.text import Text

from eyechart.base.foreign_text import shown
from eyechart.report.exam.words import acuity_text, dimension_name, finding, misfits
from eyechart.terminal.console import named, open_console
from eyechart.terminal.grid import Grid, columns
from eyechart.words.speech import speech

if TYPE_CHECKING:
    from rich.console import Console

    from eyechart.schema.exam import ExamRecord


def exam_table(record: ExamRecord, lang: str, console: Console | None = None) -> None:
    """Print acuities, a row a contender, and what is shown of whom."""
    console, say = console or open_console(sys.stdout), speech(lang)
    names = [f"{dimension_name(each.name, say)}>" for each in record.dimensions]
    grid = Grid(columns(say("contender", "concurrent"), *names))
    for contender in record.contenders:
        cells = [
            acuity_text(dimension, record.reading(contender, dimension.name), record.height, say)[0]
            for dimension in record.dimensions
        ]
        grid.add(named(contender, contender, record.contenders), *cells)
    console.print(grid)
    console.print()
    told = [finding(record, each.name, say) for each in record.dimensions] if len(record.contenders) > 1 else []
    for line in (*(f"{each}." for each in told), misfits(record, say)):
        if line:
            console.print(Text(shown(line), style="dim"), soft_wrap=True)
