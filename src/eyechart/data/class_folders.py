"""The pictures of a folder, before any is opened: class after class in every part that layout.py finds.

Classes are the folders' names in natural order ("2" before "10").  A test or validation part may lack a class; train
may not.  Linked folders are followed, each folder once.  Whatever is skipped is counted, and told by its ending.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError
from eyechart.data.ignored import is_hidden, leads_up, made_by
from eyechart.data.layout import Part, read_layout, visible_folders
from eyechart.data.pictures import SUFFIXES
from eyechart.data.regular_files import check_regular
from eyechart.data.skipped import Skipped
from eyechart.data.walking import walk
from eyechart.files.storage import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    remarks: tuple[str, ...]  # on how it was read and what was skipped, for people

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

    def places(self, part: Part) -> slice:
        """Where the pictures of a part lie in the order of `files`."""
        start = 0
        for name, by_class in self.pictures.items():
            stop = start + sum(map(len, by_class.values()))
            if name == part:
                return slice(start, stop)
            start = stop
        raise KeyError(part)

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
    layout = read_layout(root)
    skipped = Skipped(folders=list(layout.beside))
    pictures: dict[Part, dict[str, ClassFolder]] = {}
    for part, folder in layout.parts.items():
        _note_beside(folder, skipped)
        pictures[part] = {path.name: _pictures_below(path, skipped) for path in visible_folders(folder)}
    _check_classes(root, layout.parts, pictures)
    remarks = (*layout.remarks, *(f"skipped: {kind}" for kind in skipped.kinds()))
    return Listing(root, tuple(pictures["train"]), pictures, remarks)


# --------------------------------------------------------------------------------------------- one folder


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from None


def _note_beside(part_folder: Path, skipped: Skipped) -> None:
    """Count what lies beside the class folders of a part."""
    for entry in _entries(str(part_folder)):
        if entry.is_dir():
            skipped.num_hidden += is_hidden(entry.name)
            skipped.num_linked += leads_up(entry.path)
            maker = None if is_hidden(entry.name) else made_by(entry.path)
            skipped.folders += [f"{entry.name} ({maker})"] if maker else []
        elif entry.name.lower().endswith(SUFFIXES) and not is_hidden(entry.name):
            skipped.num_beside += 1
        else:
            skipped.add_file(entry.name)


def _pictures_below(class_folder: Path, skipped: Skipped) -> ClassFolder:
    """Picture files at any depth; linked folders are followed, but no folder is read twice."""
    names: list[str] = []
    for inside in walk(class_folder, lambda entry: not is_hidden(entry.name), _entries):
        skipped.num_linked += inside.is_repeated
        skipped.num_hidden += sum(is_hidden(entry.name) for entry in inside.folders)
        for entry in sorted(inside.files, key=lambda entry: entry.name):
            if entry.name.lower().endswith(SUFFIXES) and not is_hidden(entry.name):
                names.append(inside.path + entry.name)
            else:
                skipped.add_file(entry.name)
    return _class_folder(str(class_folder), sorted(names, key=natural_key))


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


# --------------------------------------------------------------------------------------------- what is wrong


def _check_classes(root: Path, part_roots: dict[Part, Path], pictures: dict[Part, dict[str, ClassFolder]]) -> None:
    train = pictures["train"]
    layout = f"Put pictures into {root}/<class name>/<picture>.png"
    if not train:
        raise DatasetError(f"{part_roots['train']} has no class folders. {layout} (or {root}/train/<class name>/...).")
    empty = [part_roots["train"] / name for name, files in train.items() if not files]
    if empty:
        raise DatasetError(
            f"{', '.join(map(str, empty))}: no pictures inside{_found_instead(empty)}; expected files ending in "
            f"{', '.join(SUFFIXES)}. Add some, or remove the folder."
        )
    if len(train) == 1:
        only = next(iter(train))
        inside = visible_folders(part_roots["train"] / only)
        hint = f" Or did you mean {part_roots['train'] / only}, which has {len(inside)} folders?" if inside else ""
        raise DatasetError(
            f"{part_roots['train']} has one class folder ({only!r}); comparing needs two or more. {layout}.{hint}"
        )
    for part, by_class in pictures.items():
        _check_part(part_roots[part], by_class, part_roots["train"], train)


def _found_instead(folders: list[Path]) -> str:
    skipped = Skipped()
    for folder in folders:
        _pictures_below(folder, skipped)
    return f" ({', '.join(skipped.kinds())})" if skipped.kinds() else ""


def _check_part(
    folder: Path, by_class: dict[str, ClassFolder], train_folder: Path, train: dict[str, ClassFolder]
) -> None:
    unknown = [name for name, files in by_class.items() if files and name not in train]
    if unknown:
        raise DatasetError(
            f"{folder} has classes that {train_folder} has not: {', '.join(unknown)}. "
            f"Expected the same names; nothing can learn a class without train pictures."
        )
    if not any(by_class.values()):
        unsorted = any(entry.name.lower().endswith(SUFFIXES) for entry in _entries(str(folder)))
        found = "pictures, but none in a class folder, so nobody knows what they show" if unsorted else "no pictures"
        cure = "Sort them into class folders, or move the folder away" if unsorted else "Add some, or remove the folder"
        raise DatasetError(f"{folder} has {found}. {cure}.")
