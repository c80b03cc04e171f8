"""What a folder of class folders holds, before any picture is opened: parts, classes, files.

    <root>/<class>/<any name>.png                 or
    <root>/train/<class>/...                      and, if there are any,
    <root>/validation/<class>/...                 (also val, valid)
    <root>/test/<class>/...

Classes are the folders' names in natural order ("2" before "10").  Hidden files and folders are no classes and no
pictures.  A test or validation part may lack a class; train may not.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from eyechart.data.archive import is_hidden
from eyechart.data.pictures import SUFFIXES
from eyechart.data.regular_files import check_regular
from eyechart.errors import DatasetError
from eyechart.storage import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator

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
class ClassFolder:
    """The pictures of one class in one part, in natural order."""

    folder: str
    joined_names: str  # paths below the folder, "\0" between: a million names as one string take 1/8 of the memory
    num_pictures: int
    num_bytes: int  # of all files together
    digest: bytes  # sha256 of every file's name, size and time of change

    def __len__(self) -> int:
        return self.num_pictures

    def files(self) -> list[str]:
        return [f"{self.folder}/{name}" for name in self.joined_names.split("\0")] if self.num_pictures else []


@dataclass(frozen=True)
class Listing:
    """What is in a folder, before any picture is opened."""

    root: Path
    classes: tuple[str, ...]
    pictures: dict[Part, dict[str, ClassFolder]]  # part -> class -> pictures
    num_skipped: int  # files and folders that are hidden, and files that are no pictures in a class folder
    skipped_folders: tuple[str, ...]  # beside train/, and neither a part nor hidden

    def __len__(self) -> int:
        """The number of pictures."""
        return sum(map(len, self._in_order()))

    @property
    def num_bytes(self) -> int:
        """Of all picture files together."""
        return sum(folder.num_bytes for folder in self._in_order())

    def files(self) -> Iterator[str]:
        """All pictures, part after part, class after class."""
        for folder in self._in_order():
            yield from folder.files()

    def labels(self, part: Part) -> np.ndarray:
        """The class id of every picture of a part, in the order of `files`: int64 (N,)."""
        by_class = self.pictures[part]
        counts = [len(by_class[name]) if name in by_class else 0 for name in self.classes]
        return np.repeat(np.arange(len(counts)), counts)

    def digest(self) -> str:
        """sha256 of what there is and when it changed: equal digests mean the same pictures in the same order."""
        digest = hashlib.sha256()
        for part, by_class in self.pictures.items():
            for name, folder in by_class.items():
                digest.update(os.fsencode(f"{part}/{name}/{len(folder)}\n") + folder.digest)
        return digest.hexdigest()

    def _in_order(self) -> Iterator[ClassFolder]:
        for by_class in self.pictures.values():
            yield from (by_class[name] for name in self.classes if name in by_class)


def list_folder(root: Path) -> Listing:
    """Find parts, classes and pictures.  Raises DatasetError for empty, missing and contradictory class folders."""
    folders = _visible_folders(root)
    part_folders = [folder for folder in folders if folder.name.lower() in PART_OF_FOLDER]
    skipped_folders: tuple[str, ...] = ()
    part_roots: dict[Part, Path] = {"train": root}
    if _has_parts(folders, part_folders):
        part_roots = _part_roots(root, part_folders)
        skipped_folders = tuple(folder.name for folder in folders if folder not in part_folders)
    pictures: dict[Part, dict[str, ClassFolder]] = {}
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


def _pictures_below(class_folder: Path) -> tuple[ClassFolder, int]:
    """Picture files at any depth, and how many other files and hidden folders there are."""
    names: list[str] = []
    num_skipped = 0
    folders = [""]  # still to be looked into, below the class folder
    while folders:
        inside = folders.pop()
        for entry in _entries(os.path.join(class_folder, inside)):
            if entry.is_dir():
                num_skipped += is_hidden(entry.name)
                if not is_hidden(entry.name) and not entry.is_symlink():  # a link may lead in circles
                    folders.append(f"{inside}{entry.name}/")
            elif entry.name.lower().endswith(SUFFIXES) and not is_hidden(entry.name):
                names.append(inside + entry.name)
            else:
                num_skipped += 1
    names.sort()  # settles the order of "1.png" and "01.png", which are equal in natural order
    names.sort(key=natural_key)
    return _class_folder(str(class_folder), names), num_skipped


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from None


def _class_folder(folder: str, names: list[str]) -> ClassFolder:
    digest, num_bytes = hashlib.sha256(), 0
    for name in names:
        try:
            stat = os.stat(f"{folder}/{name}")
        except OSError:  # a broken link: whoever opens it says so
            digest.update(os.fsencode(f"{name}\0nothing\n"))
            continue
        check_regular(f"{folder}/{name}", stat)
        num_bytes += stat.st_size
        digest.update(os.fsencode(f"{name}\0{stat.st_size} {stat.st_mtime_ns}\n"))
    return ClassFolder(folder, "\0".join(names), len(names), num_bytes, digest.digest())


def _check_classes(root: Path, part_roots: dict[Part, Path], pictures: dict[Part, dict[str, ClassFolder]]) -> None:
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
