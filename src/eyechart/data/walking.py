"""Through a folder and all that lies below it, linked folders as well, each folder once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from eyechart.files.storage import natural_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Entries = list[os.DirEntry[str]]


class Inside(NamedTuple):
    """What lies in one folder."""

    path: str  # of the folder, from the root on: "", or "a/b/"
    folders: Entries
    files: Entries  # and whatever else is no folder
    is_repeated: bool = False  # a link to a folder that was read, or that lies above the root: nothing is listed


def walk(
    root: Path,
    is_wanted: Callable[[os.DirEntry[str]], bool],
    entries_of: Callable[[str], Entries] | None = None,
    most_folders: int | None = None,
) -> Iterator[Inside]:
    """The root, then the folders below it that are wanted, in natural order; a folder comes before what lies in it.

    Real folders come before all linked ones, so that what is in them is called by its own path.  `entries_of` lists a
    folder, and may raise; left out, a folder that cannot be listed counts as empty.  `most_folders` is how many folders
    may stand in a path, the root among them.
    """
    folders: list[str] = [""]  # still to be looked into
    links: list[str] = []  # as well
    read = {_identity(str(path)) for path in root.absolute().parents}  # a link to one of these leads in circles
    while folders or links:
        is_link = not folders
        inside = folders.pop() if folders else links.pop(0)
        place = os.path.join(root, inside)
        identity = _identity(place)
        if inside and identity is not None and identity in read:
            if is_link:
                yield Inside(inside, [], [], is_repeated=True)
            continue
        read.add(identity)
        found = Inside(inside, [], [])
        for entry in (entries_of or _listed)(place):
            (found.folders if _is_folder(entry) else found.files).append(entry)
        yield found
        if most_folders is None or inside.count("/") + 1 < most_folders:
            wanted = sorted(filter(is_wanted, found.folders), key=lambda entry: natural_key(entry.name))
            links += [f"{inside}{entry.name}/" for entry in wanted if entry.is_symlink()]
            folders += [f"{inside}{entry.name}/" for entry in reversed(wanted) if not entry.is_symlink()]


def _listed(folder: str) -> Entries:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that lead to each other
        return False


def _identity(folder: str) -> tuple[int, int] | None:
    """None: it cannot be looked at; whoever lists it says so."""
    try:
        stat = os.stat(folder)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
