"""Do jobs, and say how each of them ended.  Who hands them out does not know where they are done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from eyechart.base.errors import EyechartError, Interrupted, UsageError
from eyechart.launch import process
from eyechart.schema import Job

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.schema import Budget
    from eyechart.schema.contracts import Reporter


class Outcome(NamedTuple):
    """How a job ended."""

    job: Job
    error: EyechartError | None = None  # None: it is done


Doer = Callable[[Job, "Reporter"], None]  # raises an EyechartError for a job that could not be done
Launcher = Callable[[Iterable[Job], "Reporter"], Iterator[Outcome]]


def in_turn(do: Doer = process.do) -> Launcher:
    """One job after the other.  What fails is an outcome; a wish to stop, Interrupted, ends them all."""

    def launch(jobs: Iterable[Job], report: Reporter) -> Iterator[Outcome]:
        for job in jobs:
            try:
                do(job, report)
            except Interrupted:
                raise
            except EyechartError as error:
                yield Outcome(job, error)
            else:
                yield Outcome(job)

    return launch


def check_seconds(budget: Budget | None, num_at_once: int, who: str, remedy: str) -> None:
    """UsageError for equal seconds on clocks that are shared: who has the quieter neighbour would get more steps."""
    if num_at_once > 1 and budget and budget.unit == "seconds":
        raise UsageError(
            f"The budget of every run is {budget.amount:g} seconds, and {who} lets runs share the machine: "
            f"the same seconds would not be the same training. Expected a budget that no neighbour changes: "
            f"--preset standard, or --images, --epochs or --steps; or {remedy}."
        )


@contextlib.contextmanager
def saying_how_to_go_on(place: Path, more: str = "") -> Iterator[None]:
    """Whoever stops what is done inside is told what continues it."""
    try:
        yield
    except Interrupted as error:
        text = f"{error} Go on with the same command and --resume: {place}{more}"
        raise Interrupted(text, error.exit_code - 128) from None
