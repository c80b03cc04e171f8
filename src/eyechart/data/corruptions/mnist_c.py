"""The published MNIST-C arrays: a folder with test_images.npy and test_labels.npy for each corruption.

Source: https://zenodo.org/record/3237938 (mnist_c.zip), where the images are MNIST's test images in their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError, DatasetMissing
from eyechart.data.corruptions.table import corruption_of

if TYPE_CHECKING:
    from eyechart.schema.contracts import LabelledImages

IMAGES, LABELS = "test_images.npy", "test_labels.npy"


def published(folder: Path, name: str, originals: LabelledImages) -> np.ndarray:
    """The published pictures uint8 (N, 1, H, W) of the test images `originals`, under one corruption.

    Raises UsageError for a name that there is not, DatasetMissing where a file is not there, DatasetError where it is
    damaged or of other images: as many as the originals, of their size, with the same labels in the same order.
    """
    home = folder / corruption_of(name).name
    images, labels = _array(home / IMAGES), _array(home / LABELS)
    expected = (len(originals), *originals.images.shape[2:], 1)
    if images.dtype != np.uint8 or images.shape not in (expected, expected[:3]):
        raise DatasetError(
            f"{home / IMAGES} holds {images.dtype} {images.shape}; expected uint8 {expected}, a picture of each test "
            f"image of the study. MNIST-C is of MNIST's whole test set; name the folder as it was unpacked."
        )
    if not np.array_equal(labels.reshape(-1), originals.labels):
        raise DatasetError(
            f"{home / LABELS} has other labels than the study's test images, or in another order; expected MNIST's "
            f"own order. Name the folder as it was unpacked."
        )
    return images.reshape(len(originals), 1, *expected[1:3])


def _array(path: Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DatasetMissing(
            f"{path} is not there; expected MNIST-C as it is published, a folder for each corruption with {IMAGES} and "
            f"{LABELS} in it. Name the folder that these are in with --mnist-c."
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path} is damaged, or no array of numpy ({error}). Unpack it again.") from None
    if not isinstance(found, np.ndarray):
        raise DatasetError(f"{path} is an archive of arrays; expected one array. Name MNIST-C as it was unpacked.")
    return found
