"""Tables on terminals of any width: figures are never cut, names are, and what does not fit stands below."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.text import Text

from eyechart.terminal.console import named
from eyechart.terminal.grid import Column, Grid, columns

LONG = "a-study-of-somebody-who-likes-long-names"


def printed(grid: Grid, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    console.print(grid)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def wide() -> Grid:
    grid = Grid(columns("study", "run", "accuracy %>", "macro F1>", "loss>", "training>", "finished>"), keys=2)
    grid.add(LONG, named("vgg16-hed-s0", "vgg16"), "100.00", "1.0000", "0.0312", "1 min 10 s", "2026-01-01 12:30")
    grid.add(LONG, named("cnn-s0", "cnn"), "99.31", "0.9931", "0.0412", "2 h 05 min", "2026-01-01 12:40")
    return grid


@pytest.mark.parametrize("width", range(40, 201, 4))
def test_no_width_cuts_a_figure(width: int):
    lines = printed(wide(), width)
    assert max(map(cell_len, lines)) <= width
    words = " ".join(lines).split()
    for figure in ("100.00", "1.0000", "0.0312", "99.31", "0.9931", "0.0412", "2026-01-01", "12:30", "12:40"):
        assert figure in words
    assert any("1 min 10 s" in line for line in lines)


def test_where_there_is_room_everything_is_whole_in_one_table():
    lines = printed(wide(), 130)
    assert len(lines) == 4
    assert LONG in lines[2]


def test_names_lose_their_middle_first():
    lines = printed(wide(), 100)
    assert len(lines) == 4, "one table still"
    assert "…" in lines[2]
    assert lines[2].startswith("a-study-")
    assert "long-names" in lines[2].split("…")[1]


def test_then_the_table_goes_on_below_with_its_names_repeated():
    lines = printed(wide(), 60)
    assert lines.count("") == 1
    assert sum("vgg16-hed-s0" in line for line in lines) == 2


def test_columns_may_be_left_out_in_a_stated_order():
    def grid() -> Grid:
        made = Grid(columns("run", "stage=", "progress=", "loss>", "time>"), dropped=("progress", "loss"))
        made.add("vit-s0", "calibrating", ProgressBar(10, 3, width=20), "0.1234", "0:12 left")
        return made

    assert [line.split()[-1] for line in printed(grid(), 80)[:1]] == ["time"]
    assert "progress" in printed(grid(), 80)[0]
    assert printed(grid(), 50)[0].split() == ["run", "stage", "loss", "time"]
    assert printed(grid(), 36)[0].split() == ["run", "stage", "time"]


def test_cells_are_text_and_shown():
    grid = Grid([Column("[bold]\x1b"), Column("x", "figure")])
    grid.add("[red]x[/red] :smile:\x1b[2J", "1")
    text = "\n".join(printed(grid, 80))
    assert "[bold]\\x1b" in text
    assert "[red]x[/red] :smile:\\x1b[2J" in text


def test_wide_letters_take_two_columns():
    grid = Grid(columns("class", "F1>"))
    grid.add("漢字" * 20, "0.9931")
    lines = printed(grid, 40)
    assert max(map(cell_len, lines)) <= 40
    assert "0.9931" in lines[2]
    assert lines[2].startswith("漢字")
    assert lines[2].split("…")[1].startswith(("漢", "字"))


def test_colours_survive_the_cut():
    grid = Grid(columns("run", "F1>"))
    grid.add(named("vgg16-hed-frozen-and-very-long-s0", "vgg16"), "0.9931")
    (table,) = list(grid.__rich_console__(Console(), Console().options.update(width=24)))
    (cell, _) = [next(iter(column.cells)) for column in table.columns]  # type: ignore[union-attr]
    assert isinstance(cell, Text)
    assert cell.plain.startswith("▲ ")
    assert cell.plain.endswith("-s0")
    assert len(cell.spans) >= 2
