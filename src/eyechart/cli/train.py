"""`eyechart train`: one contender, in one process or, under torchrun, in many."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.cli import options


def train(
    contender: str = typer.Option(..., "-m", "--model", metavar="NAME", help="One contender, such as cnn or vit."),
    data: str = options.DATA,
    preset: str = typer.Option("standard", "-p", "--preset", help="quick, standard or smoke."),
    seed: int = typer.Option(0, "--seed", help="One seed."),
    epochs: float = options.EPOCHS, images: float = options.IMAGES, steps: float = options.STEPS,
    seconds: float = typer.Option(None, "--seconds", help="Budget: seconds of training; of one process."),
    batch_size: int = typer.Option(None, "-b", "--batch-size", help="Images a step, of all processes together."),
    lr: float = options.LR, wd: float = options.WD, weights: str = options.WEIGHTS,
    recipe: list[Path] = typer.Option([], "--recipe", help="A recipe file, as eyechart tune writes them."),
    img_size: int = options.IMG_SIZE, fraction: float = options.FRACTION,
    device: str = options.TIMED_DEVICE, precision: str = options.PRECISION,
    threads: int = typer.Option(None, "--threads", help="Threads of each process. Default: the cores, shared evenly."),
    output: Path = options.OUTPUT,
    name: str = typer.Option(None, "--name", help="Folder of this run's study. Default: preset and dataset."),
    resume: bool = typer.Option(False, "--resume", help="Go on where it was stopped."),
    exist_ok: bool = options.EXIST_OK, offline: bool = options.OFFLINE, lang: str = options.LANG,
) -> None:  # fmt: skip
    """Train one contender; torchrun --nproc-per-node 2 -m eyechart train ... trains it in several processes (DDP)."""
    from eyechart.base.host import num_cores
    from eyechart.study.one_big_run import num_here, num_processes, race_together, with_stored_threads
    from eyechart.study.plan import folder_of, plan_study
    from eyechart.study.race import race

    language = options.language_of(lang)
    record = plan_study(
        [contender], data, preset, [seed], name=name, recipe_files=recipe, img_size=img_size, fraction=fraction,
        changes={"batch_size": batch_size, "learning_rate": lr, "weight_decay": wd, "weights": weights},
        budget=options.budget_of(epochs=epochs, images=images, seconds=seconds, steps=steps), device=device,
        num_threads=threads or max(1, num_cores() // num_here()), precision=precision,
    )  # fmt: skip
    folder = folder_of(record, output)
    if resume and not threads:
        record = with_stored_threads(record, folder)
    if num_processes() > 1:
        study = race_together(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, lang=language)
    else:
        study = race(record, folder, resume=resume, exist_ok=exist_ok, offline=offline, lang=language)
    if study:
        study.raise_failures()
        study.table()
