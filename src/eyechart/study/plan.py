"""The plan of a study: which contenders, seeds, recipes and rules, and the jobs that follow from it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.base.clock import now_text
from eyechart.base.errors import EyechartError, UsageError
from eyechart.base.foreign_text import path_word, shell_command
from eyechart.catalog.presets import rules_of
from eyechart.catalog.recipe_files import recipes_from
from eyechart.catalog.recipes import changed, recipe_of, slug, starting_from
from eyechart.catalog.regimes import (
    FROM_NOTHING,
    WITH_WEIGHTS,
    check_has_start,
    check_regime,
    named_weights,
    regime_of,
    takes_weights,
)
from eyechart.catalog.robust import all_robust
from eyechart.catalog.zoo import ZOOS, architecture_of, is_of_zoo
from eyechart.files.file_names import on_disk, recordable
from eyechart.files.folder_names import check_folder_name, dataset_name, folder_name_of
from eyechart.files.places import same_place, seen_from_here, working_folder
from eyechart.schema import Recipe, RunJob, StudyRecord, Task
from eyechart.study.choices import contenders_of, looking_at, paths_of, seeds_of

NO_FIELDS = ("backbone", "robust")  # changes of recipes that are no field of theirs
OWN_WIDTH = 16  # of a detector's backbone that starts from nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eyechart.schema.contracts import Dataset


def plan_study(
    models: str | Sequence[str] = (),
    data: str = "mnist",
    preset: str = "quick",
    seeds: int | Iterable[int] = (0,),
    *,
    name: str | None = None,
    changes: dict[str, Any] | None = None,
    recipe_files: str | Path | Sequence[str | Path] = (), most_seeds: int | None = None,
    full_schedule: bool | None = None, **rules: Any,
) -> StudyRecord:  # fmt: skip
    """Everything that a study will do, checked, before anything is loaded.

    `models`, `seeds` and `recipe_files` are several or one; names may stand in one text, between commas.
    `changes` replace fields of every recipe, `rules` fields of the preset's rules; None leaves a field as it is.  Among
    the changes, `backbone` is what detectors start from (a trained cnn's folder, "hed", "imagenet"); `robust` gives
    every recipe the policy of catalog/robust.py.
    `recipe_files` replace whole recipes, and exclude changes of the same contender; `full_schedule`: whether
    recipes are those of full schedules; None: where no budget is set.
    `most_seeds`: seeds 0, 1, 2, ... are added until every pair is decided, so many at most; `seeds` is not asked then.
    Raises UsageError for names and values that cannot be.
    """
    numbers, data = seeds_of(seeds), recordable(data)
    task = task_of(data)
    contenders = tuple(map(recordable, contenders_of(models, task)))
    if name is not None:
        with contextlib.suppress(UsageError):  # what is not UTF-8 is refused as a name
            name = recordable(name)
        check_folder_name(name)
    given = {key: value for key, value in (changes or {}).items() if value is not None}
    if "weights" in given:
        given["weights"] = _checked_weights(given["weights"], contenders)
    rules = {"num_threads": _all_cores()} | {key: value for key, value in rules.items() if value is not None}
    if most_seeds is not None:
        rules["looking"], numbers = looking_at(len(contenders), most_seeds)
    fixed = rules_of(preset, data, **rules)
    is_full = fixed.budget is None if full_schedule is None else full_schedule
    recipes = _own_recipes(contenders, given, task, full_schedule=is_full)
    recipes |= _from_files(paths_of(recipe_files), contenders, given)
    check_search_seeds(numbers if most_seeds is None else range(most_seeds), recipes)
    return StudyRecord(
        name=name or folder_name_of(f"{preset}-{slug(dataset_name(data))}{'-robust' if given.get('robust') else ''}"),
        contenders=contenders,
        seeds=numbers,
        recipes=recipes,
        rules=fixed,
        command="",
        created_at=now_text(),
        started_in=working_folder(),
    )


def _all_cores() -> int:
    from eyechart.base.host import num_cores

    return num_cores()


def _checked_weights(weights: str, contenders: Sequence[str]) -> str:
    """As a record keeps it; UsageError where no contender starts from any, or one is named after others."""
    concerned = [contender for contender in contenders if takes_weights(contender)]
    if not concerned:
        raise UsageError(
            f"--weights got {weights!r}, and none of {', '.join(contenders)} starts from weights; "
            f"expected it with {', '.join(WITH_WEIGHTS)} or a network of {' or '.join(ZOOS)}."
        )
    for contender in concerned:
        _check_is_named_so("--weights", weights, contender)
    return recordable(weights)


def _check_is_named_so(option: str, weights: str, contender: str) -> None:
    """UsageError where a name, which is what tables show, says that its contender starts from something else."""
    from eyechart.weights.resolve import Names

    here, named = working_folder(), named_weights(contender)
    if named and not same_place((named, here), (recordable(weights), here), Names()):
        raise UsageError(
            f"{option} got {weights!r}, and {contender} starts from {named!r} by its name, which is what tables show. "
            f"Expected one of the two: leave {option} out and name the weights of each contender, such as "
            f"-m {architecture_of(contender)}:{weights}, or leave them out of the name."
        )


def _own_recipes(
    contenders: Sequence[str], given: dict[str, Any], task: Task, *, full_schedule: bool
) -> dict[str, Recipe]:
    """The catalog's recipes with the changes that were given, those first that replace fields."""
    fields = {key: value for key, value in given.items() if key not in NO_FIELDS}
    recipes = {
        contender: recipe_of(contender, _fitting(contender, fields), task, full_schedule=full_schedule)
        for contender in contenders
    }
    if "backbone" in given:
        recipes |= _on_backbone(recipes, recordable(given["backbone"]))
    return all_robust(recipes) if given.get("robust") else recipes


def _on_backbone(recipes: dict[str, Recipe], weights: str) -> dict[str, Recipe]:
    """Those of detectors, starting from there; UsageError where there is none, or one is named after another start."""
    found = {
        name: changed(recipe, starting_from(recipe, weights))
        for name, recipe in recipes.items()
        if recipe.contender == "fasterrcnn"
    }
    if not found:
        raise UsageError(
            f"--backbone got {weights!r}, and none of {', '.join(recipes)} is a detector; add -m fasterrcnn."
        )
    for name in found:
        _check_is_named_so("--backbone", weights, name)
    return found


def folder_of(record: StudyRecord, output: Path) -> Path:
    """Where a study lies below the folder of studies."""
    return output / on_disk(record.name)


def _fitting(contender: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes that concern a contender: starting weights only those that have some; from nothing all is trained."""
    fitting = {key: value for key, value in changes.items() if key != "weights" or takes_weights(contender)}
    if fitting.get("weights") == "none":
        check_regime(contender, "none")
        fitting = (FROM_NOTHING if not regime_of(contender) else {}) | fitting
    return fitting


def _from_files(files: Sequence[Path], contenders: Sequence[str], changes: dict[str, Any]) -> dict[str, Recipe]:
    """The recipes of the files, which nothing else may change: how they were tuned would be true no more."""
    found = recipes_from(files, contenders)
    for contender, recipe in found.items():
        changed_too = [
            change
            for change, value in changes.items()
            if change in _fitting(contender, changes)
            and (change, value) != ("robust", False)
            and (change != "backbone" or recipe.contender == "fasterrcnn")
        ]
        if changed_too:
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


def task_of(data: str) -> Task:
    """What is asked of a dataset's images, as far as its name and its files' names tell; nothing is loaded."""
    from eyechart.data.catalog import source_of

    try:
        return source_of(data).task
    except (EyechartError, OSError):  # it is told when the dataset is loaded, with what else is wrong
        return "classification"


def settle_options(record: StudyRecord, dataset: Dataset) -> StudyRecord:
    """Replace a detector's "auto" options by what fits the boxes of the train part, the same for all seeds."""
    from eyechart.data.fitting import fitting_options

    recipes = dict(record.recipes)
    for contender, recipe in record.recipes.items():
        if "auto" not in recipe.options.values():
            continue
        levels = recipe.options.get("levels")
        found = fitting_options(dataset.train, levels if isinstance(levels, int) else None)
        settled = {name: value for name, value in found.items() if recipe.options.get(name) == "auto"}
        recipes[contender] = recipe.model_copy(update={"options": recipe.options | settled})
    return record.model_copy(update={"recipes": recipes})


def settle_weights(record: StudyRecord, offline: bool, say: Callable[[str], None]) -> StudyRecord:
    """Fetch starting weights before the race, and replace "auto" by what was found, so that all seeds share it.

    A recipe that hoped for pretrained weights and found none trains all of its stages: frozen noise teaches nothing.
    """
    from eyechart.weights.resolve import Names, starting_weights

    recipes = {}
    for contender, recipe in record.recipes.items():
        choice = seen_from_here(recipe.weights, record.started_in, Names())
        starting = starting_weights(recipe.contender, choice, offline=offline, say=say)
        origin = starting.origin
        found: dict[str, Any] = {}
        if recipe.weights == "auto":
            found = {"weights": origin.name}
            if origin.name == "none":
                check_has_start(contender)
                found |= FROM_NOTHING
        if recipe.options.get("width") == "auto":  # as wide as the stages that it starts from
            first = starting.tensors.get("0.weight")  # of a cnn's first stage
            width = OWN_WIDTH if first is None else len(first)
            found |= {"options": recipe.options | {"width": width}}
        recipes[contender] = recipe.model_copy(update=found)
    return record.model_copy(update={"recipes": recipes})


def check_starts(record: StudyRecord, dataset: Dataset, offline: bool) -> None:
    """Raise WeightsError for weights that do not fit the networks of this study, before the first run.

    Published ones of our own contenders always fit; what was made here, or by somebody else, may be of other options or
    another input size.  A network of a zoo is made once in any case: it may not be there, or not take this input.
    """
    from eyechart.models import catalog as architectures
    from eyechart.weights.resolve import NAMED_WEIGHTS, Names, starting_weights

    card = dataset.card
    middle = (0.5,) * card.num_channels
    different = {(r.contender, r.weights, r.frozen_stages, r.open_last): r for r in record.recipes.values()}
    for recipe in different.values():
        if recipe.weights in NAMED_WEIGHTS and not is_of_zoo(recipe.contender):
            continue
        choice = seen_from_here(recipe.weights, record.started_in, Names())
        starting = starting_weights(recipe.contender, choice, offline=offline, say=lambda sentence: None)
        frame = architectures.plan_preprocessing(recipe, card, middle, middle, starting)
        model = architectures.build_model(recipe, frame, card.num_classes)
        architectures.load_starting_tensors(model, recipe, starting.tensors)


def run_names(record: StudyRecord) -> list[str]:
    """The folders of all runs of a study, in no order that matters."""
    return [run_name(contender, seed) for seed in record.seeds for contender in record.contenders]


def run_name(contender: str, seed: int) -> str:
    """The folder of a run: "vit-s0"."""
    return f"{slug(contender)}-s{seed}"


def jobs_of(record: StudyRecord, folder: Path, offline: bool = False, home: Path | None = None) -> list[RunJob]:
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
                RunJob(
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
