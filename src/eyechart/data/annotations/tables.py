"""CSV with label, xmin, ymin, xmax, ymax: one file for each picture, or one for all with a column that names it."""

from __future__ import annotations

import csv
from pathlib import Path

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import (
    Annotated,
    Faults,
    Picture,
    best_named,
    file_in,
    named_alike,
    nearest_ones,
    number_in,
    part_in_path,
    pictures_below,
    size_of,
    text_of,
)
from eyechart.data.layout import Part
from eyechart.data.nearby import files_near
from eyechart.files.file_names import readable
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
            return [name.strip().lower() for name in next(csv.reader(file, skipinitialspace=True), [])]
    except (OSError, csv.Error):
        return []


def read(root: Path, files: list[Path]) -> Annotated:
    """Raises DatasetError for anything that is wrong with the annotations, all files together."""
    faults, known = Faults(), pictures_below(root)
    tables = {path: _rows(path) for path in files}
    names = {row[_label_column(path, row)] for path, rows in tables.items() for row in rows.values()} - {""}
    classes = tuple(sorted(names, key=natural_key))
    pictures: dict[Path, Picture] = {}
    places: dict[Path, Part] = {}
    tables_say: dict[Path, Part] = {}  # by the names of tables, where folders tell no part
    for path, rows in tables.items():
        columns = next(iter(rows.values()), {})
        named = next((column for column in PICTURES if column in columns), None)
        for number, row in rows.items():
            name = row[named] if named else path.stem
            where, files = f"{path.name}, line {number}", _named(name, path, known)
            if len(files) > 1:
                others = ", ".join(readable(str(file.relative_to(root))) for file in files[:2])
                faults.add(where, f"the image {name!r} may be any of {len(files)}, such as {others}: name its folder")
                continue
            _add(row, where, _picture(files[0], pictures) if files else None, classes, faults, name)
            told = part_in_path(path, root) if named else None  # one table for each part
            if told and files and tables_say.setdefault(files[0], told) != told:
                faults.add(where, f"the image {name!r} is in a table of {tables_say[files[0]]} as well")
        if not named and (own := _named(path.stem, path, known)):  # nothing on it, where it has no rows
            places[_picture(own[0], pictures).path] = part_in_path(path, root) or "train"
    for file in pictures:
        by_name = part_in_path(file, root)
        by_folder = by_name if part_in_path(file.with_name("-"), root) else None
        places.setdefault(file, by_folder or tables_say.get(file) or by_name or "train")
    faults.raise_any("CSV")
    parts: dict[Part, list[Picture]] = {}
    for file in sorted(pictures):
        parts.setdefault(places[file], []).append(pictures[file])
    return Annotated("CSV", classes, parts)


def _rows(path: Path) -> dict[int, Row]:
    """By the number of its line in the file; line 1 are the columns."""
    reader = csv.reader(text_of(path).splitlines(), skipinitialspace=True)  # so that quotes after a space are quotes
    found: dict[int, Row] = {}
    try:
        columns = [name.strip().lower() for name in next(reader)]
        for cells in reader:
            if any(row := [cell.strip() for cell in cells]):
                found[reader.line_num] = dict(zip(columns, (*row, *[""] * len(columns)), strict=False))
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {reader.line_num}, cannot be read as a table ({error}). Expected cells of at most "
            f"{csv.field_size_limit():,} characters; a quote that is never closed makes one of all that follows."
        ) from None
    return found


def _label_column(path: Path, row: Row) -> str:
    for column in LABELS:
        if column in row:
            return column
    raise DatasetError(f"{path} has the columns {', '.join(row)}; expected one of {', '.join(LABELS)} among them.")


def _named(name: str, table: Path, known: dict[str, list[Path]]) -> list[Path]:
    """The pictures that a name may mean: by the folders that it names, by its ending, then by how near they lie."""
    folders = [part for part in file_in(name).parts[:-1] if part not in ("/", ".", "..")]
    found = named_alike(name, known)
    found = [path for path in found if not folders or list(path.parts[-1 - len(folders) : -1]) == folders] or found
    return nearest_ones(best_named(found, name), table) if found else []


def _picture(file: Path, pictures: dict[Path, Picture]) -> Picture:
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
