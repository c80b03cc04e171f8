"""What a launcher hands to a worker, perhaps in another process: a kind of job for each thing that a worker does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eyechart.schema.frozen import Count, Frozen, Setting
from eyechart.schema.measured import Plan
from eyechart.schema.records import RunRecord
from eyechart.schema.rules import Recipe, Rules


class TrainingJob(Frozen):
    """What all jobs say that train a contender with one seed."""

    study: str
    run: str  # the folder's name: "vit-s0"
    folder: str  # of the run
    contender: str
    seed: Count
    recipe: Recipe
    rules: Rules
    offline: bool = False
    started_in: str = ""  # as in a run
    dataset_sha256: str = ""  # of the content that it must train on; empty: any
    num_at_once: int = 1  # jobs that one command does at the same time on this machine, this one among them
    cores: tuple[int, ...] = ()  # the only ones that its process may use; empty: all


class RunJob(TrainingJob):
    """A run: trained, then judged on the test part."""

    kind: Literal["run"] = "run"
    plan: Plan | None = None  # of the run that is repeated; None: made from the budget
    command: str = ""


class TrialChoice(Frozen):
    """Which trial of a search a job is."""

    number: Count
    settings: dict[str, Setting]  # what it chose for the fields that are searched


class TrialJob(TrainingJob):
    """A trial of a search: trained, and scored on validation; it never opens the test part."""

    kind: Literal["trial"] = "trial"
    trial: TrialChoice


def job_again(record: RunRecord, folder: str, offline: bool) -> RunJob:
    """What trained a run, to be done again in `folder` with the same plan, on the same content."""
    return RunJob(
        study=record.study,
        run=record.run,
        folder=folder,
        contender=record.contender,
        seed=record.seed,
        recipe=record.recipe,
        rules=record.rules,
        plan=record.plan,
        offline=offline,
        command=record.command,
        started_in=record.started_in,
        dataset_sha256=record.dataset.content_sha256,
    )


Job = Annotated[RunJob | TrialJob, Field(discriminator="kind")]
