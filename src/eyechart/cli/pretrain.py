"""`eyechart pretrain`: weights for others to start from, trained here on a source task."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from eyechart.cli.run import budget_of
from eyechart.terminal.lines import say


def pretrain(
    architecture: str = typer.Argument(..., help="cnn, vit, alexnet or vgg16."),
    data: str = typer.Option("glyphs", "-d", "--data", help="The source task: a known dataset, or a folder or zip."),
    name: str = typer.Option(None, "--name", help="What the weights are called. Default: after the dataset."),
    preset: str = typer.Option("standard", "-p", "--preset", help="quick, standard or smoke."),
    epochs: float = typer.Option(None, "--epochs", help="Budget: passes over the train part."),
    images: float = typer.Option(None, "--images", help="Budget: training images seen."),
    seconds: float = typer.Option(None, "--seconds", help="Budget: seconds of training, as many steps as fit."),
    steps: float = typer.Option(None, "--steps", help="Budget: optimizer steps."),
    seed: int = typer.Option(0, "--seed", help="Of the training."),
    threads: int = typer.Option(None, "--threads", help="Threads. Default: all cores."),
    device: str = typer.Option(None, "--device", help="auto, cpu, cuda or mps."),
    output: Path = typer.Option(Path("runs"), "-o", "--output", envvar="EYECHART_OUTPUT", help="Folder of studies."),
    resume: bool = typer.Option(False, "--resume", help="Continue a broken training; of a finished one, only keep it."),
    offline: bool = typer.Option(False, "--offline", envvar="EYECHART_OFFLINE", help="Never touch the network."),
) -> None:  # fmt: skip
    """Train from nothing on a source task, and keep all but the head: `-m alexnet:glyphs` then starts from there."""
    from eyechart.base.errors import UsageError
    from eyechart.study.plan import folder_of, plan_study
    from eyechart.study.race import race
    from eyechart.weights import at_home
    from eyechart.weights.resolve import ARCHITECTURES, NAMED_WEIGHTS

    if architecture not in ARCHITECTURES:
        raise UsageError(
            f"{architecture!r} cannot be pretrained here. Expected one of {', '.join(ARCHITECTURES)}; a detector "
            f"starts from a pretrained cnn: --backbone and its name."
        )
    called = name or re.sub(r"[^\w.-]+", "-", Path(data).name or data)
    if called in (*NAMED_WEIGHTS, "run", "file") or not re.fullmatch(r"[\w][\w.-]*", called):
        raise UsageError(f"Weights cannot be called {called!r}. Choose another --name: letters, digits, _ - and dots.")
    record = plan_study(
        f"{architecture}:none" if architecture in ("vgg16", "alexnet") else architecture, data, preset, [seed],
        name=f"pretrain-{architecture}-{called}", num_threads=threads, device=device,
        budget=budget_of(epochs=epochs, images=images, seconds=seconds, steps=steps),
    )  # fmt: skip
    folder = folder_of(record, output)
    study = race(record, folder, resume=resume, exist_ok=False, offline=offline)
    study.raise_failures()
    (run,) = study.runs
    card = at_home.keep(folder / run.run, called)
    say(
        f"kept as {architecture}:{called} ({card.accuracy:.2%} of the source task's test images, "
        f"{card.training_seconds:,.0f} s): {at_home.path_of(architecture, called)}"
    )
