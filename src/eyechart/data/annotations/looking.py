"""Which format a folder is in: the first whose files are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from eyechart.base.errors import DatasetError
from eyechart.data.annotations import coco, tables, voc, yolo
from eyechart.data.annotations.found import Annotated
from eyechart.data.nearby import files_near


class Format(Protocol):
    """One way to annotate; what `find` gives is handed to `read` as it is."""

    def find(self, root: Path) -> Any: ...

    def read(self, root: Path, files: Any) -> Annotated: ...


ENDINGS = (".json", ".xml", ".csv", ".yaml", ".yml")  # of files that say that there are annotations
FORMATS: tuple[Format, ...] = (coco, yolo, voc, tables)


def are_annotated(root: Path) -> bool:
    """Whether a folder holds annotations that are known; other files of these kinds may lie in it all the same.

    Those in linked folders say nothing of this one.
    """
    if next(files_near(root, *ENDINGS), None) is None:
        return False  # quickly, of a folder with many thousand pictures
    return any(not _is_linked(path, root) for each in FORMATS for path in each.find(root))


def _is_linked(path: Path, root: Path) -> bool:
    """Whether a file lies below a folder that is a link: a class may be one to a folder with annotations of its own."""
    *below, _ = path.relative_to(root).parents  # the last is the root, which may be named by a link
    return any((root / parent).is_symlink() for parent in below)


def read_annotations(root: Path) -> Annotated:
    """The annotated pictures of a folder.  Raises DatasetError for none, for two formats, for broken ones."""
    if not root.is_dir():
        raise DatasetError(f"{root} is no folder; expected one with pictures and their annotations.")
    found = [(each, files) for each in FORMATS if (files := each.find(root))]
    if not found:
        raise DatasetError(
            f"{root} has no annotations that are known. Expected COCO (json with images, annotations and categories), "
            f"Pascal VOC (xml), YOLO (data.yaml and txt) or CSV (label, xmin, ymin, xmax, ymax)."
        )
    if len(found) > 1:
        names = " and ".join(str(next(iter(files)).relative_to(root)) for _, files in found[:2])
        raise DatasetError(
            f"{root} has annotations in more than one format ({names}). Expected one; move the other away."
        )
    reader, files = found[0]
    annotated = reader.read(root, files)
    if not any(annotated.parts.values()):
        raise DatasetError(f"{root} has {annotated.kind} annotations of no picture. Expected at least one.")
    return annotated
