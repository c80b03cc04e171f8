"""`eyechart compare`: verdicts on runs that are on the disk."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.cli import options
from eyechart.terminal.lines import record_json


def compare(
    runs: list[Path] = typer.Argument(..., metavar="RUNS...", help="Runs, studies, or folders of studies."),
    metric: str = typer.Option(
        None,
        "--metric",
        help="accuracy, macro_f1, loss, training_seconds, map; or all, and what is untested. Default: accuracy, or map "
        "of scenes.",
    ),
    lang: str = options.LANG,
    strict: bool = options.STRICT,
    as_json: bool = options.JSON,
) -> None:
    """Say which contender is better, by how much and how sure: intervals, paired tests, verdicts."""
    from eyechart.comparison.compare import compare_runs
    from eyechart.comparison.findings import refuse
    from eyechart.files.storage import find_runs

    asked, language = _metrics(metric) if metric is not None else None, options.language_of(lang)
    comparison = compare_runs(find_runs(runs))
    if as_json:
        typer.echo(record_json(comparison))
    else:
        from eyechart.terminal.verdicts import show_comparison

        show_comparison(comparison, asked or [comparison.primary], language)
    if strict:
        refuse(comparison.findings, language)


def _metrics(text: str) -> list[str]:
    from eyechart.base.errors import UsageError
    from eyechart.scoring.measures import MEASURES

    names = list(MEASURES) if text == "all" else [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name not in MEASURES]
    if unknown or not names:
        raise UsageError(f"--metric got {text!r}; expected all, or some of {', '.join(MEASURES)}, separated by commas.")
    return names
