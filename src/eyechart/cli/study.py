"""`eyechart study`: a study repeated along an axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.cli.judge_again import Asked as Again
from eyechart.cli.judge_again import judge_again
from eyechart.cli.ladder import Ways, climb
from eyechart.terminal.lines import aloud, record_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eyechart.contexts.levels import Asked, Context, Level
    from eyechart.schema import Language
    from eyechart.schema.contracts import Dataset
    from eyechart.study.shards import Shard

KNOWN = "data-size, budget, resolution, label-noise, pretraining, vit-ladder"
RESUME = typer.Option(False, "--resume", help="May be given: what is there is gone on with in any case.")
JUDGED = "corruption, shift, clutter"


class Planned(NamedTuple):
    """What a level would take."""

    level: str
    runs: int
    images: float | None  # that each sees; None: it trains for equal seconds
    training_seconds: float


def study(
    command: typer.Context,
    context: str = typer.Argument(..., help=f"{KNOWN}; or {JUDGED}, which train nothing."),
    trained: Path = typer.Argument(None, metavar="[STUDY]", help="Whose runs are judged again, or taken as they are."),
    data: str = options.DATA,
    model: list[str] = options.MODELS,
    preset: str = typer.Option(None, "-p", "--preset", help="quick (half an hour, the default) or standard."),
    levels: str = typer.Option(None, "--levels", help="Such as 100,300,1000; of corruption 1 to 5, published."),
    seeds: str = typer.Option(None, "--seeds", help="Seeds, such as 0,1,2. Default: as many as each level needs."),
    images: float = typer.Option(None, "--images", help="Training images a run; where nothing is trained test images."),
    threads: int = options.THREADS_EACH,
    jobs: int = options.JOBS, shard: str = options.SHARD,
    device: str = options.TRAINING_DEVICE, precision: str = options.PRECISION,
    mnist_c: Path = typer.Option(None, "--mnist-c", help="corruption: folder of the published arrays, to judge on."),
    to: str = typer.Option(None, "--to", help="shift: datasets of the same classes, such as digits,font-digits."),
    output: Path = options.OUTPUT,
    name: str = typer.Option(None, "--name", help="Folder of this study. Default: context and dataset."),
    dry_run: bool = options.DRY_RUN, offline: bool = options.OFFLINE, lang: str = options.LANG, resume: bool = RESUME,
    as_json: bool = typer.Option(False, "--json", help="Print the record as JSON."),
) -> None:  # fmt: skip
    """Ask the same question at every level of an axis; what is finished is not done again."""
    from eyechart.contexts import ladder
    from eyechart.contexts.catalog import JudgedContext, context_of
    from eyechart.contexts.levels import QUICK, STANDARD, Asked
    from eyechart.files.folder_names import check_folder_name
    from eyechart.study.together import threads_each

    language, known, budget = options.language_of(lang), context_of(context), options.budget_of(images=images)
    if isinstance(known, JudgedContext):
        trains = {"--model": model, "--seeds": seeds, "--name": name, "--preset": preset, "--shard": shard,
                  "--precision": precision, "--jobs": jobs > 1} | _typed(command, "data", "output")  # fmt: skip
        _only(known.name, "runs of a study as they are", trains)
        again = Again(trained, levels, images, threads, device, mnist_c, to, offline, dry_run, as_json)
        return judge_again(known, again, language)
    other = {"--images": images, "--shard": shard} if isinstance(known, ladder.LadderContext) else {"STUDY": trained}
    _only(known.name, "runs that it trains itself", {"--mnist-c": mnist_c, "--to": to} | other)
    called = name or f"{context}-{_slug(data)}"
    check_folder_name(called)
    rules = {"num_threads": threads_each(jobs, threads), "device": device, "precision": precision}
    dataset, ways = _classified(context, data, offline), Ways(output / called, trained, offline, dry_run, as_json, jobs)
    chosen = (options.names(model), _levels(levels), options.numbers(seeds) if seeds is not None else None)
    size = preset or QUICK
    is_ladder = isinstance(known, ladder.LadderContext)
    counts = _counts(dataset, data, QUICK if size == QUICK and not is_ladder else STANDARD)
    if isinstance(known, ladder.LadderContext):
        return climb(known, ladder.Asked(data, dataset.card, sum(counts), called, size, *chosen, bool(trained), rules),
                     ways, language)  # fmt: skip
    asked = Asked(data, sum(counts), max(dataset.card.height, dataset.card.width), called, size, *chosen,
                  budget.amount if budget else None, rules, aloud, counts)  # fmt: skip
    return _repeat(known, asked, ways, shard, language)


def _typed(command: typer.Context, *names: str) -> dict[str, bool]:
    """Whether options that have defaults were given with the command: by who wrote it, not by the environment."""
    sources = {name: command.get_parameter_source(name) for name in names}
    return {f"--{name}": source is not None and source.name == "COMMANDLINE" for name, source in sources.items()}


def _only(context: str, what: str, given: Mapping[str, object]) -> None:
    """UsageError for options that have no meaning in this context."""
    from eyechart.base.errors import UsageError

    wrong = [option for option, value in given.items() if value]
    if wrong:
        raise UsageError(f"`eyechart study {context}` takes {what}, and {wrong[0]} was given. Leave it out here.")


def _repeat(known: Context, asked: Asked, ways: Ways, shard: str | None, lang: Language) -> None:
    """Train what is not trained yet, level by level, and say what is found; or what that would take."""
    from eyechart.contexts.run import check_alike, is_complete, run_context
    from eyechart.files.addresses import worked_on
    from eyechart.report.context_plot import headline
    from eyechart.study.shards import shard_of
    from eyechart.words.speech import speech

    planned, part = known.levels(asked), shard_of(shard)
    check_alike(known, asked, ways.folder)
    if ways.dry_run:
        _dry_run(planned, ways, part)
        return
    with worked_on(ways.folder, aloud):
        record = run_context(known, planned, ways.folder, offline=ways.offline, say=aloud, lang=lang, jobs=ways.jobs,
                             shard=part)  # fmt: skip
    if part and not is_complete(planned, ways.folder):
        aloud(f"shard {part} is done; the shard that ends last writes the record and the figures.")
        return
    if ways.as_json:
        typer.echo(record_json(record))
        return
    say(f"{headline(record, speech(lang))}.")
    say(f"figures: {ways.folder / f'{known.name}-accuracy.png'}")
    say(f"synthesis: {ways.folder / f'{known.name}-synthesis.md'}")


def _slug(data: str) -> str:
    from eyechart.catalog.recipes import slug

    return slug(Path(data).name or data)


def _classified(context: str, data: str, offline: bool) -> Dataset:
    """UsageError for scenes, whose images have no class."""
    from eyechart.base.errors import UsageError
    from eyechart.data.catalog import load_dataset
    from eyechart.study.plan import task_of

    if task_of(data) != "classification":
        raise UsageError(
            f"`eyechart study {context}` asks what an image shows, and the images of {data} have objects to be found "
            f"in boxes. Expected a dataset whose images have a class each, such as -d mnist."
        )
    return load_dataset(data, offline=offline, say=aloud)


def _counts(dataset: Dataset, data: str, preset: str) -> tuple[int, ...]:
    """Images of each class that can be trained on, validation set aside as a preset does."""
    from eyechart.catalog.presets import rules_of
    from eyechart.data.splits import train_and_validation
    from eyechart.data.stratify import class_counts

    train = train_and_validation(dataset, rules_of(preset, data), seed=0)[0]
    return tuple(class_counts(train.labels, len(dataset.card.classes)).tolist())


def _levels(text: str | None) -> list[int]:
    return options.numbers(text, "--levels") if text else []


def _left(planned: list[Level], folder: Path, shard: Shard | None) -> Iterator[tuple[Level, list[str]]]:
    """Each level with the contenders of its unfinished runs, of a shard those that fall to it."""
    from eyechart.files.storage import is_run
    from eyechart.study.plan import jobs_of
    from eyechart.study.shards import ALL

    part = shard or ALL
    for level in planned:
        jobs = jobs_of(level.record, folder / level.record.name)
        yield level, [job.contender for job in part.of_jobs(jobs) if not is_run(Path(job.folder))]
        part = part.after(jobs)


def _dry_run(planned: list[Level], ways: Ways, shard: Shard | None) -> None:
    """Unfinished runs, images and time of every level; contenders are timed once for each size of images."""
    import tempfile

    from eyechart.runner.estimate import estimate
    from eyechart.study.plan import jobs_of
    from eyechart.study.race import settled
    from eyechart.words.numbers import counted

    found: list[Planned] = []
    paces: dict[int | None, dict[str, float]] = {}
    for level, left in _left(planned, ways.folder, shard):
        budget = level.record.rules.budget
        assert budget is not None, "every level of a context has one"
        if budget.unit == "seconds" or not left:
            found.append(Planned(level.label, len(left), None, len(left) * budget.amount))
            continue
        side = level.record.rules.img_size
        if side not in paces:
            record, _ = settled(level.record, "", ways.offline, aloud)
            with tempfile.TemporaryDirectory() as folder:
                jobs = jobs_of(record.model_copy(update={"seeds": record.seeds[:1]}), Path(folder), ways.offline)
                estimates = estimate(jobs, say=aloud, is_brief=True)
            paces[side] = {each.contender: each.training_seconds / each.images_seen for each in estimates}
        found.append(
            Planned(level.label, len(left), budget.amount, budget.amount * sum(paces[side][name] for name in left))
        )
    if ways.as_json:
        typer.echo(json_text([each._asdict() for each in found], indent=1))
        return
    for each in found:
        minutes = each.training_seconds / 60
        if not each.runs:
            say(f"{each.level:>10}  {f'nothing is left of shard {shard}' if shard else 'finished'}")
            continue
        length = f"{each.training_seconds / each.runs:,.0f} s" if each.images is None else f"{each.images:,.0f} images"
        say(f"{each.level:>10}  {counted(each.runs, 'run', 'runs')} of {length}  {minutes:,.0f} min")
    total = sum(each.training_seconds for each in found) / 60
    say(f"{'all':>10}  {total:,.0f} min of training. Nothing was trained.")
