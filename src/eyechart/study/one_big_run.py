"""One big run: a contender that several processes train together, in the folder of a study with this one run.

torchrun starts this in every process.  The first one does all that `race` does: it settles the plan, speaks, judges and
writes; the others are told the job, and train.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.terminal.lines import aloud

if TYPE_CHECKING:
    from eyechart.launch.worker import StopSignals
    from eyechart.schema import Language, StudyRecord
    from eyechart.study.study import Study
    from eyechart.training.together import Together


def num_processes() -> int:
    """That torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def num_here() -> int:
    """Those on this machine, which share its cores."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def race_together(
    record: StudyRecord, folder: Path, *, resume: bool, exist_ok: bool, offline: bool, lang: Language = "en"
) -> Study | None:
    """Train the record's one contender with its one seed; the study in the first process, None in the others.

    `folder` is seen by all processes: checkpoints are in it.  Raises UsageError for what only one process can do.
    """
    check_shareable(record, num_processes())
    from eyechart.base import host

    host.tune_allocator()  # before torch asks for its first memory
    from eyechart.launch.worker import StopSignals
    from eyechart.training.together import Together

    group, stop = Together(), StopSignals()
    study = None
    if group.is_first:
        study = _first(record, folder, group, stop, resume=resume, exist_ok=exist_ok, offline=offline, lang=lang)
    else:
        _other(group, stop)
    group.leave()
    return study


def check_shareable(record: StudyRecord, size: int) -> None:
    """UsageError for a plan that `size` processes cannot train together."""
    from eyechart.training.budget import budget_of

    (recipe,) = record.recipes.values()
    if budget_of(recipe, record.rules).unit == "seconds":
        raise UsageError(
            "A budget in seconds is paced by one clock, and several processes have several. "
            "Expected --epochs, --images, --steps, or --preset standard."
        )
    if recipe.gradual:
        raise UsageError(
            f"The recipe of {record.contenders[0]} opens its stages one by one (gradual), which several processes "
            f"cannot do together. Train it without torchrun, or with a recipe that does not."
        )
    if recipe.batch_size < size:
        raise UsageError(
            f"A batch of {recipe.batch_size} images is too small for {size} processes; expected one image a process or "
            f"more (-b)."
        )


def _first(
    record: StudyRecord, folder: Path, group: Together, stop: StopSignals, *, resume: bool, exist_ok: bool,
    offline: bool, lang: Language,
) -> Study:  # fmt: skip
    from eyechart.files import storage
    from eyechart.files.locks import hold
    from eyechart.launch.driver import saying_how_to_go_on
    from eyechart.runner.run import run_contender
    from eyechart.study import folder as study_folder
    from eyechart.study.plan import jobs_of
    from eyechart.study.race import forewarn, settled
    from eyechart.study.study import Study
    from eyechart.terminal.live import LiveTable

    with hold(folder, aloud):
        opened = study_folder.open_study(record, folder, resume=resume, exist_ok=exist_ok)
        record, card = settled(opened.record, study_folder.content_of(opened.folder), offline, aloud)
        opened = replace(opened, record=record)
        forewarn(record, card.num_test, aloud, strict=False, lang=lang)
        study_folder.take(opened)
        (job,) = jobs_of(record, opened.folder.resolve(), offline, folder)
        left = "" if storage.is_run(Path(job.folder)) else job.model_dump_json()
        if group.of_first(lambda: left):
            with saying_how_to_go_on(folder), LiveTable() as table:
                run_contender(job, table, stop, group=group)
        study = Study(opened.folder, record, home=folder if opened.is_replacement else None)
        study_folder.conclude(study, opened)
        aloud(f"report: {study.report(lang=lang)}")
    return study


def _other(group: Together, stop: StopSignals) -> None:
    from eyechart.runner.train import train
    from eyechart.schema import RunJob

    if told := group.of_first(lambda: ""):
        train(RunJob.model_validate_json(told), lambda progress: None, stop, 0.0, group)
