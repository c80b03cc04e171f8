"""`eyechart map`: who wins where, from all contexts that were studied."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eyechart.cli import options
from eyechart.terminal.lines import say

if TYPE_CHECKING:
    from eyechart.report.winner_map import Row
    from eyechart.words.speech import Speech

FOLDERS = typer.Argument(None, metavar="[FOLDER]...", help="Studies, contexts, or folders of them. Default: runs.")


def winner_map(
    folders: list[Path] = FOLDERS,
    output: Path = typer.Option(None, "-o", "--output", help="Folder of the map. Default: the first one named."),
    lang: str = options.LANG,
    as_json: bool = typer.Option(False, "--json", help="Print the rows as JSON."),
) -> None:
    """Draw one map of who is best in which context and need; ties are ties, and "not shown" is no win."""
    from eyechart.base.errors import UsageError
    from eyechart.base.plain_json import json_text
    from eyechart.files.storage import write_text
    from eyechart.report.winner_map import in_markdown_table, legend, write_map
    from eyechart.words.speech import speech

    told = speech(options.language_of(lang))
    places = list(folders or [Path(os.environ.get("EYECHART_OUTPUT") or "runs")])
    rows = _rows(places, told)
    if as_json:
        typer.echo(json_text([_as_json(row) for row in rows], indent=1))
        return
    home = output or places[0]
    if not write_map(rows, home, told.lang):
        raise UsageError("There is nothing to compare: these contexts have one contender each. Expected two or more.")
    table = in_markdown_table(rows, told)
    title = told("Who wins where", "Qui gagne où")
    write_text(home / "winner-map.md", f"# {title}\n\n{table}\n\n{legend(told)}\n\n![{title}](winner-map.svg)\n")
    for line in table.splitlines():
        say(line)
    say(f"map: {home / 'winner-map.png'}")


def _rows(places: list[Path], told: Speech) -> list[Row]:
    """Of every context in or below these folders; UsageError where there is none."""
    from eyechart.base.errors import UsageError
    from eyechart.contexts.catalog import axis_of
    from eyechart.contexts.needs import of_study, records_in
    from eyechart.files.storage import CONTEXT_FILE, STUDY_FILE
    from eyechart.report.winner_map import Row, cells_of, rows_of

    rows: list[Row] = []
    for place in places:
        if not place.is_dir():
            raise UsageError(f"{place} is no folder; expected a study, a context or a folder of them, such as runs.")
        is_context = (place / CONTEXT_FILE).is_file()  # whose levels are studies, and stand in its record
        for study in (
            [place] if is_context else [place, *(file.parent for file in sorted(place.glob(f"*/{STUDY_FILE}")))]
        ):
            if (own := of_study(study)) is not None:
                compared, robustness, memory, is_timed = own
                label = told("as trained", "tels qu'entraînés")
                cells = cells_of(compared, robustness, memory, is_timed=is_timed)
                rows.append(Row(f"{study.absolute().name}, {compared.dataset}", label, cells))
        for record in records_in(place):
            rows += rows_of(record, told, axis_of(record.context))
    if not rows:
        raise UsageError(
            f"{', '.join(map(str, places))} holds no study and no context. `eyechart study data-size` makes one, and "
            f"`eyechart study corruption STUDY` judges a study again."
        )
    return rows


def _as_json(row: Row) -> dict[str, object]:
    cells = {need: None if best is None else best._asdict() for need, best in row.cells.items()}
    return {"group": row.group, "label": row.label, "best": cells}
