"""The pictures of a folder, decoded once into one file that every later run maps into its memory.

<cache folder>/pictures/<name>-<hash of the path>/            one for each folder of pictures
    root.txt                                                  the path, for people
    lock                                                      held by the process that prepares
    <hash of the list>-<size>/                                whole: its presence means "complete"
        images.bin                                            uint8 (N, C, H, W), picture after picture
        digests.bin                                           the sha256 of each file, where the test part is to be cut
        store.json                                            N, C, H, W; the rule, if pictures needed one
    <hash of the list>-<size>.partial/                        under way, with progress.json instead of store.json
    <hash of the annotations>-<width>x<height>/               of annotated pictures (box_store.py), in the frame

The hash of the list covers names, sizes and times of change of all pictures: a changed, added or removed one makes a
new store, and the old ones of that folder are removed once it is complete.  How one is filled: picture_pass.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.base.plain_json import json_text
from eyechart.data import picture_pass
from eyechart.data.picture_pass import DIGESTS_FILE, IMAGES_FILE, SAY_SECONDS
from eyechart.data.picture_scan import Found
from eyechart.data.pictures import DECODER_VERSION
from eyechart.files.cache import cache_folder, keep
from eyechart.files.file_names import readable
from eyechart.files.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyechart.data.class_folders import Listing

STORE_VERSION = 1  # of the files above
STORE_FILE, ROOT_FILE = "store.json", "root.txt"


@dataclass(frozen=True)
class PictureStore:
    """A store that is complete."""

    folder: Path
    images: np.ndarray  # uint8 (N, C, H, W), memory-mapped, in the order of the listing's files
    digests: np.ndarray  # uint8 (N, 32), memory-mapped: sha256 of each file; (0, 32) if they were not asked for
    found: Found | None  # the rule that pictures were read by; None: they needed none


def prepared(listing: Listing, img_size: int | None, with_digests: bool, say: Callable[[str], None]) -> PictureStore:
    """The store of a listing: opened if it is there, else prepared, going on where an earlier try was stopped.

    `say` hears of the progress every few seconds and may raise to stop: what was prepared by then stays.  Raises
    DatasetError for a broken picture and StorageError when the disk is full or cannot be written to.
    """
    place = place_of(listing.root)
    folder = place / _name(listing, img_size, with_digests)
    store = _opened(folder)
    if store:
        return store
    try:
        place.mkdir(parents=True, exist_ok=True)
        tell_root(listing.root)
        with locked(place / "lock", _waiting(folder, len(listing), say)):
            store = _opened(folder)  # whoever had the lock may have prepared it
            if not store:
                _prepare(folder, listing, img_size, with_digests, say)
                store = _opened(folder)
    except OSError as error:
        raise StorageError(
            f"The pictures of {listing.root} could not be prepared in {folder} ({error.strerror}). What was prepared "
            f"stays. Free some space, or set EYECHART_CACHE to a folder that can be written to, and try again."
        ) from error
    assert store, "it was written a moment ago"
    return store


def place_of(root: Path) -> Path:
    """Where the stores of a folder of pictures are kept; they may be deleted at any time."""
    root = root.resolve()
    shown = re.sub(r"[^\w.-]+", "_", root.name, flags=re.ASCII)[:40]
    return cache_folder() / "pictures" / f"{shown}-{_short_hash(str(root))}"


def tell_root(root: Path) -> None:
    """Write down, for people, of which folder of pictures the stores in its place are."""
    (place_of(root) / ROOT_FILE).write_text(readable(str(root.resolve())), encoding="utf-8")


def remove_replaced(folder: Path) -> None:
    """Remove the stores beside one that is complete which are of other pictures than those that are there now."""
    current = folder.name.partition("-")[0]
    for other in folder.parent.iterdir():
        if other.is_dir() and other.name.partition("-")[0] != current:
            shutil.rmtree(other, ignore_errors=True)


def _name(listing: Listing, img_size: int | None, with_digests: bool) -> str:
    facts = [STORE_VERSION, DECODER_VERSION, with_digests, listing.digest()]
    return f"{_short_hash(json_text(facts))}-{img_size or 'own'}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


# --------------------------------------------------------------------------------------------- what is there


class PreparedFolder(NamedTuple):
    """All stores of one folder of pictures."""

    root: str  # the folder of pictures, which may be gone
    place: Path
    num_bytes: int


def prepared_folders() -> list[PreparedFolder]:
    """Every folder of pictures that has something in the cache, by path."""
    places = [file.parent for file in (cache_folder() / "pictures").glob(f"*/{ROOT_FILE}")]
    found = [
        PreparedFolder(
            (place / ROOT_FILE).read_text(encoding="utf-8"),
            place,
            sum(path.stat().st_size for path in place.rglob("*") if path.is_file()),
        )
        for place in places
    ]
    return sorted(found)


def remove(root: Path) -> bool:
    """Remove what was prepared from a folder of pictures; False where nothing was."""
    place = place_of(root)
    if not place.is_dir():
        return False
    try:
        shutil.rmtree(place)
    except OSError as error:
        raise StorageError(f"{place} could not be removed ({error.strerror}). Check its permissions.") from error
    return True


def _opened(folder: Path) -> PictureStore | None:
    """The store in a folder; None where it is not there, or not as it was left."""
    try:
        record = json.loads((folder / STORE_FILE).read_bytes())
        images = np.memmap(folder / IMAGES_FILE, np.uint8, "r", shape=tuple(record["images"]))
        num_digests = int(record["num_digests"])
        no_digests = np.empty((0, 32), np.uint8)  # an empty file cannot be mapped
        digests = (
            np.memmap(folder / DIGESTS_FILE, np.uint8, "r", shape=(num_digests, 32)) if num_digests else no_digests
        )
        found = Found.from_json(record) if "rule" in record else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return PictureStore(folder, images, digests, found)


def _waiting(folder: Path, num_pictures: int, say: Callable[[str], None]) -> Callable[[], None]:
    """Tells every few seconds how far the process is that is waited for."""
    said = float("-inf")

    def tell() -> None:
        nonlocal said
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            layout = picture_pass.read_progress(_partial(folder))
            done = f"{layout.num_done:,} of {num_pictures:,} are done" if layout else "it has just started"
            say(f"waiting for another process that prepares the same pictures; {done}")

    return tell


# --------------------------------------------------------------------------------------------- preparing


def _prepare(
    folder: Path, listing: Listing, img_size: int | None, with_digests: bool, say: Callable[[str], None]
) -> None:
    """Fill the folder under a temporary name, give it its own name, and remove what it replaces."""
    partial = _partial(folder)
    layout, found = picture_pass.fill(partial, listing, img_size, with_digests, say)
    record = {"images": [len(listing), *layout.shape], "num_digests": len(listing) if with_digests else 0}
    record |= found.as_json() if found else {}
    keep(partial / STORE_FILE, json_text(record, indent=1).encode())
    shutil.rmtree(folder, ignore_errors=True)  # one that was damaged
    partial.rename(folder)
    remove_replaced(folder)


def _partial(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.partial")
