"""Make a folder of class folders with as many small pictures as wanted, quickly: MNIST's, and thin copies of them.

python scripts/make_large_folder.py /tmp/large 1000000

The first 60,000 pictures are written as PNG files, 28 x 28 grey; the rest are hard links to them under names of their
own (symbolic links where the disk has no hard ones).
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from eyechart.data.catalog import load_dataset

MAX_LINKS = 60_000  # of one file; ext4 allows 65,000


def make_folder(root: Path, num_pictures: int) -> None:
    """Fill `root`, which must not be there yet, with root/<digit>/<number>.png; classes are as frequent as in MNIST."""
    train = load_dataset("mnist").train
    assert num_pictures <= MAX_LINKS * len(train), "more links than a file can have"
    for label in range(10):
        (root / str(label)).mkdir(parents=True)
    num_real = min(num_pictures, len(train))
    names = [f"{root}/{label}/{number:08d}.png" for number, label in enumerate(train.labels[:num_real].tolist())]
    for name, image in zip(names, train.images, strict=False):
        _write(name, image)
    for number in range(num_real, num_pictures):
        source = names[number % len(train)]
        _link(source, f"{os.path.dirname(source)}/{number:08d}.png")


def _write(name: str, image: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(image[0]).save(buffer, "PNG")
    with open(name, "xb") as file:
        file.write(buffer.getvalue())


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # this file has as many as it can have, or the disk knows no hard links
        os.symlink(source, target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="must not be there yet")
    parser.add_argument("num_pictures", type=int)
    given = parser.parse_args()
    make_folder(given.folder.resolve(), given.num_pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
