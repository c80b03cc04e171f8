"""Small made-up datasets and ways to lay them out on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from eyechart.data import idx
from eyechart.data.content import parts_sha256
from eyechart.schema import DatasetCard
from eyechart.schema.contracts import Dataset, LabelledImages

HEIGHT, WIDTH = 7, 5


class IdxBytes(NamedTuple):
    """The four files of a dataset of 3 classes, 5 x 7 pixels, 12 train and 6 test images."""

    train_images: bytes
    train_labels: bytes
    test_images: bytes
    test_labels: bytes

    def write(self, folder: Path, names: tuple[str, str, str, str]) -> Path:
        for content, name in zip(self, names, strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


@pytest.fixture
def idx_bytes() -> IdxBytes:
    pixels = np.random.default_rng(0).integers(0, 256, (18, HEIGHT, WIDTH), np.uint8)
    labels = np.arange(18) % 3
    return IdxBytes(idx.pack(pixels[:12]), idx.pack(labels[:12]), idx.pack(pixels[12:]), idx.pack(labels[12:]))


@pytest.fixture
def make_dataset():
    """A function (counts of each class in train, in test, in validation) -> a dataset with distinct images."""

    def part(counts, rng, channels):
        labels = np.repeat(np.arange(len(counts)), counts)
        labels = labels[rng.permutation(len(labels))]
        images = rng.integers(0, 256, (len(labels), channels, HEIGHT, WIDTH), np.uint8)
        return LabelledImages(images, labels.astype(np.int64))

    def make(train, test, validation=None, channels=1) -> Dataset:
        rng = np.random.default_rng(1)
        parts = [part(counts, rng, channels) if counts else None for counts in (train, test, validation)]
        card = DatasetCard(
            name="made-up",
            title="Made-up",
            source="tests",
            licence="none",
            content_sha256=parts_sha256(*parts),
            classes=tuple("abcdefghij"[: len(train)] if len(train) <= 10 else map(str, range(len(train)))),
            num_channels=channels,
            height=HEIGHT,
            width=WIDTH,
            num_train=sum(train),
            num_validation=sum(validation or []),
            num_test=sum(test),
        )
        return Dataset(card, parts[0], parts[1], parts[2])

    return make


@pytest.fixture
def write_pictures():
    """A function (folder, names of pictures) that writes a different small colour picture under each name."""

    def write(folder: Path, *names: str, size: tuple[int, int] = (6, 4), grey: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            # From folder and name, so that every picture of a test differs and is the same on every run.
            seed = list(f"{folder.name}/{name}".encode())
            shape = (size[1], size[0]) if grey else (size[1], size[0], 3)
            pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
            Image.fromarray(pixels).save(folder / name)

    return write


@pytest.fixture
def saves_every_task(monkeypatch):
    """Small tasks, each of which is saved and told."""
    from eyechart.data import picture_pass, picture_reader

    monkeypatch.setattr(picture_reader, "FEWEST_PICTURES", 1)
    monkeypatch.setattr(picture_reader, "TASK_SECONDS", 0.0)
    monkeypatch.setattr(picture_pass, "SAVE_SECONDS", -1.0)
    monkeypatch.setattr(picture_pass, "SAY_SECONDS", -1.0)
