"""`eyechart export`: a trained run for programs without torch, or a whole study as a page for any static server."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.terminal.lines import say

LINE = 50e6  # bits a second


def export(
    run: Path = typer.Argument(
        ...,
        metavar="RUN|STUDY",
        help="A trained run; with --web also a study, of which one run of each contender.",
    ),
    output: Path = typer.Option(None, "-o", "--output", help="A new file: ONNX."),
    web: Path = typer.Option(None, "--web", help="A new folder: a page on which all answer, for any static server."),
    runtime: Path = typer.Option(
        None, "--runtime", help="onnxruntime-web for --web, as a folder or .tgz. Default: the cache, or npm's registry."
    ),
) -> None:
    """Write a trained run as one ONNX file, or a study as a page without a server; checked against torch."""
    from eyechart.base.errors import UsageError

    if (output is None) == (web is None):
        raise UsageError("Expected one of --output FILE (one run as ONNX) and --web FOLDER (a page).")
    if web is not None:
        return _export_page(run, web, runtime)
    if runtime is not None:
        raise UsageError("--runtime goes with --web; an ONNX file needs none.")
    from eyechart.inference.onnx_file import export_run

    number = export_run(run, output)
    return say(f"exported: {output} (answers as the run does on {number} pictures)")


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
