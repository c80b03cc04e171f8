"""What is left of a study's accuracy on spoiled pictures: its runs judged again, and nothing trained.

Every contender and every seed sees the same pictures, which are made of the study's own test images.  The question,
named beforehand: which contender is better in the mean over the eleven corruptions that are not geometric?  The four
geometric ones are what every recipe's augmentation does already, and their mean stands apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.data.corruptions import mnist_c
from eyechart.data.corruptions.apply import corrupted
from eyechart.data.corruptions.table import CORRUPTIONS, LEVELS, PUBLISHED, VERSION, Corruption
from eyechart.schema.contracts import LabelledImages

if TYPE_CHECKING:
    from eyechart.contexts.source import Mean, Source

MNIST_C = "mnist-c"  # as a severity: the published arrays
SEED = 0  # of the pictures, which are the same for all seeds of training


@dataclass(frozen=True)
class Spoiled:
    """One level: a corruption at one severity."""

    corruption: Corruption
    severity: str  # of LEVELS, or MNIST_C
    published: Path | None = field(default=None, compare=False)  # where the arrays of MNIST-C are

    @property
    def folder(self) -> str:
        return f"{self.corruption.name}-{self.severity}"

    @property
    def label(self) -> str:
        return self.corruption.name

    @property
    def title(self) -> str:
        return f"{self.corruption.words[0]}, {self.severity}"

    @property
    def value(self) -> int:
        """Its place in the order of severities, and of the table."""
        place = list(CORRUPTIONS).index(self.corruption.name)
        return (*LEVELS, MNIST_C).index(self.severity) * len(CORRUPTIONS) + place

    @property
    def mean(self) -> Mean:
        return "geometric" if self.corruption.is_geometric else "not geometric"

    def judged_on(self, source: Source) -> str:
        how = "published arrays" if self.severity == MNIST_C else f"seed {SEED}, drawn by version {VERSION}"
        return f"{self.folder}, {how}, of {source.words}"

    def num_images(self, source: Source) -> int:
        return len(source.chosen)

    def pictures(self, source: Source, num_threads: int) -> LabelledImages:
        part = source.test.subset(source.chosen)
        if self.severity == MNIST_C:
            assert self.published, "only who names the folder is asked for this level"
            images = mnist_c.published(self.published, self.corruption.name, source.test)[source.chosen]
        else:
            images = corrupted(part.images, self.corruption.name, self.severity, seed=SEED, numbers=source.chosen,
                               num_threads=num_threads)  # fmt: skip
        return LabelledImages(images, part.labels)


def levels_of(severities: Sequence[str], folder_of_mnist_c: Path | None) -> list[Spoiled]:
    """Every corruption at each severity; by default at the published one.  UsageError for one that there is not."""
    wrong = [each for each in severities if each not in LEVELS]
    if wrong:
        raise UsageError(f"--levels got {wrong[0]!r}; expected some of {', '.join(LEVELS)}, separated by commas.")
    wanted = list(dict.fromkeys(severities)) or ([] if folder_of_mnist_c else [PUBLISHED])
    wanted += [MNIST_C] if folder_of_mnist_c else []
    return sorted((Spoiled(each, severity, folder_of_mnist_c) for severity in wanted for each in CORRUPTIONS.values()),
                  key=lambda level: level.value)  # fmt: skip


def level_of(folder: str) -> Spoiled | None:
    """The level that a folder's name means; None for another name."""
    name, _, severity = folder.partition("-")
    known = name in CORRUPTIONS and severity in (*LEVELS, MNIST_C)
    return Spoiled(CORRUPTIONS[name], severity) if known else None
