"""The files of a folder in which a dataset may lie, however large the disk is that somebody named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.data.ignored import is_hidden, made_by
from eyechart.files.storage import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 4  # of VOCdevkit/VOC2012/Annotations/1.xml; what lies deeper belongs to something else inside of a folder


def files_near(root: Path, *endings: str) -> Iterator[Path]:
    """Regular files below a folder, with one of these endings if any are given, in natural order; no hidden ones.

    Nobody may open what this leaves out: a named pipe keeps whoever reads it waiting for ever.
    """
    for folder, folders, names in os.walk(root):
        visible = [name for name in folders if not is_hidden(name) and not made_by(os.path.join(folder, name))]
        is_deepest = len(Path(folder).relative_to(root).parts) + 1 >= DEPTH
        folders[:] = [] if is_deepest else sorted(visible, key=natural_key)
        wanted = [name for name in names if not is_hidden(name) and name.lower().endswith(endings or ("",))]
        paths = (Path(folder, name) for name in sorted(wanted, key=natural_key))
        yield from (path for path in paths if path.is_file())
