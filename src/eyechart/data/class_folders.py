"""What a folder of class folders holds, before any picture is opened: parts, classes, files.

    <root>/<class>/<any name>.png                 or
    <root>/train/<class>/...                      and, if there are any,
    <root>/validation/<class>/...                 (also val, valid)
    <root>/test/<class>/...

Classes are the folders' names in natural order ("2" before "10").  Hidden files and folders are no classes and no
pictures.  A test or validation part may lack a class; train may not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from eyechart.data.archive import is_hidden
from eyechart.data.pictures import SUFFIXES
from eyechart.errors import DatasetError
from eyechart.storage import natural_key

Part = Literal["train", "validation", "test"]
PART_OF_FOLDER: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Listing:
    """What is in a folder, before any picture is opened."""

    root: Path
    classes: tuple[str, ...]
    pictures: dict[Part, dict[str, list[Path]]]  # part -> class -> files, both in natural order
    num_skipped: int  # files and folders that are hidden, and files that are no pictures in a class folder
    skipped_folders: tuple[str, ...]  # beside train/, and neither a part nor hidden

    def files_and_labels(self, part: Part) -> tuple[list[Path], np.ndarray]:
        """All pictures of a part, class after class, and their class ids, int64 (N,)."""
        by_class = self.pictures[part]
        files = [path for name in self.classes for path in by_class.get(name, [])]
        labels = [label for label, name in enumerate(self.classes) for _ in by_class.get(name, [])]
        return files, np.array(labels, np.int64)


def list_folder(root: Path) -> Listing:
    """Find parts, classes and pictures.  Raises DatasetError for empty, missing and contradictory class folders."""
    folders = _visible_folders(root)
    part_folders = [folder for folder in folders if folder.name.lower() in PART_OF_FOLDER]
    skipped_folders: tuple[str, ...] = ()
    part_roots: dict[Part, Path] = {"train": root}
    if _has_parts(folders, part_folders):
        part_roots = _part_roots(root, part_folders)
        skipped_folders = tuple(folder.name for folder in folders if folder not in part_folders)
    pictures: dict[Part, dict[str, list[Path]]] = {}
    num_skipped = 0
    for part, folder in part_roots.items():
        pictures[part] = {}
        num_skipped += sum(not entry.is_dir() or is_hidden(entry.name) for entry in folder.iterdir())
        for class_folder in _visible_folders(folder):
            pictures[part][class_folder.name], skipped = _pictures_below(class_folder)
            num_skipped += skipped
    classes = tuple(pictures["train"])
    _check_classes(root, part_roots, pictures)
    return Listing(root, classes, pictures, num_skipped, skipped_folders)


def _has_parts(folders: list[Path], part_folders: list[Path]) -> bool:
    """A class may be called "train", too: a part has folders in it, or stands beside nothing but parts."""
    train_folders = [folder for folder in part_folders if PART_OF_FOLDER[folder.name.lower()] == "train"]
    return any(_visible_folders(folder) for folder in train_folders) or 0 < len(folders) == len(part_folders)


def _part_roots(root: Path, part_folders: list[Path]) -> dict[Part, Path]:
    roots: dict[Part, Path] = {}
    for folder in part_folders:
        part = PART_OF_FOLDER[folder.name.lower()]
        if part in roots:
            raise DatasetError(
                f"{root} has two {part} folders, {roots[part].name} and {folder.name}; expected one. Join them."
            )
        roots[part] = folder
    if "train" not in roots:
        raise DatasetError(
            f"{root} has {', '.join(folder.name for folder in part_folders)} and no train folder. "
            f"Expected {root}/train/<class name>/<picture>.png."
        )
    return roots


def _visible_folders(folder: Path) -> list[Path]:
    try:
        found = [entry for entry in folder.iterdir() if entry.is_dir() and not is_hidden(entry.name)]
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from None
    return sorted(found, key=lambda entry: natural_key(entry.name))


def _pictures_below(class_folder: Path) -> tuple[list[Path], int]:
    """Picture files at any depth in natural order, and how many other files and hidden folders there are."""
    pictures, num_skipped = [], 0
    for folder, folders, files in os.walk(class_folder):
        num_skipped += sum(is_hidden(name) for name in folders)
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in files:
            if name.lower().endswith(SUFFIXES) and not is_hidden(name):
                pictures.append(Path(folder, name))
            else:
                num_skipped += 1
    return sorted(pictures, key=lambda path: natural_key(str(path))), num_skipped


def _check_classes(root: Path, part_roots: dict[Part, Path], pictures: dict[Part, dict[str, list[Path]]]) -> None:
    train = pictures["train"]
    layout = f"Put pictures into {root}/<class name>/<picture>.png"
    if not train:
        raise DatasetError(f"{part_roots['train']} has no class folders. {layout} (or {root}/train/<class name>/...).")
    empty = [part_roots["train"] / name for name, files in train.items() if not files]
    if empty:
        raise DatasetError(
            f"{', '.join(map(str, empty))}: no pictures inside; expected files ending in {', '.join(SUFFIXES)}. "
            f"Add some, or remove the folder."
        )
    if len(train) == 1:
        only = next(iter(train))
        inside = [folder.name for folder in _visible_folders(part_roots["train"] / only)]
        hint = f" Or did you mean {part_roots['train'] / only}, which has {len(inside)} folders?" if inside else ""
        raise DatasetError(
            f"{part_roots['train']} has one class folder ({only!r}); comparing needs two or more. {layout}.{hint}"
        )
    for part in pictures:
        unknown = [name for name, files in pictures[part].items() if files and name not in train]
        if unknown:
            raise DatasetError(
                f"{part_roots[part]} has classes that {part_roots['train']} has not: {', '.join(unknown)}. "
                f"Expected the same names; nothing can learn a class without train pictures."
            )
        if not any(pictures[part].values()):
            raise DatasetError(f"{part_roots[part]} has no pictures. Add some, or remove the folder.")
