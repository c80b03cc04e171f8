"""A part of a plan's runs: what one of several commands does, which need nothing of each other but the folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from eyechart.base.errors import UsageError

if TYPE_CHECKING:
    from eyechart.schema import RunJob

Run = TypeVar("Run")


class Shard(NamedTuple):
    """Every `number`-th run, from the `place`-th on, 1 being the first: all shards together do each once."""

    place: int
    number: int
    before: int = 0  # runs of other studies that stand before these in one plan, as levels of a context do

    def __str__(self) -> str:
        return f"{self.place}/{self.number}"

    def share(self, runs: Sequence[Run], kind: Callable[[Run], str] = lambda run: "") -> list[Run]:
        """Its part of all runs of a study, in their order.

        Those of one kind, which take equally long, are dealt out in turn: no shard gets all of the slowest.
        """
        dealt = sorted(range(len(runs)), key=lambda at: kind(runs[at]))
        mine = {at for turn, at in enumerate(dealt, self.before) if turn % self.number == self.place - 1}
        return [run for at, run in enumerate(runs) if at in mine]

    def after(self, runs: Sequence[object]) -> Shard:
        """The same shard of the study that stands behind one of these runs."""
        return self._replace(before=self.before + len(runs))

    def of_jobs(self, jobs: Sequence[RunJob]) -> list[RunJob]:
        """The same of a study's jobs; those of one contender take equally long."""
        return self.share(jobs, lambda job: job.contender)


ALL = Shard(1, 1)


def shard_of(text: str | None) -> Shard | None:
    """ "2/8" as a shard; UsageError for anything else."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    place, number = map(int, found.groups()) if found else (0, 0)
    if not 1 <= place <= number:
        raise UsageError(
            f"--shard got {text!r}; expected I/N with I from 1 to N, such as 2/8: the second of eight. "
            f"Number the tasks of an array from 1 (sbatch --array=1-8)."
        )
    return Shard(place, number)
