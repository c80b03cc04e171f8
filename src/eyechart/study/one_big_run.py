"""One big run: a contender that several processes train together, in the folder of a study with this one run.

torchrun starts this in every process.  The first one does all that `race` does: it settles the plan, speaks, judges and
writes; the others are told the job, and train.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.files.addresses import address_of
from eyechart.files.storage import STUDY_FILE, read_study
from eyechart.launch.driver import Launcher, Outcome
from eyechart.schema import RunJob
from eyechart.study.race import race

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eyechart.launch.worker import StopSignals
    from eyechart.schema import Job, Language, StudyRecord
    from eyechart.schema.contracts import Reporter
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
    if address := address_of(folder):
        raise UsageError(
            f"{address} cannot be worked at by several processes: each machine would have a copy of its own. Expected "
            f"a folder that all of them see (-o)."
        )
    from eyechart.base import host

    host.tune_allocator()  # before torch asks for its first memory
    from eyechart.launch.worker import StopSignals
    from eyechart.training.together import Together

    group, stop = Together(), StopSignals()
    study = None
    if group.is_first:
        study = race(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, lang=lang,
                     launch=_together(group, stop))  # fmt: skip
    else:
        _other(group, stop)
    group.leave()
    return study


def with_stored_threads(record: StudyRecord, folder: Path) -> StudyRecord:
    """With as many threads a process as the study in `folder` began with, however many processes there are now.

    As it is where there is no such study.  Raises StorageError for one that cannot be read.
    """
    if not (folder / STUDY_FILE).is_file():
        return record
    rules = record.rules.model_copy(update={"num_threads": read_study(folder).rules.num_threads})
    return record.model_copy(update={"rules": rules})


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


def _together(group: Together, stop: StopSignals) -> Launcher:
    """The run in this very process; the others are told it, and train along."""

    def launch(jobs: Iterable[Job], report: Reporter) -> Iterator[Outcome]:
        from eyechart.runner.run import run_contender

        for job in jobs:  # one, or none where it is finished already
            assert isinstance(job, RunJob), "trials of a search are no runs of a study"
            found_by_all = job.model_copy(update={"folder": str(Path(job.folder).resolve())})
            group.of_first(found_by_all.model_dump_json)
            run_contender(found_by_all, report, stop, group=group)  # what fails here ends the processes of all
            yield Outcome(job)
            return
        group.of_first(str)  # nothing to train

    return launch


def _other(group: Together, stop: StopSignals) -> None:
    from eyechart.runner.train import train

    if told := group.of_first(lambda: ""):
        train(RunJob.model_validate_json(told), lambda progress: None, stop, 0.0, group)
