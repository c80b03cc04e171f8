"""A study: several contenders, several seeds, one set of rules, run one after the other.

What is planned is written first (study.json), so that a study that was interrupted knows how to go on.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart import storage
from eyechart.choices import contenders_of, paths_of, seeds_of
from eyechart.contracts import Progress
from eyechart.errors import EyechartError, Interrupted, RunFailed, StorageError, UsageError
from eyechart.file_names import on_disk, recordable
from eyechart.folder_names import check_folder_name, dataset_name, folder_name_of
from eyechart.foreign_text import path_word, shell_command
from eyechart.launch import process
from eyechart.places import seen_from_here, user_path, working_folder
from eyechart.presets import rules_of
from eyechart.recipes import WITH_WEIGHTS, recipe_of, slug, takes_weights
from eyechart.schema import Job, Recipe, RunRecord, StudyRecord
from eyechart.tuning.recipe_files import recipes_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.contracts import Reporter
    from eyechart.schema import Comparison

    Launcher = Callable[[Job, Reporter], None]


@dataclass
class Study:
    """The folder of a study and what its runs left there."""

    folder: Path
    record: StudyRecord
    failures: dict[str, EyechartError] = field(default_factory=dict)  # run -> reason
    home: Path | None = None  # where it is to stand once it is complete; None: where it is

    @property
    def missing(self) -> list[str]:
        """The planned runs that are not finished."""
        return [run for run in run_names(self.record) if not storage.is_run(self.folder / run)]

    @property
    def runs(self) -> list[RunRecord]:
        """The finished runs, in the order of their names."""
        return [storage.read_run(folder) for folder in storage.find_runs([self.folder])]

    def table(self) -> None:
        """Print the leaderboard."""
        from eyechart.cli.terminal import results_table

        results_table(self.runs)

    def compare(self) -> Comparison:
        """Verdicts on every pair of contenders; diverged runs count with what they scored."""
        from eyechart.comparison.compare import compare_runs

        return compare_runs(storage.find_runs([self.folder]))

    def check_fairness(self) -> None:
        """UnfairComparison when a rule of a fair comparison is broken or a result looks wrong."""
        from eyechart.comparison.findings import find, refuse

        refuse(find(storage.find_runs([self.folder])))

    def report(self, output: Path | str | None = None, lang: str = "en") -> Path:
        """Write the HTML report; the path of the file."""
        from eyechart.report.page import write_report

        target = user_path(output) if output else self.folder / storage.REPORT_FILE
        return write_report(storage.find_runs([self.folder]), target, lang=lang)


# --------------------------------------------------------------------------------------------- planning


def plan_study(
    models: str | Sequence[str] = (),
    data: str = "mnist",
    preset: str = "quick",
    seeds: int | Iterable[int] = (0,),
    *,
    name: str | None = None,
    changes: dict[str, Any] | None = None,
    recipe_files: str | Path | Sequence[str | Path] = (),
    **rules: Any,
) -> StudyRecord:
    """Everything that a study will do, checked, before anything is loaded.

    `models`, `seeds` and `recipe_files` are several or one; names may stand in one text, between commas.
    `changes` replace fields of every recipe, `rules` fields of the preset's rules; None leaves a field as it is.
    `recipe_files` replace whole recipes, and exclude changes of the same contender.
    Raises UsageError for names and values that cannot be.
    """
    contenders, numbers, data = tuple(map(recordable, contenders_of(models))), seeds_of(seeds), recordable(data)
    if name is not None:
        with contextlib.suppress(UsageError):  # what is not UTF-8 is refused as a name
            name = recordable(name)
        check_folder_name(name)
    given = {key: value for key, value in (changes or {}).items() if value is not None}
    if "weights" in given and not any(takes_weights(contender) for contender in contenders):
        raise UsageError(
            f"--weights got {given['weights']!r}, and none of {', '.join(contenders)} starts from weights; "
            f"expected it with {' or '.join(WITH_WEIGHTS)}."
        )
    if "weights" in given:
        given["weights"] = recordable(given["weights"])
    from eyechart.host import num_cores

    rules = {"num_threads": num_cores()} | {key: value for key, value in rules.items() if value is not None}
    fixed = rules_of(preset, data, **rules)
    recipes = {contender: recipe_of(contender, _fitting(contender, given)) for contender in contenders}
    recipes |= _from_files(paths_of(recipe_files), contenders, given)
    check_search_seeds(numbers, recipes)
    return StudyRecord(
        name=name or folder_name_of(f"{preset}-{slug(dataset_name(data))}"),
        contenders=contenders,
        seeds=numbers,
        recipes=recipes,
        rules=fixed,
        command="",
        created_at=_now(),
        started_in=working_folder(),
    )


def folder_of(record: StudyRecord, output: Path) -> Path:
    """Where a study lies below the folder of studies."""
    return output / on_disk(record.name)


def _fitting(contender: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes that concern a contender: starting weights only those that have some."""
    return {key: value for key, value in changes.items() if key != "weights" or takes_weights(contender)}


def _from_files(files: Sequence[Path], contenders: Sequence[str], changes: dict[str, Any]) -> dict[str, Recipe]:
    """The recipes of the files, which nothing else may change: how they were tuned would be true no more."""
    found = recipes_from(files, contenders)
    for contender in found:
        if changed_too := _fitting(contender, changes):
            raise UsageError(
                f"{contender} has a recipe file, and {', '.join(changed_too)} would change it. Leave one of them out, "
                f"or write the value into the file."
            )
    return found


def check_search_seeds(seeds: Sequence[int], recipes: dict[str, Recipe]) -> None:
    """A recipe was chosen because it did well with its search seeds: with these it would be judged too kindly."""
    for contender, recipe in recipes.items():
        if recipe.tuning and (used := sorted(set(seeds) & set(recipe.tuning.search_seeds))):
            raise UsageError(
                f"The recipe of {contender} was tuned with seed {', '.join(map(str, used))}, and this study would use "
                f"it again. Expected seeds that the search did not see, such as --seeds 0,1,2."
            )


def settle_weights(record: StudyRecord, offline: bool, say: Callable[[str], None]) -> StudyRecord:
    """Fetch starting weights before the race, and replace "auto" by what was found, so that all seeds share it.

    A recipe that hoped for pretrained weights and found none trains all of its stages: frozen noise teaches nothing.
    """
    from eyechart.weights.resolve import NAMED_WEIGHTS, starting_weights

    recipes = {}
    for contender, recipe in record.recipes.items():
        choice = seen_from_here(recipe.weights, record.started_in, NAMED_WEIGHTS)
        origin = starting_weights(recipe.contender, choice, offline=offline, say=say).origin
        found: dict[str, Any] = {}
        if recipe.weights == "auto":
            found = {"weights": origin.name}
            if origin.name == "none" and recipe.frozen_stages:
                found |= {"frozen_stages": 0, "cache_frozen": False}
        recipes[contender] = recipe.model_copy(update=found)
    return record.model_copy(update={"recipes": recipes})


def run_names(record: StudyRecord) -> list[str]:
    """The folders of all runs of a study, in no order that matters."""
    return [run_name(contender, seed) for seed in record.seeds for contender in record.contenders]


def run_name(contender: str, seed: int) -> str:
    """The folder of a run: "vit-s0"."""
    return f"{slug(contender)}-s{seed}"


def jobs_of(record: StudyRecord, folder: Path, offline: bool = False, home: Path | None = None) -> list[Job]:
    """All runs of a study: blocks of one seed each, the contenders in random order inside a block.

    The order is random, so that a machine that warms up or slows down favours nobody, and a function of the seed.
    `home` is the folder in which they will stand, where that is another one than they are made in.
    """
    jobs = []
    for seed in record.seeds:
        contenders = list(record.contenders)
        random.Random(f"order/{seed}").shuffle(contenders)
        for contender in contenders:
            run = run_name(contender, seed)
            jobs.append(
                Job(
                    study=record.name,
                    run=run,
                    folder=str(folder / on_disk(run)),
                    contender=contender,
                    seed=seed,
                    recipe=record.recipes[contender],
                    rules=record.rules,
                    offline=offline,
                    command=shell_command(["eyechart", "repeat", path_word((home or folder) / run)]),
                    started_in=record.started_in,
                    dataset_sha256=record.dataset_sha256,
                )
            )
    return jobs


# --------------------------------------------------------------------------------------------- running


def run_study(record: StudyRecord, folder: Path, report: Reporter, *, offline: bool = False,
              home: Path | None = None, launch: Launcher = process.do) -> Study:  # fmt: skip
    """Do all runs that are not done yet; one that fails does not stop the others.

    `home` as in jobs_of.  Raises Interrupted when the user stops it.
    """
    study = Study(folder, record, home=home if home != folder else None)
    for job in jobs_of(record, folder, offline, home):
        if storage.is_run(Path(job.folder)):
            report(Progress(job.run, "skipped", note=f"{job.run} is finished already"))
            continue
        try:
            launch(job, report)
        except Interrupted as error:
            raise Interrupted(
                f"{error} Go on with the same command and --resume: {home or folder}{_stays_text(study)}",
                error.exit_code - 128,
            ) from None
        except EyechartError as error:
            study.failures[job.run] = error
            report(Progress(job.run, "failed", note=f"{job.run} failed: {error.told()}"))
            if isinstance(error, StorageError):  # a full disk stays full: every further run would fail as well
                break
    return study


def raise_failures(study: Study) -> None:
    """RunFailed when some runs failed, naming them and their reasons; what is complete stays.

    Its exit code is that of the failures where they agree: 2 when every one was bad usage, 3 when data was missing.
    """
    if not study.failures:
        return
    num_planned, names = len(run_names(study.record)), ", ".join(study.failures)
    num_complete = num_planned - len(study.missing)
    complete = f"{num_complete} complete in {study.folder}" if num_complete else "none is complete"
    failed = RunFailed(
        f"{len(study.failures)} of {num_planned} runs failed ({names}), {complete}{_stays_text(study)}. "
        f"{_way_on(study)}\n{_reasons_text(study)}",
        {run: str(error) for run, error in study.failures.items()},
    )
    codes = {error.exit_code for error in study.failures.values()}
    failed.exit_code = codes.pop() if len(codes) == 1 else 1
    raise failed


def _way_on(study: Study) -> str:
    """What is not refused: with --resume a study goes on with its settings, and one without any work starts anew."""
    if storage.has_work(study.folder):
        return "Mend the cause, then run the same command with --resume; other settings need another --name."
    return "Mend the cause, then run the command again."


def _stays_text(study: Study) -> str:
    """Of a study that was to replace another."""
    return f" (the earlier study in {study.home} stays until all runs are complete)" if study.home else ""


def _reasons_text(study: Study) -> str:
    """Why runs failed: the first line of each reason, once, with the runs that it is of."""
    runs: dict[str, list[str]] = {}
    for run, error in study.failures.items():
        runs.setdefault(str(error).partition("\n")[0], []).append(run)
    return "\n".join(f"{', '.join(names)}: {reason}" for reason, names in runs.items())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
