"""YOLO: one txt for each picture, a line a box: class, centre x, centre y, width, height as shares of the picture.

data.yaml names the classes, and perhaps the folders of the parts.  A picture without a txt has nothing on it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import (
    Annotated,
    Faults,
    Picture,
    number_in,
    part_in_path,
    pictures_in,
    size_of,
    text_of,
)
from eyechart.data.layout import PART_OF_WORD, Part
from eyechart.data.nearby import files_near


def find(root: Path) -> list[Path]:
    """The yaml files below a folder that name classes."""
    found = []
    for path in files_near(root, ".yaml", ".yml"):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(document, dict) and "names" in document:
            found.append(path)
    return found


def read(root: Path, files: list[Path]) -> Annotated:
    """Raises DatasetError for anything that is wrong with the annotations, all files together."""
    if len(files) > 1:
        raise DatasetError(f"{files[0]} and {files[1]} both name classes; expected one data.yaml.")
    document = yaml.safe_load(files[0].read_text(encoding="utf-8"))
    classes, faults = _classes(document, files[0]), Faults()
    parts: dict[Part, list[Picture]] = {}
    for part, pictures in _pictures(document, files[0], root).items():
        for file in pictures:
            picture = Picture(file, *size_of(file))
            _add_all(_labels_of(file, root), picture, classes, faults)
            parts.setdefault(part, []).append(picture)
    faults.raise_any("YOLO")
    return Annotated("YOLO", classes, parts)


def _classes(document: dict[str, Any], path: Path) -> tuple[str, ...]:
    """A list, or numbers with names, from 0 on."""
    names = document["names"]
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            keys = ", ".join(map(repr, names))  # as they stand there: numbers and texts cannot be sorted together
            raise DatasetError(
                f"{path} has the class numbers {keys}; expected 0, 1, 2, ... without a gap. Number the names anew."
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DatasetError(f"{path} has names: {names!r}; expected a list of classes, or numbers with names.")
    if strange := [name for name in names if not isinstance(name, str | int | float)]:
        raise DatasetError(f"{path} has a class that is a {type(strange[0]).__name__}; expected names, a text each.")
    if answers := [name for name in names if isinstance(name, bool)]:
        raise DatasetError(
            f"{path} has a class that YAML reads as {str(answers[0]).lower()}, as it does yes, no, on, off. Quote the "
            f'names of classes: names: ["yes", "no"].'
        )
    classes = tuple(map(str, names))
    if repeated := [name for name in dict.fromkeys(classes) if classes.count(name) > 1]:
        raise DatasetError(f"{path} names {repeated[0]!r} twice; expected each class once. Give one another name.")
    return classes


def _pictures(document: dict[str, Any], path: Path, root: Path) -> dict[Part, list[Path]]:
    """The pictures of every part: of the folders that data.yaml names, else by the folders that they lie in."""
    base = path.parent
    if isinstance(document.get("path"), str):
        base = next((each for each in (base / document["path"], root) if each.is_dir()), base)
    found: dict[Part, dict[Path, None]] = {}  # each picture once, also of train: [train, train/images]
    for word, part in PART_OF_WORD.items():
        said = document.get(word) or []  # a dataset may have no such part
        for folder in said if isinstance(said, list) else [said]:
            if not isinstance(folder, str):
                raise DatasetError(f"{path} says that {word} is in {folder!r}; expected a folder, or several of them.")
            places = [each for each in (base / folder, root / folder, root / folder.lstrip("./")) if each.exists()]
            if not places:
                raise DatasetError(f"{path} says that {word} is in {folder}, which is not there below {root}.")
            below = next(filter(None, (_below(root, each) for each in places)), None)
            if below is None:
                raise DatasetError(f"{path} names {places[0]}, which is not in {root}. Expected folders below {root}.")
            if not below.is_dir():
                raise DatasetError(f"{path} says that {word} is in {folder}, a file; expected a folder of pictures.")
            found.setdefault(part, {}).update(dict.fromkeys(pictures_in(below)))
    if not found:
        for file in pictures_in(root):
            found.setdefault(part_in_path(file, root) or "train", {})[file] = None
    return {part: list(files) for part, files in found.items()}


def _below(root: Path, place: Path) -> Path | None:
    """A place by its name below the root, whatever way the yaml names it; links stay links.  None: it is elsewhere."""
    home, there = (Path(os.path.abspath(each)) for each in (root, place))
    return root / there.relative_to(home) if there.is_relative_to(home) else None


def _labels_of(picture: Path, root: Path) -> Path | None:
    """Beside the picture, or in the folder `labels` that stands where the picture's has `images`."""
    parts = list(picture.relative_to(root).parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    places = (root.joinpath(*parts).with_suffix(".txt"), picture.with_suffix(".txt"))
    return next((path for path in places if path.is_file()), None)


def _add_all(path: Path | None, picture: Picture, classes: tuple[str, ...], faults: Faults) -> None:
    for number, line in enumerate(text_of(path).splitlines() if path else [], 1):
        where, words = f"{path.name if path else ''}, line {number}", line.split()
        if not words:
            continue
        if len(words) != 5:
            faults.add(where, f"has {len(words)} numbers; expected class, centre x, centre y, width, height")
            continue
        label, *shares = map(number_in, words)
        if label not in range(len(classes)):
            faults.add(where, f"there is no class {words[0]}; data.yaml names 0 to {len(classes) - 1}")
            continue
        x, y, width, height = shares
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        sides = (picture.width, picture.height) * 2
        checked = faults.box(where, (share * side for share, side in zip(corners, sides, strict=True)), picture)
        if checked:
            picture.add(checked, int(label))
