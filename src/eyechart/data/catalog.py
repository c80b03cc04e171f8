"""From what the user wrote, a known name or a path, to a dataset; and what can be said about one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.data.facts import DatasetFacts
from eyechart.data.known import KNOWN, KnownDataset
from eyechart.data.sources import NAMED, Wish, names_and_near_misses, source_of
from eyechart.schema.contracts import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KNOWN", "DatasetFacts", "KnownDataset", "fetch", "is_here", "load_dataset", "source_of", "verify"]


def _silent(message: str) -> None:
    """Say nothing."""


def load_dataset(
    reference: str, *, img_size: int | None = None, offline: bool = False, say: Callable[[str], None] = _silent
) -> Dataset:
    """The dataset that `reference` names: a known name, or the path of a folder or zip.

    `img_size` is the side in pixels to which an image folder is decoded, and others are made smaller.  `say` is given
    plain lines on what is being done.  Raises UsageError (no such name or path), DatasetMissing (cannot be had),
    DatasetError (is there and is broken).
    """
    return source_of(reference).load(reference, Wish(img_size, offline, say))


def fetch(name: str, *, offline: bool = False, say: Callable[[str], None] = _silent) -> Path | None:
    """Bring a known dataset into the cache, repair it if it is damaged, and return its folder.

    None for a dataset that needs no cache.  Raises UsageError for a name that is not known, else as load_dataset.
    """
    if name not in NAMED:
        raise UsageError(f"There is no dataset called {name!r} to fetch. {names_and_near_misses(name)}")
    load_dataset(name, offline=offline, say=say)
    return NAMED[name].folder()


def verify(reference: str, *, img_size: int | None = None, say: Callable[[str], None] = _silent) -> DatasetFacts:
    """Read a dataset that is on this machine, hash everything anew, and tell what it is.  Never uses the network.

    Raises DatasetMissing when a known dataset is not in the cache, DatasetError when anything is wrong.
    """
    return source_of(reference).verify(reference, Wish(img_size, True, say))


def is_here(name: str) -> bool:
    """Whether a known dataset can be loaded without fetching anything, going by its files' names."""
    return NAMED[name].is_here()
