"""`eyechart run` and `eyechart repeat`: the commands that train."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eyechart.cli import options
from eyechart.terminal.lines import aloud, say, silent

if TYPE_CHECKING:
    from eyechart.launch.driver import Launcher
    from eyechart.schema import Finding, Language, StudyRecord
    from eyechart.study.study import Study


MOST_SEEDS = 20  # of a study that adds them itself
UNTIL_DECIDED = typer.Option(False, "--until-decided", help="Add seeds until every pair has its verdict.")
MOST = typer.Option(None, "--most-seeds", help=f"Of --until-decided. Default: {MOST_SEEDS}.")
LAUNCHER = typer.Option("local", "--launcher", help="Who does the runs: local, or ray (a Ray cluster).")
ADDRESS = typer.Option(None, "--address", help="Of the Ray cluster: auto, ray://... Default: a new one.")


def run(
    model: list[str] = options.MODELS,
    data: str = options.DATA,
    preset: str = typer.Option("quick", "-p", "--preset", help="quick, standard or smoke."),
    seeds: str = typer.Option(None, "--seeds", "--seed", help="Seeds, such as 0,1,2. Default: 0."),
    until_decided: bool = UNTIL_DECIDED, most_seeds: int = MOST,
    epochs: float = options.EPOCHS, images: float = options.IMAGES,
    seconds: float = options.SECONDS, steps: float = options.STEPS,
    batch_size: int = typer.Option(None, "-b", "--batch-size", help="Images a step, for all contenders of this study."),
    lr: float = options.LR, wd: float = options.WD, weights: str = options.WEIGHTS,
    backbone: Path = typer.Option(None, "--backbone", help="Detectors start from a trained cnn, hed or imagenet."),
    robust: bool = typer.Option(False, "--robust", help="Spoil training images, for robustness to what tests spoil."),
    recipe: list[Path] = typer.Option([], "--recipe", help="A recipe file, as eyechart tune writes them; repeat."),
    img_size: int = options.IMG_SIZE,
    input_size: int = typer.Option(None, "--input-size", help="Side in pixels to which networks scale small images."),
    fraction: float = options.FRACTION,
    device: str = options.TIMED_DEVICE, precision: str = options.PRECISION,
    threads: int = options.THREADS_EACH, jobs: int = options.JOBS, shard: str = options.SHARD,
    output: Path = options.OUTPUT,
    name: str = typer.Option(None, "--name", help="Folder of this study. Default: preset and dataset."),
    resume: bool = typer.Option(False, "--resume", help="Skip finished runs, continue a broken one."),
    exist_ok: bool = options.EXIST_OK,
    dry_run: bool = typer.Option(False, "--dry-run", help="Print plan, time and disk, and train nothing."),
    strict: bool = typer.Option(False, "--strict", help="Refuse an unfair plan, and fail on unfair or odd results."),
    exam: bool = typer.Option(None, "--exam/--no-exam", help="The eye test afterwards. Default: but for smoke."),
    offline: bool = options.OFFLINE,
    launcher: str = LAUNCHER, address: str = ADDRESS, lang: str = options.LANG,
    as_json: bool = typer.Option(False, "--json", help="Print the results as JSON."),
) -> None:  # fmt: skip
    """Train contenders on the same images under the same rules, compare them, and write a report."""
    language = options.language_of(lang)  # an unknown one is told before anything is trained
    changes = {"batch_size": batch_size, "learning_rate": lr, "weight_decay": wd, "weights": weights}
    changes |= {"backbone": str(backbone) if backbone else None, "input_pixels": input_size, "robust": robust or None}
    record, folder = _planned(
        options.names(model), data, preset, "0" if seeds is None else seeds, output, jobs, threads, name=name,
        changes=changes, recipe_files=recipe, img_size=img_size,
        most_seeds=_most_seeds(until_decided, most_seeds, seeds, shard),
        budget=options.budget_of(epochs=epochs, images=images, seconds=seconds, steps=steps),
        fraction=fraction, device=device, precision=precision,
    )  # fmt: skip
    if dry_run:
        record, folder = _looked_at(record, folder, shard, resume, exist_ok)
        return _dry_run(record, folder, shard, jobs, offline, as_json, strict, language)
    study = _raced(record, folder, shard, exam, launch=_launcher(launcher, address, jobs), jobs=jobs, resume=resume,
                   exist_ok=exist_ok, offline=offline, strict=strict, lang=language)  # fmt: skip
    return _conclude(study, as_json, strict, language)


def _planned(
    models: list[str], data: str, preset: str, seeds: str, output: Path, jobs: int, threads: int | None, **given: Any
) -> tuple[StudyRecord, Path]:
    """The plan and where it is carried out; threads that nobody chose are the cores, shared by jobs."""
    from eyechart.study.plan import folder_of, plan_study
    from eyechart.study.together import threads_each

    record = plan_study(models, data, preset, options.numbers(seeds), num_threads=threads_each(jobs, threads), **given)
    return record, folder_of(record, output)


def _raced(record: StudyRecord, folder: Path, shard: str | None, exam: bool | None, **how: Any) -> Study:
    from eyechart.study.race import race
    from eyechart.study.shards import shard_of

    has_exam = record.rules.preset != "smoke" if exam is None else exam
    return race(record, folder, shard=shard_of(shard), exam=has_exam, **how)


def _launcher(name: str, address: str | None, jobs: int) -> Launcher | None:
    """None: this machine, one run after the other or `jobs` at once."""
    from eyechart.base.errors import UsageError

    if name not in ("local", "ray"):
        raise UsageError(f"--launcher got {name!r}; expected local or ray.")
    if name == "local":
        if address is not None:
            raise UsageError("--address is that of a Ray cluster; expected --launcher ray with it.")
        return None
    if jobs > 1:
        raise UsageError(
            f"--jobs {jobs} is for this machine, and --launcher ray does as many runs as the cluster takes."
        )
    from eyechart.launch.ray_cluster import on_ray

    return on_ray(address)


def _most_seeds(until_decided: bool, most_seeds: int | None, seeds: str | None, shard: str | None) -> int | None:
    """How many seeds a study may take that is looked at after each; None: their number is fixed."""
    from eyechart.base.errors import UsageError

    if not until_decided:
        if most_seeds is not None:
            raise UsageError("--most-seeds goes with --until-decided, which adds seeds; expected both, or --seeds.")
        return None
    if seeds is not None:
        raise UsageError(
            f"--until-decided takes the seeds 0, 1, 2, ... in turn, and --seeds got {seeds!r}. Leave one of them out; "
            f"--most-seeds says how many there may be."
        )
    if shard is not None:
        raise UsageError(
            "--until-decided plans its seeds as it goes, and --shard takes a part of a plan. Leave one out."
        )
    return MOST_SEEDS if most_seeds is None else most_seeds


def _conclude(study: Study, as_json: bool, strict: bool, lang: Language) -> None:
    """Print the results; raises RunFailed for runs that failed, UnfairComparison where `strict` and that was found."""
    findings = _show_results(study, as_json, lang)
    study.raise_failures()
    if strict:
        from eyechart.comparison.findings import refuse

        refuse(findings, lang)


def repeat(
    run_folder: Path = typer.Argument(..., metavar="RUN", help="The folder of a finished run."),
    output: Path = typer.Option(None, "-o", "--output", help="Folder. Default: repeats, beside the study."),
    offline: bool = options.OFFLINE,
) -> None:  # fmt: skip
    """Do a run again, step for step, and say whether weights and predictions are the same to the last bit."""
    from eyechart.base.errors import RunFailed
    from eyechart.study.repetition import compare, repeat_run
    from eyechart.terminal.live import LiveTable

    output = output or Path(os.path.abspath(run_folder)).parent.parent / "repeats"
    with LiveTable() as table:
        old, new = repeat_run(run_folder, output, table, offline=offline, say=aloud)
    lines, same = compare(old, new)
    for line in lines:
        say(line)
    if not same:
        raise RunFailed("The repetition differs. Times and threads may differ; weights on one machine should not.")


def _show_results(study: Study, as_json: bool, lang: Language) -> tuple[Finding, ...]:
    """Print results and verdicts; what speaks against them."""
    runs = study.runs
    is_partial = study.shard is not None and bool(study.missing)  # others are at work: no verdicts before they end
    comparison = study.compare() if runs and not is_partial else None
    findings = comparison.findings if comparison else ()
    if as_json:
        from eyechart.base.plain_json import json_text
        from eyechart.terminal.summaries import findings_about, summary

        told = [summary(record) | {"findings": findings_about(record, findings)} for record in runs]
        typer.echo(json_text(told, indent=1))
    elif runs:
        from eyechart.terminal.verdicts import show_short

        study.table()
        if comparison:
            show_short(comparison, lang)
    return findings


def _looked_at(
    record: StudyRecord, folder: Path, shard: str | None, resume: bool, exist_ok: bool
) -> tuple[StudyRecord, Path]:
    """The plan joined to what is there, and its folder; what would be refused is said, and planned anew."""
    from eyechart.base.errors import UsageError
    from eyechart.study.race import look_at
    from eyechart.study.shards import shard_of

    try:
        opened = look_at(record, folder, shard_of(shard), resume, exist_ok)
    except UsageError as error:
        aloud(f"as it stands this would be refused: {error}")
        return record, folder.parent / f"{folder.name}-anew"
    return opened.record, opened.folder


def _dry_run(
    record: StudyRecord, folder: Path, shard: str | None, jobs: int, offline: bool, as_json: bool, strict: bool,
    lang: Language,
) -> None:  # fmt: skip
    from eyechart.base.plain_json import json_text
    from eyechart.data.catalog import KNOWN, load_dataset
    from eyechart.files.places import seen_from_here
    from eyechart.files.storage import is_run
    from eyechart.runner.estimate import estimate
    from eyechart.study.machine import settle_machine
    from eyechart.study.plan import check_starts, jobs_of, settle_options, settle_weights
    from eyechart.study.race import forewarn
    from eyechart.study.shards import ALL, shard_of
    from eyechart.study.together import check_together
    from eyechart.terminal.tables import estimates_table

    check_together(record.rules.budget, jobs)
    rules, part = record.rules, shard_of(shard) or ALL
    reference = seen_from_here(rules.dataset, record.started_in, KNOWN)
    dataset = load_dataset(reference, img_size=rules.img_size, offline=offline, say=silent)
    record = settle_options(settle_weights(record, offline, aloud), dataset)
    check_starts(record, dataset, offline)
    record = settle_machine(record, offline, aloud)
    left = [job for job in part.of_jobs(jobs_of(record, folder, offline)) if not is_run(Path(job.folder))]
    estimates = estimate(left, say=aloud) if left else []
    if not left:
        aloud("every run is finished: nothing would be trained")
    if as_json:
        typer.echo(json_text([each._asdict() for each in estimates], indent=1))
    elif left:
        estimates_table(estimates, jobs)
    forewarn(record, dataset.card.num_test, aloud, strict, lang, jobs)
