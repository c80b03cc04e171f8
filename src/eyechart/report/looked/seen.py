"""What is known of one image: every contender's answer, its maps, and how far they are to be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eyechart.schema.explain import ChecksRecord, MethodName, Why
from eyechart.words.remarks import Remark, in_words


@dataclass(frozen=True)
class Seen:
    """What one trained contender looked at on one image."""

    run: str  # a name that no other has of those that were asked, and so has the contender
    contender: str
    answer: int  # class id
    probability: float  # of the answer, after the run's temperature
    maps: dict[MethodName, np.ndarray]  # float (H, W); above 0: for the answer, below: against it
    cells: dict[MethodName, tuple[int, int]]  # rows and columns that the method tells apart
    cannot: dict[MethodName, Why]
    checks: ChecksRecord | None = None
    seconds: dict[MethodName, float] | None = None
    miss: float | None = None  # by how much the integrated gradients miss the difference of the outputs
    boxes: np.ndarray | None = None  # float32 (R, 4): a detector's regions, pixels of the image
    scores: np.ndarray | None = None  # float32 (R, K): of each region as each class
    heads: np.ndarray | None = None  # float32 (blocks, heads, H, W): a Vision Transformer's
    own_image: np.ndarray | None = None  # uint8 (C, H, W), where it was given another one than the first contender
    remark: Remark | None = None  # what is said in the place of `answer`, which is explained all the same

    def as_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """The numbers, and the shapes of the arrays."""
        methods = {method: self._method(method) for method in self.maps}
        inner = {"boxes": self.boxes, "scores": self.scores, "heads": self.heads}
        return {
            "run": self.run,
            "contender": self.contender,
            "answer": classes[self.answer],
            "probability": self.probability,
            "remark": self.remark,
            "said": in_words(self.remark) if self.remark else "",
            "methods": methods,
            "cannot": self.cannot,
            "integrated_gradients_miss": self.miss,
            "inner": {name: list(array.shape) for name, array in inner.items() if array is not None},
            "checked_images": self.checks.num_images if self.checks else 0,
        }

    def _method(self, method: MethodName) -> dict[str, Any]:
        values = self.maps[method]
        check = self.checks.of(method) if self.checks else None
        return {
            "shape": list(values.shape),
            "cells": list(self.cells[method]),
            "least": float(values.min()),
            "most": float(values.max()),
            "sum": float(values.sum()),
            "seconds": self.seconds[method] if self.seconds else None,
            "check": check.model_dump(mode="json", exclude={"method"}) if check else None,
        }


@dataclass(frozen=True)
class Explanation:
    """One image and what all contenders saw in it."""

    name: str  # of the picture
    image: np.ndarray  # uint8 (C, H, W), as the first contender was given it
    classes: tuple[str, ...]
    seen: tuple[Seen, ...]

    def image_of(self, each: Seen) -> np.ndarray:
        """uint8 (C, H, W), as this contender was given the picture."""
        return self.image if each.own_image is None else each.own_image

    def as_json(self) -> dict[str, Any]:
        """The numbers, and the shapes of the arrays."""
        return {
            "picture": self.name,
            "image": list(self.image.shape),
            "classes": list(self.classes),
            "contenders": [each.as_json(self.classes) for each in self.seen],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The image, and under "RUN/METHOD" the maps; "RUN/boxes", "RUN/scores", "RUN/heads" where there are any.

        "RUN/image" where a contender was given another one.
        """
        found: dict[str, np.ndarray] = {"image": self.image}
        for each in self.seen:
            found |= {f"{each.run}/{method}": values for method, values in each.maps.items()}
            inner = {"image": each.own_image, "boxes": each.boxes, "scores": each.scores, "heads": each.heads}
            found |= {f"{each.run}/{name}": array for name, array in inner.items() if array is not None}
        return found
