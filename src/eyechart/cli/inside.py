"""`eyechart inside`: what training changed in a network."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import aloud, say

FEWEST_IMAGES = 20


def inside(
    run: Path = typer.Argument(..., help="The folder of a run."),
    images: int = typer.Option(1000, "--images", help="Validation images that are looked at, at most."),
    output: Path = typer.Option(Path("inside"), "-o", "--output", help="Folder of the pictures and figures."),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Overwrite what is in that folder."),
    threads: int = options.THREADS_AS_THERE,
    device: str = options.DEVICE,
    offline: bool = options.OFFLINE,
    lang: str = options.LANG,
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON."),
) -> None:
    """Look into a network before its training and after: first filters, how far layers moved, what lies near what."""
    from eyechart.base.errors import UsageError
    from eyechart.files.storage import disk_error, write_text
    from eyechart.report.change_plot import write_pictures
    from eyechart.runner.change import look_at_change

    language = options.language_of(lang)
    if images < FEWEST_IMAGES:
        raise UsageError(f"--images got {images}; expected {FEWEST_IMAGES} or more.")
    options.check_free(output, exist_ok, "folder with -o")
    change = look_at_change(run, aloud, num_images=images, num_threads=threads, device=device, offline=offline)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(output, error) from error
    findings = write_pictures(change, output, language)
    figures = json_text(change.as_json(), indent=1)
    write_text(output / "inside.json", figures + "\n")
    if as_json:
        typer.echo(figures)
        return
    for finding in findings:
        say(f"{finding}.")
    say(str(output))
