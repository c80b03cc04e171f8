"""A table that never cuts a figure: names give way first, then columns.

Where a terminal is too narrow, names lose their middle; where that is not enough, columns are left out in the order
that the table states, and then the table goes on below, with the names of its rows repeated.  Cells are text, never
markup, and are shown as foreign_text says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eyechart.base.foreign_text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions

Kind = Literal["name", "figure", "mark", "words"]  # figures stand at the right, all others at the left
Cell = str | Text | ProgressBar
LEAST_NAME = 12  # columns that are left of a long name
LEAST_HEADING = 14  # no heading of ours is longer; a contender's name may be one
LEAST_WORDS = 16
GAP = 2  # columns between two columns


class Column(NamedTuple):
    """A heading and what stands below it: names lose their middle, figures and marks stay whole, words wrap."""

    heading: str
    kind: Kind = "name"


def columns(*headings: str) -> list[Column]:
    """Names; a heading that ends in ">" is a column of figures, in "=" one of marks, in "~" one of words."""
    kinds: dict[str, Kind] = {">": "figure", "=": "mark", "~": "words"}
    return [Column(each.rstrip(">=~"), kinds.get(each[-1:], "name")) for each in headings]


@dataclass(frozen=True)
class Widths:
    """Of a column, in columns of the terminal: with everything on one line, and as few as it can do with."""

    natural: int
    least: int


class Grid:
    """A table for `console.print` and for rich's Live.

    `keys` leading columns name a row and stand in every part of the table; `dropped` are headings of columns that may
    be left out, the first one first.
    """

    def __init__(self, columns: Sequence[Column], *, keys: int = 1, dropped: Sequence[str] = (), caption: str = ""):
        self.columns, self.keys, self.dropped, self.caption = list(columns), keys, list(dropped), caption
        self.rows: list[list[Text | ProgressBar]] = []

    def add(self, *cells: Cell) -> None:
        assert len(cells) == len(self.columns), "a cell for every column"
        self.rows.append([Text(shown(cell)) if isinstance(cell, str) else cell for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        for place, part in enumerate(self.parts(options.max_width)):
            if place:
                yield Text("")
            yield self._table(part, options.max_width)
        if self.caption:
            yield Text(self.caption, style="dim")

    def parts(self, width: int) -> list[list[int]]:
        """The columns of each table that stands below the one before it."""
        left = list(range(len(self.columns)))
        for heading in self.dropped:
            if self._fits(left, width):
                break
            left = [index for index in left if self.columns[index].heading != heading]
        keys = list(range(self.keys))
        parts = [keys]
        for index in left[self.keys :]:
            if parts[-1] != keys and not self._fits([*parts[-1], index], width):
                parts.append(keys)
            parts[-1] = [*parts[-1], index]
        return parts

    def _fits(self, part: Sequence[int], width: int) -> bool:
        return sum(self._widths(index).least for index in part) + GAP * (len(part) - 1) <= width

    def _widths(self, index: int) -> Widths:
        column = self.columns[index]
        cells = max((_cell_width(row[index]) for row in self.rows), default=0)
        heading = cell_len(column.heading)
        natural = max(cells, heading)
        if column.kind in ("figure", "mark"):
            return Widths(natural, max(cells, min(heading, LEAST_HEADING)))
        return Widths(natural, min(natural, LEAST_NAME if column.kind == "name" else LEAST_WORDS))

    def _table(self, part: Sequence[int], width: int) -> Table:
        """Some columns as a table of rich, narrowed to `width` where they can be."""
        given = _narrowed([self._widths(index) for index in part], width)
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim",
            width=min(width, sum(given) + GAP * (len(part) - 1)),
        )  # fmt: skip
        for index, columns in zip(part, given, strict=True):
            column = self.columns[index]
            table.add_column(
                _without_middle(Text(shown(column.heading)), columns), width=columns, overflow="fold",
                justify="right" if column.kind == "figure" else "left",
            )  # fmt: skip
        for row in self.rows:
            table.add_row(
                *(
                    _without_middle(row[index], columns) if self.columns[index].kind == "name" else row[index]
                    for index, columns in zip(part, given, strict=True)
                )
            )
        return table


def _narrowed(widths: Sequence[Widths], room: int) -> list[int]:
    """The widest of those that can give way does, until all fit; a figure alone beside its names wraps at spaces."""
    given = [each.natural for each in widths]
    excess = sum(given) + GAP * (len(given) - 1) - room
    while excess > 0:
        places = [place for place, each in enumerate(widths) if given[place] > each.least]
        if not places:
            given[-1] = max(1, given[-1] - excess)
            break
        given[max(places, key=given.__getitem__)] -= 1
        excess -= 1
    return given


def _cell_width(cell: Text | ProgressBar) -> int:
    return cell.cell_len if isinstance(cell, Text) else cell.width or 0


def _without_middle(cell: Text | ProgressBar, width: int) -> Text | ProgressBar:
    """A name that is too long for `width` with an ellipsis in its middle, colours kept."""
    if not isinstance(cell, Text) or cell.cell_len <= width:
        return cell
    head, tail = cell.copy(), cell.copy()
    head.truncate(width // 2, overflow="crop")
    while tail and tail.cell_len > width - 1 - head.cell_len:
        tail = tail[1:]
    return Text.assemble(head, "…", tail)
