"""`eyechart pretrain`: weights for others to start from, trained here on a source task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.cli import options
from eyechart.terminal.lines import say

if TYPE_CHECKING:
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
    from eyechart.weights import at_home
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
    if at_home.is_there(architecture, called) and not (resume or exist_ok):
        raise UsageError(
            f"{at_home.path_of(architecture, called)} holds weights of that name. Keep them and choose another --name, "
            f"or replace them with --exist-ok; --resume goes on with the training that made them."
        )
    folder = folder_of(record, output)
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
