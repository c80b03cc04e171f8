"""What is left of a study's accuracy on images of the same classes from elsewhere: judged again, and nothing trained.

Handwriting of other people, scanned by others, or digits that a computer prints.  As they come, the images are brought
to the study's size and channels and are not touched beyond that: a digit that fills its frame stays that large.  Where
the study's images are ink on even ground, they are judged a second time framed as those are, the ink as large and in
the same place, so that what framing costs is told apart from what digits cost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from eyechart.base.errors import UsageError
from eyechart.data import catalog, handwriting
from eyechart.data.known import KNOWN
from eyechart.data.paper import LEAST_CONTRAST
from eyechart.data.resized import in_bytes, scaled
from eyechart.files.folder_names import dataset_name, folder_name_of
from eyechart.inference.expected import expected_of
from eyechart.schema.contracts import Dataset, LabelledImages

if TYPE_CHECKING:
    from eyechart.contexts.source import Source
    from eyechart.schema import InkFacts

PREFIX = "on-"
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601-2, as networks weigh colour where they expect grey
AS_THEY_COME, FRAMED = "as they come", "framed"
MOST_NAMED = 20  # classes, in an error
FINE_SIDE, CHUNK = 112, 512  # pixels on which ink is looked at, and images at once


@dataclass(frozen=True)
class Elsewhere:
    """One level: the test part of another dataset."""

    reference: str  # a known name, or a path
    dataset: Dataset = field(compare=False)
    ink: InkFacts | None = field(default=None, compare=False)  # of the study's images, as which these are framed
    is_framed: bool = False

    mean = None

    @property
    def severity(self) -> str:
        return FRAMED if self.is_framed else AS_THEY_COME

    @property
    def label(self) -> str:
        return self.reference if self.reference in KNOWN else dataset_name(self.reference)

    @property
    def title(self) -> str:
        return f"{self.label}, {self.severity}"

    @property
    def folder(self) -> str:
        return PREFIX + folder_name_of(self.label) + (f"-{FRAMED}" if self.is_framed else "")

    @property
    def value(self) -> int:
        """As they come first; known ones in the order of their table, then paths."""
        place = list(KNOWN).index(self.reference) if self.reference in KNOWN else len(KNOWN)
        return place + self.is_framed * (len(KNOWN) + 1)

    def judged_on(self, source: Source) -> str:
        card, own = self.dataset.card, source.any_run.dataset
        size = f"{own.height} x {own.width} x {own.num_channels}"
        how = f"brought to {size}"
        if self.ink:
            like = hashlib.sha256(self.ink.model_dump_json().encode()).hexdigest()[:12]
            how = f"framed as ink of {like}, {size}"
        return f"test part of {self.label}, {card.num_test:,} images {card.content_sha256[:12]}, {how}"

    def num_images(self, source: Source) -> int:
        return len(self.dataset.test)

    def pictures(self, source: Source, num_threads: int) -> LabelledImages:
        own, test = source.any_run.dataset, self.dataset.test
        places = {name: place for place, name in enumerate(own.classes)}
        labels = np.array([places[name] for name in self.dataset.card.classes], np.int64)[test.labels]
        shape = (own.num_channels, own.height, own.width)
        if self.ink:
            return LabelledImages(framed(test, self.ink, shape), labels)
        return LabelledImages(np.concatenate([brought_to(chunk, shape) for chunk in test.chunks()]), labels)


def _silent(sentence: str) -> None:
    """Say nothing."""


def brought_to(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 (N, C, H, W) of any size and 1 or 3 channels -> uint8 (N, *shape); antialiased where it shrinks."""
    values = scaled(images, shape[1:])
    if values.shape[1] == 3 and shape[0] == 1:
        values = (values * torch.tensor(LUMINANCE).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    return np.ascontiguousarray(in_bytes(values.expand(-1, shape[0], -1, -1)))


def framed(part: LabelledImages, ink: InkFacts, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 (N, 1, H, W): the ink of grey or colour images made as large as `ink` says, and put in its place.

    What most pixels are is ground.  Strokes keep their own weight, and an image without ink stays as it came.
    """
    height, width = part.images.shape[-2:]
    fine = (1, round(FINE_SIDE * height / max(height, width)), round(FINE_SIDE * width / max(height, width)))
    is_bright = float(np.median(part.images[: len(part)])) < 128
    found = [brought_to(chunk, shape) for chunk in part.chunks()]
    images = np.concatenate(found)
    for start, chunk in zip(range(0, len(part), CHUNK), part.chunks(CHUNK), strict=True):
        for place, grey in enumerate(brought_to(chunk, fine)[:, 0], start):
            strength = (grey if is_bright else 255 - grey).astype(np.float32)
            if strength.max() >= LEAST_CONTRAST:
                pixels = handwriting.place(strength / strength.max(), ink, *shape[1:]).pixels
                images[place] = pixels if ink.is_bright else 255 - pixels
    return images


def levels_of(
    source: Source, wanted: Sequence[str], *, offline: bool = False, say: Callable[[str], None] = _silent
) -> list[Elsewhere]:
    """A level for each dataset; by default all known ones of the same classes that are here already.

    Raises UsageError for one that has other classes, and where there is none; as load_dataset for what is not there.
    """
    own = source.any_run.dataset
    names = list(dict.fromkeys(wanted)) or [
        name
        for name, known in KNOWN.items()
        if name != own.name and set(known.classes) == set(own.classes) and catalog.is_here(name)
    ]
    if not names:
        raise UsageError(
            f"No other dataset here has the classes of {own.name}. Name one that has: --to and a known name, or a "
            f"folder of pictures in folders of the same names."
        )
    ink = ink_of(source)
    datasets = {name: catalog.load_dataset(name, offline=offline, say=say) for name in names}
    levels = [Elsewhere(name, dataset) for name, dataset in datasets.items()]
    levels += [Elsewhere(name, dataset, ink, is_framed=True) for name, dataset in datasets.items() if ink]
    for level in levels:
        if strange := sorted(set(level.dataset.card.classes) - set(own.classes)):
            raise UsageError(
                f"--to got {level.reference}, which has the class {strange[0]!r}; expected classes of {own.name} "
                f"alone: {', '.join(own.classes[:MOST_NAMED])}."
            )
    if len({level.folder for level in levels}) < len(levels):
        raise UsageError(f"--to got two datasets of one name among {', '.join(names)}. Rename one of the folders.")
    return sorted(levels, key=lambda level: level.value)


def ink_of(source: Source) -> InkFacts | None:
    """What the study's images are like, where they are ink on even ground, in grey."""
    folder, run = next(iter(source.runs.items()))
    return expected_of(folder, run).ink if run.dataset.num_channels == 1 else None


def level_of(folder: str, source: Source) -> Elsewhere | None:
    """The level that a folder's name means, where that is a dataset that has a name and is here; else None."""
    name = folder.removeprefix(PREFIX)
    is_framed = name.endswith(f"-{FRAMED}")
    name = name.removesuffix(f"-{FRAMED}")
    ink = ink_of(source) if is_framed else None
    if not folder.startswith(PREFIX) or name not in KNOWN or not catalog.is_here(name) or is_framed > bool(ink):
        return None
    return Elsewhere(name, catalog.load_dataset(name, offline=True), ink, is_framed)
