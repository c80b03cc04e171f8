"""The half of `eyechart study` that trains nothing: the runs of a study are judged again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from eyechart.base.plain_json import json_text
from eyechart.terminal.lines import aloud, record_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.contexts.catalog import JudgedContext
    from eyechart.contexts.source import JudgedLevel, Source
    from eyechart.schema import Language


class Asked(NamedTuple):
    """The options that have a meaning here."""

    study: Path | None
    levels: str | None
    images: float | None
    threads: int | None
    device: str | None
    mnist_c: Path | None
    to: str | None
    offline: bool
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
    from eyechart.contexts.source import open_source
    from eyechart.report.context_words import severity_words
    from eyechart.report.judged_text import figure_name, finding, severities_of
    from eyechart.words.speech import speech

    if asked.study is None:
        raise UsageError(
            f"`eyechart study {context.name}` judges the runs of a study again, and no study was named. Expected its "
            f"folder behind the context, such as runs/quick-mnist; `eyechart run` makes one."
        )
    if asked.images is not None and asked.images < 1:
        raise UsageError(f"--images got {asked.images:g}; expected 1 or more test images.")
    source = open_source(asked.study, context.name, None if asked.images is None else int(asked.images))
    levels = _levels(context.name, source, asked)
    if asked.dry_run:
        check_folder(context, source.folder)
        _dry_run(source, levels, asked.as_json)
        return
    record = run_again(context, source, levels, device=asked.device or "auto",
                       num_threads=asked.threads or num_cores(), say=aloud, lang=lang)  # fmt: skip
    if asked.as_json:
        typer.echo(record_json(record))
        return
    told = speech(lang)
    for severity in severities_of(record):
        say(f"{severity_words(severity, told)}{told.colon} {finding(record, severity, told)}.")
        say(f"figure: {source.folder / f'{figure_name(record, severity)}.png'}")
    say(f"synthesis: {source.folder / f'{context.name}-synthesis.md'}")


def _levels(context: str, source: Source, asked: Asked) -> Sequence[JudgedLevel]:
    """Those that were asked for; UsageError for options that have no meaning in this context."""
    from eyechart.base.errors import UsageError
    from eyechart.contexts import clutter, corruption, shift

    given = {"--levels": asked.levels, "--mnist-c": asked.mnist_c, "--images": asked.images, "--to": asked.to}
    foreign = {
        "shift": ("--levels", "--mnist-c", "--images"), "corruption": ("--to",), "clutter": ("--to", "--mnist-c"),
    }[context]  # fmt: skip
    if wrong := [option for option in foreign if given[option] is not None]:
        raise UsageError(f"`eyechart study {context}` does not know {wrong[0]}. Leave it out here.")
    levels = asked.levels.split(",") if asked.levels else []
    if context == "shift":
        return shift.levels_of(source, asked.to.split(",") if asked.to else [], offline=asked.offline, say=aloud)
    if context == "clutter":
        return clutter.levels_of(source, levels)
    return corruption.levels_of(levels, asked.mnist_c)


def _dry_run(source: Source, levels: Sequence[JudgedLevel], as_json: bool) -> None:
    """Runs and time of every level, at the speed that each run was measured at when it was trained."""
    from eyechart.contexts.source import estimated_seconds, pending

    found = []
    for level in levels:
        left = pending(source, level)
        found.append(Planned(level.folder, len(left), level.num_images(source), estimated_seconds(source, level, left)))
    if as_json:
        typer.echo(json_text([each._asdict() for each in found], indent=1))
        return
    for each in found:
        say(f"{each.level:>24}  {each.runs} runs on {each.images:,} images  {each.seconds:,.0f} s")
    minutes = sum(each.seconds for each in found) / 60
    say(f"{'all':>24}  {minutes:,.1f} min, at the speeds of the machine that trained them. Nothing was judged.")
