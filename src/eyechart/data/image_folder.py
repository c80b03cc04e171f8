"""A folder of pictures, one folder a class.

Pictures are decoded once, to one size, into memory.  A folder without a test part gets one by a fixed rule: of each
class, the fifth of its pictures whose files have the smallest sha256, so that neither seeds nor names nor sizes change
what the test is.  Layouts: class_folders.py.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from eyechart.contracts import Dataset, LabelledImages
from eyechart.data.class_folders import Listing, Part, list_folder
from eyechart.data.content import parts_sha256
from eyechart.data.pictures import picture_size, read_picture
from eyechart.data.stratify import amounts, class_counts, pick
from eyechart.errors import DatasetError, UsageError
from eyechart.schema import DatasetCard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEST_SHARE = 0.2  # of each class, when there is no test part
LARGEST_OWN_SIDE = 128  # pixels: pictures of one size up to this keep it
USUAL_SIDE = 64  # pixels: otherwise
NUM_READERS = min(8, os.cpu_count() or 1)


def load(root: Path, img_size: int | None, say: Callable[[str], None]) -> Dataset:
    """Decode a folder of class folders into memory, once, to one size.

    `img_size` is the side of the square in pixels; None keeps the pictures' own size if they all have the same and it
    is small.  Grey if every picture is grey.  Raises DatasetError for anything that cannot be trained on.
    """
    if img_size is not None and img_size < 1:
        raise UsageError(f"The image size is {img_size}; expected 1 pixel or more: --img-size 64.")
    listing = list_folder(root)
    _tell(listing, say)
    height, width = (img_size, img_size) if img_size else _common_size(listing)
    parts = {part: _decode(listing, part, height, width) for part in listing.pictures}
    if all(_is_grey(part.images) for part in parts.values()):
        parts = {part: _as_grey(images) for part, images in parts.items()}
    if "test" not in parts:
        parts["train"], parts["test"] = _cut_test(listing, parts["train"])
        say(f"{root}: no test folder, so {len(parts['test']):,} pictures are set aside for the test by a fixed rule")
    train, test, validation = parts["train"], parts["test"], parts.get("validation")
    say(f"{root}: {sum(map(len, parts.values())):,} pictures decoded to {_size_in_words(train.images)}")
    card = DatasetCard(
        name=_readable(root.name or str(root)),
        title=_readable(root.name or str(root)),
        source=_readable(str(root)),
        licence="the user's own",
        content_sha256=parts_sha256(train, validation, test),
        classes=tuple(_readable(name) for name in listing.classes),
        num_channels=3 if train.images.shape[1] == 3 else 1,
        height=height,
        width=width,
        num_train=len(train),
        num_validation=len(validation) if validation is not None else 0,
        num_test=len(test),
    )
    return Dataset(card, train, test, validation)


def _tell(listing: Listing, say: Callable[[str], None]) -> None:
    counts = {name: sum(len(part.get(name, [])) for part in listing.pictures.values()) for name in listing.classes}
    classes = ", ".join(f"{_readable(name)} ({count:,})" for name, count in counts.items())
    say(f"{listing.root}: {len(counts)} classes in this order: {classes}")
    if listing.num_skipped:
        say(f"{listing.root}: skipped as hidden, or as no picture in a class folder: {listing.num_skipped:,}")
    if listing.skipped_folders:
        say(f"{listing.root}: folders beside train skipped: {_readable(', '.join(listing.skipped_folders))}")


# --------------------------------------------------------------------------------------------- pictures to arrays


def _common_size(listing: Listing) -> tuple[int, int]:
    """(height, width): the pictures' own if all have the same and it is small, otherwise the usual square."""
    files = [path for part in listing.pictures.values() for paths in part.values() for path in paths]
    with ThreadPoolExecutor(NUM_READERS) as readers:
        sizes = set(readers.map(picture_size, files))
    if len(sizes) == 1 and max(next(iter(sizes))) <= LARGEST_OWN_SIDE:
        return next(iter(sizes))
    return USUAL_SIDE, USUAL_SIDE


def _decode(listing: Listing, part: Part, height: int, width: int) -> LabelledImages:
    """All pictures of a part in colour: uint8 (N, 3, H, W)."""
    files, labels = listing.files_and_labels(part)
    images = np.empty((len(files), 3, height, width), np.uint8)

    def decode(position: int) -> None:
        images[position] = read_picture(files[position], channels=3, height=height, width=width)

    with ThreadPoolExecutor(NUM_READERS) as readers:  # Pillow decodes outside the interpreter's lock
        list(readers.map(decode, range(len(files))))
    return LabelledImages(images, labels)


def _is_grey(images: np.ndarray) -> bool:
    return np.array_equal(images[:, 0], images[:, 1]) and np.array_equal(images[:, 0], images[:, 2])


def _as_grey(part: LabelledImages) -> LabelledImages:
    return LabelledImages(np.ascontiguousarray(part.images[:, :1]), part.labels)


def _cut_test(listing: Listing, everything: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
    """Train and test by the rule at the top; a class of one picture keeps it for train."""
    files, labels = listing.files_and_labels("train")
    counts = class_counts(labels, len(listing.classes))
    wanted = amounts(counts, round(TEST_SHARE * len(labels)), at_least=1, leave=1)
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in files]
    keys = np.empty(len(files), np.int64)
    keys[sorted(range(len(files)), key=lambda position: digests[position])] = np.arange(len(files))
    is_test = pick(labels, wanted, keys)
    if not is_test.any():
        raise DatasetError(
            f"{listing.root} has one picture a class, so none can be set aside for the test. "
            f"Expected at least two of some class; add pictures."
        )
    return everything.subset(np.flatnonzero(~is_test)), everything.subset(np.flatnonzero(is_test))


def _size_in_words(images: np.ndarray) -> str:
    return f"{images.shape[3]} x {images.shape[2]} pixels, {'grey' if images.shape[1] == 1 else 'colour'}"


def _readable(name: str) -> str:
    """A file's name as text that can be printed and stored, whatever bytes the disk holds."""
    return name.encode("utf-8", "backslashreplace").decode()
