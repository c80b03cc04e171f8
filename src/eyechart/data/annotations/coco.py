"""COCO's json: pictures, categories and annotations by id.  Ids may start at 0 or at 1, and have gaps."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import (
    Annotated,
    Faults,
    Picture,
    file_in,
    number_in,
    opened,
    part_in_path,
    part_in_word,
)
from eyechart.data.layout import Part
from eyechart.data.nearby import files_near

KEYS = {"images", "annotations", "categories"}
Document = dict[str, Any]


def find(root: Path) -> dict[Path, Document]:
    """The annotation files below a folder, by what is in them."""
    found = {}
    for path in files_near(root, ".json"):
        try:
            text = path.read_text(encoding="utf-8-sig")
            document = json.loads(text) if text.lstrip().startswith("{") else None
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, dict) and document.keys() >= KEYS:
            found[path] = document
    return found


def read(root: Path, documents: dict[Path, Document]) -> Annotated:
    """Raises DatasetError for anything that is wrong with the annotations, all files together."""
    faults = Faults()
    names = _classes(documents, faults)
    classes = tuple(dict.fromkeys(names.values()))
    class_of = {id_: classes.index(name) for id_, name in names.items()}
    parts: dict[Part, list[Picture]] = {}
    for path, document in documents.items():
        part = _part(path, root) or "train"
        if part in parts:
            raise DatasetError(f"{path} is of the {part} part, as another file is. Expected one json for each part.")
        parts[part] = _pictures(path, document, root, class_of, faults)
    faults.raise_any("COCO")
    return Annotated("COCO", classes, parts, class_of=class_of)


def _part(path: Path, root: Path) -> Part | None:
    """Unlike a picture's, the name of a json is meant to tell its part: instances_val2017, wherever it lies."""
    return part_in_word(path.stem) or part_in_path(path, root)


def _entries(path: Path, document: Document, key: str, faults: Faults) -> list[Document]:
    entries = document[key]
    if isinstance(entries, list) and all(isinstance(each, dict) for each in entries):
        return entries
    faults.add(path.name, f"{key} is no list of objects")
    return []


def _classes(documents: dict[Path, Document], faults: Faults) -> dict[object, str]:
    """Category id -> name, the same in all files, in the order of the ids."""
    names: dict[object, str] = {}
    for path, document in documents.items():
        seen: set[object] = set()
        for category in _entries(path, document, "categories", faults):
            id_, name = _id(category, "id"), str(category.get("name", ""))
            if id_ in seen:
                faults.add(path.name, f"category id {id_} stands there twice")
            seen.add(id_)
            if names.setdefault(id_, name) != name:
                faults.add(path.name, f"category {id_} is {name!r}, and {names[id_]!r} in another file")
    return dict(sorted(names.items(), key=lambda item: (str(type(item[0])), str(item[0]).zfill(12))))


def _pictures(path: Path, document: Document, root: Path, class_of: dict[object, int], faults: Faults) -> list[Picture]:
    pictures: dict[object, Picture] = {}
    owners: dict[Path, object] = {}
    for image in _entries(path, document, "images", faults):
        id_, name = _id(image, "id"), str(image.get("file_name", ""))
        if id_ in pictures:
            faults.add(path.name, f"image id {id_} stands there twice")
            continue
        file = _file(name, path, root)
        if file is None:
            faults.add(path.name, f"the image {name!r} is not there")
            continue
        if (owner := owners.setdefault(file, id_)) != id_:
            faults.add(path.name, f"the images {owner} and {id_} are both {name!r}; expected one entry for each file")
        size = number_in(image.get("width")), number_in(image.get("height"))
        pictures[id_] = opened(file, *size, f"{path.name}, image {id_}", faults)
        pictures[id_].id = id_
    seen: set[object] = set()
    for number, annotation in enumerate(_entries(path, document, "annotations", faults), 1):
        where = f"{path.name}, annotation {annotation.get('id', f'number {number}')}"
        _add(annotation, where, pictures, class_of, seen, faults)
    return list(pictures.values())


def _add(
    annotation: Document, where: str, pictures: dict[object, Picture], class_of: dict[object, int], seen: set[object],
    faults: Faults,
) -> None:  # fmt: skip
    id_, picture = _id(annotation, "id"), pictures.get(_id(annotation, "image_id"))
    if id_ is not None and id_ in seen:  # nothing needs it, and some tools write none
        faults.add(where, "its id stands there twice")
    seen.add(id_)
    if picture is None:
        faults.add(where, f"there is no image {annotation.get('image_id')}")
        return
    if _id(annotation, "category_id") not in class_of:
        faults.add(where, f"there is no category {annotation.get('category_id')}")
        return
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        faults.add(where, f"bbox is {box!r}; expected [left, top, width, height]")
        return
    left, top, width, height = map(number_in, box)
    checked = faults.box(where, (left, top, left + width, top + height), picture)
    if checked:
        area = number_in(annotation.get("area"))
        picture.add(checked, class_of[_id(annotation, "category_id")], is_crowd=bool(annotation.get("iscrowd", 0)),
                    area=area if area > 0 and math.isfinite(area) else None)  # fmt: skip


def _id(entry: Document, name: str) -> object:
    """An id as it stands there; of what is no number and no text, how it looks."""
    value = entry.get(name)
    return value if isinstance(value, int | float | str | None) else repr(value)[:40]


def _file(name: str, annotations: Path, root: Path) -> Path | None:
    """Where a picture lies: as the name says from the folder itself, beside the json, or in a folder of pictures."""
    part = _part(annotations, root)
    folders = [root, annotations.parent, root / "images", annotations.parent / "images"]
    subs = (annotations.stem, annotations.stem.rpartition("_")[2], part or "train")  # instances_train2017: train2017
    folders += [base / sub for base in (root, root / "images") for sub in subs]
    names = dict.fromkeys((name, str(file_in(name)))) if name else ()  # first as it stands: a file may have a backslash
    return next((folder / each for each in names for folder in folders if (folder / each).is_file()), None)
