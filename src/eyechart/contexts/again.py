"""A study's runs judged again, level by level, from what is there already to the record, its figures and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base import host
from eyechart.base.errors import UsageError
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.mean_over_levels import compare_means
from eyechart.contexts.source import judge_level, judged_earlier, pending, same_pictures
from eyechart.files import storage
from eyechart.files.locks import hold
from eyechart.report.judged_plot import write_figures
from eyechart.report.judged_text import write_synthesis
from eyechart.report.winner_map import rows_of, write_map
from eyechart.schema.contexts import ContextRecord, LevelResult, MeanResult
from eyechart.words.speech import speech

if TYPE_CHECKING:
    from eyechart.contexts.catalog import JudgedContext
    from eyechart.contexts.source import JudgedLevel, Mean, Source
    from eyechart.schema import Comparison, Language

GROUPS: tuple[Mean, ...] = ("not geometric", "geometric")


def run_again(
    context: JudgedContext,
    source: Source,
    levels: Sequence[JudgedLevel],
    *,
    device: str,
    num_threads: int,
    say: Callable[[str], None],
    lang: Language = "en",
) -> ContextRecord:
    """Judge what is not judged yet, and write what all levels in the folder say together.

    Raises UsageError where the folder holds something else, StorageError for files that are gone or damaged.
    """
    check_folder(context, source.folder)
    host.set_threads(num_threads)
    chosen = host.select_device(device)
    with hold(source.folder, say):
        for place, level in enumerate(levels, 1):
            left = pending(source, level)
            done = len(source.runs) - len(left)
            told = f", {done} of {len(source.runs)} runs judged already" if done else ""
            say(f"{context.name}: level {place} of {len(levels)}, {level.title}{told}")
            if left:
                judge_level(source, level, left, chosen, num_threads, say)
        say("comparing")
        record = recorded(context, source, levels)
        write(record, context, source.folder, lang)
    return record


def check_folder(context: JudgedContext, folder: Path) -> None:
    """UsageError for one that is there and holds something other than runs judged again."""
    if not folder.exists():
        return
    if folder.is_dir() and (
        all(entry.name.startswith(storage.LOCK_PREFIX) for entry in folder.iterdir())
        or any(context.is_level(entry.name) for entry in folder.iterdir())
    ):
        return
    raise UsageError(
        f"{folder} is there and holds no runs judged again; expected nothing, or what an earlier "
        f"`eyechart study {context.name}` left there. Move it away."
    )


def recorded(context: JudgedContext, source: Source, asked: Sequence[JudgedLevel]) -> ContextRecord:
    """What the runs of all levels in the folder say, those that were asked for this time and those of before."""
    known = {level.folder: level for level in asked}
    found: list[tuple[JudgedLevel, list[Path]]] = []
    levels: list[LevelResult] = []
    path = source.folder / storage.CONTEXT_FILE
    earlier = {
        level.study: level for level in (storage.read_record(path, ContextRecord).levels if path.is_file() else ())
    }
    for folder in source.folder.iterdir():
        if level := known.get(folder.name) or context.level_of(folder.name, source):
            if runs := same_pictures(source, storage.find_runs([folder]), level):
                found.append((level, runs))
        # A name that does not tell the pictures: what the last record says of it, if its runs are there still.
        elif folder.name in earlier and (runs := judged_earlier(source, storage.find_runs([folder]))):
            levels.append(earlier[folder.name].model_copy(update={"comparison": compare_runs(runs)}))
    found.sort(key=lambda each: (each[0].value, each[0].label))
    levels += [
        LevelResult(label=level.label, value=level.value, study=level.folder, severity=level.severity,
                    comparison=compare_runs(runs))
        for level, runs in found
    ]  # fmt: skip
    levels.sort(key=lambda level: (level.value, level.label))
    severities = dict.fromkeys(level.severity for level in levels)
    clean = compare_means([list(source.runs)], None if source.is_whole else source.chosen) if levels else None
    means = [mean for severity in severities if clean for mean in _means(clean, found, severity)]
    return ContextRecord(
        context=context.name, dataset=source.any_run.dataset.title, levels=tuple(levels), means=tuple(means)
    )


def _means(clean: Comparison, found: Sequence[tuple[JudgedLevel, list[Path]]], severity: str) -> list[MeanResult]:
    """Of one severity: on the study's own test images, and over each group of levels that has a mean."""
    means = [MeanResult(name="untouched", severity=severity, labels=(), comparison=clean)]
    for name in GROUPS:
        group = [(level, runs) for level, runs in found if (level.severity, level.mean) == (severity, name)]
        if group and set.intersection(*({run.name for run in runs} for _, runs in group)):
            labels = tuple(level.label for level, _ in group)
            compared = compare_means([runs for _, runs in group])
            means.append(MeanResult(name=name, severity=severity, labels=labels, comparison=compared))
    return means


def write(record: ContextRecord, context: JudgedContext, folder: Path, lang: Language) -> None:
    """The record, its figures as SVG and PNG, and all of it in words as Markdown."""
    storage.write_record(folder / storage.CONTEXT_FILE, record)
    write_figures(record, folder, lang)
    write_map(rows_of(record, speech(lang)), folder, lang, name=f"{record.context}-winners")
    write_synthesis(record, context.question, folder, lang)
