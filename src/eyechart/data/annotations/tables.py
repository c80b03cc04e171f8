"""CSV with label, xmin, ymin, xmax, ymax: one file for each picture, or one for all with a column that names it."""

from __future__ import annotations

import csv
from pathlib import Path

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import (
    Annotated,
    Faults,
    Picture,
    nearest,
    number_in,
    part_in_path,
    pictures_below,
    size_of,
    text_of,
)
from eyechart.data.layout import Part
from eyechart.data.nearby import files_near
from eyechart.files.storage import natural_key

CORNERS = ("xmin", "ymin", "xmax", "ymax")
LABELS = ("label", "class", "name", "category")
PICTURES = ("filename", "file", "image", "path", "image_path", "image_id")
Row = dict[str, str]


def find(root: Path) -> list[Path]:
    """The csv files below a folder that have the four corners in their first line."""
    return [path for path in files_near(root, ".csv") if set(CORNERS) <= set(_columns(path))]


def _columns(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return [name.strip().lower() for name in next(csv.reader(file), [])]
    except (OSError, csv.Error):
        return []


def read(root: Path, files: list[Path]) -> Annotated:
    """Raises DatasetError for anything that is wrong with the annotations, all files together."""
    faults, known = Faults(), pictures_below(root)
    tables = {path: _rows(path) for path in files}
    names = {row[_label_column(path, row)] for path, rows in tables.items() for row in rows} - {""}
    classes = tuple(sorted(names, key=natural_key))
    pictures: dict[Path, Picture] = {}
    places: dict[Path, Part] = {}
    for path, rows in tables.items():
        named = next((column for column in PICTURES if rows and column in rows[0]), None)
        for number, row in enumerate(rows, 2):  # line 1 are the columns
            name = row[named] if named else path.stem
            _add(row, f"{path.name}, line {number}", _picture(name, path, known, pictures), classes, faults, name)
        if not named and (picture := _picture(path.stem, path, known, pictures)):  # nothing on it, where it has no rows
            places[picture.path] = part_in_path(path, root) or "train"
    for file in pictures:
        places.setdefault(file, part_in_path(file, root) or "train")
    faults.raise_any("CSV")
    parts: dict[Part, list[Picture]] = {}
    for file in sorted(pictures):
        parts.setdefault(places[file], []).append(pictures[file])
    return Annotated("CSV", classes, parts)


def _rows(path: Path) -> list[Row]:
    reader = csv.reader(text_of(path).splitlines())
    columns = [name.strip().lower() for name in next(reader)]
    return [dict(zip(columns, (*row, *[""] * len(columns)), strict=False)) for row in reader if any(row)]


def _label_column(path: Path, row: Row) -> str:
    for column in LABELS:
        if column in row:
            return column
    raise DatasetError(f"{path} has the columns {', '.join(row)}; expected one of {', '.join(LABELS)} among them.")


def _picture(name: str, table: Path, known: dict[str, list[Path]], pictures: dict[Path, Picture]) -> Picture | None:
    candidates = known.get(Path(name).stem) or known.get(name) or []
    if not candidates:
        return None
    file = nearest([path for path in candidates if path.name == Path(name).name] or candidates, table)
    if file not in pictures:
        pictures[file] = Picture(file, *size_of(file))
    return pictures[file]


def _add(row: Row, where: str, picture: Picture | None, classes: tuple[str, ...], faults: Faults, name: str) -> None:
    if picture is None:
        faults.add(where, f"the image {name!r} is not there")
        return
    label = next(row[column] for column in LABELS if column in row)
    if label not in classes:
        faults.add(where, "has no label")
        return
    checked = faults.box(where, [number_in(row[corner]) for corner in CORNERS], picture)
    if checked:
        picture.add(checked, classes.index(label))
