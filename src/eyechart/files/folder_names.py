"""Names of folders that people choose or that are made for them: one name, no path, good on every system."""

from __future__ import annotations

import os
import re
from pathlib import Path

from eyechart.base.errors import UsageError
from eyechart.files.places import user_path

MOST_BYTES = 150  # file systems take 255, and files beside the folder add to its name
NO_NAME_CHARACTERS = '<>:"/\\|?*'  # separators of one system or the other, and what Windows keeps for itself
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
# Of files that somebody names for a dataset; what stands behind another dot tells it from others: data.v2, overlap=0.3.
FILE_ENDINGS = (*ARCHIVES, ".npy", ".npz", ".png", ".jpg", ".jpeg")
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³]) *(\..*)?", re.IGNORECASE)


def check_folder_name(name: str, option: str = "--name") -> None:
    """UsageError for anything but the name of one folder that every system allows."""
    wrong = _what_is_wrong(name)
    if wrong:
        raise UsageError(
            f"{option} got {name!r}, which {wrong}; expected the name of one folder, such as try-2. "
            f"The folder that it is made in is chosen with --output."
        )


def folder_name_of(text: str) -> str:
    """`text` where it is a good name of a folder, otherwise a good name that is close to it."""
    if not _what_is_wrong(text):
        return text
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in text).strip(".")
    while len(kept.encode()) > MOST_BYTES:
        kept = kept[:-1]
    return kept if kept and not _what_is_wrong(kept) else f"{kept.partition('.')[0]}_"


def dataset_name(reference: str) -> str:
    """A dataset, known or a path, in the name of a folder; never empty."""
    path = Path(os.path.abspath(user_path(reference)))
    return (path.stem if path.suffix.lower() in FILE_ENDINGS else path.name) or "data"


def _what_is_wrong(name: str) -> str:
    """Empty for a good name."""
    if not name.strip():
        return "is empty"
    if any(not c.isprintable() for c in name):  # NUL, line breaks, bytes that are no text
        return "has characters that cannot be printed"
    if found := [c for c in name if c in NO_NAME_CHARACTERS]:
        return f"has {found[0]!r} in it"
    if name.startswith("."):
        return "starts with a dot, as hidden folders do"
    if name[-1] in ". " or name[0] == " ":
        return "starts or ends with a space, or ends with a dot"
    if RESERVED.fullmatch(name):
        return "is a name that Windows keeps for a device"
    return f"is longer than {MOST_BYTES} bytes" if len(name.encode()) > MOST_BYTES else ""
