"""What can be said of a dataset that was read: for people as lines, for programs as a record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eyechart.data.plain import are_plain, plain_classes
from eyechart.data.stratify import class_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eyechart.schema import DatasetCard, PictureRule
    from eyechart.schema.contracts import Dataset, LabelledImages


FEW = 5  # names that are told
MOST_COUNTS = 100  # classes whose numbers of images are told one by one; --json has all


@dataclass(frozen=True)
class FileCheck:
    """One file's hash.  `expected` is None when no canonical hash is known for it."""

    name: str
    md5: str
    expected: str | None


@dataclass(frozen=True)
class DatasetFacts:
    """The answer of `eyechart data verify`; it exists only when everything could be read."""

    card: DatasetCard
    counts: dict[str, tuple[int, ...]]  # part -> images of each class; objects where images have any number of them
    sizes: dict[str, int]  # part -> images
    num_shared: dict[str, int]  # part -> its images that are, pixel for pixel, in train as well
    files: tuple[FileCheck, ...]
    plain: dict[str, tuple[str, ...]]  # part -> names of the images of one plain colour
    plain_classes: dict[str, tuple[str, ...]]  # part -> classes that have no other images
    repeated_classes: dict[str, tuple[str, ...]]  # part -> classes of several images that are all the same one

    def as_json(self) -> dict[str, Any]:
        return {
            "card": self.card.model_dump(mode="json"),
            "sizes": self.sizes,
            "counts": {part: list(counts) for part, counts in self.counts.items()},
            "num_shared_with_train": self.num_shared,
            "plain": {part: list(names) for part, names in self.plain.items()},
            "plain_classes": {part: list(names) for part, names in self.plain_classes.items()},
            "repeated_classes": {part: list(names) for part, names in self.repeated_classes.items()},
            "files": [{"name": file.name, "md5": file.md5, "expected": file.expected} for file in self.files],
        }

    def lines(self) -> list[str]:
        card = self.card
        colour = "grey" if card.num_channels == 1 else "colour"
        lines = [
            f"{card.title}: {card.num_classes:,} classes, {card.width} x {card.height} pixels, {colour}",
            f"licence {card.licence}; source {card.source}",
            f"content sha256 {card.content_sha256}",
        ]
        lines += [_rule_line(card.picture_rule)] if card.picture_rule else []
        lines += [_part_line(part, self.sizes[part], counts, card) for part, counts in self.counts.items()]
        lines += [f"{count:,} {part} images are in train as well" for part, count in self.num_shared.items() if count]
        lines += [f"{file.name} md5 {file.md5} {_judgement(file)}" for file in self.files]
        return lines

    def doubts(self) -> list[str]:
        """What can be read and still looks wrong, a line each."""
        lines = [
            f"{len(names):,} {part} images are of one plain colour, with nothing to see: {_few(names)}"
            for part, names in self.plain.items()
            if names
        ]
        for what, classes_of in (("of one plain colour", self.plain_classes), ("the same", self.repeated_classes)):
            lines += [
                f"all {part} images of {len(names):,} classes are {what}: {_few(names)}"
                for part, names in classes_of.items()
                if names
            ]
        for part, counts in self.counts.items():
            absent = [name for name, count in zip(self.card.classes, counts, strict=True) if not count]
            if absent:
                lines.append(f"no {part} image for {len(absent):,} of {len(counts):,} classes: {_few(absent)}")
        return lines


def facts_of(
    dataset: Dataset, files: tuple[FileCheck, ...], names: Mapping[str, Sequence[str]] | None = None
) -> DatasetFacts:
    """Count and compare what is in memory; `names` are the images' names in each part, if they have any."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    present = {name: part for name, part in parts.items() if part is not None}
    named = present if dataset.card.task == "classification" else {}  # whose images have a class each
    num_classes = dataset.card.num_classes
    counts = {
        name: tuple(int(count) for count in class_counts(_labels(part), num_classes)) for name, part in present.items()
    }
    hashes = {name: _image_hashes(part) for name, part in present.items()}
    plain = {name: are_plain(part) for name, part in present.items()}
    shared = {name: int(np.isin(hashes[name], hashes["train"]).sum()) for name in present if name != "train"}
    classes = dataset.card.classes
    return DatasetFacts(
        card=dataset.card,
        counts=counts,
        sizes={name: len(part) for name, part in present.items()},
        num_shared=shared,
        files=files,
        plain={part: _names_of(np.flatnonzero(which), (names or {}).get(part)) for part, which in plain.items()},
        plain_classes={name: plain_classes(part, plain[name], classes) for name, part in named.items()},
        repeated_classes={name: _repeated(part, hashes[name], classes) for name, part in named.items()},
    )


def _names_of(places: np.ndarray, names: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(names[place] if names else f"number {place}" for place in places)


def _repeated(part: LabelledImages, hashes: np.ndarray, classes: tuple[str, ...]) -> tuple[str, ...]:
    of_class = [hashes[part.labels == label] for label in range(len(classes))]
    return tuple(
        name for name, some in zip(classes, of_class, strict=True) if len(some) > 1 and (some == some[0]).all()
    )


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


def _labels(part: LabelledImages) -> np.ndarray:
    """One an image, or one an object where images have any number of them."""
    return part.labels if part.objects is None else part.objects.labels


def _part_line(part: str, size: int, counts: tuple[int, ...], card: DatasetCard) -> str:
    by_class = " · ".join(f"{name}: {count:,}" for name, count in zip(card.classes, counts, strict=True))
    if len(counts) > MOST_COUNTS:
        few, many = min(counts), max(counts)
        by_class = f"{few:,} of each class" if few == many else f"{few:,} to {many:,} of each class"
    objects = f" with {sum(counts):,} objects" if card.task == "detection" else ""
    return f"{size:,} {part} images{objects}; {by_class}"


def _rule_line(rule: PictureRule) -> str:
    ranges = {"integers": rule.integers, "floats": rule.floats}
    told = [f"{kind} {ends[0]:.6g}..{ends[1]:.6g} become 0..255" for kind, ends in ranges.items() if ends]
    told += [f"transparent parts lie over {rule.ground}"] if rule.ground else []
    return f"one rule for all pictures: {'; '.join(told)}"


def _judgement(file: FileCheck) -> str:
    if file.expected is None:
        return "(no canonical hash known)"
    return "as it should be" if file.md5 == file.expected else f"expected {file.expected}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW:,} more" if len(names) > FEW else "")
