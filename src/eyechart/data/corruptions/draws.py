"""Random numbers of a corruption: a function of seed, purpose and image number, whatever the batch is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eyechart.base.seeding import derived_seed


@dataclass(frozen=True)
class Draws:
    """The numbers of some images.  Severity is no part of it: a stronger corruption is the same one, stronger."""

    seed: int
    corruption: str
    images: np.ndarray  # int64 (N,), their numbers in the part that they are of

    def __len__(self) -> int:
        return len(self.images)

    def some(self, rows: slice) -> Draws:
        """Those of a few of the images."""
        return Draws(self.seed, self.corruption, self.images[rows])

    def uniform(self, purpose: str, *shape: int) -> np.ndarray:
        """float32 (N, *shape) in [0, 1), in steps of 2 ** -24."""
        found = np.empty((len(self), math.prod(shape)), np.float32)
        for row, random in zip(found, self._generators(purpose), strict=True):
            random.random(out=row, dtype=np.float32)
        return found.reshape(len(self), *shape)

    def normal(self, purpose: str, *shape: int) -> np.ndarray:
        """float32 (N, *shape) of mean 0 and standard deviation 1."""
        found = np.empty((len(self), math.prod(shape)), np.float32)
        for row, random in zip(found, self._generators(purpose), strict=True):
            random.standard_normal(out=row, dtype=np.float32)
        return found.reshape(len(self), *shape)

    def integers(self, purpose: str, low: int, high: int, *shape: int) -> np.ndarray:
        """int64 (N, *shape) in low..high - 1, all of them alike often."""
        return low + (self.uniform(purpose, *shape) * (high - low)).astype(np.int64)

    def signs(self, purpose: str, *shape: int) -> np.ndarray:
        """int64 (N, *shape): -1 or 1."""
        return 2 * self.integers(purpose, 0, 2, *shape) - 1

    def _generators(self, purpose: str) -> list[np.random.Generator]:
        """Philox counts: a key a use and image, so that no image's numbers hang on another's."""
        key = derived_seed(self.seed, f"corruption {self.corruption} {purpose}")
        return [np.random.Generator(np.random.Philox(key=[key, number])) for number in self.images.tolist()]
