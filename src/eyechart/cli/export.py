"""`eyechart export`: a trained run for programs without torch."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.terminal.lines import say


def export(
    run: Path = typer.Argument(..., metavar="RUN", help="The folder of a trained run."),
    output: Path = typer.Option(..., "-o", "--output", help="A new file: ONNX."),
) -> None:
    """Write a trained run as one ONNX file, checked against torch on test pictures."""
    from eyechart.inference.onnx_file import export_run

    number = export_run(run, output)
    say(f"exported: {output} (answers as the run does on {number} pictures)")
