"""The records of a search for recipes: what was planned, every trial, and the file that its winner becomes."""

from __future__ import annotations

from typing import Literal

from eyechart.schema.frozen import Count, Fraction, Frozen, Positive, Setting
from eyechart.schema.records import SCHEMA_VERSION, StudyRecord
from eyechart.schema.rules import Recipe


class TuneRecord(Frozen):
    """`tune.json`: what a search does, written before the first trial, so that it knows how to go on."""

    schema_version: int = SCHEMA_VERSION
    study: StudyRecord  # contenders, their recipes as they stand, rules of every training; its seeds are the search's
    unit: Literal["trials", "seconds"]
    amount: Positive  # for each contender


class TrialRecord(Frozen):
    """`trial.json`: one training of one trial, with one search seed.  There are no test scores, here or anywhere."""

    schema_version: int = SCHEMA_VERSION
    contender: str
    number: Count  # 0: the recipe as it stands
    seed: Count
    settings: dict[str, Setting]  # of the fields that are searched
    status: Literal["finished", "diverged", "failed"]  # failed: its process ended, out of memory for example
    accuracy: Fraction  # on validation, at the last step; of one that did not finish: a guess
    loss: float  # nats; NaN where there is none
    training_seconds: float
    num_steps: Count
    test_accesses: Count  # 0
    reason: str = ""  # why it failed
    finished_at: str


class RecipeFile(Frozen):
    """A recipe as a file of its own, for `eyechart run --recipe`: what a search found, or what somebody wrote."""

    schema_version: int = SCHEMA_VERSION
    contender: str  # as the study calls it: "vgg16:hed:head"
    recipe: Recipe
