"""A user's own copy of a dataset in MNIST's format: a folder or a zip, in whatever layout it was downloaded.

Files are found by their magic number.  Which part one belongs to is told by its name, or else by the nearest folder
above it: "train", "t10k" or "test", "val" or "validation".  If no name tells, two pairs of different size are taken as
train (the larger) and test.  The same content twice is fine (Kaggle's archive has nested and dotted twins); two
different contents for one part are an error.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np

from eyechart.base.errors import DatasetError
from eyechart.data import idx
from eyechart.data.archive import Member, members
from eyechart.data.content import parts_sha256
from eyechart.data.layout import Part
from eyechart.data.pictures import SUFFIXES
from eyechart.files.file_names import readable
from eyechart.schema import DatasetCard
from eyechart.schema.contracts import Dataset, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PART_WORDS: dict[Part, re.Pattern[str]] = {
    "train": re.compile(r"(?<![a-z])train"),
    "validation": re.compile(r"(?<![a-z])val(id|idation)?(?![a-z])"),
    "test": re.compile(r"t10k|(?<![a-z])test"),
}
LOOKS_LIKE_IDX = re.compile(r"(ubyte|idx[13])(\.gz)?$", re.IGNORECASE)
EXPECTED = (
    "Expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte "
    "(gzipped or not, there or up to three folders below)"
)


@dataclass(frozen=True, eq=False)  # compared by identity: arrays have no single answer
class IdxFile:
    """One IDX file, read."""

    name: str
    part: Part | None  # None: no name tells
    kind: idx.Kind
    values: np.ndarray  # uint8 (N, H, W) or (N,)
    md5: str  # of the uncompressed file: what MNIST's files are known by


def find(path: Path) -> list[Member]:
    """The IDX files of a folder or zip, by first bytes; also those that are only called like one."""
    found = []
    for member in members(path):
        if member.name.lower().endswith(SUFFIXES):
            continue
        if LOOKS_LIKE_IDX.search(member.name) or idx.kind_of(member.first_bytes(idx.FIRST_BYTES)):
            found.append(member)
    return found


def load(path: Path, found: list[Member], say: Callable[[str], None]) -> Dataset:
    """Read the files that `find` found into a dataset whose classes are "0", "1", ...

    Raises DatasetError for whatever is broken, missing, contradictory or ambiguous.
    """
    files = read(found)
    if pictures := sum(member.name.lower().endswith(SUFFIXES) for member in members(path)):
        say(f"{path}: the IDX files are read; pictures beside them, which are not: {pictures:,}.")
    chosen = _one_of_each(_with_parts(files, path, say), path)
    train = _labelled(chosen, "train", path)
    test = _labelled(chosen, "test", path)
    validation = _labelled(chosen, "validation", path) if ("validation", "images") in chosen else None
    num_classes = _num_classes(train, path)
    for part, images in (("test", test), ("validation", validation)):
        if images is not None:
            _check_fits(part, images, train, num_classes, path)
    name = readable(path.absolute().name or str(path))  # "." is called after the folder that it is
    card = DatasetCard(
        name=name,
        title=name,
        source=readable(str(path)),
        licence="the user's own",
        content_sha256=parts_sha256(train, validation, test),
        classes=tuple(str(label) for label in range(num_classes)),
        num_channels=1,
        height=train.images.shape[2],
        width=train.images.shape[3],
        num_train=len(train),
        num_validation=len(validation) if validation is not None else 0,
        num_test=len(test),
    )
    return Dataset(card, train, test, validation)


def read(found: list[Member]) -> list[IdxFile]:
    """Read and check files; the same content under several names is kept once, under a name that tells its part."""
    headers = _headers(found)
    unique: dict[tuple[str, Part | None], IdxFile] = {}
    for member, header in zip(found, headers, strict=True):
        content = idx.unpack(member.first_bytes(_longest(header)), member.name)
        values = idx.parse(content, member.name)
        kind: idx.Kind = "images" if values.ndim == 3 else "labels"
        file = IdxFile(member.name, part_of(member.name), kind, values, hashlib.md5(content).hexdigest())
        unique.setdefault((file.md5, file.part), file)
    named = {file.md5: file for file in unique.values() if file.part is not None}
    for file in unique.values():
        twin = named.get(file.md5, file)
        if file.kind == "images" and None not in (file.part, twin.part) and file.part != twin.part:
            raise DatasetError(
                f"{file.name} and {twin.name} hold the same images, so {file.part} and {twin.part} would be the same. "
                f"Expected different images in each part; remove the wrong file."
            )
    return [file for file in unique.values() if file.part is not None or file.md5 not in named]


def _longest(header: idx.Header) -> int:
    """A byte more than a file with this header can have, packed or not: gzip adds little to what it cannot shorten."""
    return header.num_bytes_of_file + header.num_bytes_of_file // 100 + idx.FIRST_BYTES


def _headers(found: list[Member]) -> list[idx.Header]:
    """The header of each file; DatasetError when the packed ones announce more than is ever unpacked."""
    starts = [member.first_bytes(idx.FIRST_BYTES) for member in found]
    headers = [idx.header_of(start, member.name) for start, member in zip(starts, found, strict=True)]
    packed = {
        member.name: header.num_bytes_of_file
        for start, header, member in zip(starts, headers, found, strict=True)
        if idx.is_packed(start)
    }
    if sum(packed.values()) > idx.MAX_BYTES:
        raise DatasetError(
            f"{', '.join(packed)} announce {sum(packed.values()):,} bytes together; expected at most "
            f"{idx.MAX_BYTES:,}. Nothing was unpacked; if they are really yours, unpack them yourself."
        )
    return headers


def part_of(name: str) -> Part | None:
    """Which part a file's name tells, or else the nearest folder above it.  DatasetError when one name tells two."""
    for component in reversed(name.lower().split("/")):
        told = [part for part, words in PART_WORDS.items() if words.search(component)]
        if len(told) > 1:
            raise DatasetError(f"The name of {name} tells of {' and of '.join(told)}; expected one. Rename it.")
        if told:
            return told[0]
    return None


# --------------------------------------------------------------------------------------------- which is which


def _with_parts(files: list[IdxFile], path: Path, say: Callable[[str], None]) -> dict[IdxFile, Part]:
    """The part of every file, by name, or by size when no name tells."""
    nameless = [file for file in files if file.part is None]
    if not nameless:
        return {file: file.part for file in files if file.part is not None}
    sizes = sorted({len(file.values) for file in files}, reverse=True)
    pairs = sorted((len(file.values), file.kind) for file in files)
    wanted = sorted((size, kind) for size in sizes for kind in ("images", "labels"))
    if len(nameless) < len(files) or len(sizes) != 2 or pairs != wanted:
        raise DatasetError(
            f"{path}: cannot tell which part {', '.join(file.name for file in nameless)} belongs to. {EXPECTED}; "
            f"rename the files so."
        )
    say(f"{path}: no file name tells train from test; the {sizes[0]:,} images are taken as train")
    return {file: "train" if len(file.values) == sizes[0] else "test" for file in files}


def _one_of_each(parts: dict[IdxFile, Part], path: Path) -> dict[tuple[Part, idx.Kind], IdxFile]:
    chosen: dict[tuple[Part, idx.Kind], IdxFile] = {}
    for file, part in parts.items():
        other = chosen.setdefault((part, file.kind), file)
        if other is not file:
            raise DatasetError(
                f"{path} has two different contents for its {part} {file.kind}: {other.name} and {file.name}. "
                f"Expected one dataset a folder; move the other one elsewhere."
            )
    wanted: list[tuple[Part, idx.Kind]] = [(part, kind) for part in get_args(Part) for kind in ("images", "labels")]
    has_validation = any(part == "validation" for part, _ in chosen)
    missing = [f"{part} {kind}" for part, kind in wanted if part != "validation" or has_validation]
    missing = [name for name in missing if name not in {f"{part} {kind}" for part, kind in chosen}]
    if missing:
        found = ", ".join(sorted(file.name for file in chosen.values()))
        raise DatasetError(f"{path} has no {', no '.join(missing)}; found {found}. {EXPECTED}.")
    return chosen


def _labelled(chosen: dict[tuple[Part, idx.Kind], IdxFile], part: Part, path: Path) -> LabelledImages:
    images, labels = chosen[part, "images"], chosen[part, "labels"]
    if len(images.values) != len(labels.values):
        raise DatasetError(
            f"{path}: {images.name} has {len(images.values):,} images and {labels.name} has {len(labels.values):,} "
            f"labels. Expected one label an image; download the file that is wrong again."
        )
    return LabelledImages(images.values[:, np.newaxis], labels.values.astype(np.int64))


def _num_classes(train: LabelledImages, path: Path) -> int:
    present = np.unique(train.labels)
    if len(present) < 2:
        raise DatasetError(f"{path} has one class in train ({present[0]}); comparing needs two or more.")
    if present[-1] != len(present) - 1:
        absent = next(label for label in range(present[-1]) if label not in present)
        raise DatasetError(
            f"{path} has train labels from {present[0]} to {present[-1]} and none is {absent}. Expected every number "
            f"from 0 to the number of classes - 1; a damaged label file, or labels that start at 1, look like this."
        )
    return len(present)


def _check_fits(part: str, images: LabelledImages, train: LabelledImages, num_classes: int, path: Path) -> None:
    if images.images.shape[1:] != train.images.shape[1:]:
        raise DatasetError(
            f"{path}: the {part} images are {images.images.shape[2:]} pixels, the train images "
            f"{train.images.shape[2:]}. Expected one size; these files belong to different datasets."
        )
    if images.labels.max() >= num_classes:
        raise DatasetError(
            f"{path} has a {part} label {images.labels.max()}, out of the range 0..{num_classes - 1} of the train "
            f"labels. Download the {part} labels again, or add train images of that class."
        )
