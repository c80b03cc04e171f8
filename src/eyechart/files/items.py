"""Images and labels that runs are judged on, a file for all runs that share them: items-<hash>.npz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyechart.base.errors import StorageError
from eyechart.files.storage import digest_arrays, read_arrays, write_arrays
from eyechart.schema.contracts import LabelledImages
from eyechart.schema.objects import OBJECT_ARRAYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_items(path: Path) -> LabelledImages:
    """StorageError for a file that is not there, damaged, or holds something else."""
    arrays = read_arrays(path)
    if not {"images", "labels"} <= arrays.keys():
        raise StorageError(
            f"{path} holds {', '.join(arrays) or 'nothing'}; expected images and labels. Restore it, or train a run of "
            f"its study again."
        )
    return LabelledImages(arrays["images"], arrays["labels"])


def write_items(folder: Path, part: LabelledImages, more: Callable[[], dict[str, Any]] = dict) -> str:
    """A part, its objects, and what `more` makes of it where the file is not there yet; the file's name."""
    arrays: dict[str, Any] = {"images": part.images, "labels": part.labels}
    if part.objects is not None:
        arrays |= {f"object_{name}": getattr(part.objects, name) for name in OBJECT_ARRAYS}
    name = f"items-{digest_arrays(arrays)[:12]}.npz"
    if not (folder / name).exists():
        write_arrays(folder / name, arrays | more())
    return name
