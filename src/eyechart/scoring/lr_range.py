"""How the curve of a learning-rate range test is read.

Where the loss falls fastest is a rate that teaches; a tenth of where it was lowest is the usual peak of a schedule with
warm-up.  Both are starting points for a search, no results.

Sources: Smith 2017, "Cyclical Learning Rates for Training Neural Networks"; Howard and Gugger 2020, "fastai: A Layered
API for Deep Learning" (smoothing, where to stop, a tenth of the lowest).
"""

from __future__ import annotations

from typing import NamedTuple

LEAST_SHARE = 0.1  # of the steps, of which nothing is read: the first batches say more of themselves than of rates


class LrRange(NamedTuple):
    """What was seen, step by step."""

    contender: str
    rates: list[float]
    losses: list[float]  # of the batches, as they are
    smoothed: list[float]  # without the noise of batches
    blew_up: bool  # False: the loss was still small at the highest rate
    recipe_rate: float

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss was lowest."""
        return self.rates[self._last]

    @property
    def tenth(self) -> float:
        """A tenth of that, the usual peak of a schedule with warm-up."""
        return self.lowest / 10

    @property
    def steepest(self) -> float:
        """The rate before the lowest loss at which it fell fastest for a growth by the same factor."""
        places = range(self._first, max(self._first + 1, self._last))
        falls = [self.smoothed[i] - self.smoothed[min(i + 1, self._last)] for i in places]
        return self.rates[places[falls.index(max(falls))]]

    @property
    def _first(self) -> int:
        return min(int(LEAST_SHARE * len(self.rates)), len(self.rates) - 1)

    @property
    def _last(self) -> int:
        seen = self.smoothed[self._first :]
        return self._first + seen.index(min(seen))
