"""`eyechart export`: a trained run for other programs."""

from __future__ import annotations

from pathlib import Path

import typer

from eyechart.terminal.lines import say


def export(
    run: Path = typer.Argument(..., metavar="RUN", help="The folder of a trained run."),
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
) -> None:
    """Write a trained run as one file, checked against torch on all of its test images, with a model card beside it."""
    from eyechart.export.formats import chosen_format, default_target

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
