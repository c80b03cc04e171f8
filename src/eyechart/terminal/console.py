"""Where tables and lines are written, and the little that all tables share.

Colour goes to marks and bars only: a terminal may be dark or light, and names must be readable on both.
Nothing that is printed is markup: names of classes, files and studies come from outside.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

from eyechart.base.foreign_text import shown
from eyechart.catalog.palette import style_of

PIPE_COLUMNS = 160  # width of tables that go into a file or a pipe


def open_console(stream: TextIO) -> Console:
    """A console on `stream`; a character that its encoding does not have becomes "?" instead of an error."""
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(ValueError, OSError):
            stream.reconfigure(errors="replace")
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_COLUMNS
    return console


def named(name: str, contender: str, beside: Iterable[str] = ()) -> Text:
    """The name behind the mark of its contender, which alone is coloured; `beside` are all contenders of the table."""
    style = style_of(contender, beside)
    return Text.assemble((style.glyph, style.colour), " ", (shown(name), "bold"))


def percent_text(share: float, decimals: int = 2) -> str:
    """A share of 1: 99.31 %."""
    return f"{100 * share:.{decimals}f} %"


def seconds_text(seconds: float) -> str:
    """A duration as people say it: 4.2 s, 1 min 10 s, 2 h 05 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
