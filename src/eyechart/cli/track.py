"""`eyechart track`: runs for the tools that people watch trainings with."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.cli import options
from eyechart.terminal.lines import aloud, say

TOOLS = ("tensorboard", "mlflow")


def track(
    runs: Path = typer.Argument(..., metavar="RUNS", help="A run, a study, or a folder of studies."),
    place: str = typer.Argument(..., metavar="DIR", help="Where it goes: a folder; of MLflow also a server's address."),
    to: str = typer.Option(..., "--to", metavar="TOOL", help="tensorboard or mlflow."),
) -> None:
    """Write curves, results and settings of runs for TensorBoard or MLflow; what is there already stays as it is."""
    from eyechart.base.errors import UsageError
    from eyechart.files.places import as_address, user_path
    from eyechart.tracking import mlflow, tensorboard

    if to not in TOOLS:
        raise UsageError(f"--to got {to!r}; expected {' or '.join(TOOLS)}.")
    if to == "tensorboard" and as_address(place):
        raise UsageError(
            f"--to tensorboard got the address {place}; expected a folder of this machine. Write there, and copy the "
            f"folder to the address with a program of its own."
        )
    place = place if "://" in place else str(user_path(place))
    folders = options.some_runs([runs])
    num_written = 0
    for folder in folders:
        is_new = tensorboard.write_run(folder, Path(place)) if to == "tensorboard" else mlflow.write_run(folder, place)
        num_written += is_new
        if not is_new:
            aloud(f"{folder.name} is there already")
    say(f"{num_written} of {len(folders)} runs written to {place}. Look at them with: {_viewer(to, place)}")


def _viewer(tool: str, place: str) -> str:
    from eyechart.base.foreign_text import path_word, shell_command

    if tool == "tensorboard":
        return shell_command(["tensorboard", "--logdir", path_word(place)])
    allowed = "" if "://" in place else "MLFLOW_ALLOW_FILE_STORE=true "
    return allowed + shell_command(["mlflow", "ui", "--backend-store-uri", path_word(place)])
