"""MNIST in the place and shape in which torchvision's class expects it: the peers load it as everybody does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torchvision.datasets import MNIST

from eyechart.data.mnist import CANONICAL_MD5, files_in_cache


def torchvision_mnist(train: bool, transform: Callable[[Any], Any]) -> MNIST:
    """torchvision's dataset, whose items are made one by one: a PIL image, transformed, and its label."""
    source = files_in_cache(offline=False, say=lambda sentence: None)
    root = Path(tempfile.mkdtemp(prefix="eyechart-peer-"))  # the images are read at once, so it may go again below
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in CANONICAL_MD5:
        os.symlink(source / name, raw / name)
    dataset = MNIST(str(root), train=train, transform=transform)
    for name in CANONICAL_MD5:
        (raw / name).unlink()
    for folder in (raw, raw.parent, root):
        folder.rmdir()
    return dataset
