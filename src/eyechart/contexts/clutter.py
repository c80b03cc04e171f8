"""What is left of a study's accuracy when other things stand around what is asked about: judged again, nothing trained.

The pieces come from the study's own test images.  Where those are ink on even ground, pieces of ink come beside the
ink and cover nothing of it, so that a person reads every image as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.contexts.shift import ink_of
from eyechart.data.clutter import VERSION, cluttered
from eyechart.schema.contracts import LabelledImages

if TYPE_CHECKING:
    from eyechart.contexts.source import Source

PREFIX = "pieces-"
SEVERITY = "among pieces of others"
AMOUNTS, MOST = (1, 2, 4, 8), 64
SEED = 0  # of the pictures, which are the same for all seeds of training


@dataclass(frozen=True)
class Cluttered:
    """One level: so many pieces."""

    amount: int
    is_bright: bool | None = field(default=None, compare=False)  # of ink; None: the images have no ground

    severity = SEVERITY
    mean = None

    @property
    def folder(self) -> str:
        return f"{PREFIX}{self.amount}"

    @property
    def label(self) -> str:
        return str(self.amount)

    @property
    def title(self) -> str:
        return f"{self.amount} {'piece' if self.amount == 1 else 'pieces'} of others"

    @property
    def value(self) -> int:
        return self.amount

    def judged_on(self, source: Source) -> str:
        where = {True: "bright ink", False: "dark ink", None: "anywhere"}[self.is_bright]
        return f"{self.folder}, {where}, seed {SEED}, drawn by version {VERSION}, of {source.words}"

    def num_images(self, source: Source) -> int:
        return len(source.chosen)

    def pictures(self, source: Source, num_threads: int) -> LabelledImages:
        part, others = source.test.subset(source.chosen), source.test.images[:]
        images = cluttered(part.images, others, self.amount, numbers=source.chosen.tolist(), is_bright=self.is_bright,
                           seed=SEED)  # fmt: skip
        return LabelledImages(images, part.labels)


def levels_of(source: Source, wanted: Sequence[str]) -> list[Cluttered]:
    """A level for each number of pieces; UsageError for one that is no number of them."""
    wrong = [text for text in wanted if not text.isdecimal() or not 0 < int(text) <= MOST]
    if wrong:
        raise UsageError(f"--levels got {wrong[0]!r}; expected numbers of pieces, 1 to {MOST}, separated by commas.")
    is_bright = _is_bright(source)
    return [Cluttered(amount, is_bright) for amount in sorted({int(text) for text in wanted} or AMOUNTS)]


def level_of(folder: str, source: Source) -> Cluttered | None:
    """The level that a folder's name means; None for another name."""
    return Cluttered(int(folder.removeprefix(PREFIX)), _is_bright(source)) if is_level(folder) else None


def is_level(folder: str) -> bool:
    return folder.startswith(PREFIX) and folder.removeprefix(PREFIX).isdecimal()


def _is_bright(source: Source) -> bool | None:
    ink = ink_of(source)
    return ink.is_bright if ink else None
