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


def own_folder(folder: Path) -> Path:
    """A folder by its own name, so that what it belongs to lies above it: of a link, or of ".", where that leads."""
    return folder.resolve() if folder.is_symlink() or folder.name in ("", "..") else folder


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
    """`seen_from` where this process stands.

    Where the place is gone and the path means something here, it was moved with what it belongs to; who loads it checks
    its content.
    """
    found = seen_from(working_folder(), path, started_in, names)
    return path if _is_gone(found) and not _is_gone(path) else found


def _is_gone(path: str) -> bool:
    if path.startswith(SCENES):
        path = path.removeprefix(SCENES).partition(",")[0]
    return not os.path.exists(on_disk(str(user_path(path.removeprefix(RUN)))))


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


def same_place(one: tuple[str, str], other: tuple[str, str], names: Container[str]) -> bool:
    """Whether two paths, each with the folder that it was written in, mean the same; `names` are no paths.

    Also where the first is gone and the second is written alike: then it was moved with what it belongs to.
    """
    places = [_placed(path, started_in, names) for path, started_in in (one, other)]
    return places[0] == places[1] or (one[0] == other[0] and _is_gone(places[0]) and not _is_gone(places[1]))


def _placed(path: str, started_in: str, names: Container[str]) -> str:
    if path.startswith(SCENES):
        source, comma, settings = path.removeprefix(SCENES).partition(",")
        return f"{SCENES}{_placed(source, started_in, names)}{comma}{settings}"
    if path.startswith(RUN):
        return f"{RUN}{_placed(path.removeprefix(RUN), started_in, names)}"
    return path if path in names or as_address(path) else place_of(path, started_in)


def place_of(path: str, started_in: str) -> str:
    """The one name of a place, however it was written: without links, `..`, `~` and trailing slashes."""
    return os.path.realpath(os.path.join(on_disk(started_in), on_disk(str(user_path(path)))))
