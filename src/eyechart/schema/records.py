"""The records on the disk: a run, and the study that it belongs to."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from eyechart.schema.data import DatasetCard, Preprocessing, SplitsCard, Task
from eyechart.schema.frozen import Count, Frozen
from eyechart.schema.measured import (
    Clocks,
    Cost,
    DetectionScores,
    FedPixels,
    HistoryPoint,
    Host,
    Plan,
    Scores,
    Temperature,
)
from eyechart.schema.rules import Recipe, Rules, WeightsOrigin

SCHEMA_VERSION = 1
RUN_VERSION = 2  # of run.json; versions.py says what changed


class RunRecord(Frozen):
    """`run.json`: everything about one run; its presence means that the run is finished and complete."""

    schema_version: int = RUN_VERSION
    study: str
    run: str  # the folder's name: "vit-s0"
    contender: str  # as asked for: "vgg16:hed"
    status: Literal["finished", "diverged"]
    cause: str = ""  # of having diverged; empty: it finished, or an older eyechart did not say
    seed: Count
    recipe: Recipe
    rules: Rules
    plan: Plan
    dataset: DatasetCard
    splits: SplitsCard
    weights: WeightsOrigin
    preprocessing: Preprocessing
    fed: FedPixels | None = None  # what the network was fed before the first step; None: an older run
    moved: tuple[str, ...] = ()  # frozen tensors that are not what they were before the first step
    history: tuple[HistoryPoint, ...]
    temperature: Temperature | None = None  # fitted on validation; None: an older run, whose answers were not kept
    validation: Scores | None  # of the classes that images are named; None: scenes, whose images have none of their own
    test: Scores | None
    detection: DetectionScores | None = None  # of the boxes on the test part; None: a classifier
    validation_detection: DetectionScores | None = None  # None: not measured, as on single objects
    clocks: Clocks
    cost: Cost
    host: Host
    num_processes: Annotated[int, Field(ge=1)] = 1  # that trained it together; host is that of the first
    test_accesses: int
    weights_sha256: str  # of the tensors, not of the file
    predictions_sha256: str  # on the test part
    items: str  # the file, beside the runs, that holds the test images and labels
    validation_items: str = ""  # the same for the validation images; empty: not kept
    judged_on: str = ""  # pictures made of its test part: the run was judged again; empty: the test part itself
    command: str  # repeats this very run
    started_in: str = ""  # the folder from which relative paths of data and weights are meant; empty: not known
    started_at: str
    finished_at: str

    @property
    def task(self) -> Task:
        return self.dataset.task

    @property
    def test_scores(self) -> Scores:
        """Of a run whose task is to name images."""
        assert self.test, "a run on scenes names boxes, not images"
        return self.test

    @property
    def validation_scores(self) -> Scores:
        assert self.validation, "a run on scenes names boxes, not images"
        return self.validation

    @property
    def box_scores(self) -> DetectionScores:
        """Of a run whose task is to find boxes."""
        assert self.detection, "a classifier finds no boxes"
        return self.detection

    @property
    def heat(self) -> float:
        """The temperature that answers are divided by; 1 where there is none."""
        return self.temperature.value if self.temperature else 1.0

    @property
    def images_trained_on(self) -> int:
        """Images that training has seen, repetitions included; a diverged run ended before its plan did."""
        if self.status == "diverged":
            last = max((segment.last_step for segment in self.clocks.segments), default=self.plan.num_steps)
            return last * self.plan.batch_size
        return self.plan.images_seen

    @property
    def num_judged(self) -> int:
        """Test images."""
        return self.test.num_items if self.test else self.splits.num_test

    @property
    def mark(self) -> float:
        """The primary metric of its task on the test part, 0..1: accuracy, or the boxes' mAP (NaN: none to find)."""
        return self.test.accuracy if self.test else self.box_scores.map

    @property
    def validation_mark(self) -> float:
        """The same on validation images."""
        if self.validation:
            return self.validation.accuracy
        return self.validation_detection.map if self.validation_detection else math.nan


class MachineChoice(Frozen):
    """Why a study trains where it does: settled once, before the first run, the same for every contender."""

    reason: str
    image_seconds: dict[str, dict[str, float]] = {}  # timed: "cuda bfloat16" -> contender -> to train on one image
    failures: dict[str, str] = {}  # "mps bfloat16" -> why it is out


class Look(Frozen):
    """What was seen when a study was looked at between two seeds, in its primary metric."""

    num_seeds: Count
    num_decided: Count  # pairs that are better, or equivalent
    num_open: Count  # that a further seed could decide
    num_undecidable: Count  # that no future could decide any more


class StudyRecord(Frozen):
    """`study.json`: what was planned, written before the first run starts."""

    schema_version: int = SCHEMA_VERSION
    name: str
    contenders: tuple[str, ...]
    seeds: tuple[int, ...]
    recipes: dict[str, Recipe]
    rules: Rules
    command: str
    created_at: str
    machine: MachineChoice | None = None  # None: device and precision were given, or are not settled yet
    started_in: str = ""  # as in a run
    dataset_sha256: str = ""  # of the content that every run must train on; empty: not looked at yet
    looks: tuple[Look, ...] = ()  # where the rules say that it is looked at after every seed; `seeds` grows with them
