"""A study's runs judged again, level by level, from what is there already to the record, its figures and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eyechart.base import host
from eyechart.base.errors import UsageError
from eyechart.comparison.compare import compare_runs
from eyechart.comparison.mean_over_levels import compare_means
from eyechart.contexts import corruption
from eyechart.files import storage
from eyechart.files.locks import hold
from eyechart.report.corruption_plot import write_figures
from eyechart.report.corruption_text import write_synthesis
from eyechart.schema.contexts import ContextRecord, LevelResult, MeanResult

if TYPE_CHECKING:
    from eyechart.contexts.catalog import JudgedContext
    from eyechart.contexts.corruption import Source, Spoiled
    from eyechart.schema import Language

GROUPS: tuple[tuple[Literal["not geometric", "geometric"], bool], ...] = (("not geometric", False), ("geometric", True))


def run_again(
    context: JudgedContext,
    source: Source,
    levels: Sequence[Spoiled],
    *,
    device: str,
    num_threads: int,
    mnist_c: Path | None,
    say: Callable[[str], None],
    lang: Language = "en",
) -> ContextRecord:
    """Judge what is not judged yet, and write what all levels in the folder say together.

    Raises UsageError where the folder holds something else, StorageError for files that are gone or damaged.
    """
    check_folder(source.folder)
    host.set_threads(num_threads)
    chosen = host.select_device(device)
    with hold(source.folder, say):
        for place, level in enumerate(levels, 1):
            left = corruption.pending(source, level)
            done = len(source.runs) - len(left)
            told = f", {done} of {len(source.runs)} runs judged already" if done else ""
            say(f"{context.name}: level {place} of {len(levels)}, {level.title}{told}")
            if left:
                corruption.judge_level(source, level, left, chosen, num_threads, mnist_c, say)
        say("comparing")
        record = recorded(context, source)
        write(record, context, source.folder, lang)
    return record


def check_folder(folder: Path) -> None:
    """UsageError for one that is there and holds something other than runs judged again."""
    if not folder.exists():
        return
    if folder.is_dir() and (
        all(entry.name.startswith(storage.LOCK_PREFIX) for entry in folder.iterdir())
        or any(corruption.level_of(entry.name) for entry in folder.iterdir())
    ):
        return
    raise UsageError(
        f"{folder} is there and holds no runs judged again; expected nothing, or what an earlier "
        f"`eyechart study corruption` left there. Move it away."
    )


def recorded(context: JudgedContext, source: Source) -> ContextRecord:
    """What the runs of all levels in the folder say, whatever was asked for this time."""
    found: dict[Spoiled, list[Path]] = {}
    for folder in source.folder.iterdir():
        level = corruption.level_of(folder.name)
        if level and (runs := corruption.same_pictures(source, storage.find_runs([folder]), level)):
            found[level] = runs
    ordered = sorted(found, key=lambda level: level.value)
    levels = tuple(
        LevelResult(label=level.corruption.name, value=level.value, study=level.folder, severity=level.severity,
                    comparison=compare_runs(found[level]))
        for level in ordered
    )  # fmt: skip
    severities = dict.fromkeys(level.severity for level in ordered)
    means = [mean for severity in severities for mean in _means(source, found, severity)]
    return ContextRecord(context=context.name, dataset=source.any_run.dataset.title, levels=levels, means=tuple(means))


def _means(source: Source, found: dict[Spoiled, list[Path]], severity: str) -> list[MeanResult]:
    """Of one severity: without corruption, over those that are not geometric, and over those that are."""
    clean = compare_means([list(source.runs)], None if source.is_whole else source.chosen)
    means = [MeanResult(name="untouched", severity=severity, labels=(), comparison=clean)]
    for name, is_geometric in GROUPS:
        group = {
            level: runs
            for level, runs in sorted(found.items(), key=lambda item: item[0].value)
            if (level.severity, level.corruption.is_geometric) == (severity, is_geometric)
        }
        if group and set.intersection(*({run.name for run in runs} for runs in group.values())):
            labels = tuple(level.corruption.name for level in group)
            compared = compare_means(list(group.values()))
            means.append(MeanResult(name=name, severity=severity, labels=labels, comparison=compared))
    return means


def write(record: ContextRecord, context: JudgedContext, folder: Path, lang: Language) -> None:
    """The record, its figures as SVG and PNG, and all of it in words as Markdown."""
    storage.write_record(folder / storage.CONTEXT_FILE, record)
    write_figures(record, folder, lang)
    write_synthesis(record, context.question, folder, lang)
