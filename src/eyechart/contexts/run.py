"""A context from its levels to its record and figure; a level that is finished is not trained again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.questions import answered
from eyechart.contexts.levels import Asked, Context, Level
from eyechart.contexts.needs import peak_memory, robustness_of
from eyechart.files import storage
from eyechart.files.locks import locked
from eyechart.report.context_plot import write_figures
from eyechart.report.context_text import write_synthesis
from eyechart.report.winner_map import rows_of, write_map
from eyechart.schema.contexts import ContextRecord, LevelResult
from eyechart.study.differences import rule_differences
from eyechart.study.machine import like_others
from eyechart.study.plan import run_names
from eyechart.study.race import race
from eyechart.study.study import Study
from eyechart.study.together import check_together
from eyechart.words.speech import speech

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.schema import Language
    from eyechart.study.shards import Shard


def run_context(
    context: Context,
    levels: Sequence[Level],
    folder: Path,
    *,
    offline: bool,
    say: Callable[[str], None],
    lang: Language = "en",
    jobs: int = 1,
    shard: Shard | None = None,
) -> ContextRecord:
    """Train what is not trained yet, level by level, each a study of its own below `folder`.

    Up to `jobs` runs are done at once; a `shard` is one of all levels together.  After each level the record and the
    figure are written anew, so that what is there can be looked at.  Raises RunFailed after all levels when some runs
    failed, Interrupted when the user stops it, UsageError before the first where jobs would share seconds.
    """
    for level in levels:
        check_together(level.record.rules.budget, jobs)
    failed = []
    for place, level in enumerate(levels, 1):
        say(f"{context.name}: level {place} of {len(levels)}, {level.label} {context.axis.words[0]}")
        plan = like_others(level.record, folder)
        study = race(plan, folder / plan.name, resume=True, exist_ok=False, offline=offline, lang=lang,
                     jobs=jobs, shard=shard)  # fmt: skip
        if shard:
            shard = shard.after(run_names(level.record))
        failed += [study] if study.failures else []
        if not shard:
            write(recorded(context, folder), context, folder, lang)
    if shard and is_complete(levels, folder):
        with locked(folder / f"{storage.LOCK_PREFIX}opening", lambda: None):  # two shards may end at once
            write(recorded(context, folder), context, folder, lang)
    for study in failed:
        study.raise_failures()
    return recorded(context, folder)


def check_alike(context: Context, asked: Asked, folder: Path) -> None:
    """UsageError where levels in the folder were trained by other rules than what is asked for would give them.

    Levels differ in their axis alone; another budget or another test part would be drawn as one line with them.
    """
    for place in sorted(folder.glob(f"*/{storage.STUDY_FILE}")):
        there = storage.read_study(place.parent)
        level = context.level_of(there)
        if level is None:
            continue
        would_be = context.level_at(int(level.value), asked, there.contenders).record
        if changes := rule_differences(there, would_be, but=("num_threads",)):
            raise UsageError(
                f"{place.parent} was trained by other rules than this would be: {'; '.join(changes)}. Levels of one "
                f"context differ in their {context.axis.words[0]} alone. Give the same options, or --name for a "
                f"context of its own."
            )


def is_complete(levels: Sequence[Level], folder: Path) -> bool:
    """Whether every run of every level is finished."""
    return not any(Study(folder / level.record.name, level.record).missing for level in levels)


def recorded(context: Context, folder: Path) -> ContextRecord:
    """What the finished runs of all levels in a folder say, whatever was asked for this time."""
    studies = [path.parent for path in folder.glob(f"*/{storage.STUDY_FILE}")]
    levels = [level for each in studies if (level := context.level_of(storage.read_study(each))) is not None]
    found = []
    for level in sorted(levels, key=lambda level: level.value):
        if runs := storage.find_runs([folder / level.record.name]):
            compared = compare_runs(runs)
            answers = answered(runs, level.questions, compared.primary)
            budget = level.record.rules.budget
            found.append(LevelResult(
                label=level.label, value=level.value, study=level.record.name, comparison=compared, answers=answers,
                robustness=robustness_of(folder / level.record.name), peak_memory=peak_memory(runs),
                seconds=budget.amount if budget and budget.unit == "seconds" else None,
            ))  # fmt: skip
    dataset = found[-1].comparison.dataset if found else ""  # the largest level's, where they are not the same
    return ContextRecord(context=context.name, dataset=dataset, levels=tuple(found))


def write(record: ContextRecord, context: Context, folder: Path, lang: Language) -> None:
    """The record, its figures as SVG and PNG, and all of it in words as Markdown."""
    storage.write_record(folder / storage.CONTEXT_FILE, record)
    write_figures(record, context.axis.words, context.axis.is_log, folder, lang)
    write_map(rows_of(record, speech(lang), context.axis.words), folder, lang, name=f"{context.name}-winners")
    write_synthesis(record, context.question, context.axis.words, folder, lang)
