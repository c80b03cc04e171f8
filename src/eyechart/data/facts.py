"""What can be said of a dataset that was read: for people as lines, for programs as a record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eyechart.data.stratify import class_counts

if TYPE_CHECKING:
    from eyechart.contracts import Dataset, LabelledImages
    from eyechart.schema import DatasetCard


@dataclass(frozen=True)
class FileCheck:
    """One file's hash.  `expected` is None when no canonical hash is known for it."""

    name: str
    md5: str
    expected: str | None


@dataclass(frozen=True)
class DatasetFacts:
    """The answer of `eyechart data verify`; it exists only when nothing is wrong."""

    card: DatasetCard
    counts: dict[str, tuple[int, ...]]  # part -> images of each class
    num_shared: dict[str, int]  # part -> its images that are, pixel for pixel, in train as well
    files: tuple[FileCheck, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "card": self.card.model_dump(mode="json"),
            "counts": {part: list(counts) for part, counts in self.counts.items()},
            "num_shared_with_train": self.num_shared,
            "files": [{"name": file.name, "md5": file.md5, "expected": file.expected} for file in self.files],
        }

    def lines(self) -> list[str]:
        card = self.card
        colour = "grey" if card.num_channels == 1 else "colour"
        lines = [
            f"{card.title}: {card.num_classes} classes, {card.width} x {card.height} pixels, {colour}",
            f"licence {card.licence}; source {card.source}",
            f"content sha256 {card.content_sha256}",
        ]
        lines += [_part_line(part, counts, card.classes) for part, counts in self.counts.items()]
        lines += [f"{count:,} {part} images are in train as well" for part, count in self.num_shared.items() if count]
        lines += [f"{file.name} md5 {file.md5} {_judgement(file)}" for file in self.files]
        return lines


def facts_of(dataset: Dataset, files: tuple[FileCheck, ...]) -> DatasetFacts:
    """Count and compare what is in memory."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    present = {name: part for name, part in parts.items() if part is not None}
    num_classes = dataset.card.num_classes
    counts = {
        name: tuple(int(count) for count in class_counts(part.labels, num_classes)) for name, part in present.items()
    }
    in_train = _image_hashes(dataset.train)
    shared = {
        name: int(np.isin(_image_hashes(part), in_train).sum()) for name, part in present.items() if name != "train"
    }
    return DatasetFacts(dataset.card, counts, shared, files)


def _image_hashes(part: LabelledImages) -> np.ndarray:
    """Eight bytes an image, uint64 (N,): among a million images, two different ones share them once in 10^7 times."""
    return np.fromiter(
        (
            int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), "little")
            for images in part.chunks()
            for image in images
        ),
        np.uint64,
        count=len(part),
    )


def _part_line(part: str, counts: tuple[int, ...], classes: tuple[str, ...]) -> str:
    by_class = " · ".join(f"{name}: {count:,}" for name, count in zip(classes, counts, strict=True))
    return f"{sum(counts):,} {part} images; {by_class}"


def _judgement(file: FileCheck) -> str:
    if file.expected is None:
        return "(no canonical hash known)"
    return "as it should be" if file.md5 == file.expected else f"expected {file.expected}"
