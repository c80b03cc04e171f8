"""`eyechart pretrain`: weights for others to start from, trained here on a source task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.cli import options
from eyechart.terminal.lines import say

if TYPE_CHECKING:
    from eyechart.schema import StudyRecord
    from eyechart.study.study import Study


def pretrain(
    architecture: str = typer.Argument(..., help="cnn, vit, alexnet, vgg16, or torchvision:NAME, timm:NAME."),
    data: str = typer.Option("glyphs", "-d", "--data", help="The source task: glyphs, fractals, a folder, ..."),
    name: str = typer.Option(None, "--name", help="What the weights are called. Default: after the dataset."),
    preset: str = typer.Option("standard", "-p", "--preset", help="quick, standard or smoke."),
    epochs: float = options.EPOCHS, images: float = options.IMAGES,
    seconds: float = options.SECONDS, steps: float = options.STEPS,
    seed: int = typer.Option(0, "--seed", help="Of the training."),
    threads: int = options.THREADS, device: str = options.TRAINING_DEVICE,
    output: Path = options.OUTPUT,
    resume: bool = typer.Option(False, "--resume", help="Continue a broken training; of a finished one, only keep it."),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Replace weights of that name, and the study of theirs."),
    offline: bool = options.OFFLINE,
) -> None:  # fmt: skip
    """Train from nothing on a source task, and keep all but the head: `-m alexnet:glyphs` then starts from there."""
    from eyechart.base.errors import UsageError
    from eyechart.catalog.recipes import slug
    from eyechart.catalog.regimes import takes_weights
    from eyechart.catalog.zoo import is_of_zoo
    from eyechart.study.plan import folder_of, plan_study
    from eyechart.study.race import race
    from eyechart.weights.resolve import ARCHITECTURES

    if architecture not in ARCHITECTURES and not is_of_zoo(architecture):
        raise UsageError(
            f"{architecture!r} cannot be pretrained here. Expected one of {', '.join(ARCHITECTURES)}, or a network of "
            f"a zoo, such as torchvision:resnet18; a detector starts from a pretrained cnn: --backbone and its name."
        )
    called = _called(name, data)
    record = plan_study(
        f"{architecture}:none" if takes_weights(architecture) else architecture, data, preset, [seed],
        name=f"pretrain-{slug(architecture)}-{called}", num_threads=threads, device=device,
        budget=options.budget_of(epochs=epochs, images=images, seconds=seconds, steps=steps),
        full_schedule=False,  # what that adds was chosen for digits
    )  # fmt: skip
    folder = folder_of(record, output)
    _check_goes_on(record, folder, architecture, called, resume=resume, exist_ok=exist_ok)
    study = race(record, folder, resume=resume, exist_ok=exist_ok, offline=offline)
    study.raise_failures()
    _keep(study, architecture, called)


def _called(name: str | None, data: str) -> str:
    """What the weights are called; UsageError for a name that a contender could not say."""
    from eyechart.base.errors import UsageError
    from eyechart.catalog.regimes import EARLIER_WORDS, PLAIN, REGIMES
    from eyechart.weights.resolve import NAMED_WEIGHTS

    called = name or re.sub(r"[^\w.-]+", "-", Path(data).name or data)
    if called in (*NAMED_WEIGHTS, *REGIMES, *EARLIER_WORDS, PLAIN, "run", "file", "hub") or not re.fullmatch(
        r"[\w][\w.-]*", called
    ):
        raise UsageError(
            f"Weights cannot be called {called!r}. Choose another --name: letters, digits, _ - and dots, and no "
            f"word that names published weights or a regime."
        )
    return called


def _check_goes_on(
    record: StudyRecord, folder: Path, architecture: str, called: str, *, resume: bool, exist_ok: bool
) -> None:
    """UsageError before anything is trained where weights would be replaced unasked, or two runs be there to keep."""
    from eyechart.base.errors import UsageError
    from eyechart.files import addresses
    from eyechart.study.folder import begun_study, open_study
    from eyechart.weights import at_home

    addresses.fetch(folder)  # another machine may have begun it
    is_there = at_home.is_there(architecture, called)
    if is_there and not (resume or exist_ok):
        raise UsageError(
            f"{at_home.path_of(architecture, called)} holds weights of that name. Keep them and choose another --name, "
            f"or replace them with --exist-ok; --resume goes on with the training that made them."
        )
    if is_there and not exist_ok and begun_study(folder) is None:
        raise UsageError(
            f"{at_home.path_of(architecture, called)} holds weights of that name, and {folder} no training that could "
            f"be gone on with. Expected the --output in which they were made; or choose another --name, or replace "
            f"them with --exist-ok."
        )
    seeds = open_study(record, folder, resume=resume, exist_ok=exist_ok).record.seeds
    if seeds != record.seeds:
        raise UsageError(
            f"{folder} was started with seed {', '.join(str(seed) for seed in seeds if seed not in record.seeds)}, and "
            f"weights are those of one training. Expected that --seed, or another --name."
        )


def _keep(study: Study, architecture: str, called: str) -> None:
    from eyechart.base.errors import RunFailed
    from eyechart.weights import at_home

    (run,) = study.runs
    if run.status == "diverged":
        raise RunFailed(
            f"{run.run} diverged in {study.folder}, so there is nothing to keep. Choose another seed, or another "
            f"source task."
        )
    card = at_home.keep(study.folder / run.run, called)
    say(
        f"kept as {architecture}:{called} ({card.accuracy:.2%} of the source task's test images, "
        f"{card.training_seconds:,.0f} s): {at_home.path_of(architecture, called)}"
    )
