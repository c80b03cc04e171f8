"""What is left of a study's accuracy on images of the same classes from elsewhere: judged again, and nothing trained.

Handwriting of other people, scanned by others, or digits that a computer prints.  The images are brought to the study's
size and channels and are not touched beyond that, unless asked for: a digit that fills its frame stays that large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import interpolate

from eyechart.base.errors import UsageError
from eyechart.data import catalog
from eyechart.data.known import KNOWN
from eyechart.files.folder_names import dataset_name, folder_name_of
from eyechart.schema.contracts import Dataset, LabelledImages

if TYPE_CHECKING:
    from eyechart.contexts.source import Source

PREFIX = "on-"
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601-2, as networks weigh colour where they expect grey
AS_THEY_COME = "as they come"  # what a later treatment of the pictures would be told from
MOST_NAMED = 20  # classes, in an error


@dataclass(frozen=True)
class Elsewhere:
    """One level: the test part of another dataset."""

    reference: str  # a known name, or a path
    dataset: Dataset = field(compare=False)

    mean = None
    severity = AS_THEY_COME

    @property
    def label(self) -> str:
        return self.reference if self.reference in KNOWN else dataset_name(self.reference)

    @property
    def title(self) -> str:
        return self.label

    @property
    def folder(self) -> str:
        return PREFIX + folder_name_of(self.label)

    @property
    def value(self) -> int:
        """Known ones in the order of their table, then paths."""
        return list(KNOWN).index(self.reference) if self.reference in KNOWN else len(KNOWN)

    def judged_on(self, source: Source) -> str:
        card, own = self.dataset.card, source.any_run.dataset
        return (
            f"test part of {self.label}, {card.num_test:,} images {card.content_sha256[:12]}, brought to "
            f"{own.height} x {own.width} x {own.num_channels}"
        )

    def num_images(self, source: Source) -> int:
        return len(self.dataset.test)

    def pictures(self, source: Source, num_threads: int) -> LabelledImages:
        own, test = source.any_run.dataset, self.dataset.test
        places = {name: place for place, name in enumerate(own.classes)}
        labels = np.array([places[name] for name in self.dataset.card.classes], np.int64)[test.labels]
        shape = (own.num_channels, own.height, own.width)
        return LabelledImages(np.concatenate([brought_to(chunk, shape) for chunk in test.chunks()]), labels)


def _silent(sentence: str) -> None:
    """Say nothing."""


def brought_to(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 (N, C, H, W) of any size and 1 or 3 channels -> uint8 (N, *shape); antialiased where it shrinks."""
    values = torch.from_numpy(images.astype(np.float32))
    if values.shape[-2:] != shape[1:]:
        values = interpolate(values, size=shape[1:], mode="bilinear", align_corners=False, antialias=True)
    if values.shape[1] == 3 and shape[0] == 1:
        values = (values * torch.tensor(LUMINANCE).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    made: np.ndarray = values.expand(-1, shape[0], -1, -1).round().clamp(0, 255).to(torch.uint8).numpy()
    return np.ascontiguousarray(made)


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
    levels = [Elsewhere(name, catalog.load_dataset(name, offline=offline, say=say)) for name in names]
    for level in levels:
        if strange := sorted(set(level.dataset.card.classes) - set(own.classes)):
            raise UsageError(
                f"--to got {level.reference}, which has the class {strange[0]!r}; expected classes of {own.name} "
                f"alone: {', '.join(own.classes[:MOST_NAMED])}."
            )
    if len({level.folder for level in levels}) < len(levels):
        raise UsageError(f"--to got two datasets of one name among {', '.join(names)}. Rename one of the folders.")
    return sorted(levels, key=lambda level: level.value)


def level_of(folder: str) -> Elsewhere | None:
    """The level that a folder's name means, where that is a dataset that has a name and is here; else None."""
    name = folder.removeprefix(PREFIX)
    if not folder.startswith(PREFIX) or name not in KNOWN or not catalog.is_here(name):
        return None
    return Elsewhere(name, catalog.load_dataset(name, offline=True))
