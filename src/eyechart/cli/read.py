"""`eyechart ls`, `show` and `report`: they read nothing but the files of runs."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import aloud, say


def ls(
    folder: Path = typer.Argument(None, help="A study, or a folder of studies. Default: that of --output."),
    where: list[str] = typer.Option([], "--where", help="Only such as contender=cnn or 'accuracy>0.98'; repeat."),
    sort: str = typer.Option("", "--sort", help="By a field, such as accuracy, loss or finished_at; the best first."),
    reverse: bool = typer.Option(False, "-r", "--reverse", help="The other way round."),
    output: Path = typer.Option(
        Path("runs"), "-o", "--output", envvar="EYECHART_OUTPUT", help="Folder of studies, as in eyechart run."
    ),
    as_json: bool = options.JSON,
) -> None:
    """List runs, the unfinished ones too; every field that --json shows can be asked for and sorted by."""
    from eyechart.files.addresses import fetch, records
    from eyechart.terminal.chosen_runs import chosen, conditions_of
    from eyechart.terminal.run_index import rows_of
    from eyechart.terminal.summaries import unfinished
    from eyechart.terminal.tables import runs_table

    if folder is None:
        fetch(output, records)
    folder, conditions = folder or output, conditions_of(where)
    done, broken = rows_of(folder), unfinished(folder)
    rows = chosen([*done, *broken], conditions, sort, reverse=reverse)
    if as_json:
        hidden = {"architecture", "folder"}
        told = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
        typer.echo(json_text(told, indent=1))
    else:
        runs_table([row for row in rows if row["status"] != "unfinished"],
                   [row for row in rows if row["status"] == "unfinished"])  # fmt: skip


def show(
    run: Path = typer.Argument(..., metavar="RUN", help="The folder of a run, or of a study."),
    as_json: bool = options.JSON,
) -> None:
    """Show everything about a run: scores, clocks, cost, and how it was made."""
    from eyechart.files.places import own_folder
    from eyechart.files.storage import STUDY_FILE, find_runs, read_run
    from eyechart.terminal.judged import judged_json, print_judged
    from eyechart.terminal.live import results_table
    from eyechart.terminal.tables import run_sheet

    if (run / STUDY_FILE).is_file():
        runs = [(folder, read_run(folder)) for folder in find_runs([run])]
        if as_json:
            typer.echo(json_text([judged_json(folder, record) for folder, record in runs], indent=1))
        else:
            results_table([record for _, record in runs])
            print_judged(runs)
        return
    record, run = read_run(run), own_folder(run)  # the images that it was judged on lie beside its own folder
    if as_json:
        typer.echo(json_text(judged_json(run, record), indent=1))
    else:
        run_sheet(record, run)


def report(
    runs: list[Path] = typer.Argument(..., metavar="RUNS", help="Runs, studies, or folders of studies."),
    output: Path = typer.Option(None, "-o", "--output", help="The HTML file. Default: report.html in the first one."),
    explain: bool = typer.Option(
        False, "--explain", help="Ask what the contenders of a study looked at on the images that divide them most."
    ),
    lang: str = options.LANG,
    strict: bool = options.STRICT,
) -> None:
    """Write the report: one HTML file that opens without a network, and its synthesis as Markdown beside it."""
    from eyechart.comparison.findings import find, refuse
    from eyechart.report.page import check_own, write_report

    language, folders = options.language_of(lang), options.some_runs(runs)
    if output:
        check_own(output)
    if explain:
        from eyechart.runner.disputed import look_at_disputed

        look_at_disputed(folders, aloud)
    target = output or runs[0] / "report.html"
    say(str(write_report(folders, target, lang=language, say_left_out=lambda why: say(why, err=True))))
    if strict:
        refuse(find(folders), language)
