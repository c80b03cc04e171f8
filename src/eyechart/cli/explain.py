"""`eyechart explain`: what trained contenders looked at."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import aloud, say


def explain(
    runs: list[Path] = typer.Argument(..., metavar="RUN...", help="Runs; of a study, one run of each contender."),
    image: Path = typer.Argument(..., metavar="IMAGE", help="A picture of any size and kind."),
    output: Path = typer.Option(Path("explained"), "-o", "--output", "--out", help="Folder of pictures and figures."),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Overwrite what is in that folder."),
    checks: int = typer.Option(30, "--checks", help="Validation images that the maps are checked on, 0: no checks."),
    raw: bool = typer.Option(False, "--raw", help="Take the picture as it comes, not as predict prepares it."),
    threads: int = options.THREADS_AS_THERE,
    device: str = options.DEVICE,
    lang: str = options.LANG,
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON."),
) -> None:
    """Show what trained contenders looked at on a picture, side by side, and whether these maps are to be trusted."""
    from eyechart.inference.panel import chosen_runs
    from eyechart.report.looked.figure import finding
    from eyechart.report.looked.files import write_explanation
    from eyechart.runner.explain import explain_picture
    from eyechart.words.speech import speech

    language = options.language_of(lang)
    options.check_free(output, exist_ok, "folder with -o")
    found = explain_picture(
        chosen_runs(runs), image, aloud, num_checked=checks, num_threads=threads, device=device, raw=raw
    )
    write_explanation(found, output, language)
    if as_json:
        typer.echo(json_text(found.as_json(), indent=1))
        return
    say(f"{finding(found, speech(language))}.")
    say(str(output))
