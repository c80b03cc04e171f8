"""`eyechart train`: one contender, in one process or, under torchrun, in many."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.cli.read import LANG, language_of


def train(
    contender: str = typer.Option(..., "-m", "--model", metavar="NAME", help="One contender, such as cnn or vit."),
    data: str = typer.Option("mnist", "-d", "--data", help="A known dataset (eyechart data list), or a folder or zip."),
    preset: str = typer.Option("standard", "-p", "--preset", help="quick, standard or smoke."),
    seed: int = typer.Option(0, "--seed", help="One seed."),
    epochs: float = typer.Option(None, "--epochs", help="Budget: passes over the train part."),
    images: float = typer.Option(None, "--images", help="Budget: training images seen."),
    seconds: float = typer.Option(None, "--seconds", help="Budget: seconds of training; of one process."),
    steps: float = typer.Option(None, "--steps", help="Budget: optimizer steps."),
    batch_size: int = typer.Option(None, "-b", "--batch-size", help="Images a step, of all processes together."),
    lr: float = typer.Option(None, "--lr", help="Peak learning rate."),
    wd: float = typer.Option(None, "--wd", help="Weight decay."),
    weights: str = typer.Option(None, "--weights", help="Of vgg16, alexnet, zoos: auto, none, imagenet, hed, a file."),
    recipe: list[Path] = typer.Option([], "--recipe", help="A recipe file, as eyechart tune writes them."),
    img_size: int = typer.Option(None, "--img-size", help="Side in pixels to which images are brought."),
    fraction: float = typer.Option(None, "--fraction", help="Share of the train part that is used, 0..1."),
    device: str = typer.Option(None, "--device", help="auto (the fastest, timed), cpu, cuda or mps."),
    threads: int = typer.Option(None, "--threads", help="Threads of each process. Default: the cores, shared evenly."),
    precision: str = typer.Option(None, "--precision", help="auto, float32, tf32 or bfloat16."),
    output: Path = typer.Option(Path("runs"), "-o", "--output", envvar="EYECHART_OUTPUT", help="Folder of studies."),
    name: str = typer.Option(None, "--name", help="Folder of this run's study. Default: preset and dataset."),
    resume: bool = typer.Option(False, "--resume", help="Go on where it was stopped."),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Replace the study there, once the new one is complete."),
    offline: bool = typer.Option(False, "--offline", envvar="EYECHART_OFFLINE", help="Never touch the network."),
    lang: str = LANG,
) -> None:  # fmt: skip
    """Train one contender; torchrun --nproc-per-node 2 -m eyechart train ... trains it in several processes (DDP)."""
    from eyechart.base.host import num_cores
    from eyechart.cli.run import budget_of
    from eyechart.study.one_big_run import num_here, num_processes, race_together
    from eyechart.study.plan import folder_of, plan_study
    from eyechart.study.race import race

    language = language_of(lang)
    record = plan_study(
        [contender], data, preset, [seed], name=name, recipe_files=recipe, img_size=img_size, fraction=fraction,
        changes={"batch_size": batch_size, "learning_rate": lr, "weight_decay": wd, "weights": weights},
        budget=budget_of(epochs=epochs, images=images, seconds=seconds, steps=steps), device=device,
        num_threads=threads or max(1, num_cores() // num_here()), precision=precision,
    )  # fmt: skip
    folder = folder_of(record, output)
    if num_processes() > 1:
        study = race_together(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, lang=language)
    else:
        study = race(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, lang=language)
    if study:
        study.raise_failures()
        study.table()
