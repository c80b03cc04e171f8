"""`eyechart run` and `eyechart repeat`: the commands that train."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eyechart.cli.read import LANG, language_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import Finding, Language, StudyRecord
    from eyechart.study import Study


def run(
    model: list[str] = typer.Option(
        [], "-m", "--models", "--model", metavar="NAME",
        help="Contender, such as cnn or vgg16:hed:frozen; repeat, or separate by commas. Default: all five.",
    ),
    data: str = typer.Option("mnist", "-d", "--data", help="A known dataset (eyechart data list), or a folder or zip."),
    preset: str = typer.Option("quick", "-p", "--preset", help="quick, standard or smoke."),
    seeds: str = typer.Option("0", "--seeds", "--seed", help="Seeds, such as 0,1,2."),
    epochs: float = typer.Option(None, "--epochs", help="Budget: passes over the train part."),
    images: float = typer.Option(None, "--images", help="Budget: training images seen."),
    seconds: float = typer.Option(None, "--seconds", help="Budget: seconds of training, fixed as steps at the start."),
    steps: float = typer.Option(None, "--steps", help="Budget: optimizer steps."),
    batch_size: int = typer.Option(None, "-b", "--batch-size", help="Images a step, for all contenders of this study."),
    lr: float = typer.Option(None, "--lr", help="Peak learning rate."),
    wd: float = typer.Option(None, "--wd", help="Weight decay."),
    weights: str = typer.Option(None, "--weights", help="Of vgg16 and alexnet: auto, none, imagenet, hed, a file."),
    recipe: list[Path] = typer.Option([], "--recipe", help="A recipe file, as eyechart tune writes them; repeat."),
    img_size: int = typer.Option(None, "--img-size", help="Side in pixels to which an image folder is decoded."),
    fraction: float = typer.Option(None, "--fraction", help="Share of the train part that is used, 0..1."),
    device: str = typer.Option(None, "--device", help="auto (the fastest for this study, timed), cpu, cuda or mps."),
    threads: int = typer.Option(None, "--threads", help="Threads of each run. Default: all cores."),
    precision: str = typer.Option(None, "--precision", help="auto, float32, tf32 or bfloat16."),
    output: Path = typer.Option(Path("runs"), "-o", "--output", envvar="EYECHART_OUTPUT", help="Folder of studies."),
    name: str = typer.Option("", "--name", help="Folder of this study. Default: preset and dataset."),
    resume: bool = typer.Option(False, "--resume", help="Skip finished runs, continue a broken one."),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Replace a study of the same name."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print plan, time and disk, and train nothing."),
    strict: bool = typer.Option(False, "--strict", help="Refuse an unfair plan, and fail on unfair or odd results."),
    offline: bool = typer.Option(False, "--offline", envvar="EYECHART_OFFLINE", help="Never touch the network."),
    lang: str = LANG,
    as_json: bool = typer.Option(False, "--json", help="Print the results as JSON."),
) -> None:  # fmt: skip
    """Train contenders on the same images under the same rules, compare them, and write a report."""
    from eyechart import study as studies

    language = language_of(lang)  # an unknown one is told before anything is trained
    budget = _budget(epochs=epochs, images=images, seconds=seconds, steps=steps)
    changes = {"batch_size": batch_size, "learning_rate": lr, "weight_decay": wd, "weights": weights}
    record = studies.plan_study(
        _split(model), data, preset, _numbers(seeds), name=name, changes=changes, recipe_files=recipe,
        budget=budget, img_size=img_size, fraction=fraction, device=device, num_threads=threads, precision=precision,
    )  # fmt: skip
    folder = studies.folder_of(record, output)
    if dry_run:
        _dry_run(record, folder, offline, as_json, strict, language)
        return
    study = race(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, strict=strict, lang=language)
    _conclude(study, as_json, strict, language)


def _conclude(study: Study, as_json: bool, strict: bool, lang: Language) -> None:
    """Print the results; raises RunFailed for runs that failed, UnfairComparison where `strict` and that was found."""
    from eyechart import study as studies

    findings = _show_results(study, as_json, lang)
    studies.raise_failures(study)
    if strict:
        from eyechart.comparison.findings import refuse

        refuse(findings, lang)


def repeat(
    run_folder: Path = typer.Argument(..., metavar="RUN", help="The folder of a finished run."),
    output: Path = typer.Option(None, "-o", "--output", help="Folder. Default: repeats, beside the study."),
    offline: bool = typer.Option(False, "--offline", envvar="EYECHART_OFFLINE", help="Never touch the network."),
) -> None:
    """Do a run again, step for step, and say whether weights and predictions are the same to the last bit."""
    from eyechart.cli.terminal import LiveTable
    from eyechart.errors import RunFailed
    from eyechart.repetition import compare, repeat_run

    with LiveTable() as table:
        old, new = repeat_run(run_folder, output or run_folder.parent.parent / "repeats", table, offline=offline)
    lines, same = compare(old, new)
    typer.echo("\n".join(lines))
    if not same:
        raise RunFailed("The repetition differs. Times and threads may differ; weights on one machine should not.")


def race(
    record: StudyRecord,
    folder: Path,
    *,
    resume: bool,
    exist_ok: bool,
    offline: bool,
    quiet: bool = False,
    strict: bool = False,
    lang: Language = "en",
) -> Study:
    """Fetch what is needed, say what speaks against the plan, do the runs under a live table, write the report.

    Raises UnfairComparison before the first run where `strict` and the plan breaks a rule.
    """
    from eyechart import study as studies
    from eyechart.cli.terminal import LiveTable
    from eyechart.data.catalog import load_dataset
    from eyechart.machine import open_machines, settle_machine
    from eyechart.storage import STUDY_FILE, write_record
    from eyechart.study_folder import open_study

    say = _silent if quiet else _say
    open_machines(record.rules)  # a device that is not here is told before anything is fetched
    load_dataset(record.rules.dataset, img_size=record.rules.img_size, offline=offline, say=say)
    record = open_study(record, folder, resume=resume, exist_ok=exist_ok)
    record = settle_machine(studies.settle_weights(record, offline, say), offline, say)
    write_record(folder / STUDY_FILE, record)
    _forewarn(record, say, strict, lang)
    with contextlib.nullcontext(lambda progress: None) if quiet else LiveTable() as table:
        study = studies.run_study(record, folder, table, offline=offline)
    if study.runs:
        say(f"report: {study.report(lang=lang)}")
    return study


def _forewarn(record: StudyRecord, say: Callable[[str], None], strict: bool, lang: Language) -> None:
    """Say what speaks against a plan, while nothing is trained yet; UnfairComparison where that is an error."""
    from eyechart.comparison.beforehand import busy_share, plan_unfairness
    from eyechart.comparison.findings import refuse
    from eyechart.comparison.words.findings import KINDS, sentence
    from eyechart.host import host_facts

    findings = plan_unfairness(record, host_facts(None, record.rules.num_threads), busy_share())
    for finding in findings:
        say(f"{KINDS[lang][finding.kind]}: {sentence(finding, lang)}")
    if strict:
        refuse(findings, lang)


def _show_results(study: Study, as_json: bool, lang: Language) -> tuple[Finding, ...]:
    """Print results and verdicts; what speaks against them."""
    runs = study.runs
    comparison = study.compare() if runs else None
    findings = comparison.findings if comparison else ()
    if as_json:
        import json

        from eyechart.cli.summaries import findings_about, summary

        told = [summary(record) | {"findings": findings_about(record, findings)} for record in runs]
        typer.echo(json.dumps(told, indent=1))
    elif comparison:
        from eyechart.cli.verdicts import show_short

        study.table()
        show_short(comparison, lang)
    return findings


def _dry_run(record: StudyRecord, folder: Path, offline: bool, as_json: bool, strict: bool, lang: Language) -> None:
    import json

    from eyechart import study as studies
    from eyechart.cli.tables import estimates_table
    from eyechart.estimate import estimate_study
    from eyechart.machine import settle_machine

    record = settle_machine(studies.settle_weights(record, offline, _say), offline, _say)
    estimates = estimate_study(record, folder, offline=offline, say=_say)
    if as_json:
        typer.echo(json.dumps([estimate._asdict() for estimate in estimates], indent=1))
    else:
        estimates_table(estimates)
    _forewarn(record, _say, strict, lang)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _silent(sentence: str) -> None:
    pass


def _budget(**amounts: float | None) -> Any:
    """The one budget that was given, or None; UsageError for several or for one that is not positive."""
    from eyechart.errors import UsageError
    from eyechart.schema import Budget

    given = {unit: amount for unit, amount in amounts.items() if amount is not None}
    if len(given) > 1:
        raise UsageError(
            f"A study has one budget and got {', '.join('--' + unit for unit in given)}; give one of them."
        )
    for unit, amount in given.items():
        if not 0 < amount < float("inf"):
            raise UsageError(f"--{unit} got {amount:g}; expected a number above 0.")
        return Budget(unit=unit.removeprefix("trial-"), amount=amount)  # type: ignore[arg-type]
    return None


def _split(values: list[str]) -> list[str]:
    return [part for value in values for part in value.split(",") if part]


def _numbers(text: str, option: str = "--seeds") -> list[int]:
    from eyechart.errors import UsageError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} got {text!r}; expected whole numbers separated by commas, such as 0,1,2.") from None
