"""The records that travel from stage to stage and onto the disk: frozen, checked where they are made, plain JSON.

Nothing here imports torch, so that everything which only reads runs (list, show, compare, report) starts at once.
One place for each kind of setting: Rules hold what is the same for every contender, a Recipe what one may choose.
"""

from eyechart.schema.comparison import Comparison, Family, Finding, Language, Summary, Uncertainty, Verdict, VerdictKind
from eyechart.schema.data import DatasetCard, InkFacts, PictureRule, Preprocessing, SplitsCard, Task
from eyechart.schema.frozen import Count, Fraction, Frozen, NotNegative, Positive, Scalar, Setting
from eyechart.schema.jobs import Job, RunJob, TrainingJob, TrialChoice, TrialJob
from eyechart.schema.measured import (
    PROBABILITY_FLOOR,
    Clocks,
    Cost,
    DetectionScores,
    Execution,
    ExecutionMode,
    FedPixels,
    HistoryPoint,
    Host,
    PerClass,
    Plan,
    Scores,
    Segment,
    Stretch,
    Temperature,
)
from eyechart.schema.records import RUN_VERSION, SCHEMA_VERSION, Look, MachineChoice, RunRecord, StudyRecord
from eyechart.schema.rules import Augmentation, Budget, Looking, Mixing, Recipe, Rules, Tuning, WeightsOrigin
from eyechart.schema.tuning import RecipeFile, TrialRecord, TuneRecord

__all__ = [
    "PROBABILITY_FLOOR",
    "RUN_VERSION",
    "SCHEMA_VERSION",
    "Augmentation",
    "Budget",
    "Clocks",
    "Comparison",
    "Cost",
    "Count",
    "DatasetCard",
    "DetectionScores",
    "Execution",
    "ExecutionMode",
    "Family",
    "FedPixels",
    "Finding",
    "Fraction",
    "Frozen",
    "HistoryPoint",
    "Host",
    "InkFacts",
    "Job",
    "Language",
    "Look",
    "Looking",
    "MachineChoice",
    "Mixing",
    "NotNegative",
    "PerClass",
    "PictureRule",
    "Plan",
    "Positive",
    "Preprocessing",
    "Recipe",
    "RecipeFile",
    "Rules",
    "RunJob",
    "RunRecord",
    "Scalar",
    "Scores",
    "Segment",
    "Setting",
    "SplitsCard",
    "Stretch",
    "StudyRecord",
    "Summary",
    "Task",
    "Temperature",
    "TrainingJob",
    "TrialChoice",
    "TrialJob",
    "TrialRecord",
    "TuneRecord",
    "Tuning",
    "Uncertainty",
    "Verdict",
    "VerdictKind",
    "WeightsOrigin",
]
