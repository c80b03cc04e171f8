"""A folder of pictures, one folder a class.

Pictures are decoded once, to one size, into a store that later runs map into their memory (picture_store.py).  A folder
without a test part gets one by a fixed rule (cut_test.py).  Layouts: layout.py.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError, UsageError
from eyechart.base.plain_json import json_text
from eyechart.data import cut_test
from eyechart.data.class_folders import Listing, list_folder
from eyechart.data.content import parts_sha256
from eyechart.data.picture_store import PictureStore, prepared
from eyechart.files.cache import keep
from eyechart.files.file_names import readable
from eyechart.schema import DatasetCard
from eyechart.schema.contracts import ChosenImages, Dataset, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.data.layout import Part

MOST_TOLD = 20  # classes in one sentence
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
        cut_test.check_can_be_cut(listing)
    store = prepared(listing, img_size, not has_test, say)
    parts = _parts(listing, store)
    if not has_test:
        parts["train"], parts["test"] = _cut_test(parts["train"], store, listing)
        say(f"{root}: no test folder, so {len(parts['test']):,} pictures are set aside for the test by a fixed rule")
    say(f"{root}: {len(listing):,} pictures decoded to {_size_in_words(store.images)}")
    for remark in store.found.remarks if store.found else ():
        say(f"{root}: {remark}")
    train, test, validation = parts["train"], parts["test"], parts.get("validation")
    name = readable(root.absolute().name or str(root))  # "." is called after the folder that it is
    card = DatasetCard(
        name=name,
        title=name,
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
        picture_rule=store.found.rule if store.found else None,
    )
    return Dataset(card, train, test, validation)


def _tell(listing: Listing, say: Callable[[str], None]) -> None:
    """How the folder was read, before anything is decoded."""
    told = [f"{readable(name)} ({_counts_in_words(listing, name)})" for name in listing.classes]
    if len(told) > MOST_TOLD:
        told[MOST_TOLD - 1 : -1] = ["…"]
        told[-1] += f"; all of them: eyechart data verify {listing.root}"
    say(f"{listing.root}: {len(listing.classes):,} classes in this order: {', '.join(told)}")
    for remark in listing.remarks:
        say(f"{listing.root}: {readable(remark)}")


def _counts_in_words(listing: Listing, name: str) -> str:
    """The pictures of a class: "1,200", or "1,000 train, 200 test" where there are parts."""
    counts = {part: len(by_class.get(name, ())) for part, by_class in listing.pictures.items()}
    if list(counts) == ["train"]:
        return f"{counts['train']:,}"
    return ", ".join(f"{counts[part]:,} {part}" for part in ("train", "validation", "test") if part in counts)


def picture_names(root: Path, dataset: Dataset) -> dict[str, list[str]]:
    """The files of a dataset that was loaded from `root`, below it: part -> a name an image, in the images' order."""
    listing = list_folder(root)
    names = [readable(Path(file).relative_to(root).as_posix()) for file in listing.files()]
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    found = {}
    for part, images in parts.items():
        if images is not None:
            folder: Part = part if part in listing.pictures else "train"
            of_folder = names[listing.places(folder)]
            rows = images.images.rows if isinstance(images.images, ChosenImages) else range(len(images))
            found[part] = [of_folder[row] for row in rows]
    return found


# --------------------------------------------------------------------------------------------- parts


def _parts(listing: Listing, store: PictureStore) -> dict[Part, LabelledImages]:
    """The parts that the folder has, each a stretch of the store."""
    return {part: LabelledImages(store.images[listing.places(part)], listing.labels(part)) for part in listing.pictures}


def _cut_test(
    everything: LabelledImages, store: PictureStore, listing: Listing
) -> tuple[LabelledImages, LabelledImages]:
    """Train and test by the rule of cut_test.py."""
    path = store.folder / TEST_FILE
    if not path.exists():
        _keep_array(path, cut_test.is_test(listing, store.digests[listing.places("train")]))
    is_test = np.load(path)
    return everything.subset(np.flatnonzero(~is_test)), everything.subset(np.flatnonzero(is_test))


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
