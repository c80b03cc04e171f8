"""Paths as people write them: `~` is their home, and a relative one is meant from where they stood."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from pathlib import Path

from eyechart.files.file_names import on_disk, readable

SCENES = "scenes:"  # before a reference: scenes that are made of its images
RUN = "run:"  # before the folder of a run, whose weights are meant
HUB = "hf:"  # before a file of the Hugging Face hub
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)  # two letters: one is a drive of Windows


def user_path(path: str | Path) -> Path:
    """A path with the home folder in the place of its `~`; one of nobody's home stays as it is."""
    return Path(os.path.expanduser(path))


def as_address(path: str | Path) -> str | None:
    """The address that is meant, also after pathlib has made one slash of two; None for a path of this machine."""
    found = ADDRESS.fullmatch(path.as_posix() if isinstance(path, Path) else path)
    if not found:
        return None
    scheme, rest = found.groups()
    return f"{scheme}:///{rest}" if scheme in ("file", "local") else f"{scheme}://{rest}"


def working_folder() -> str:
    """Where this process stands, as a record keeps it; empty when that folder was removed."""
    try:
        return readable(os.getcwd())
    except OSError:
        return ""


def seen_from_here(path: str, started_in: str, names: Container[str]) -> str:
    """`seen_from` where this process stands."""
    return seen_from(working_folder(), path, started_in, names)


def seen_from(place: str, path: str, started_in: str, names: Container[str]) -> str:
    """A path that was written in `started_in`, for who stands in another place.

    As it was written wherever that means the same there; `names` are no paths.  An empty `started_in` is not known.
    Of "scenes:path,level=hard" the path is meant.
    """
    if path.startswith(SCENES):
        source, comma, settings = path.removeprefix(SCENES).partition(",")
        return f"{SCENES}{seen_from(place, source, started_in, names)}{comma}{settings}"
    if path.startswith(RUN):
        return f"{RUN}{seen_from(place, path.removeprefix(RUN), started_in, names)}"
    if path in names or not started_in or started_in == place or user_path(path).is_absolute():
        return path
    return os.path.join(started_in, path)


def place_of(path: str, started_in: str) -> str:
    """The one name of a place, however it was written: without links, `..`, `~` and trailing slashes."""
    return os.path.realpath(os.path.join(on_disk(started_in), on_disk(str(user_path(path)))))
