"""`eyechart labels`: which labels look wrong, by models that did not train on them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.comparison.label_noise import LabelErrors, Rescored
    from eyechart.schema import RunRecord

MOST_LINES = 24
MOST_PICTURES = 96


def labels(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS", help="Runs, studies, or folders of studies.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also write the pictures (.png) or all figures (.csv).")
    ] = None,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="Overwrite the output file if it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all suspects of it.")] = False,
) -> None:
    """Find labels that are likely wrong, by models that did not train on them; needs the extra "audit" (cleanlab)."""
    from eyechart.comparison.answers import Shelf
    from eyechart.comparison.label_noise import find_label_errors

    _check_output(output, exist_ok)
    records = _read(runs)
    shelf = Shelf()
    found = find_label_errors(records, shelf)
    rescored = _rescored(records, shelf)
    classes = records[0][1].dataset.classes
    if output:
        _write(found, classes, output, shelf)
    if as_json:
        typer.echo(json_text(_document(found, rescored, classes), indent=1))
        return
    _print(found, rescored, classes)
    if output:
        say(str(output))


def _check_output(output: Path | None, exist_ok: bool) -> None:
    from eyechart.base.errors import UsageError

    if output and output.suffix not in (".png", ".csv"):
        raise UsageError(f"--output {output} ends in {output.suffix or 'nothing'!r}; expected a .png or a .csv file.")
    if output:
        options.check_free(output, exist_ok)


def _read(paths: list[Path]) -> list[tuple[Path, RunRecord]]:
    from eyechart.base.errors import UsageError
    from eyechart.comparison.same_dataset import check_one_dataset
    from eyechart.files.storage import read_run

    records = [(folder, read_run(folder)) for folder in options.some_runs(paths)]
    check_one_dataset((run.dataset for _, run in records), "Look at the labels of each dataset alone.")
    if records[0][1].dataset.task == "detection":
        raise UsageError(
            f"{records[0][1].run} was trained on scenes, whose images have no label each. Expected runs on images that "
            f"show one thing each; of boxes, the report says which cost most."
        )
    return records


def _rescored(records: list[tuple[Path, RunRecord]], shelf: Any) -> list[Rescored]:
    from eyechart.base.errors import StorageError
    from eyechart.comparison.label_noise import rescore

    contenders = dict.fromkeys(run.contender for _, run in records)
    finished = [(folder, run) for folder, run in records if run.status == "finished"]
    groups = [[pair for pair in finished if pair[1].contender == contender] for contender in contenders]
    rescored = []
    for group in filter(None, groups):
        with contextlib.suppress(StorageError):  # answers that are gone are named with what was left out
            rescored.append(rescore(group[0][1].contender, group, shelf))
    return [found for found in rescored if found]


def _write(found: LabelErrors, classes: Sequence[str], output: Path, shelf: Any) -> None:
    from eyechart.base.fonts import remark, signs_without_font
    from eyechart.report.label_sheet import write_suspects_csv, write_suspects_png

    if output.suffix == ".csv":
        write_suspects_csv(found.suspects, classes, output)
    else:
        shown = found.suspects[:MOST_PICTURES]
        write_suspects_png(shown, classes, output, shelf)
        if told := remark(signs_without_font(classes[k] for each in shown for k in (each.label, each.suggested))):
            typer.echo(told[0], err=True)


def _document(found: LabelErrors, rescored: list[Rescored], classes: Sequence[str]) -> dict[str, Any]:
    import dataclasses

    from eyechart.report.label_sheet import suspect_rows

    return {
        "num_runs": found.num_runs,
        "contenders": list(found.contenders),
        "num_items": found.num_items,
        "suspects": suspect_rows(found.suspects, classes),
        "disputed_ranks": found.disputed_ranks,
        "without_disputed": [dataclasses.asdict(each) for each in rescored],
        "left_out": list(found.left_out),
    }


def _print(found: LabelErrors, rescored: list[Rescored], classes: Sequence[str]) -> None:
    import sys

    from rich.text import Text

    from eyechart.base.foreign_text import shown
    from eyechart.terminal.console import open_console
    from eyechart.terminal.grid import Grid, columns

    console = open_console(sys.stdout)
    if found.suspects:
        headings = (">", "image>", "label", "models say", "sure>", "label gets>", "as labelled>", "~")
        table = Grid(columns(*headings), keys=2)
        for place, each in enumerate(found.suspects[:MOST_LINES], 1):
            marks = ["disputed"] * bool(each.disputed) + ["confident learning too"] * each.confident
            part = "test" if each.part == "test" else "held out"
            table.add(
                str(place), f"{part} {each.number}", classes[each.label], classes[each.suggested],
                f"{100 * each.suggested_probability:.0f} %", f"{100 * each.label_probability:.0f} %",
                f"{each.num_agreeing} of {each.num_answers}", ", ".join(marks),
            )  # fmt: skip
        console.print(table)
        console.print()
    for line in _lines(found, rescored):
        console.print(Text(shown(line)), soft_wrap=True)


def _lines(found: LabelErrors, rescored: list[Rescored]) -> list[str]:
    from eyechart.terminal.console import percent_text

    total, shown = len(found.suspects), min(len(found.suspects), MOST_LINES)
    lines = [
        f"{total} of {sum(found.num_items.values()):,} labels are contradicted by the mean of {found.num_runs} run(s) "
        f"that did not train on the image{f'; the {shown} most suspicious are listed' if total > shown else ''}. "
        "A model may be wrong where the label is right."
    ]
    if found.is_of_some:
        lines.append("Numbers of test images are places among those that were judged, a part of the dataset's.")
    if found.disputed_ranks:
        ranks = sorted(found.disputed_ranks.values())
        counts = {most: sum(rank <= most for rank in ranks) for most in (len(ranks), 50, 100)}
        within = ", ".join(f"{count} are among the first {most}" for most, count in counts.items())
        lines.append(f"Of the {len(ranks)} disputed test labels {within}, of all test labels by suspicion.")
    for each in rescored:
        every, undisputed = percent_text(each.accuracy), percent_text(each.undisputed)
        lines.append(
            f"{each.contender}: accuracy {every}, {undisputed} without the {each.num_disputed} disputed labels, of "
            f"which it answers {each.as_labelled:.3g} as labelled ({each.num_runs} run(s))."
        )
    return lines + [f"left out: {reason}" for reason in found.left_out]
