"""`eyechart export`: a trained run for programs without torch, or a whole study as a page for any static server."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.terminal.lines import say

LINE = 50e6  # bits a second


def export(
    run: Path = typer.Argument(
        ..., metavar="RUN|STUDY", help="A trained run; with --web also a study, of which one run of each contender."
    ),
    output: Path = typer.Option(
        None, "-o", "--output", help="A new file. Default: here, under the run's name and the format's ending."
    ),
    format_name: str = typer.Option(
        "onnx", "--format", metavar="FORMAT", help="onnx, torchscript, safetensors or state-dict."
    ),
    int8: bool = typer.Option(
        False, "--int8", help="ONNX with weights and values of 8 bits; what that costs and gives is measured and told."
    ),
    no_card: bool = typer.Option(False, "--no-card", help="Write no model card (FILE.md) beside the file."),
    web: Path = typer.Option(None, "--web", help="A new folder: a page on which all answer, for any static server."),
    runtime: Path = typer.Option(
        None, "--runtime", help="onnxruntime-web for --web, as a folder or .tgz. Default: the cache, or npm's registry."
    ),
) -> None:
    """Write a trained run as one file, checked against torch and with a card, or a study as a page without a server."""
    from eyechart.base.errors import UsageError
    from eyechart.export.formats import chosen_format, default_target

    if web is not None:
        if output or int8 or no_card or format_name != "onnx":
            raise UsageError("--web writes a whole folder: leave --output, --format, --int8 and --no-card out.")
        return _export_page(run, web, runtime)
    if runtime is not None:
        raise UsageError("--runtime goes with --web; a file needs none.")
    name = chosen_format(format_name)
    target = output or Path(default_target(run.resolve().name, name, int8))

    from eyechart.export.exporting import export_run
    from eyechart.export.model_card import quantised_lines

    done = export_run(run, target, name, int8=int8, with_card=not no_card, say=lambda line: say(line, err=True))
    say(f"exported: {done.target} ({done.checked})")
    for line in quantised_lines(done.quantised) if done.quantised else []:
        say(line.removeprefix("- ").replace("**", ""))
    for path in done.beside:
        say(f"beside it: {path}")
    return None


def _export_page(study: Path, web: Path, runtime: Path | None) -> None:
    from eyechart.terminal.lines import aloud
    from eyechart.terminal.tables import bytes_text
    from eyechart.web.folder import export_page

    sizes = export_page(study, web, runtime, aloud)
    of = {"networks": sizes.models, "runtime": sizes.runtime, "page": sizes.page, "report": sizes.report}
    say(f"exported: {web} ({', '.join(f'{name} {bytes_text(size)}' for name, size in of.items() if size)})")
    seconds = 8 * sizes.loaded / LINE
    say(f"a browser loads {bytes_text(sizes.loaded)} once ({seconds:.0f} s at 50 Mbit/s), then asks nobody")
    say(f"open it with any static server: python3 -m http.server 8000 --bind 127.0.0.1 --directory {web}")
