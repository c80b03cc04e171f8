"""What several commands take, said once: their options, and how the words given for them are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from eyechart.schema import Language

MODELS = typer.Option(
    [], "-m", "--models", "--model", metavar="NAME",
    help="Contender, such as cnn, vgg16:hed:head or torchvision:resnet18; repeat, or use commas. Default: all ours.",
)  # fmt: skip
DATA = typer.Option("mnist", "-d", "--data", help="A known dataset (eyechart data list), or a folder or zip.")
FRACTION = typer.Option(None, "--fraction", help="Share of the train part that is used, 0..1.")
IMG_SIZE = typer.Option(None, "--img-size", help="Side in pixels to which images are brought.")

EPOCHS = typer.Option(None, "--epochs", help="Budget: passes over the train part.")
IMAGES = typer.Option(None, "--images", help="Budget: training images seen.")
SECONDS = typer.Option(None, "--seconds", help="Budget: seconds of training, as many steps as fit.")
STEPS = typer.Option(None, "--steps", help="Budget: optimizer steps.")

LR = typer.Option(None, "--lr", help="Peak learning rate.")
WD = typer.Option(None, "--wd", help="Weight decay.")
WEIGHTS = typer.Option(None, "--weights", help="Of vgg16, alexnet, zoos: auto, none, imagenet, hed, a file.")

TIMED_DEVICE = typer.Option(None, "--device", help="auto (the fastest for this study, timed), cpu, cuda or mps.")
TRAINING_DEVICE = typer.Option(None, "--device", help="auto, cpu, cuda or mps.")
DEVICE = typer.Option("auto", "--device", help="auto, cpu, cuda or mps.")
PRECISION = typer.Option(None, "--precision", help="auto, float32, tf32 or bfloat16.")
THREADS = typer.Option(None, "--threads", min=1, help="Threads. Default: all cores.")
THREADS_EACH = typer.Option(None, "--threads", min=1, help="Threads of each run. Default: the cores, shared by --jobs.")
THREADS_AS_THERE = typer.Option(None, "--threads", min=1, help="Threads. Default: those of the runs.")
JOBS = typer.Option(
    1, "--jobs", help="Runs at once, each on cores of its own; their times are shared, and never claimed."
)
SHARD = typer.Option(None, "--shard", metavar="I/N", help="Only an N-th of all runs, the I-th; others may do the rest.")

OUTPUT = typer.Option(Path("runs"), "-o", "--output", envvar="EYECHART_OUTPUT", help="Folder of studies.")
EXIST_OK = typer.Option(False, "--exist-ok", help="Replace the study there, once the new one is complete.")
DRY_RUN = typer.Option(False, "--dry-run", help="Print plan and time, and train nothing.")
OFFLINE = typer.Option(False, "--offline", envvar="EYECHART_OFFLINE", help="Never touch the network.")
STRICT = typer.Option(False, "--strict", help="Exit with an error when something speaks against the comparison.")
LANG = typer.Option("en", "--lang", envvar="EYECHART_LANG", help="Language of report and verdicts: en or fr.")
JSON = typer.Option(False, "--json", help="Print JSON.")


def language_of(text: str) -> Language:
    """UsageError for a language that is not spoken here."""
    from eyechart.words.speech import speech

    return speech(text).lang


def some_runs(paths: list[Path]) -> list[Path]:
    """The finished runs in folders; UsageError where there are none."""
    from eyechart.base.errors import UsageError
    from eyechart.files.storage import find_runs, no_runs

    if not (found := find_runs(paths)):
        raise UsageError(no_runs(paths))
    return found


def check_free(path: Path, exist_ok: bool, what: str = "file with -o") -> None:
    """UsageError for what is there already, unless it may be overwritten."""
    from eyechart.base.errors import UsageError

    if path.exists() and not exist_ok:
        raise UsageError(f"{path} is there already. Name another {what}, or overwrite it with --exist-ok.")


def budget_of(**amounts: float | None) -> Any:
    """The one budget that was given, or None; UsageError for several or for one that is not positive."""
    from eyechart.base.errors import UsageError
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


def names(values: list[str]) -> list[str]:
    """Names that were given with an option again and again, or with commas."""
    return [part.strip() for value in values for part in value.split(",")]


def numbers(text: str, option: str = "--seeds") -> list[int]:
    """UsageError for what is no list of whole numbers."""
    from eyechart.base.errors import UsageError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} got {text!r}; expected whole numbers separated by commas, such as 0,1,2.") from None
