"""`eyechart study vit-ladder`: the part of the command that is about a ladder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from eyechart.base.plain_json import json_text
from eyechart.terminal.lines import aloud, record_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.contexts.ladder import Asked as Rungs
    from eyechart.contexts.ladder import LadderContext, Level
    from eyechart.schema import Language


class Planned(NamedTuple):
    """What a rung would take."""

    rung: str
    runs: int
    training_seconds: float


class Ways(NamedTuple):
    """Where the ladder stands, and what is wished beside its training."""

    folder: Path
    best: Path | None
    offline: bool
    dry_run: bool
    as_json: bool
    jobs: int = 1  # runs at once


def climb(context: LadderContext, asked: Rungs, ways: Ways, lang: Language) -> None:
    """Train the rungs that are not trained yet, and say what they say; or what that would take."""
    from eyechart.contexts.ladder import levels_of
    from eyechart.contexts.ladder_record import with_a_cnn
    from eyechart.contexts.ladder_run import run_ladder
    from eyechart.files.addresses import worked_on
    from eyechart.report.ladder.words import answer, finding
    from eyechart.words.speech import speech

    levels = levels_of(replace(asked, there=with_a_cnn(ways.folder)))
    if ways.dry_run:
        _dry_run(levels, ways)
        return
    with worked_on(ways.folder, aloud):
        record = run_ladder(context, levels, ways.folder, best=ways.best, offline=ways.offline, say=aloud, lang=lang,
                            jobs=ways.jobs)  # fmt: skip
    if ways.as_json:
        typer.echo(record_json(record))
        return
    spoken = speech(lang)
    say(f"{finding(record, spoken)}.")
    say(" ".join(answer(record, spoken)))
    say(f"figure: {ways.folder / f'{context.name}.png'}")
    say(f"synthesis: {ways.folder / f'{context.name}-synthesis.md'}")


def _dry_run(levels: Sequence[Level], ways: Ways) -> None:
    """Unfinished runs and time of every rung, each contender that has some timed for a moment."""
    import tempfile
    from collections import Counter

    from eyechart.files.storage import is_run
    from eyechart.runner.estimate import estimate
    from eyechart.study.plan import jobs_of

    found = []
    for level in levels:
        jobs = jobs_of(level.record, ways.folder / level.record.name, ways.offline)
        left = Counter(job.contender for job in jobs if not is_run(Path(job.folder)))
        with tempfile.TemporaryDirectory() as folder:
            one = level.record.model_copy(update={"seeds": level.record.seeds[:1], "contenders": tuple(left)})
            estimates = estimate(jobs_of(one, Path(folder), ways.offline), say=aloud, is_brief=True) if left else []
        seconds = sum(left[each.contender] * each.training_seconds for each in estimates)
        found.append(Planned(level.name, left.total(), seconds))
    if ways.as_json:
        typer.echo(json_text([each._asdict() for each in found], indent=1))
        return
    for each in found:
        told = f"{each.runs} runs  {each.training_seconds / 60:,.0f} min" if each.runs else "finished"
        say(f"{each.rung:>14}  {told}")
    total = sum(each.training_seconds for each in found) / 60
    say(f"{'all':>14}  {total:,.0f} min of training. Nothing was trained.")
