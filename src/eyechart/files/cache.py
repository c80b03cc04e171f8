"""Where fetched datasets and weights are kept, and whether the network may be used.

<cache folder>/<dataset>/train-images-idx3-ubyte     four files in MNIST's format, uncompressed
<cache folder>/<dataset>/checked.json                sizes, times and hashes of the files when they were last hashed
<cache folder>/pictures/                             folders of pictures, decoded once: data/picture_store.py
<cache folder>/weights/                              starting weights, as safetensors
"""

from __future__ import annotations

import os
from pathlib import Path

from eyechart.base.errors import StorageError
from eyechart.files.places import user_path
from eyechart.files.storage import write_bytes


def cache_folder() -> Path:
    """EYECHART_CACHE if it is set, otherwise the system's folder for caches.  It may not exist yet."""
    chosen = os.environ.get("EYECHART_CACHE")
    if chosen:
        return user_path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("eyechart"))


def is_offline(asked: bool = False) -> bool:
    """Whether the network must not be touched: --offline, or EYECHART_OFFLINE set to anything but 0."""
    return asked or os.environ.get("EYECHART_OFFLINE", "").strip().lower() not in ("", "0", "false", "no")


def keep(path: Path, content: bytes) -> None:
    """Write a file of the cache, whole or not at all; StorageError says how to choose another place."""
    try:
        write_bytes(path, content)
    except StorageError as error:
        raise StorageError(
            f"The cache folder {path.parent} could not take {path.name} ({_cause(error)}); nothing half-written is "
            f"left. Free some space there, or set EYECHART_CACHE to a folder that can be written to."
        ) from error


def _cause(error: StorageError) -> str:
    return error.__cause__.strerror or "unknown" if isinstance(error.__cause__, OSError) else "unknown"
