"""A search: trial after trial for every contender in turn, until each had its share; then a recipe file for each."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from eyechart.base import host
from eyechart.base.clock import now_text
from eyechart.base.errors import RunFailed, UsageError
from eyechart.base.seeding import derived_seed
from eyechart.catalog.recipes import slug
from eyechart.catalog.search_spaces import settings_of, space_of, with_settings
from eyechart.files import generations, storage
from eyechart.launch.driver import Launcher, in_turn, saying_how_to_go_on
from eyechart.schema import (
    DatasetCard,
    Recipe,
    RecipeFile,
    StudyRecord,
    TrialChoice,
    TrialJob,
    TrialRecord,
    TuneRecord,
    Tuning,
)
from eyechart.schema.contracts import Progress
from eyechart.study.plan import task_of
from eyechart.tuning.sampler import Tried, check_optuna, next_settings

if TYPE_CHECKING:
    from eyechart.schema.contracts import Reporter

DEFAULT_TRIALS = 20  # for each contender: ten at random and ten that learn from them


class Trial(NamedTuple):
    """One choice of settings and how it did: the mean over the search seeds."""

    number: int  # 0: the recipe as it stands
    settings: dict[str, Any]
    accuracy: float  # on validation
    loss: float
    failed: bool
    training_seconds: float


@dataclass(frozen=True)
class Found:
    """What the search gave for one contender."""

    contender: str
    trials: list[Trial]
    best: Trial | None  # None: every trial failed
    recipe: Path | None  # the file of the winner

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Field -> (value as it stood, value that won), where they differ."""
        if self.best is None:
            return {}
        old, new = self.trials[0].settings, self.best.settings
        return {field: (old[field], new[field]) for field in old if old[field] != new[field]}


# --------------------------------------------------------------------------------------------- planning


def plan_search(record: StudyRecord, *, trials: int | None = None, seconds: float | None = None) -> TuneRecord:
    """A search over the recipes of a planned study, whose seeds are the search's; one of `trials` and `seconds`.

    Raises UsageError for both, for an amount that cannot be, and where optuna is missing.
    """
    check_optuna()
    if task_of(record.rules.dataset) == "detection":
        raise UsageError(
            f"{record.rules.dataset} has objects to be found, and recipes for scenes are not searched: "
            f"a search goes by accuracy. Change a recipe by hand, and compare with: eyechart run --recipe FILE."
        )
    if trials is not None and seconds is not None:
        raise UsageError(
            "A search is limited by --trials or by --seconds and got both; give one. "
            "For the seconds of a single training choose --trial-seconds."
        )
    unit: Literal["trials", "seconds"] = "trials" if seconds is None else "seconds"
    amount = (DEFAULT_TRIALS if trials is None else trials) if seconds is None else seconds
    if not 0 < amount < float("inf"):
        raise UsageError(f"--{unit} got {amount:g}; expected a number above 0.")
    return TuneRecord(study=record, unit=unit, amount=amount)


# --------------------------------------------------------------------------------------------- searching


def search(record: TuneRecord, folder: Path, card: DatasetCard, report: Reporter, *, offline: bool = False,
           launch: Launcher | None = None) -> list[Found]:  # fmt: skip
    """Do all trials that are not done yet, round by round, and write a recipe file for every contender.

    Inside a round the contenders come in a random order, a function of the search seeds, and know nothing of each
    other: a launcher may train them at once, and the choices are the same.  A training that diverges, or
    whose process ends, is a failed trial and counts.  Raises Interrupted when the user stops it; what is done stays.
    """
    launch = launch or in_turn()
    trials: dict[str, list[Trial]] = {contender: [] for contender in record.study.contenders}
    number = 0
    while True:
        due = [contender for contender in trials if _may_try(record, folder, contender, trials[contender])]
        if not due:
            break
        random.Random(f"trials/{record.study.seeds}/{number}").shuffle(due)
        jobs = [job for each in due for job in _jobs_left(record, folder, each, trials[each], offline)]
        _train(jobs, folder, card, report, launch)
        for contender in due:
            trials[contender].append(_trial(record, folder, contender, number))
        number += 1
    return [_found(record, folder, contender, done, card) for contender, done in trials.items()]


def _may_try(record: TuneRecord, folder: Path, contender: str, done: list[Trial]) -> bool:
    """Whether there is room for one more trial: by number; or by seconds, where the longest so far must still fit."""
    if record.unit == "trials":
        return len(done) < record.amount
    is_there = all(_file(folder, contender, len(done), seed).exists() for seed in record.study.seeds)
    if not done or is_there:
        return True
    times = [trial.training_seconds for trial in done]
    return sum(times) + max(times) <= record.amount


def _jobs_left(record: TuneRecord, folder: Path, contender: str, done: list[Trial], offline: bool) -> list[TrialJob]:
    """What is to be trained for the next trial of a contender: one job for each search seed that is not there yet."""
    paths = {seed: _file(folder, contender, len(done), seed) for seed in record.study.seeds}
    there = [path for path in paths.values() if path.exists()]
    if len(there) == len(paths):
        return []
    if there:
        settings = storage.read_record(there[0], TrialRecord).settings
        choice = TrialChoice(number=len(done), settings=settings)
    else:
        choice = _choose(record, contender, done)
    return [_job(record, folder, contender, seed, choice, offline) for seed, path in paths.items() if not path.exists()]


def _trial(record: TuneRecord, folder: Path, contender: str, number: int) -> Trial:
    """One trial with all search seeds, which are on the disk."""
    parts = [storage.read_record(_file(folder, contender, number, seed), TrialRecord) for seed in record.study.seeds]
    return Trial(
        number,
        parts[0].settings,
        accuracy=sum(part.accuracy for part in parts) / len(parts),
        loss=sum(part.loss for part in parts) / len(parts),
        failed=any(part.status != "finished" for part in parts),
        training_seconds=sum(part.training_seconds for part in parts),
    )


def _choose(record: TuneRecord, contender: str, done: list[Trial]) -> TrialChoice:
    """The recipe as it stands first, so that no search ends below it; then what the sampler proposes."""
    recipe, number = record.study.recipes[contender], len(done)
    space = space_of(recipe)
    if not done:
        return TrialChoice(number=0, settings=settings_of(recipe, space))
    seed = derived_seed(record.study.seeds[0], f"trial/{contender}", number)
    tried = [Tried(trial.settings, trial.accuracy) for trial in done]
    return TrialChoice(number=number, settings=next_settings(space, tried, seed))


def _job(record: TuneRecord, folder: Path, contender: str, seed: int, choice: TrialChoice, offline: bool) -> TrialJob:
    path = _file(folder, contender, choice.number, seed).parent
    return TrialJob(
        study=record.study.name,
        run=path.name,
        folder=str(path),
        contender=contender,
        seed=seed,
        recipe=with_settings(record.study.recipes[contender], choice.settings),
        rules=record.study.rules,
        trial=choice,
        offline=offline,
        started_in=record.study.started_in,
        dataset_sha256=record.study.dataset_sha256,
    )


def _train(jobs: list[TrialJob], folder: Path, card: DatasetCard, report: Reporter, launch: Launcher) -> None:
    """Leave a trial.json for each, also of a training whose process failed.

    What is no matter of settings ends the search.
    """
    begun: dict[str, float] = {}

    def in_time() -> Iterator[TrialJob]:
        for job in jobs:  # a launcher asks for each when its turn comes
            begun[job.run] = time.monotonic()
            yield job

    with saying_how_to_go_on(folder):
        for job, error in launch(in_time(), report):
            if error:
                if not isinstance(error, RunFailed):
                    raise error
                assert isinstance(job, TrialJob)
                _leave_failed(job, error, time.monotonic() - begun[job.run], card, report)


def _leave_failed(job: TrialJob, error: RunFailed, seconds: float, card: DatasetCard, report: Reporter) -> None:
    """A training whose process failed is a trial at chance."""
    record = TrialRecord(
        contender=job.contender,
        number=job.trial.number,
        seed=job.seed,
        settings=job.trial.settings,
        status="failed",
        accuracy=1 / card.num_classes,
        loss=float("nan"),
        training_seconds=seconds,
        num_steps=0,
        test_accesses=0,
        reason=str(error),
        finished_at=now_text(),
    )
    storage.write_record(Path(job.folder) / storage.TRIAL_FILE, record)
    generations.remove(Path(job.folder))
    report(Progress(job.run, "failed", note=f"{job.run} failed, which counts as a trial: {error.told()}"))


def _file(folder: Path, contender: str, number: int, seed: int) -> Path:
    return folder / "trials" / f"{slug(contender)}-t{number}-s{seed}" / storage.TRIAL_FILE


# --------------------------------------------------------------------------------------------- the winner


def _found(record: TuneRecord, folder: Path, contender: str, trials: list[Trial], card: DatasetCard) -> Found:
    """The best trial by validation accuracy at the last step, then by loss; its recipe as a file."""
    standing = [trial for trial in trials if not trial.failed]
    if not standing:
        return Found(contender, trials, None, None)
    best = max(standing, key=lambda trial: (trial.accuracy, -trial.loss, -trial.number))
    path = folder / "recipes" / f"{slug(contender)}.json"
    recipe = _tuned(record, record.study.recipes[contender], trials, best, card)
    storage.write_record(path, RecipeFile(contender=contender, recipe=recipe))
    return Found(contender, trials, best, path)


def _tuned(record: TuneRecord, recipe: Recipe, trials: Sequence[Trial], best: Trial, card: DatasetCard) -> Recipe:
    """The recipe with the settings of the best trial, and how they were found."""
    rules = record.study.rules
    tuning = Tuning(
        unit=record.unit,
        amount=record.amount,
        accuracies=tuple(trial.accuracy for trial in trials),
        num_failed=sum(trial.failed for trial in trials),
        best_trial=best.number,
        validation_accuracy=best.accuracy,
        validation_loss=best.loss,
        training_seconds=sum(trial.training_seconds for trial in trials),
        search_seeds=record.study.seeds,
        budget=rules.budget,
        dataset=card.name,
        dataset_sha256=card.content_sha256,
        searched=tuple(space_of(recipe)),
        sampler=check_optuna(),
        date=datetime.now(UTC).date().isoformat(),
        commit=host.host_facts(None, rules.num_threads).commit,
    )
    words = {
        "source": f"eyechart tune, trial {best.number} of {record.study.name}, from {recipe.source}",
        "expect": f"{100 * best.accuracy:.2f} % of the validation images of {card.name}, the best of {len(trials)}",
    }
    return with_settings(recipe, best.settings).model_copy(update={"tuning": tuning, **words})
