"""Which folder is which: train, validation and test, or the classes themselves.  The first reading that fits is taken:

    <root>/train/<class>/...       parts, by the names below, in any case: also Training, seg_test, "test data"
    <root>/<x>/train/<class>/...   the same with folders around it that hold nothing else, as zips have them
    <root>/<root>/<class>/...      a folder inside one of the same name
    <root>/<class>/...             classes

A part may lie in a folder of the same name (seg_train/seg_train).  What is read in another way than it stands there,
and what looks like something else than it is taken for, is told; what cannot be either is refused.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eyechart.base.errors import DatasetError
from eyechart.data.ignored import is_hidden, leads_up, made_by
from eyechart.data.pictures import SUFFIXES
from eyechart.files.storage import natural_key

Part = Literal["train", "validation", "test"]
PART_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "trainset"),
    "validation": ("validation", "valid", "val", "dev", "valset"),
    "test": ("test", "testing", "testset", "eval", "evaluation"),
}
PART_OF_WORD: dict[str, Part] = {word: part for part, words in PART_NAMES.items() for word in words}
# Words beside one of these that say nothing: test_set, seg_train, "Training Data".
FILLERS = frozenset({"set", "data", "dataset", "seg", "image", "images", "img", "imgs", "pictures", "split"})
MOST_WRAPPERS = 4  # folders around everything


@dataclass(frozen=True)
class Layout:
    """How a folder is read."""

    parts: dict[Part, Path]  # the folder of class folders of each part; train alone where there are no parts
    beside: tuple[str, ...]  # folders beside parts, which are skipped
    remarks: tuple[str, ...]  # what people should know about the reading, before anything is trained


def part_of(name: str) -> Part | None:
    """The part that a folder is called after, if it is called after one and nothing else."""
    words = [word for word in _words(name) if word not in FILLERS]
    return PART_OF_WORD.get(words[0]) if len(words) == 1 else None


def read_layout(root: Path) -> Layout:
    """Find the parts of a folder.  Raises DatasetError where two readings contradict each other."""
    inside = _unwrapped(root)
    remarks = [f"read as {inside}, as there is nothing else around it"] if inside != root else []
    folders = visible_folders(inside)
    if _has_parts(folders):
        part_folders = [folder for folder in folders if part_of(folder.name)]
        parts = {part: _inmost(folder, part) for part, folder in _one_of_each(inside, part_folders).items()}
        remarks += [f"the folder of the {part} part is {path}" for part, path in parts.items() if path.name != part]
        return Layout(parts, tuple(folder.name for folder in folders if folder not in part_folders), tuple(remarks))
    _refuse_pictures_of_parts(inside, folders)
    _refuse_a_part_among_classes(inside, folders)
    shared = _shared_inside(folders)
    if shared:
        remarks.append(_doubt(inside, folders, shared))
    return Layout({"train": inside}, (), tuple(remarks))


def visible_folders(folder: Path) -> list[Path]:
    """The folders in a folder that may be parts or classes, in natural order."""
    try:
        found = [entry for entry in folder.iterdir() if entry.is_dir() and not is_hidden(entry.name)]
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from None
    return sorted(
        (path for path in found if not leads_up(path) and not made_by(path)), key=lambda path: natural_key(path.name)
    )


# --------------------------------------------------------------------------------------------- parts


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.lower()) if word]


def _has_parts(folders: list[Path]) -> bool:
    """A class may be called "train", too: a part has folders in it, or stands beside nothing but parts."""
    parts = {folder: part_of(folder.name) for folder in folders}
    has_train = any(visible_folders(folder) for folder, part in parts.items() if part == "train")
    return has_train or (bool(folders) and all(parts.values()))


def _one_of_each(root: Path, part_folders: list[Path]) -> dict[Part, Path]:
    roots: dict[Part, Path] = {}
    for folder in part_folders:
        part = part_of(folder.name)
        assert part
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


def _inmost(folder: Path, part: Part) -> Path:
    """Down through folders that hold nothing but one folder of the same part: seg_train/seg_train."""
    for _ in range(MOST_WRAPPERS):
        inside = visible_folders(folder)
        if len(inside) != 1 or part_of(inside[0].name) != part or not visible_folders(inside[0]):
            break
        folder = inside[0]
    return folder


def _unwrapped(root: Path) -> Path:
    """Below folders that hold nothing but one folder: those around parts, or around a folder of the same name."""
    inside = root
    for _ in range(MOST_WRAPPERS):
        folders = visible_folders(inside)
        if len(folders) != 1 or part_of(folders[0].name):
            break
        around, inside = inside, folders[0]
        is_twin = inside.name.lower() == around.absolute().name.lower()
        below = visible_folders(inside)
        if _has_parts(below) or (is_twin and len(below) > 1):
            return inside
    return root


# --------------------------------------------------------------------------------------------- what looks odd


def _refuse_pictures_of_parts(root: Path, folders: list[Path]) -> None:
    """Two "classes" that are called like parts, beside others, are parts whose pictures are not sorted into classes."""
    alike = [folder.name for folder in folders if part_of(folder.name)]
    if len(alike) > 1:
        raise DatasetError(
            f"{root}: {' and '.join(alike)} are called like parts of a dataset, but train has no class folders, and "
            f"there are other folders beside them. Expected {root}/train/<class name>/<picture>.png and nothing else "
            f"beside; if they are classes, give them other names."
        )


def _refuse_a_part_among_classes(root: Path, folders: list[Path]) -> None:
    """A folder that is called like a part, and holds folders called like those beside it, is no class of its own."""
    for folder in folders:
        others = {other.name for other in folders if other != folder}
        same = [each.name for each in visible_folders(folder) if each.name in others] if part_of(folder.name) else []
        if same:
            raise DatasetError(
                f"{root}: {folder.name} is called like a part of a dataset, and the folders in it like the classes "
                f"beside it ({_few(same)}). Expected {root}/train/<class name> and {root}/{folder.name}/<class name>: "
                f"move the classes into a folder named train; if {folder.name} is a class, give it another name."
            )


def _shared_inside(folders: list[Path]) -> list[str]:
    """Names of folders inside two or more of these, where all of these hold folders and no pictures of their own."""
    if len(folders) < 2 or any(_has_pictures(folder) for folder in folders):
        return []
    counts = Counter(inside.name for folder in folders for inside in visible_folders(folder))
    return [name for name, count in counts.items() if count > 1]


def _has_pictures(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(entry.name.lower().endswith(SUFFIXES) and not is_hidden(entry.name) for entry in entries)


def _doubt(root: Path, folders: list[Path], shared: list[str]) -> str:
    """A sentence on classes that may be parts; DatasetError where their names say so, too."""
    outer, inner = _few([folder.name for folder in folders]), _few(shared)
    alike = f"{outer} hold no pictures of their own, but folders with the same names ({inner})"
    cure = f"If {inner} are the classes, name the folders above them train, validation and test, or join them"
    if len({PART_OF_WORD[word] for folder in folders for word in _words(folder.name) if word in PART_OF_WORD}) > 1:
        raise DatasetError(f"{root}: {alike}, and are called like parts. Expected one folder a part. {cure}.")
    return f"warning: {alike}. {outer} are taken as the classes. {cure}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
