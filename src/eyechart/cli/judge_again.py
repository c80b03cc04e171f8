"""The half of `eyechart study` that trains nothing: the runs of a study are judged again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from eyechart.base.plain_json import json_text
from eyechart.terminal.lines import aloud, record_json, say

if TYPE_CHECKING:
    from eyechart.contexts.catalog import JudgedContext
    from eyechart.contexts.corruption import Source, Spoiled
    from eyechart.schema import Language


class Asked(NamedTuple):
    """The options that have a meaning here."""

    study: Path | None
    levels: str | None
    images: float | None
    threads: int | None
    device: str | None
    mnist_c: Path | None
    dry_run: bool
    as_json: bool


class Planned(NamedTuple):
    """What a level would take."""

    level: str
    runs: int  # that are not judged yet
    images: int  # that each is asked about
    seconds: float


def judge_again(context: JudgedContext, asked: Asked, lang: Language) -> None:
    """Judge what is not judged yet and say what is found; UsageError where no study is named."""
    from eyechart.base.errors import UsageError
    from eyechart.base.host import num_cores
    from eyechart.contexts.again import check_folder, run_again
    from eyechart.contexts.corruption import levels_of, open_source
    from eyechart.report.corruption_text import finding, severities_of, severity_words
    from eyechart.words.speech import speech

    if asked.study is None:
        raise UsageError(
            f"`eyechart study {context.name}` judges the runs of a study again, and no study was named. Expected its "
            f"folder behind the context, such as runs/quick-mnist; `eyechart run` makes one."
        )
    source = open_source(asked.study, None if asked.images is None else int(asked.images))
    levels = levels_of(asked.levels.split(",") if asked.levels else [], asked.mnist_c)
    if asked.dry_run:
        check_folder(source.folder)
        _dry_run(source, levels, asked.as_json)
        return
    record = run_again(context, source, levels, device=asked.device or "auto", mnist_c=asked.mnist_c,
                       num_threads=asked.threads or num_cores(), say=aloud, lang=lang)  # fmt: skip
    if asked.as_json:
        typer.echo(record_json(record))
        return
    told = speech(lang)
    for severity in severities_of(record):
        say(f"{severity_words(severity, told)}{told(':', ' :')} {finding(record, severity, told)}.")
        say(f"figure: {source.folder / f'{context.name}-{severity}.png'}")
    say(f"synthesis: {source.folder / f'{context.name}-synthesis.md'}")


def _dry_run(source: Source, levels: list[Spoiled], as_json: bool) -> None:
    """Runs and time of every level, at the speed that each run was measured at when it was trained."""
    from eyechart.contexts.corruption import estimated_seconds, pending

    found = []
    for level in levels:
        left = pending(source, level)
        found.append(Planned(level.folder, len(left), len(source.chosen), estimated_seconds(source, left)))
    if as_json:
        typer.echo(json_text([each._asdict() for each in found], indent=1))
        return
    for each in found:
        say(f"{each.level:>24}  {each.runs} runs on {each.images:,} images  {each.seconds:,.0f} s")
    minutes = sum(each.seconds for each in found) / 60
    say(f"{'all':>24}  {minutes:,.1f} min, at the speeds of the machine that trained them. Nothing was judged.")
