"""`eyechart exam`: the eye test."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.cli import options
from eyechart.terminal.lines import aloud, record_json, say


def exam(
    study: Path = typer.Argument(..., help="The folder of a study with finished runs."),
    threads: int = options.THREADS_AS_THERE,
    device: str = options.DEVICE,
    lang: str = options.LANG,
    as_json: bool = options.JSON,
) -> None:
    """Let all contenders of a study read test images that shrink, fade, blur, turn or are crowded, until they fail."""
    from eyechart.files.locks import hold
    from eyechart.files.storage import REPORT_FILE, find_runs
    from eyechart.report.exam.files import write_charts
    from eyechart.report.page import write_report
    from eyechart.runner.exam import examine
    from eyechart.schema.exam import EXAM_FOLDER
    from eyechart.terminal.exam import exam_table

    language = options.language_of(lang)
    options.some_runs([study])
    with hold(study, aloud):
        record = examine(study, aloud, num_threads=threads, device=device)
        charts = write_charts(record, study, language)
        report = write_report(find_runs([study]), study / REPORT_FILE, lang=language)
    if as_json:
        typer.echo(record_json(record))
        return
    exam_table(record, language)
    say(f"charts: {study / EXAM_FOLDER} ({len(charts)} dimensions)")
    say(f"report: {report}")
