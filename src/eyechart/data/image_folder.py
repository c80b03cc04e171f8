"""A folder of pictures, one folder a class.

Pictures are decoded once, to one size, into a store that later runs map into their memory (picture_store.py).  A folder
without a test part gets one by a fixed rule: of each class, the fifth of its pictures whose files have the smallest
sha256, so that neither seeds nor names nor sizes change what the test is.  Layouts: class_folders.py.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np

from eyechart.cache import keep
from eyechart.contracts import Dataset, LabelledImages
from eyechart.data.class_folders import Listing, Part, list_folder, readable
from eyechart.data.content import parts_sha256
from eyechart.data.picture_store import PictureStore, prepared
from eyechart.data.stratify import amounts, class_counts, pick
from eyechart.errors import DatasetError, UsageError
from eyechart.plain_json import json_text
from eyechart.schema import DatasetCard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEST_SHARE = 0.2  # of each class, when there is no test part
# Beside the store, so that a later run need not work them out again:
TEST_FILE = "is-test.npy"
CONTENT_FILE = "content.json"


def load(root: Path, img_size: int | None, say: Callable[[str], None], *, rehash: bool = False) -> Dataset:
    """A folder of class folders, decoded once, to one size, and memory-mapped.

    `img_size` is the side of the square in pixels; None keeps the pictures' own size if they all have the same and it
    is small.  Grey if every picture is grey.  `say` hears what is done, every few seconds, and may raise to stop it.
    `rehash` checks what was prepared earlier against its hash.  Raises DatasetError for anything that cannot be
    trained on, StorageError when the disk is full.
    """
    if img_size is not None and img_size < 1:
        raise UsageError(f"The image size is {img_size}; expected 1 pixel or more: --img-size 64.")
    listing = list_folder(root)
    _tell(listing, say)
    has_test = "test" in listing.pictures
    if not has_test:
        _check_test_can_be_cut(listing)
    store = prepared(listing, img_size, not has_test, say)
    parts = _parts(listing, store)
    if not has_test:
        parts["train"], parts["test"] = _cut_test(parts["train"], store, listing)
        say(f"{root}: no test folder, so {len(parts['test']):,} pictures are set aside for the test by a fixed rule")
    say(f"{root}: {len(listing):,} pictures decoded to {_size_in_words(store.images)}")
    train, test, validation = parts["train"], parts["test"], parts.get("validation")
    card = DatasetCard(
        name=readable(root.name or str(root)),
        title=readable(root.name or str(root)),
        source=readable(str(root)),
        licence="the user's own",
        content_sha256=_content_sha256(store, (train, validation, test), rehash),
        classes=tuple(readable(name) for name in listing.classes),
        num_channels=3 if store.images.shape[1] == 3 else 1,
        height=store.images.shape[2],
        width=store.images.shape[3],
        num_train=len(train),
        num_validation=len(validation) if validation is not None else 0,
        num_test=len(test),
    )
    return Dataset(card, train, test, validation)


def _tell(listing: Listing, say: Callable[[str], None]) -> None:
    counts = {name: sum(len(part.get(name, [])) for part in listing.pictures.values()) for name in listing.classes}
    classes = ", ".join(f"{readable(name)} ({count:,})" for name, count in counts.items())
    say(f"{listing.root}: {len(counts)} classes in this order: {classes}")
    if listing.num_skipped:
        say(f"{listing.root}: skipped as hidden, or as no picture in a class folder: {listing.num_skipped:,}")
    if listing.skipped_folders:
        say(f"{listing.root}: folders beside train skipped: {readable(', '.join(listing.skipped_folders))}")


# --------------------------------------------------------------------------------------------- parts


def _parts(listing: Listing, store: PictureStore) -> dict[Part, LabelledImages]:
    """The parts that the folder has, each a stretch of the store."""
    parts, start = {}, 0
    for part in listing.pictures:
        labels = listing.labels(part)
        parts[part] = LabelledImages(store.images[start : start + len(labels)], labels)
        start += len(labels)
    return parts


def _test_amounts(listing: Listing) -> np.ndarray:
    """Pictures of each class for the test; a class of one picture keeps it for train."""
    labels = listing.labels("train")
    return amounts(class_counts(labels, len(listing.classes)), round(TEST_SHARE * len(labels)), at_least=1, leave=1)


def _check_test_can_be_cut(listing: Listing) -> None:
    if not _test_amounts(listing).any():
        raise DatasetError(
            f"{listing.root} has one picture a class, so none can be set aside for the test. "
            f"Expected at least two of some class; add pictures."
        )


def _cut_test(
    everything: LabelledImages, store: PictureStore, listing: Listing
) -> tuple[LabelledImages, LabelledImages]:
    """Train and test by the rule at the top."""
    path = store.folder / TEST_FILE
    if not path.exists():
        # As eight big-endian bytes each, the four numbers of a digest sort like the digest; `train` may be not all.
        numbers = _digests_of_train(listing, store).view(">u8")  # (N, 4)
        order = np.lexsort(numbers.T[::-1])
        keys = np.empty(len(order), np.int64)
        keys[order] = np.arange(len(order))
        _keep_array(path, pick(everything.labels, _test_amounts(listing), keys))
    is_test = np.load(path)
    return everything.subset(np.flatnonzero(~is_test)), everything.subset(np.flatnonzero(is_test))


def _digests_of_train(listing: Listing, store: PictureStore) -> np.ndarray:
    start = 0
    for part in listing.pictures:
        num_pictures = len(listing.labels(part))
        if part == "train":
            return np.ascontiguousarray(store.digests[start : start + num_pictures])
        start += num_pictures
    raise AssertionError("there is always a train part")


def _content_sha256(store: PictureStore, parts: tuple[LabelledImages | None, ...], rehash: bool) -> str:
    """The content hash, from the last time if there was one."""
    path = store.folder / CONTENT_FILE
    known = json.loads(path.read_bytes())["content_sha256"] if path.exists() else ""
    if known and not rehash:
        return str(known)
    found = parts_sha256(*parts)
    if known not in ("", found):
        raise DatasetError(
            f"The pictures prepared in {store.folder} have the sha256 {found[:16]}; expected {known[:16]}. They were "
            f"damaged or replaced: delete that folder, then they are prepared anew from the pictures."
        )
    keep(path, json_text({"content_sha256": found}).encode())
    return found


def _keep_array(path: Path, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    keep(path, buffer.getvalue())


def _size_in_words(images: np.ndarray) -> str:
    return f"{images.shape[3]} x {images.shape[2]} pixels, {'grey' if images.shape[1] == 1 else 'colour'}"
