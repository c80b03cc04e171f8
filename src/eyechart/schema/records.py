"""The records on the disk: a run, and the study that it belongs to."""

from __future__ import annotations

from typing import Literal

from eyechart.schema.data import DatasetCard, Preprocessing, SplitsCard
from eyechart.schema.frozen import Count, Frozen
from eyechart.schema.measured import Clocks, Cost, DetectionScores, HistoryPoint, Host, Plan, Scores, Temperature
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
    seed: Count
    recipe: Recipe
    rules: Rules
    plan: Plan
    dataset: DatasetCard
    splits: SplitsCard
    weights: WeightsOrigin
    preprocessing: Preprocessing
    history: tuple[HistoryPoint, ...]
    temperature: Temperature | None = None  # fitted on validation; None: an older run, whose answers were not kept
    validation: Scores
    test: Scores
    detection: DetectionScores | None = None
    clocks: Clocks
    cost: Cost
    host: Host
    test_accesses: int
    weights_sha256: str  # of the tensors, not of the file
    predictions_sha256: str  # on the test part
    items: str  # the file, beside the runs, that holds the test images and labels
    validation_items: str = ""  # the same for the validation images; empty: not kept
    command: str  # repeats this very run
    started_in: str = ""  # the folder from which relative paths of data and weights are meant; empty: not known
    started_at: str
    finished_at: str


class MachineChoice(Frozen):
    """Why a study trains where it does: settled once, before the first run, the same for every contender."""

    reason: str
    image_seconds: dict[str, dict[str, float]] = {}  # timed: "cuda bfloat16" -> contender -> to train on one image
    failures: dict[str, str] = {}  # "mps bfloat16" -> why it is out


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
