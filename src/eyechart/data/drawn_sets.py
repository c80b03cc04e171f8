"""`-d glyphs`, `-d fractals`, `-d font-digits`: drawn by rule, once, and kept as box_store.py keeps what is drawn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eyechart.data import box_store, font_digits, fractals, glyphs
from eyechart.data.known import KNOWN
from eyechart.data.layout import Part
from eyechart.schema.contracts import Dataset, LabelledImages
from eyechart.schema.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = 0
AT_ONCE = 500  # pictures between two looks at whether to stop


class Drawer(Protocol):
    """A module that draws pictures."""

    VERSION: int  # of the rule by which a seed becomes pictures
    PICTURE: int  # pixels a side

    def pictures(self, numbers: range, seed: int, part: str) -> tuple[np.ndarray, np.ndarray]:
        """The pictures of these numbers uint8 (B, 1, PICTURE, PICTURE), and their classes int64 (B,)."""

    def drawn_with(self) -> list[str]:
        """All that pictures depend on beside seed and rule."""


DRAWERS: dict[str, Drawer] = {"glyphs": glyphs, "fractals": fractals, "font-digits": font_digits}


def load(name: str, say: Callable[[str], None], *, rehash: bool = False) -> Dataset:
    """Grey pictures (N, 1, 28, 28).  `say` hears of the progress every few seconds and may raise to stop.

    Raises MissingError where fonts are not there, StorageError for a cache that cannot be written to.
    """
    known, drawer = KNOWN[name], DRAWERS[name]
    numbers = {"train": known.num_train, "test": known.num_test}
    facts = [name, drawer.VERSION, drawer.drawn_with(), numbers, SEED]
    store = box_store.prepared(facts, lambda: box_store.Plan(_recipes(drawer, numbers)), name, say, rehash=rehash)
    train, test = (LabelledImages(part.images, _labels(part)) for part in (store.parts["train"], store.parts["test"]))
    return Dataset(known.card(store.content_sha256), train, test)


def _recipes(drawer: Drawer, numbers: dict[str, int]) -> dict[Part, box_store.Recipe]:
    shape = (1, drawer.PICTURE, drawer.PICTURE)
    return {
        part: box_store.Recipe((numbers[part], *shape), partial(_stretches, drawer, part, numbers[part]))
        for part in ("train", "test")
    }


def _stretches(drawer: Drawer, part: str, number: int) -> Iterator[box_store.Stretch]:
    for start in range(0, number, AT_ONCE):
        images, labels = drawer.pictures(range(start, min(start + AT_ONCE, number)), SEED, part)
        # What is kept with a picture is one object, the whole of it.
        whole = [float(edge) for edge in (0, 0, drawer.PICTURE, drawer.PICTURE)]
        yield images, objects_of(([whole], [label], [False]) for label in labels.tolist())


def _labels(part: LabelledImages) -> np.ndarray:
    assert part.objects is not None, "each was stored with its one object"
    labels: np.ndarray = part.objects.labels.astype(np.int64)
    return labels
