"""The ladder from its studies to its record, figure and text; a rung that is finished is not trained again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.catalog import ladder
from eyechart.contexts.ladder import rung_contender
from eyechart.contexts.ladder_pace import loop_pace
from eyechart.contexts.ladder_record import LADDER_FILE, name_of, recorded, runs_of
from eyechart.contexts.levels import STANDARD
from eyechart.files import storage
from eyechart.report.ladder.figure import write_figure
from eyechart.report.ladder.text import write_synthesis
from eyechart.study.differences import changed_text, rule_differences
from eyechart.study.machine import like_others
from eyechart.study.race import race

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.contexts.ladder import LadderContext, Level
    from eyechart.schema import Language
    from eyechart.schema.ladder import LadderRecord

# Of the rules: which images are trained on, looked at and judged.
RULES_OF_IMAGES = ("img_size", "fraction", "label_noise", "validation_fraction", "least_validation_images",
                   "max_test_images")  # fmt: skip


def run_ladder(
    context: LadderContext,
    levels: Sequence[Level],
    folder: Path,
    *,
    best: Path | None,
    offline: bool,
    say: Callable[[str], None],
    lang: Language = "en",
    jobs: int = 1,
) -> LadderRecord:
    """Train what is not trained yet, rung by rung, each a study of its own below `folder`, up to `jobs` runs at once.

    `best` is a study whose runs of `vit` are the last rung; None: it is trained here, or was.  After each rung the
    record, the figure and the text are written anew.  Raises RunFailed after all rungs when some runs failed,
    Interrupted when the user stops it.
    """
    check_alike(levels, folder)
    if best is not None:
        check_best(best, levels)
    failed = []
    for number, level in enumerate(levels, 1):
        say(f"{context.name}: {number} of {len(levels)}, {level.name}")
        plan = like_others(level.record, folder)
        study = race(plan, folder / plan.name, resume=True, exist_ok=False, offline=offline, lang=lang,
                     jobs=jobs)  # fmt: skip
        failed += [study] if study.failures else []
        write(recorded(folder, best), context, folder, lang)
    for study in failed:
        study.raise_failures()
    record = recorded(folder, best)
    if record.loops is None and levels:
        say("timing loops over images, and none")
        record = record.model_copy(update={"loops": loop_pace(levels[0].record, offline)})
        write(record, context, folder, lang)
    return record


def check_alike(levels: Sequence[Level], folder: Path) -> None:
    """UsageError where rungs in the folder were trained by other rules: steps between rungs are on the same images."""
    for level in levels:
        for place in sorted(folder.glob(f"*/{storage.STUDY_FILE}")):
            there = storage.read_study(place.parent)
            if level.name not in ladder.NAMES or name_of(there.name) not in ladder.NAMES:
                continue
            if changes := rule_differences(there, level.record, but=("num_threads",)):
                raise UsageError(
                    f"{place.parent} was trained by other rules than {level.name} would be: {'; '.join(changes)}. "
                    f"Give the same options, or --name for a ladder of its own."
                )


def check_best(study: Path, levels: Sequence[Level] = ()) -> None:
    """UsageError for a folder without finished runs of `vit`, or where they saw other images than the rungs will."""
    found = runs_of(study, rung_contender(ladder.BEST))
    rungs = [level.record.rules for level in levels if level.name in ladder.NAMES]
    for path in found if rungs else []:
        theirs = storage.read_run(path).rules
        if changes := [
            changed_text(name, getattr(theirs, name), getattr(rungs[0], name))
            for name in RULES_OF_IMAGES
            if getattr(theirs, name) != getattr(rungs[0], name)
        ]:
            raise UsageError(
                f"{path} was trained on other images than the rungs would be: {'; '.join(changes)}. Expected a study "
                f"of our vit on the same ones; a whole one goes with --preset {STANDARD}."
            )
    if not found:
        raise UsageError(
            f"{study} has no finished run of vit, which is the last rung. Expected a study of our vit, such as "
            f"`eyechart run --preset standard -m vit --seeds 0,1,2` makes; or leave it out."
        )


def write(record: LadderRecord, context: LadderContext, folder: Path, lang: Language) -> None:
    """The record, its figure as SVG and PNG, and all of it in words as Markdown."""
    storage.write_record(folder / LADDER_FILE, record)
    write_figure(record, context.name, folder, lang)
    write_synthesis(record, context.name, context.question, folder, lang)
