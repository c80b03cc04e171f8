"""`eyechart predict`: what trained contenders see in pictures, all of them side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.base.plain_json import json_text
from eyechart.cli import options
from eyechart.terminal.lines import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.inference.panel import Asked, Panel
    from eyechart.inference.seeing import Source


def predict(
    what: list[Path] = typer.Argument(
        ...,
        metavar="RUN|STUDY|FILE.onnx... PICTURE|FOLDER|-...",
        help="Trained runs, studies (one run of each contender: its first seed) or files of eyechart export (ONNX), "
        "and what they are asked: picture files, folders of such (one level), - for a picture from the standard input.",
    ),
    top: int = typer.Option(
        None, "--top", min=1, help="Candidates of each contender. Default: 2 of one, 1 of several."
    ),
    raw: bool = typer.Option(False, "--raw", help="Pictures as they come: not prepared, and a class is named anyway."),
    show_steps: Path = typer.Option(
        None, "--show-steps", help="Draw how pictures were prepared: a PNG for one picture, a folder for several."
    ),
    sheet: Path = typer.Option(None, "--sheet", help="Draw a contact sheet: pictures, what is seen of them, answers."),
    draw: Path = typer.Option(None, "--draw", help="Draw the answer: a PNG for one picture, a folder for several."),
    csv: str = typer.Option(
        None, "--csv", metavar="FILE", help="Write a table, a line a picture and run; - prints it."
    ),
    exist_ok: bool = typer.Option(False, "--exist-ok", help="Write over drawings, sheets and tables that are there."),
    device: str = options.DEVICE,
    as_json: bool = options.JSON,
) -> None:
    """Say what trained contenders see in pictures."""
    from eyechart.base.errors import UsageError
    from eyechart.files.places import user_path
    from eyechart.inference.panel import is_asked, open_panel
    from eyechart.inference.seeing import find_sources

    who = [path for path in what if is_asked(path)]
    if as_json and csv == "-":
        raise UsageError("--json and --csv - both print to the standard output; choose one, or name a file for --csv.")
    if not who:
        open_panel(what[:1])  # an error that says what is there instead of a run
    sources = find_sources([path for path in what if path not in who], lambda line: say(line, err=True))
    drawings, steps = _targets(draw, sources, "--draw"), _targets(show_steps, sources, "--show-steps")
    csv = str(user_path(csv)) if csv and csv != "-" else csv
    tables = [Path(csv)] if csv and csv != "-" else []
    _check_targets([*drawings, *steps, *([sheet] if sheet else []), *tables], sources, exist_ok)
    panel = open_panel(who, device=device)
    _check_draw(draw, panel, sources)
    asked = list(_asked(panel, sources, raw, steps))
    _draw_answers(panel, asked, drawings)
    if sheet:
        from eyechart.inference.sheets import write_sheet

        write_sheet(asked, sheet)
        say(f"sheet: {sheet}", err=True)
    _print(asked, top, as_json, csv)
    _raise_unreadable(asked)


def _asked(panel: Panel, sources: Sequence[Source], raw: bool, steps: list[Path]) -> list[Asked]:
    """All answers; steps are drawn on the way, so that they need not be kept for thousands of pictures."""
    asked = []
    for place, one in enumerate(panel.ask(sources, raw=raw)):
        if steps and one.seen and one.seen.steps:
            from eyechart.inference.sheets import write_steps

            write_steps(one, steps[place])
            say(f"steps: {steps[place]}", err=True)
        elif steps and one.seen:
            say(f"{one.source.name} was not prepared: it is fitted into the run's frame as its dataset was", err=True)
        asked.append(one.without_steps())
    return asked


def _draw_answers(panel: Panel, asked: Sequence[Asked], targets: list[Path]) -> None:
    from eyechart.inference.drawing import draw_answer

    for one, target in zip(asked, targets, strict=False):
        if one.answers[0].error:
            continue
        draw_answer(Path(one.source.name), one.answers[0], target, panel.predictors[0].facts.preprocessing.picture_rule)
        say(f"drawn: {target}", err=True)


def _print(asked: Sequence[Asked], top: int | None, as_json: bool, csv: str | None) -> None:
    answers = [answer for one in asked for answer in one.answers]
    if csv:
        from eyechart.files.storage import write_text
        from eyechart.inference.as_csv import csv_text

        text = csv_text(answers, top or 1)
        if csv == "-":
            typer.echo(text, nl=False)
            return
        write_text(Path(csv), text)
        say(f"table: {csv}", err=True)
    if as_json:
        typer.echo(json_text([answer.as_json() for answer in answers], indent=1))
        return
    from eyechart.terminal.answers import answers_table

    answers_table([one.answers for one in asked], top or (2 if len(asked[0].answers) == 1 else 1))


def _raise_unreadable(asked: Sequence[Asked]) -> None:
    """Say of each picture why it could not be read, once all others have their answers; then DatasetError."""
    from eyechart.base.errors import DatasetError

    errors = [answer.error for one in asked if (answer := one.answers[0]).error]
    if len(asked) == 1 and errors:
        raise DatasetError(errors[0])
    for error in errors:
        say(error, err=True)
    if errors:
        raise DatasetError(f"{len(errors)} of {len(asked)} pictures could not be read, as said above; the others were.")


def _check_draw(draw: Path | None, panel: Panel, sources: Sequence[Source]) -> None:
    from eyechart.base.errors import UsageError

    if draw is None:
        return
    if len(panel.predictors) > 1:
        raise UsageError("--draw draws the answer of one run and got several; give one, or take --sheet.")
    if any(source.content is not None for source in sources):
        raise UsageError("--draw needs a picture file, and - is none. Save it first, or take --sheet.")


def _check_targets(targets: Sequence[Path], sources: Sequence[Source], exist_ok: bool) -> None:
    """UsageError for a file to be written that is one of the pictures, or is there and may not be written over."""
    from eyechart.base.errors import UsageError

    pictures = {os.path.realpath(each.name) for each in sources if each.content is None}
    for target in targets:
        if os.path.realpath(target) in pictures:
            raise UsageError(
                f"{target} is one of the pictures, and would be written over. Name another file or folder."
            )
        options.check_free(target, exist_ok, "file")


def _targets(asked: Path | None, sources: Sequence[Source], option: str) -> list[Path]:
    """The file that each picture is drawn to; none where nobody asked.  UsageError where two would be one."""
    from eyechart.base.errors import UsageError

    if asked is None:
        return []
    if len(sources) == 1 and asked.suffix.lower() == ".png" and not asked.is_dir():
        return [asked]
    if asked.suffix.lower() == ".png" or asked.is_file():
        raise UsageError(
            f"{option} got {asked} for {len(sources)} pictures; expected a folder, or a PNG for one picture."
        )
    targets = [asked / f"{'input' if each.content is not None else Path(each.name).stem}.png" for each in sources]
    if len(set(targets)) < len(targets):
        raise UsageError("Two pictures have the same name, and their drawings would be one file. Draw them in turns.")
    return targets
