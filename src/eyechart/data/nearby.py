"""The files of a folder in which a dataset may lie, however large the disk is that somebody named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.data.ignored import is_hidden, made_by
from eyechart.data.walking import walk
from eyechart.files.storage import natural_key

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

DEPTH = 4  # of VOCdevkit/VOC2012/Annotations/1.xml; what lies deeper belongs to something else inside of a folder


def files_near(root: Path, *endings: str) -> Iterator[Path]:
    """Regular files below a folder, with one of these endings if any are given, in natural order; no hidden ones.

    Nobody may open what this leaves out: a named pipe keeps whoever reads it waiting for ever.
    """
    for inside in walk(root, may_hold_data, most_folders=DEPTH):
        names = [entry.name for entry in inside.files if not is_hidden(entry.name)]
        wanted = [name for name in names if name.lower().endswith(endings or ("",))]
        paths = (Path(root, inside.path, name) for name in sorted(wanted, key=natural_key))
        yield from (path for path in paths if path.is_file())


def may_hold_data(folder: os.DirEntry[str]) -> bool:
    """Not a hidden folder, nor one that a program made."""
    return not is_hidden(folder.name) and not made_by(folder.path)
