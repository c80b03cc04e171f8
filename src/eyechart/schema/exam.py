"""What `eyechart exam` found, as it is kept: exam.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from eyechart.schema.comparison import VerdictKind
from eyechart.schema.frozen import Count, Fraction, Frozen

if TYPE_CHECKING:
    from eyechart.schema.records import RunRecord

# Beside the runs of a study: what was found, and a folder with what each run answered.
EXAM_FILE, EXAM_FOLDER = "exam.json", "exam"
FIRST_ROW = "first row"  # among the answers: the one that is left as it is, the same in all dimensions

Unit = Literal["side", "share", "degrees", "widths"]  # of the image's side | of 1 | | of the image's width
Beyond = Literal["", "last row", "first row"]


class Row(Frozen):
    """A row of the chart."""

    level: float  # in the dimension's unit
    hardness: float | None  # grows from row to row in equal steps; None: the row that is left as it is


class ExamDimension(Frozen):
    """One way in which reading got harder."""

    name: str  # "size", "contrast", ...
    unit: Unit
    is_log: bool  # steps are equal in the logarithm of the level
    rows: tuple[Row, ...]


class Reading(Frozen):
    """How far one contender could read in one dimension."""

    contender: str
    dimension: str
    seeds: tuple[int, ...]
    shares: tuple[Fraction, ...]  # read right, row by row; the mean over seeds
    threshold: float  # hardness half-way between guessing and its best: the acuity
    low: float  # 95 %: items drawn anew with all their rows, and seeds where there are several
    high: float
    acuity: float  # the same as a level
    acuity_low: float  # of `low` and `high`, in their order: `acuity_low` is the easier level
    acuity_high: float
    level_75: float | None  # at which three of four are read right; None: never
    lapse: Fraction  # wrong although nothing is distorted, by the fit
    width: float
    fit_p: Fraction  # how often such a curve would lie as far from its rows; small: it does not fit
    beyond: Beyond = ""  # the threshold lies outside of the rows: it read them all, or none


class ExamVerdict(Frozen):
    """One pair in one dimension: who reads further, by how much, how sure."""

    dimension: str
    first: str  # the one with the higher threshold
    second: str
    kind: VerdictKind
    scope: Literal["architectures", "these runs"]
    num_seeds: Count  # that both have
    difference: float  # of thresholds, in hardness
    low: float
    high: float
    p_value: Fraction
    holm_p: Fraction  # among the pairs of a dimension


class ExamAgreement(Frozen):
    """How far the errors of two contenders fall on the same images, within rows (Geirhos et al. 2020)."""

    first: str
    second: str
    num_rows: Count  # of all dimensions, in which both have errors and right answers enough to compare
    kappa: float | None  # Cohen's, mean over these rows; None: there is no such row
    low: float | None  # 95 %, of images drawn anew with all their rows: about these runs
    high: float | None


class ExamRecord(Frozen):
    """What a study's contenders read."""

    schema_version: int = 1
    dataset: str  # title
    items: str  # file of the study that the images are of
    chosen: tuple[Count, ...]  # their numbers there
    num_classes: Count
    height: Count  # of an image, in pixels
    contenders: tuple[str, ...]  # in the order of the study's tables
    dimensions: tuple[ExamDimension, ...]
    readings: tuple[Reading, ...]
    verdicts: tuple[ExamVerdict, ...]
    agreements: tuple[ExamAgreement, ...] = ()  # of every two; empty in records of before
    left_out: tuple[str, ...] = ()  # runs that were not examined: diverged
    weights: dict[str, str] = {}  # sha256 of those that were examined, by run; empty in records of before

    def is_of(self, run: RunRecord) -> bool:
        """Whether these weights were examined, and none that were trained since; older records do not know."""
        return not self.weights or self.weights.get(run.run) == run.weights_sha256

    def reading(self, contender: str, dimension: str) -> Reading:
        (found,) = (each for each in self.readings if (each.contender, each.dimension) == (contender, dimension))
        return found
