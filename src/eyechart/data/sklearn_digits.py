"""The 1,797 real digits of 8 x 8 pixels that scikit-learn carries: a dataset with no download at all.

scikit-learn has no split of its own.  Test is the last fifth of each class in scikit-learn's order, which is the order
of the writers, so hardly any writer is in both parts; it is fixed and no matter of any seed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eyechart.data.content import parts_sha256
from eyechart.data.known import KNOWN
from eyechart.data.stratify import class_counts, pick
from eyechart.schema.contracts import Dataset, LabelledImages

TEST_SHARE = 0.2
LARGEST_VALUE = 16  # of a pixel, as scikit-learn gives it


def load() -> Dataset:
    """Grey images (N, 1, 8, 8), values 0..16 spread over 0..255."""
    known = KNOWN["digits"]
    values, labels = _table()
    images = np.rint(values * (255 / LARGEST_VALUE)).astype(np.uint8).reshape(-1, 1, 8, 8)
    everything = LabelledImages(images, labels)
    wanted = (class_counts(everything.labels, 10) * TEST_SHARE).astype(np.int64)
    is_test = pick(everything.labels, wanted, keys=-np.arange(len(everything)))
    train = everything.subset(np.flatnonzero(~is_test))
    test = everything.subset(np.flatnonzero(is_test))
    return Dataset(known.card(parts_sha256(train, test)), train, test)


def _table() -> tuple[np.ndarray, np.ndarray]:
    """Pixel values (N, 64), 0..16, and labels int64 (N,).

    Importing scikit-learn takes longer than everything else that a short run does, so its file is read without it.
    """
    package = find_spec("sklearn")
    places = package.submodule_search_locations if package else None
    file = Path(places[0]) / "datasets" / "data" / "digits.csv.gz" if places else None
    if file is None or not file.is_file():  # another version keeps it elsewhere
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return bunch.data, bunch.target.astype(np.int64)
    table = np.loadtxt(file, delimiter=",")
    return table[:, :-1], table[:, -1].astype(np.int64)
