"""The command line: parse, call, print.  Heavy imports happen inside the commands, so that help is instant.

Results go to standard output, progress and messages to standard error.
Exit codes: 0 ok, 1 a run failed, 2 bad usage, 3 data or weights missing, 130/143 interrupted after saving.
"""

from __future__ import annotations

import io
import os
import sys

import typer

from eyechart.base.errors import EyechartError
from eyechart.cli import (
    compare,
    data,
    diff,
    exam,
    explain,
    export,
    inside,
    labels,
    lr_find,
    predict,
    pretrain,
    read,
    run,
    scenes,
    serve,
    study,
    track,
    train,
    tune,
    weights,
    winner_map,
)
from eyechart.cli.paths import expanding

app = typer.Typer(
    name="eyechart",
    help="An eye test for vision models: trains different architectures on the same images under the same rules.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("study")(study.study)
app.command("map")(winner_map.winner_map)
app.command("train")(train.train)
app.command("repeat")(run.repeat)
app.command("tune")(tune.tune)
app.command("lr-find")(lr_find.lr_find)
app.command("pretrain")(pretrain.pretrain)
app.command("ls")(read.ls)
app.command("show")(read.show)
app.command("diff")(diff.diff)
app.command("track")(track.track)
app.command("compare")(compare.compare)
app.command("report")(read.report)
app.command("labels")(labels.labels)
app.command("predict")(predict.predict)
app.command("serve")(serve.serve)
app.command("exam")(exam.exam)
app.command("explain")(explain.explain)
app.command("inside")(inside.inside)
app.command("export")(export.export)
app.add_typer(data.app, name="data")
app.add_typer(scenes.app, name="scenes")
app.add_typer(weights.app, name="weights")
groups = (app, data.app, scenes.app, weights.app)
for each in (command for group in groups for command in group.registered_commands):
    assert each.callback
    each.callback = expanding(each.callback)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"eyechart {version('eyechart')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """The entry point: turns an EyechartError into its message and exit code."""
    _write_what_can_be_shown()
    try:
        app()
    except EyechartError as error:
        typer.echo(f"eyechart: {error.told()}", err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        needed = (error.name or "").partition(".")[0]
        if needed == "eyechart":
            raise
        typer.echo(
            f"eyechart: this command needs {needed}, which is not here. Install eyechart with all that it needs.",
            err=True,
        )
        sys.exit(3)
    except KeyboardInterrupt:
        typer.echo("eyechart: stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output closed it, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _write_what_can_be_shown() -> None:
    """A character that a terminal or a file cannot take becomes "?" there, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
