"""A small part of MNIST as files in MNIST's own format, so that an audit trains the way a user does on a folder.

Every class has the same number of images, in train and in test: whoever always gives the same answer, or answers by
chance, is right in exactly one of ten.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eyechart.data.catalog import load_dataset
from eyechart.data.idx import IDX_FILES, MAGIC_OF_KIND
from eyechart.data.stratify import pick
from eyechart.files.storage import write_bytes
from eyechart.schema.contracts import LabelledImages

NUM_CLASSES = 10


def write_small_mnist(
    folder: Path, train_per_class: int, test_per_class: int, *, shuffle_seed: int | None = None
) -> Path:
    """Write the first images of each class as IDX files, where they are not there yet; the folder.

    With a `shuffle_seed`, the train labels say nothing about the images; the test labels stay true.
    """
    if all((folder / name).is_file() for name in IDX_FILES):
        return folder
    dataset = load_dataset("mnist")
    train, test = first_of_each_class(dataset.train, train_per_class), first_of_each_class(dataset.test, test_per_class)
    labels = train.labels if shuffle_seed is None else shuffled_labels(train.labels, shuffle_seed)
    contents = (train.images[:], labels, test.images[:], test.labels)
    for name, values in zip(IDX_FILES, contents, strict=True):
        write_bytes(folder / name, idx_bytes(values))
    return folder


def first_of_each_class(part: LabelledImages, num_per_class: int) -> LabelledImages:
    """The first `num_per_class` images of every class, in the dataset's order."""
    wanted = np.full(NUM_CLASSES, num_per_class)
    assert (np.bincount(part.labels, minlength=NUM_CLASSES) >= wanted).all(), f"a class has no {num_per_class} images"
    return part.subset(np.flatnonzero(pick(part.labels, wanted, np.arange(len(part)))))


def shuffled_labels(labels: np.ndarray, seed: int) -> np.ndarray:
    """Labels int64 (N,) that know nothing of the old ones: each old class gets every new label equally often.

    Drawn freely, some class would meet one label more often than another by accident, and a network finds that out.
    """
    random = np.random.default_rng(seed)
    new = np.empty_like(labels)
    for old in range(NUM_CLASSES):
        places = np.flatnonzero(labels == old)
        assert len(places) % NUM_CLASSES == 0, f"{len(places)} images of class {old} cannot be shared out evenly"
        new[places] = random.permutation(np.arange(len(places)) % NUM_CLASSES)
    return new


def idx_bytes(values: np.ndarray) -> bytes:
    """An IDX file of images uint8 (N, 1, H, W) or of labels (N,)."""
    kind, values = ("images", values[:, 0]) if values.ndim == 4 else ("labels", values)
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return MAGIC_OF_KIND[kind] + sizes + values.astype(np.uint8).tobytes()
