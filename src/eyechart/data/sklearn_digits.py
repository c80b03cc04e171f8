"""The 1,797 real digits of 8 x 8 pixels that scikit-learn carries: a dataset with no download at all.

scikit-learn has no split of its own.  Test is the last fifth of each class in scikit-learn's order, which is the order
of the writers, so hardly any writer is in both parts; it is fixed and no matter of any seed.
"""

from __future__ import annotations

import numpy as np

from eyechart.data.content import parts_sha256
from eyechart.data.known import KNOWN
from eyechart.data.stratify import class_counts, pick
from eyechart.schema.contracts import Dataset, LabelledImages

TEST_SHARE = 0.2
LARGEST_VALUE = 16  # of a pixel, as scikit-learn gives it


def load() -> Dataset:
    """Grey images (N, 1, 8, 8), values 0..16 spread over 0..255."""
    from sklearn.datasets import load_digits

    known = KNOWN["digits"]
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / LARGEST_VALUE)).astype(np.uint8)[:, np.newaxis]
    everything = LabelledImages(images, bunch.target.astype(np.int64))
    wanted = (class_counts(everything.labels, 10) * TEST_SHARE).astype(np.int64)
    is_test = pick(everything.labels, wanted, keys=-np.arange(len(everything)))
    train = everything.subset(np.flatnonzero(~is_test))
    test = everything.subset(np.flatnonzero(is_test))
    return Dataset(known.card(parts_sha256(train, test)), train, test)
