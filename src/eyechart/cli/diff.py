"""`eyechart diff`: what two runs have different."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import say


def diff(
    first: Path = typer.Argument(..., metavar="RUN", help="The folder of a run."),
    second: Path = typer.Argument(..., metavar="RUN", help="The folder of another run."),
    as_json: bool = options.JSON,
) -> None:
    """Show in what two runs differ: settings, data, machine, results, costs, and whether the bits are the same."""
    from eyechart.comparison.two_runs import differences, is_same_to_the_bit
    from eyechart.files.storage import read_run

    one, other = read_run(first), read_run(second)
    found = differences(one, other)
    if as_json:
        typer.echo(json_text([each._asdict() for each in found], indent=1))
        return
    _table(found, first, second)
    same = "the same to the last bit" if is_same_to_the_bit(one, other) else "not the same"
    say(f"Weights and predictions are {same}.")


def _table(found, first: Path, second: Path) -> None:  # type: ignore[no-untyped-def]
    from rich.text import Text

    from eyechart.base.foreign_text import shown
    from eyechart.terminal.console import open_console
    from eyechart.terminal.grid import Grid, columns

    table = Grid(columns("about", "field", shown(str(first)) + "~", shown(str(second)) + "~"), keys=2)
    told = ""
    for each in found:
        table.add("" if each.group == told else each.group, each.field, _value(each.first), _value(each.second))
        told = each.group
    if found:
        open_console(sys.stdout).print(table)
    else:
        open_console(sys.stdout).print(Text("No setting, no result and no second differs."))


def _value(value: object) -> str:
    from eyechart.base.foreign_text import shown

    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value) or "–"
    if isinstance(value, str) and len(value) == 64 and value.isalnum():
        return value[:12]  # a hash
    return "–" if value is None or value == "" else shown(str(value))
