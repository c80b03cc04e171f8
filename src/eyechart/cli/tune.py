"""`eyechart tune`: the same search effort for every contender, on validation images only."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eyechart.base.foreign_text import path_word, shell_command
from eyechart.cli import options
from eyechart.terminal.lines import aloud

if TYPE_CHECKING:
    from eyechart.schema import TuneRecord
    from eyechart.tuning.search import Found


def tune(
    model: list[str] = options.MODELS,
    data: str = options.DATA,
    trials: int = typer.Option(None, "--trials", help="Trials of every contender. Default: 20."),
    seconds: float = typer.Option(None, "--seconds", help="Instead: seconds of training of every contender."),
    # Far from the 0, 1, 2, ... of studies, which may not use these again.
    search_seeds: str = typer.Option("1000", "--search-seeds", "--search-seed",
                                     help="Seeds of each trial, its score is their mean; no study may use them again."),
    preset: str = typer.Option("quick", "-p", "--preset", help="quick, standard or smoke: the budget of a training."),
    epochs: float = typer.Option(None, "--epochs", help="Budget of a training: passes over the train part."),
    images: float = typer.Option(None, "--images", help="Budget of a training: images seen."),
    steps: float = typer.Option(None, "--steps", help="Budget of a training: optimizer steps."),
    trial_seconds: float = typer.Option(None, "--trial-seconds", help="Budget of a training: seconds."),
    weights: str = options.WEIGHTS, img_size: int = options.IMG_SIZE, fraction: float = options.FRACTION,
    device: str = options.TIMED_DEVICE, precision: str = options.PRECISION,
    threads: int = typer.Option(None, "--threads", help="Threads of a training. Default: the cores, shared by --jobs."),
    jobs: int = options.JOBS,
    output: Path = typer.Option(Path("runs"), "-o", "--output", envvar="EYECHART_OUTPUT", help="Folder of searches."),
    name: str = typer.Option(None, "--name", help="Folder of this search. Default: tune, preset and dataset."),
    resume: bool = typer.Option(False, "--resume", help="Go on after the trials that are there, perhaps with more."),
    dry_run: bool = options.DRY_RUN, offline: bool = options.OFFLINE,
    as_json: bool = typer.Option(False, "--json", help="Print the results as JSON."),
) -> None:  # fmt: skip
    """Search a recipe for every contender, with the same number of trials or seconds; the test part stays sealed."""
    from eyechart.study.plan import folder_of
    from eyechart.study.together import threads_each
    from eyechart.tuning.find import find

    budget = options.budget_of(epochs=epochs, images=images, steps=steps, **{"trial-seconds": trial_seconds})
    rules = {"budget": budget, "img_size": img_size, "fraction": fraction, "device": device}
    rules |= {"num_threads": threads_each(jobs, threads)}
    record = plan(options.names(model), data, preset, options.numbers(search_seeds, "--search-seeds"), trials=trials,
                  seconds=seconds, name=name, weights=weights, precision=precision, **rules)  # fmt: skip
    folder = folder_of(record.study, output)
    if dry_run:
        _dry_run(record, folder, offline, as_json)
        return
    show(record, folder, find(record, folder, resume=resume, offline=offline, jobs=jobs), as_json)


def plan(
    models: list[str], data: str, preset: str, search_seeds: list[int], *, trials: int | None, seconds: float | None,
    name: str | None, weights: str | None, **rules: Any,
) -> TuneRecord:  # fmt: skip
    """The search that was asked for, checked before anything is loaded."""
    from eyechart.catalog.presets import rules_of
    from eyechart.study.plan import plan_study
    from eyechart.tuning.search import plan_search

    # What is found is for the training to come, whose budget is the preset's and not that of a trial.
    study = plan_study(models, data, preset, search_seeds, name=name, changes={"weights": weights},
                       full_schedule=rules_of(preset, data).budget is None, **rules)  # fmt: skip
    if name is None:
        study = study.model_copy(update={"name": f"tune-{study.name}"})
    return plan_search(study, trials=trials, seconds=seconds)


# --------------------------------------------------------------------------------------------- what is shown


def show(record: TuneRecord, folder: Path, found: list[Found], as_json: bool) -> None:
    """The results, and the command that uses them; RunFailed when every trial of a contender failed."""
    from eyechart.base.errors import RunFailed
    from eyechart.base.plain_json import json_text

    if as_json:
        typer.echo(json_text([_facts(each) for each in found], indent=1))
    else:
        _table(record, found)
        if command := use_command(record, found):
            typer.echo(f"\nUse them: {command}")
    lost = [each.contender for each in found if each.best is None]
    if lost:
        raise RunFailed(
            f"Every trial of {', '.join(lost)} failed, so there is no recipe of it. The reasons stand in the files "
            f"{folder / 'trials'}/*/trial.json; mend the cause, and search again with another --name."
        )


def use_command(record: TuneRecord, found: list[Found]) -> str:
    """What trains with the recipes that were found, on the images that they were found with, in a study of their own.

    A study of the default name may be there, and its seed 0 may have been the search's.
    """
    from eyechart.catalog.presets import rules_of
    from eyechart.files.folder_names import folder_name_of

    rules = record.study.rules
    words = ["eyechart", "run", "-d", path_word(rules.dataset), "-p", rules.preset]
    usual = rules_of(rules.preset, rules.dataset)  # the budget of a trial is not that of the training to come
    if rules.img_size != usual.img_size:
        words += ["--img-size", str(rules.img_size)]
    if rules.fraction != usual.fraction:
        words += ["--fraction", f"{rules.fraction:g}"]
    for each in found:
        if each.recipe:
            words += ["-m", each.contender, "--recipe", path_word(each.recipe)]
    if 0 in record.study.seeds:
        words += ["--seeds", str(next(seed for seed in itertools.count() if seed not in record.study.seeds))]
    words += ["--name", folder_name_of(f"{record.study.name}-tuned")]
    return shell_command(words) if "--recipe" in words else ""


def _facts(found: Found) -> dict[str, Any]:
    from eyechart.files.file_names import readable

    best = found.best
    return {
        "contender": found.contender,
        "trials": len(found.trials),
        "failed": sum(trial.failed for trial in found.trials),
        "training_seconds": sum(trial.training_seconds for trial in found.trials),
        "best_trial": best.number if best else None,
        "validation_accuracy": best.accuracy if best else None,
        "default_validation_accuracy": None if found.trials[0].failed else found.trials[0].accuracy,
        "changes": {field: list(values) for field, values in found.changes.items()},
        "recipe": readable(str(found.recipe)) if found.recipe else None,
    }


def _table(record: TuneRecord, found: list[Found]) -> None:
    from rich.text import Text

    from eyechart.terminal.console import named, open_console
    from eyechart.terminal.grid import Grid, columns

    console = open_console(sys.stdout)
    table = Grid(columns("contender", "trials>", "best %>", "as it stood %>", "from trial>", "changed~"))
    for each in found:
        failed = sum(trial.failed for trial in each.trials)
        table.add(
            named(each.contender, each.contender, record.study.contenders),
            f"{len(each.trials)}{f' ({failed} failed)' if failed else ''}",
            f"{100 * each.best.accuracy:.2f}" if each.best else "–",
            "failed" if each.trials[0].failed else f"{100 * each.trials[0].accuracy:.2f}",
            str(each.best.number) if each.best else "–",
            ", ".join(f"{field} {old:g} → {new:g}" for field, (old, new) in each.changes.items()) or "nothing",
        )
    console.print(table)
    seeds = ", ".join(map(str, record.study.seeds))
    note = (
        f"Accuracy on validation images at the last step, search seed {seeds}. The best of several is flattered by "
        "having been chosen: judge it with other seeds, on the test part, once."
    )
    console.print(Text(note, style="dim"), soft_wrap=True)


def _dry_run(record: TuneRecord, folder: Path, offline: bool, as_json: bool) -> None:
    from eyechart.base.plain_json import json_text
    from eyechart.runner.estimate import estimate
    from eyechart.study.machine import settle_machine
    from eyechart.study.plan import jobs_of, settle_weights
    from eyechart.terminal.console import seconds_text
    from eyechart.terminal.tables import estimates_table

    study = settle_machine(settle_weights(record.study, offline, aloud), offline, aloud)
    estimates = estimate(jobs_of(study, folder, offline), say=aloud)
    once = sum(each.training_seconds for each in estimates)
    is_counted = record.unit == "trials"
    total = once * record.amount if is_counted else record.amount * len(study.contenders)
    if as_json:
        rows = [each._asdict() for each in estimates]
        typer.echo(json_text({record.unit: record.amount, "training_seconds": total, "trial": rows}, indent=1))
        return
    typer.echo("One trial of every contender:")
    estimates_table(estimates)
    share = f"{record.amount:g} trials" if is_counted else f"{seconds_text(record.amount)} of training"
    typer.echo(f"{share} for each of {len(study.contenders)}: about {seconds_text(total)} of training in all.")
