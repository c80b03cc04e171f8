"""What they looked at: maps on the most disputed test images, from explain.json; nothing where nobody asked.

`eyechart report STUDY --explain` makes what this section shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.files.pictures import png_url
from eyechart.report.disagreement import image_uri
from eyechart.report.entries import Entry
from eyechart.report.looked.figure import COLUMNS, certainty
from eyechart.report.looked.overlay import overlaid
from eyechart.report.looked.words import (
    check_lines,
    check_verdict,
    explained_checks,
    is_trusted,
    method_name,
    reason,
    remark_told,
    with_interval,
)
from eyechart.report.section import Draft, Section
from eyechart.schema.explain import EXPLAIN_FILE, EXPLAIN_FOLDER, ExplainedRun, ExplainedStudy, MethodName
from eyechart.words.speech import Speech

TILE_PIXELS = 84  # of a map's longer side on the page
COLOURS_A_TILE = 48  # keeps noise, which no PNG makes small, below 6 KB
MOST_TILES = 120  # of all images: more would bring the section above a megabyte


@dataclass(frozen=True)
class Tile:
    """One map, or why there is none."""

    method: str
    picture: str  # data URI; empty: `told` says why
    told: str


@dataclass(frozen=True)
class Row:
    """One contender on one image."""

    entry: Entry
    answer: str
    probability: str
    remark: str  # what `eyechart predict` says in the place of the answer; empty: it names the class
    is_wrong: bool
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Image:
    number: int  # its index in the test part
    picture: str  # data URI
    truth: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Cell:
    """The checks of one method of one contender."""

    verdict: tuple[str, ...]  # a line each
    numbers: tuple[str, ...]
    is_trusted: bool


@dataclass(frozen=True)
class Looked:
    """What the template shows."""

    finding: str
    columns: tuple[str, ...]
    checks: tuple[tuple[Entry, tuple[Cell | None, ...]], ...]
    caption: str
    images: tuple[Image, ...]
    missing: tuple[str, ...]  # contenders that were not asked, and why their maps are not shown


def _section(draft: Draft) -> Looked | None:
    """Of the one study that the report is on."""
    homes = {run.folder.parent for entry in draft.entries for run in entry.runs}
    if len(homes) != 1 or not (next(iter(homes)) / EXPLAIN_FILE).is_file():
        return None
    (home,) = homes
    say, missing = draft.say, []
    record = storage.read_record(home / EXPLAIN_FILE, ExplainedStudy)
    looked: list[tuple[Entry, ExplainedRun, dict[str, np.ndarray]]] = []
    for entry in draft.drawn:
        found = _of_entry(entry, record)
        if found is None:
            missing.append(say(f"{entry.name} was not asked, or has been trained again since: --explain asks anew.",
                               f"{entry.name} n'a pas été interrogé, ou a été entraîné de nouveau depuis : --explain "
                               f"interroge encore."))  # fmt: skip
            continue
        try:
            looked.append((entry, found, storage.read_arrays(home / EXPLAIN_FOLDER / f"{found.run}.npz")))
        except StorageError as error:
            missing.append(str(error))
    if not looked:
        return None
    try:
        images = _images(home, record, looked, say)
    except StorageError as error:
        missing.append(str(error))
        images = ()
    checks = tuple((entry, _cells(run, say)) for entry, run, _ in looked if run.checks)
    first = next((run.checks for _, run, _ in looked if run.checks), None)
    columns = tuple(_column_name(methods, say) for methods in COLUMNS)
    return Looked(_finding(checks, say), columns, checks, explained_checks(first, say), images, tuple(missing))


def _of_entry(entry: Entry, record: ExplainedStudy) -> ExplainedRun | None:
    """What was kept of one of its runs, if that has the same weights still."""
    weights = {run.folder.name: run.record.weights_sha256 for run in entry.judged}
    return next((each for each in record.runs if weights.get(each.run) == each.weights_sha256), None)


def _column_name(methods: tuple[MethodName, ...], say: Speech) -> str:
    return method_name(methods[0], say) if len(methods) == 1 else say("from inside", "de l'intérieur")


# --------------------------------------------------------------------------------------------- checks


def _cells(run: ExplainedRun, say: Speech) -> tuple[Cell | None, ...]:
    cells: list[Cell | None] = []
    for methods in COLUMNS:
        found = [check for method in methods if run.checks and (check := run.checks.of(method))]
        if not found or run.checks is None:
            cells.append(None)
            continue
        (check,) = found
        numbers = check_lines(check, run.checks, say)
        earlier = with_interval(check.before_random, say)
        numbers.append(say(f"before random by {earlier}", f"avant le hasard de {earlier}"))
        cells.append(Cell(tuple(check_verdict(check, say)), tuple(numbers), is_trusted(check)))
    return tuple(cells)


def _finding(checks: tuple[tuple[Entry, tuple[Cell | None, ...]], ...], say: Speech) -> str:
    cells = [cell for _, row in checks for cell in row if cell is not None]
    if not cells:
        return say("What they looked at, unchecked", "Ce qu'ils ont regardé, sans vérification")
    passed, number = sum(cell.is_trusted for cell in cells), say.count(len(cells))
    return say(
        f"What they looked at: {say.count(passed) if passed else 'none'} of {number} kinds of maps pass every check",
        f"Ce qu'ils ont regardé : {say.count(passed) if passed else 'aucune'} des {number} sortes de cartes "
        f"{'passent' if passed > 1 else 'ne passe' if not passed else 'passe'} toutes les vérifications",
    )


# --------------------------------------------------------------------------------------------- images


def _images(
    home: Path, record: ExplainedStudy, looked: list[tuple[Entry, ExplainedRun, dict[str, np.ndarray]]], say: Speech
) -> tuple[Image, ...]:
    items = storage.read_arrays(home / record.items)
    number = max(1, min(len(record.chosen), MOST_TILES // (len(looked) * len(COLUMNS))))
    images = []
    for place, item in enumerate(record.chosen[:number]):
        pixels, label = items["images"][item], int(items["labels"][item])
        classes = looked[0][0].first.dataset.classes
        rows = tuple(
            Row(
                entry=entry,
                answer=classes[run.answers[place]],
                probability=certainty(run.probabilities[place], say),
                remark=_remark(run, place, classes, say),
                is_wrong=run.answers[place] != label,
                tiles=tuple(_tile(methods, pixels, run, maps, place, say) for methods in COLUMNS),
            )
            for entry, run, maps in looked
        )
        images.append(Image(item, image_uri(pixels), classes[label], rows))
    return tuple(images)


def _remark(run: ExplainedRun, place: int, classes: tuple[str, ...], say: Speech) -> str:
    remark = run.remarks[place] if run.remarks else None
    return remark_told(remark, classes, say) if remark else ""


def _tile(
    methods: tuple[MethodName, ...],
    pixels: np.ndarray,
    run: ExplainedRun,
    maps: dict[str, np.ndarray],
    place: int,
    say: Speech,
) -> Tile:
    method = next((each for each in methods if each in maps), None)
    if method is None:
        told = reason(run.cannot[methods[0]], say).replace("\n", " ") if len(methods) == 1 else ""
        return Tile("", "", told)
    return Tile(method_name(method, say), map_uri(pixels, maps[method][place].astype(np.float64)), "")


def map_uri(pixels: np.ndarray, values: np.ndarray) -> str:
    """A map (H, W) over its image uint8 (C, H, W), as a PNG of few colours inside a data URI."""
    from PIL import Image as Picture

    step = -(-max(values.shape) // TILE_PIXELS)  # larger images: every so many pixels
    laid = overlaid(pixels[:, ::step, ::step], values[::step, ::step], TILE_PIXELS)
    picture = Picture.fromarray((255 * laid).round().astype(np.uint8)).quantize(
        COLOURS_A_TILE, Picture.Quantize.MAXCOVERAGE
    )  # which keeps colours that are rare
    return png_url(picture, small=True)


SECTION = Section("looked", ("What they looked at", "Ce qu'ils ont regardé"), _section, "looked.html")
