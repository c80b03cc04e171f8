"""`eyechart lr-find`: a learning-rate range test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import aloud, say

if TYPE_CHECKING:
    from eyechart.scoring.lr_range import LrRange
    from eyechart.words.speech import Speech


def lr_find(
    model: list[str] = options.MODELS,
    data: str = options.DATA,
    batch_size: int = typer.Option(None, "-b", "--batch-size", help="Images a step."),
    steps: int = typer.Option(100, "--steps", help="Rates that are tried, a batch each."),
    seed: int = typer.Option(0, "--seed", help="Of the weights and of the order of images."),
    threads: int = options.THREADS,
    device: str = options.TRAINING_DEVICE,
    output: Path = typer.Option(Path("lr-find.png"), "-o", "--output", help="The picture."),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Overwrite the picture if it is there."),
    offline: bool = options.OFFLINE,
    lang: str = options.LANG,
    as_json: bool = typer.Option(False, "--json", help="Print every step as JSON."),
) -> None:  # fmt: skip
    """Train for a moment at rates that grow from step to step, and draw what the loss says; nothing is kept."""
    from eyechart.base.errors import UsageError
    from eyechart.report.lr_plot import write_plot
    from eyechart.runner.lr_range import range_test
    from eyechart.study.plan import jobs_of, plan_study
    from eyechart.study.race import settled
    from eyechart.words.speech import speech

    speak = speech(options.language_of(lang))
    options.check_free(output, exist_ok)
    if steps < 10:
        raise UsageError(f"--steps got {steps}; expected 10 or more, or no curve can be seen.")
    record = plan_study(options.names(model), data, "standard", [seed], changes={"batch_size": batch_size},
                        num_threads=threads, device=device)  # fmt: skip
    record, _ = settled(record, "", offline, aloud)
    tests = []
    with tempfile.TemporaryDirectory() as folder:  # where outputs of frozen stages may be kept
        for job in jobs_of(record, Path(folder), offline):
            aloud(f"{job.contender}: {steps} steps")
            Path(job.folder).mkdir(parents=True)
            tests.append(range_test(job, aloud, num_steps=steps))
    write_plot(tests, output, speak)
    if as_json:
        found = [
            test._asdict() | {"steepest": test.steepest, "lowest": test.lowest, "tenth": test.tenth} for test in tests
        ]
        typer.echo(json_text(found, indent=1))
        return
    for test in tests:
        say(_told(test, speak))
    say(str(output))


def _told(test: LrRange, speak: Speech) -> str:
    steepest, tenth, last = (speak.plain(float(f"{rate:.2g}")) for rate in (test.steepest, test.tenth, test.rates[-1]))
    recipe = speak.plain(test.recipe_rate)
    if speak.lang == "fr":
        end = "avait explosé" if test.blew_up else "n'avait pas encore explosé"
    else:
        end = "blew up" if test.blew_up else "had not blown up yet"
    return speak(
        f"{test.contender}: falls fastest at {steepest}, a tenth of the lowest is {tenth}; the recipe has {recipe}. "
        f"At {last} the loss {end}.",
        f"{test.contender} : baisse le plus vite à {steepest}, le dixième du plus bas est {tenth} ; la recette a "
        f"{recipe}. À {last}, la perte {end}.",
    )
